// SPDX-License-Identifier: Apache-2.0
// Communication between ranks. Only this room includes mpi.h. All functions are collective: every rank calls the same one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "talweg/meter.hpp"

namespace talweg::comm {

/// What a rank is doing when it does not wait for others.
enum class Activity : std::uint32_t { starting, reading, computing, evaluating, updating, saving, disk };

struct Presence;  // comm/presence.hpp

/// Where this rank stands among the machines. Ranks of one node see each other's memory.
struct Node {
  int index = 0;  // of this node; rank 0 is on node 0
  int nodes = 1;
  int place = 0;   // of this rank on its node; rank 0 has place 0
  int places = 1;  // ranks on this node
  int slices = 1;  // places that every node has
};

/// The ranks that a sum is over: all, those of this node, or those with the same place as this rank on each node (place <
/// slices).
enum class Group : std::uint8_t { all, node, across };

/// Memory of one node: a part for each of its ranks, which all of them can read and write. Initially zero; parts start on a
/// page.
class SharedMemory {
 public:
  virtual ~SharedMemory() = default;
  [[nodiscard]] virtual std::span<std::byte> part(int place) const = 0;
  /// Returns the whole pages among these `bytes` of a part to the system, for all ranks: they take no memory and are zero.
  virtual void forget(int place, std::size_t first, std::size_t bytes) = 0;
};

class Communicator {
 public:
  Communicator();
  virtual ~Communicator();
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;
  [[nodiscard]] virtual Node node() const = 0;
  /// From the group's rank `root` to its other ranks.
  virtual void broadcast(std::span<std::byte> bytes, int root = 0, Group group = Group::all) = 0;
  /// Element-wise over the group, in place, result on all its ranks. The doubles are exact sums or have one contributor per
  /// element, so their order does not matter. Afterwards every rank of the group sees what the others had written to shared
  /// memory before.
  virtual void sum(std::span<double> values, Group group = Group::all) = 0;
  virtual void sum(std::span<float> values, Group group = Group::all) = 0;
  virtual void sum(std::span<std::int64_t> values) = 0;
  virtual void max(std::span<std::uint32_t> values) = 0;
  /// Among the ranks with this place (place < slices), `pieces` cutting `values` into as many elements for each node: the sums
  /// of piece j reach node j, in place. What the other pieces hold afterwards is unspecified.
  virtual void reduce_scatter(std::span<double> values, std::span<const std::size_t> pieces) = 0;
  virtual void reduce_scatter(std::span<float> values, std::span<const std::size_t> pieces) = 0;
  /// The reverse: piece j of node j reaches all other nodes. At most 2^31 - 1 elements.
  virtual void allgather(std::span<double> values, std::span<const std::size_t> pieces) = 0;
  virtual void allgather(std::span<float> values, std::span<const std::size_t> pieces) = 0;
  /// From node `from` to node `to`, between the ranks with this place; the others have nothing to do.
  virtual void send(std::span<std::byte> bytes, int from, int to) = 0;
  /// Collective over the node: `bytes` for this rank's part. Error(internal) on all its ranks when the system gives them none.
  [[nodiscard]] virtual std::unique_ptr<SharedMemory> share(std::size_t bytes) = 0;
  /// Ends all ranks at once with this exit code, for a failure that the others cannot be told of in a better way.
  [[noreturn]] virtual void abort(int code) = 0;
  /// When ranks wait and none makes progress for so many seconds, all ranks end with ExitCode::peer_lost; 0: never.
  virtual void deadline(double /*seconds*/) {}
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }

  // What this rank shows to the ranks that may wait for it. Each call is a plain store.
  void set_activity(Activity activity);
  void at_step(std::int64_t step);
  /// Counts a piece of work that is done. Any thread may call it.
  void worked();
  /// The current request may take so long, even if the deadline is shorter.
  void allow(double seconds);

  [[nodiscard]] bool coordinator() const { return rank() == 0; }
  template <class T>
  void broadcast_values(std::span<T> values, int root = 0, Group group = Group::all) {
    broadcast(std::as_writable_bytes(values), root, group);
  }
  /// `text` or `bytes` of `root` on every rank.
  std::string broadcast_text(std::string text, int root = 0);
  std::vector<std::byte> broadcast_bytes(std::vector<std::byte> bytes, int root = 0);

 protected:
  void count(std::size_t bytes) {
    ++traffic_.messages;
    traffic_.bytes += bytes;
  }

  /// Shown to others from now on.
  void show(Presence& presence) { presence_ = &presence; }
  [[nodiscard]] Presence& presence() { return *presence_; }

 private:
  Traffic traffic_;
  std::unique_ptr<Presence> unseen_;
  Presence* presence_;
};

/// One rank, no MPI.
std::unique_ptr<Communicator> alone();

/// This process's rank under mpirun or srun, found without MPI_Init; nothing when it runs alone.
std::optional<int> launched_rank();

/// MPI for the life of the object: initialises it unless the caller already has, and finalises what it initialised.
class Mpi {
 public:
  /// If this object initialises MPI, `patience` is how long this rank waits for the others to start, and to end, before the
  /// process ends with 69 (0: for ever). In between run.deadline applies.
  explicit Mpi(double patience = 60);
  ~Mpi();
  Mpi(const Mpi&) = delete;
  Mpi& operator=(const Mpi&) = delete;
  /// All ranks. `ranks_per_node` > 0 treats so many ranks at a time as one node, whatever machine they are on, to try several
  /// nodes on one machine.
  [[nodiscard]] std::unique_ptr<Communicator> world(int ranks_per_node = 0) const;
  static std::string version();

 private:
  double patience_;
  bool ours_ = false;
};

}  // namespace talweg::comm
