// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <mpi.h>
#include <unistd.h>

#include <array>
#include <map>

#include "comm/line.hpp"

namespace talweg::comm {
namespace {

constexpr int kWords = 1;  // tag

class MpiLine final : public Line {
 public:
  MpiLine(MPI_Comm all, const Node& node) {
    MPI_Comm_dup(all, &comm_);  // its words never meet the run's
    int size = 0, rank = 0;
    MPI_Comm_size(comm_, &size);
    MPI_Comm_rank(comm_, &rank);
    struct Place {
      int node;
      std::array<char, 64> host;
    };
    std::vector<Place> places(static_cast<std::size_t>(size));
    Place& mine = places[static_cast<std::size_t>(rank)];
    mine.node = node.index;
    gethostname(mine.host.data(), mine.host.size() - 1);
    MPI_Allgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, places.data(), sizeof(Place), MPI_BYTE, comm_);
    names_.resize(static_cast<std::size_t>(node.nodes));
    for (std::size_t r = 0; r < places.size(); ++r) {
      std::string& name = names_.at(static_cast<std::size_t>(places[r].node));
      name = name.empty() ? fmt::format("host {}, with rank {}", places[r].host.data(), r) : name + fmt::format(", {}", r);
    }
  }
  ~MpiLine() override {
    for (auto& [rank, out] : outgoing_) {
      int left = 1;
      if (out->request != MPI_REQUEST_NULL) MPI_Test(&out->request, &left, MPI_STATUS_IGNORE);
      if (left == 0) static_cast<void>(out.release());  // MPI may still read it
    }
  }
  MpiLine(const MpiLine&) = delete;
  MpiLine& operator=(const MpiLine&) = delete;

  void tell(int rank, const Word& word) override {
    std::unique_ptr<Outgoing>& place = outgoing_[rank];
    if (place == nullptr) place = std::make_unique<Outgoing>();
    Outgoing& out = *place;
    int left = 1;
    if (out.request != MPI_REQUEST_NULL) MPI_Test(&out.request, &left, MPI_STATUS_IGNORE);
    if (left == 0) return;
    out.word = word;
    MPI_Isend(&out.word, sizeof(Word), MPI_BYTE, rank, kWords, comm_, &out.request);
  }
  std::optional<std::pair<int, Word>> hear() override {
    int there = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, kWords, comm_, &there, &status);
    if (there == 0) return std::nullopt;
    Word word;
    MPI_Recv(&word, sizeof(Word), MPI_BYTE, status.MPI_SOURCE, kWords, comm_, MPI_STATUS_IGNORE);
    return std::pair(status.MPI_SOURCE, word);
  }
  [[nodiscard]] std::string name_of(int node) const override { return names_.at(static_cast<std::size_t>(node)); }

 private:
  struct Outgoing {
    Word word;
    MPI_Request request = MPI_REQUEST_NULL;
  };
  MPI_Comm comm_ = MPI_COMM_NULL;  // never freed: words may still be under way; MPI_Finalize does it
  std::map<int, std::unique_ptr<Outgoing>> outgoing_;
  std::vector<std::string> names_;  // by node
};

}  // namespace

std::unique_ptr<Line> mpi_line(const void* all_ranks, const Node& node) {
  int level = MPI_THREAD_SINGLE;
  MPI_Query_thread(&level);
  MPI_Comm all = *static_cast<const MPI_Comm*>(all_ranks);
  MPI_Allreduce(MPI_IN_PLACE, &level, 1, MPI_INT, MPI_MIN, all);
  if (level < MPI_THREAD_MULTIPLE || node.nodes == 1) return nullptr;
  return std::make_unique<MpiLine>(all, node);
}

}  // namespace talweg::comm
