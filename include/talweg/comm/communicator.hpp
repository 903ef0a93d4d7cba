// SPDX-License-Identifier: Apache-2.0
// What the ranks say to each other. The only room that sees mpi.h. All verbs are collective: every rank calls the same one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace talweg::comm {

/// Messages and bytes this rank handed to collectives.
struct Traffic {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};

class Communicator {
 public:
  virtual ~Communicator() = default;
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;
  /// From rank 0 to all.
  virtual void broadcast(std::span<std::byte> bytes, int root = 0) = 0;
  /// Element-wise over ranks, in place, result on all ranks. The doubles are exact sums, so their order does not matter.
  virtual void sum(std::span<double> values) = 0;
  virtual void sum(std::span<float> values) = 0;
  virtual void sum(std::span<std::int64_t> values) = 0;
  virtual void max(std::span<std::uint32_t> values) = 0;
  /// Ends all ranks at once with this exit code: for a failure the others cannot learn of in any better way.
  [[noreturn]] virtual void abort(int code) = 0;
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }

  [[nodiscard]] bool coordinator() const { return rank() == 0; }
  template <class T>
  void broadcast_values(std::span<T> values, int root = 0) {
    broadcast(std::as_writable_bytes(values), root);
  }
  /// `text` or `bytes` of `root` on every rank.
  std::string broadcast_text(std::string text, int root = 0);
  std::vector<std::byte> broadcast_bytes(std::vector<std::byte> bytes, int root = 0);

 protected:
  void count(std::size_t bytes) {
    ++traffic_.messages;
    traffic_.bytes += bytes;
  }

 private:
  Traffic traffic_;
};

/// One rank, no MPI.
std::unique_ptr<Communicator> alone();

/// This process's rank under mpirun or srun, found without MPI_Init; nothing when it runs alone.
std::optional<int> launched_rank();

/// MPI for the life of the object: initialises it unless the caller already has, and finalises what it initialised.
class Mpi {
 public:
  Mpi();
  ~Mpi();
  Mpi(const Mpi&) = delete;
  Mpi& operator=(const Mpi&) = delete;
  [[nodiscard]] std::unique_ptr<Communicator> world() const;
  static std::string version();

 private:
  bool ours_ = false;
};

}  // namespace talweg::comm
