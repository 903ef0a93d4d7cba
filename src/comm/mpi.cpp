// SPDX-License-Identifier: Apache-2.0
// Open MPI's default error handler aborts the job on any MPI error, so return codes need no test here.
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "comm/agree.hpp"
#include "comm/launcher.hpp"
#include "comm/mapping.hpp"
#include "comm/patience.hpp"
#include "comm/watchdog.hpp"
#include "talweg/communicator.hpp"
#include "talweg/error.hpp"
#include "talweg/log.hpp"

namespace talweg::comm {
namespace {

// A whole large vector in one reduction takes several times as long as in pieces of about this size. An allgather does not.
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
constexpr std::chrono::seconds kAbort{5};
constexpr std::chrono::seconds kLauncher{10};  // mpirun needs two when all hosts answer

/// One part per rank of the node; every rank maps all of them.
class NodeMemory final : public SharedMemory {
 public:
  NodeMemory(MPI_Comm node, const Node& where, std::size_t bytes) {
    constexpr int kHere = sizeof(MappingName);
    std::vector<MappingName> names(static_cast<std::size_t>(where.places));
    Failure failure;
    std::optional<Mapping> mine;
    try {
      mine.emplace(bytes);
      names[static_cast<std::size_t>(where.place)] = mine->name();
    } catch (...) {
      failure = current_failure();
    }
    MPI_Allgather(MPI_IN_PLACE, kHere, MPI_BYTE, names.data(), kHere, MPI_BYTE, node);
    try {
      parts_.reserve(names.size());
      for (int place = 0; place < where.places && !failure.failed(); ++place) {
        if (place == where.place) {
          parts_.push_back(std::move(*mine));
        } else {
          parts_.emplace_back(names[static_cast<std::size_t>(place)]);
        }
      }
    } catch (...) {
      failure = current_failure();
    }
    int failed = failure.failed() ? 1 : 0;
    MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, node);  // and waits until all have mapped every part
    for (Mapping& part : parts_) part.close_file();
    if (failed != 0) {
      throw base::Error(base::ExitCode::internal,
                        failure.failed() ? failure.message : "another rank of this node has no shared memory");
    }
  }
  [[nodiscard]] std::span<std::byte> part(int place) const override {
    return parts_.at(static_cast<std::size_t>(place)).bytes();
  }
  void forget(int place, std::size_t first, std::size_t bytes) override {
    parts_.at(static_cast<std::size_t>(place)).forget(first, bytes);
  }

 private:
  std::vector<Mapping> parts_;
};

class World final : public Communicator {
 public:
  explicit World(int ranks_per_node) {
    MPI_Comm_dup(MPI_COMM_WORLD, &comm_);  // keeps our messages apart from those of an embedding program
    MPI_Comm_rank(comm_, &rank_);
    MPI_Comm_size(comm_, &size_);
    find_node(ranks_per_node);
    if (!memory_is_shared()) {  // for example ranks in separate containers: then each counts as a node
      if (across_ != MPI_COMM_NULL) MPI_Comm_free(&across_);
      MPI_Comm_free(&node_comm_);
      find_node(1);
    }
    watch_over();
  }
  ~World() override {
    watchdog_.reset();
    int finalized = 0;
    MPI_Finalized(&finalized);
    if (finalized != 0) return;
    if (across_ != MPI_COMM_NULL) MPI_Comm_free(&across_);
    MPI_Comm_free(&node_comm_);
    MPI_Comm_free(&comm_);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }
  void broadcast(std::span<std::byte> bytes, int root, Group group) override {
    if (size_ == 1) return;
    for (std::size_t at = 0; at < bytes.size(); at += kPieceBytes) {
      const std::size_t n = std::min(kPieceBytes, bytes.size() - at);
      count(n);
      const Waiting waiting(presence());
      MPI_Bcast(bytes.data() + at, static_cast<int>(n), MPI_BYTE, root, of(group));
    }
  }
  [[nodiscard]] Node node() const override { return node_; }
  void sum(std::span<double> values, Group group) override { reduce(values, MPI_DOUBLE, MPI_SUM, group); }
  void sum(std::span<float> values, Group group) override { reduce(values, MPI_FLOAT, MPI_SUM, group); }
  void sum(std::span<std::int64_t> values) override { reduce(values, MPI_INT64_T, MPI_SUM); }
  void max(std::span<std::uint32_t> values) override { reduce(values, MPI_UINT32_T, MPI_MAX); }
  void reduce_scatter(std::span<double> values, std::span<const std::size_t> pieces) override {
    scatter_sums(values, pieces, MPI_DOUBLE);
  }
  void reduce_scatter(std::span<float> values, std::span<const std::size_t> pieces) override {
    scatter_sums(values, pieces, MPI_FLOAT);
  }
  void allgather(std::span<double> values, std::span<const std::size_t> pieces) override { gather(values, pieces, MPI_DOUBLE); }
  void allgather(std::span<float> values, std::span<const std::size_t> pieces) override { gather(values, pieces, MPI_FLOAT); }
  void send(std::span<std::byte> bytes, int from, int to) override {
    if (node_.index != from && node_.index != to) return;
    for (std::size_t at = 0; at < bytes.size(); at += kPieceBytes) {
      const auto n = static_cast<int>(std::min(kPieceBytes, bytes.size() - at));
      count(static_cast<std::size_t>(n));
      const Waiting waiting(presence());
      if (node_.index == from) {
        MPI_Send(bytes.data() + at, n, MPI_BYTE, to, 0, across_);
      } else {
        MPI_Recv(bytes.data() + at, n, MPI_BYTE, from, 0, across_, MPI_STATUS_IGNORE);
      }
    }
  }
  [[nodiscard]] std::unique_ptr<SharedMemory> share(std::size_t bytes) override {
    const Waiting waiting(presence());
    return std::make_unique<NodeMemory>(node_comm_, node_, bytes);
  }
  [[noreturn]] void abort(int code) override {
    std::thread([code] {  // in case MPI_Abort itself hangs
      std::this_thread::sleep_for(kAbort);
      std::_Exit(code);
    })
        .detach();
    if (node_.nodes > 1) end_launcher_after(kLauncher);
    MPI_Abort(comm_, code);
    std::_Exit(code);
  }
  void deadline(double seconds) override { watchdog_->deadline(seconds); }

