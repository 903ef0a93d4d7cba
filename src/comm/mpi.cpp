// SPDX-License-Identifier: Apache-2.0
// Open MPI's default error handler aborts the job on any MPI error, so return codes need no test here.
#include <mpi.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "talweg/base/error.hpp"
#include "talweg/comm/communicator.hpp"

namespace talweg::comm {
namespace {

// A whole large vector in one allreduce takes three times as long as in pieces of about this size.
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

class World final : public Communicator {
 public:
  World() {
    MPI_Comm_dup(MPI_COMM_WORLD, &comm_);  // our traffic never meets an embedding program's
    MPI_Comm_rank(comm_, &rank_);
    MPI_Comm_size(comm_, &size_);
  }
  ~World() override {
    int finalized = 0;
    MPI_Finalized(&finalized);
    if (finalized == 0) MPI_Comm_free(&comm_);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }
  void broadcast(std::span<std::byte> bytes, int root) override {
    for (std::size_t at = 0; at < bytes.size(); at += kPieceBytes) {
      const std::size_t n = std::min(kPieceBytes, bytes.size() - at);
      count(n);
      MPI_Bcast(bytes.data() + at, static_cast<int>(n), MPI_BYTE, root, comm_);
    }
  }
  void sum(std::span<double> values) override { reduce(values, MPI_DOUBLE, MPI_SUM); }
  void sum(std::span<float> values) override { reduce(values, MPI_FLOAT, MPI_SUM); }
  void sum(std::span<std::int64_t> values) override { reduce(values, MPI_INT64_T, MPI_SUM); }
  void max(std::span<std::uint32_t> values) override { reduce(values, MPI_UINT32_T, MPI_MAX); }
  [[noreturn]] void abort(int code) override {
    MPI_Abort(comm_, code);
    std::_Exit(code);
  }

 private:
  template <class T>
  void reduce(std::span<T> values, MPI_Datatype type, MPI_Op op) {
    constexpr std::size_t piece = kPieceBytes / sizeof(T);
    for (std::size_t at = 0; at < values.size(); at += piece) {
      const std::size_t n = std::min(piece, values.size() - at);
      count(n * sizeof(T));
      MPI_Allreduce(MPI_IN_PLACE, values.data() + at, static_cast<int>(n), type, op, comm_);
    }
  }
  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace

Mpi::Mpi() {
  int initialised = 0;
  MPI_Initialized(&initialised);
  if (initialised != 0) return;
  int provided = 0;
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS || provided < MPI_THREAD_FUNNELED) {
    base::fail(base::ExitCode::internal, "MPI does not give the thread level MPI_THREAD_FUNNELED");
  }
  ours_ = true;
}

Mpi::~Mpi() {
  if (ours_) MPI_Finalize();
}

std::unique_ptr<Communicator> Mpi::world() const { return std::make_unique<World>(); }

std::string Mpi::version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  const std::string all(text.data(), static_cast<std::size_t>(length));
  return all.substr(0, all.find(','));
}

}  // namespace talweg::comm
