// SPDX-License-Identifier: Apache-2.0
#include "talweg/communicator.hpp"

#include <cstdlib>

#include "base/pages.hpp"
#include "comm/agree.hpp"
#include "comm/presence.hpp"

namespace talweg::comm {
namespace {

/// Memory of this process alone.
class OwnMemory final : public SharedMemory {
 public:
  explicit OwnMemory(std::size_t bytes) : pages_(bytes) {}
  [[nodiscard]] std::span<std::byte> part(int) const override { return pages_.bytes(); }
  void forget(int, std::size_t first, std::size_t bytes) override { pages_.forget(first, bytes); }

 private:
  base::Pages pages_;
};

class Alone final : public Communicator {
 public:
  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int size() const override { return 1; }
  [[nodiscard]] Node node() const override { return {}; }
  void broadcast(std::span<std::byte>, int, Group) override {}
  void sum(std::span<double>, Group) override {}
  void sum(std::span<float>, Group) override {}
  void sum(std::span<std::int64_t>) override {}
  void max(std::span<std::uint32_t>) override {}
  void reduce_scatter(std::span<double>, std::span<const std::size_t>) override {}
  void reduce_scatter(std::span<float>, std::span<const std::size_t>) override {}
  void allgather(std::span<double>, std::span<const std::size_t>) override {}
  void allgather(std::span<float>, std::span<const std::size_t>) override {}
  void send(std::span<std::byte>, int, int) override {}
  [[nodiscard]] std::unique_ptr<SharedMemory> share(std::size_t bytes) override { return std::make_unique<OwnMemory>(bytes); }
  [[noreturn]] void abort(int code) override { std::_Exit(code); }
};

}  // namespace

namespace {

template <class Sequence>
Sequence broadcast_sequence(Communicator& comm, Sequence sequence, int root) {
  std::uint64_t length = sequence.size();
  comm.broadcast_values(std::span(&length, 1), root);
  try {
    sequence.resize(length);
  } catch (...) {
    abort_job(comm, current_failure());  // the others already wait in the next broadcast
  }
  comm.broadcast_values(std::span(sequence), root);
  return sequence;
}

}  // namespace

Communicator::Communicator() : unseen_(std::make_unique<Presence>()), presence_(unseen_.get()) {}
Communicator::~Communicator() = default;

void Communicator::set_activity(Activity activity) {
  presence_->activity.store(static_cast<std::uint32_t>(activity), std::memory_order_relaxed);
}
void Communicator::at_step(std::int64_t step) { presence_->step.store(step, std::memory_order_relaxed); }
void Communicator::worked() { presence_->work.fetch_add(1, std::memory_order_relaxed); }
void Communicator::allow(double seconds) { presence_->allowed.store(seconds, std::memory_order_relaxed); }

std::string Communicator::broadcast_text(std::string text, int root) {
  return broadcast_sequence(*this, std::move(text), root);
}

std::vector<std::byte> Communicator::broadcast_bytes(std::vector<std::byte> bytes, int root) {
  return broadcast_sequence(*this, std::move(bytes), root);
}

std::unique_ptr<Communicator> alone() { return std::make_unique<Alone>(); }

std::optional<int> launched_rank() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"}) {
    if (const char* value = std::getenv(name); value != nullptr) return std::atoi(value);
  }
  return {};
}

}  // namespace talweg::comm