 private:
  void watch_over() {
    board_ = std::make_unique<NodeMemory>(node_comm_, node_, sizeof(Presence));
    std::vector<Presence*> all;
    for (int place = 0; place < node_.places; ++place) {
      auto* const at = reinterpret_cast<Presence*>(board_->part(place).data());
      all.push_back(place == node_.place ? new (at) Presence : at);
    }
    Presence& mine = *all[static_cast<std::size_t>(node_.place)];
    mine.rank = rank_;
    mine.process = getpid();
    gethostname(mine.host.data(), mine.host.size() - 1);
    show(mine);
    MPI_Barrier(node_comm_);  // waits until all ranks of the node are here
    watchdog_.emplace(
        std::move(all), node_, launched_rank().has_value(), mpi_report_channel(&comm_, node_),
        [this](const std::string& why) { abort_job(*this, {.code = base::ExitCode::peer_lost, .message = why}); });
  }
  void find_node(int ranks_per_node) {
    MPI_Comm machine = MPI_COMM_NULL;
    MPI_Comm_split_type(comm_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &machine);
    int place = 0;
    MPI_Comm_rank(machine, &place);
    MPI_Comm_split(machine, ranks_per_node > 0 ? place / ranks_per_node : 0, rank_, &node_comm_);
    MPI_Comm_free(&machine);
    MPI_Comm_rank(node_comm_, &node_.place);
    MPI_Comm_size(node_comm_, &node_.places);
    MPI_Allreduce(&node_.places, &node_.slices, 1, MPI_INT, MPI_MIN, comm_);
    MPI_Comm first_ranks = MPI_COMM_NULL;
    MPI_Comm_split(comm_, node_.place == 0 ? 0 : MPI_UNDEFINED, rank_, &first_ranks);
    std::array<int, 2> found = {0, 1};
    if (node_.place == 0) {
      MPI_Comm_rank(first_ranks, &found[0]);
      MPI_Comm_size(first_ranks, &found[1]);
      MPI_Comm_free(&first_ranks);
    }
    MPI_Bcast(found.data(), 2, MPI_INT, 0, node_comm_);
    node_.index = found[0];
    node_.nodes = found[1];
    // Sorted by node, whatever numbers the launcher gave the ranks.
    MPI_Comm_split(comm_, node_.place < node_.slices ? node_.place : MPI_UNDEFINED, node_.index, &across_);
  }
  bool memory_is_shared() {
    int shared = 1;
    try {
      const NodeMemory trial(node_comm_, node_, 1);
    } catch (const base::Error&) {
      shared = 0;
    }
    MPI_Allreduce(MPI_IN_PLACE, &shared, 1, MPI_INT, MPI_MIN, comm_);
    return shared != 0;
  }
  [[nodiscard]] MPI_Comm of(Group group) const {
    return group == Group::all ? comm_ : group == Group::node ? node_comm_ : across_;
  }
  template <class T>
  void reduce(std::span<T> values, MPI_Datatype type, MPI_Op op, Group group = Group::all) {
    MPI_Comm comm = of(group);
    constexpr std::size_t piece = kPieceBytes / sizeof(T);
    for (std::size_t at = 0; at < values.size(); at += piece) {
      const std::size_t n = std::min(piece, values.size() - at);
      count(n * sizeof(T));
      const Waiting waiting(presence());
      MPI_Allreduce(MPI_IN_PLACE, values.data() + at, static_cast<int>(n), type, op, comm);
    }
  }
  /// Takes a part of every node's piece at a time, so that one call sums about kPieceBytes.
  template <class T>
  void scatter_sums(std::span<T> values, std::span<const std::size_t> pieces, MPI_Datatype type) {
    const std::size_t most = std::max<std::size_t>(1, kPieceBytes / sizeof(T) / pieces.size());
    const std::size_t largest = std::ranges::max(pieces);
    std::vector<int> counts(pieces.size());
    packed_.resize(std::min(most, largest) * pieces.size() * sizeof(T));
    T* const packed = reinterpret_cast<T*>(packed_.data());
    for (std::size_t at = 0; at < largest; at += most) {
      std::size_t first = 0;  // of node j's piece
      T* end = packed;
      std::span<T> mine;
      for (std::size_t j = 0; j < pieces.size(); ++j) {
        const std::size_t done = std::min(at, pieces[j]);
        const auto now = values.subspan(first + done, std::min(most, pieces[j] - done));
        end = std::ranges::copy(now, end).out;
        counts[j] = static_cast<int>(now.size());
        if (static_cast<int>(j) == node_.index) mine = now;
        first += pieces[j];
      }
      count(static_cast<std::size_t>(end - packed) * sizeof(T));
      const Waiting waiting(presence());
      MPI_Reduce_scatter(packed, mine.data(), counts.data(), type, MPI_SUM, across_);
    }
  }
  template <class T>
  void gather(std::span<T> values, std::span<const std::size_t> pieces, MPI_Datatype type) {
    std::vector<int> counts(pieces.begin(), pieces.end());
    std::vector<int> first(pieces.size());
    std::exclusive_scan(counts.begin(), counts.end(), first.begin(), 0);
    count(values.size_bytes());
    const Waiting waiting(presence());
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, values.data(), counts.data(), first.data(), type, across_);
  }
  MPI_Comm comm_ = MPI_COMM_NULL;
  MPI_Comm node_comm_ = MPI_COMM_NULL;
  MPI_Comm across_ = MPI_COMM_NULL;  // the ranks with the same place on each node; null if some node has no such place
  Node node_;
  int rank_ = 0;
  int size_ = 1;
  std::vector<std::byte> packed_;      // the buffer of a reduce_scatter
  std::unique_ptr<NodeMemory> board_;  // the Presence of every rank of the node
  std::optional<Watchdog> watchdog_;
};

}  // namespace

namespace {

constexpr const char* kStart = "all ranks to start";

bool on_one_machine() {
  const char* here = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
  const char* all = std::getenv("OMPI_COMM_WORLD_SIZE");
  return here != nullptr && all != nullptr && std::string_view(here) == all;
}

}  // namespace

Mpi::Mpi(double patience) : patience_(patience) {
  int initialised = 0;
  MPI_Initialized(&initialised);
  if (initialised != 0) return;
  // Open MPI searches for fast networks for a fifth of a second at every start. Ranks of one machine need none, so the search
  // is turned off unless the user has chosen.
  if (on_one_machine()) setenv("OMPI_MCA_pml", "ob1", 0);
  // Watchdogs of several machines send messages while the main thread waits, which needs MPI_THREAD_MULTIPLE. On one machine
  // they need no MPI, and MPI is faster without it.
  const int wanted = on_one_machine() ? MPI_THREAD_FUNNELED : MPI_THREAD_MULTIPLE;
  int provided = 0;
  const Patience starting(patience_, kStart);
  if (MPI_Init_thread(nullptr, nullptr, wanted, &provided) != MPI_SUCCESS || provided < MPI_THREAD_FUNNELED) {
    base::fail(base::ExitCode::internal, "MPI does not give the thread level MPI_THREAD_FUNNELED");
  }
  if (provided < wanted && launched_rank() == 0) {
    base::say(stderr,
              "MPI gives no MPI_THREAD_MULTIPLE: ranks of other machines that hang are noticed by their own machine alone\n");
  }
  ours_ = true;
}

Mpi::~Mpi() {
  if (!ours_) return;
  const Patience ending(patience_, "all ranks to end");
  MPI_Finalize();
}

std::unique_ptr<Communicator> Mpi::world(int ranks_per_node) const {
  const Patience starting(ours_ ? patience_ : 0, kStart);
  try {
    return std::make_unique<World>(ranks_per_node);
  } catch (...) {
    int ranks = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (ranks == 1) throw;
    const Failure mine = current_failure();  // the others are in a collective, and cannot be told yet
    base::say(stderr, fmt::format("{}\n", mine.message));
    MPI_Abort(MPI_COMM_WORLD, static_cast<int>(mine.code));
    std::abort();
  }
}

std::string Mpi::version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  const std::string all(text.data(), static_cast<std::size_t>(length));
  return all.substr(0, all.find(','));
}

}  // namespace talweg::comm
