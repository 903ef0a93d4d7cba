// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <mpi.h>
#include <unistd.h>

#include <array>
#include <map>

#include "comm/report_channel.hpp"

namespace talweg::comm {
namespace {

constexpr int kReportTag = 1;  // tag

class MpiReportChannel final : public ReportChannel {
 public:
  MpiReportChannel(MPI_Comm all, const Node& node) {
    MPI_Comm_dup(all, &comm_);  // keeps these messages apart from the run's
    int size = 0, rank = 0;
    MPI_Comm_size(comm_, &size);
    MPI_Comm_rank(comm_, &rank);
    struct RankHost {
      int node;
      std::array<char, 64> host;
    };
    std::vector<RankHost> hosts(static_cast<std::size_t>(size));
    RankHost& mine = hosts[static_cast<std::size_t>(rank)];
    mine.node = node.index;
    gethostname(mine.host.data(), mine.host.size() - 1);
    MPI_Allgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, hosts.data(), sizeof(RankHost), MPI_BYTE, comm_);
    names_.resize(static_cast<std::size_t>(node.nodes));
    for (std::size_t r = 0; r < hosts.size(); ++r) {
      std::string& name = names_.at(static_cast<std::size_t>(hosts[r].node));
      name = name.empty() ? fmt::format("host {}, with rank {}", hosts[r].host.data(), r) : name + fmt::format(", {}", r);
    }
  }
  ~MpiReportChannel() override {
    for (auto& [rank, out] : outgoing_) {
      int left = 1;
      if (out->request != MPI_REQUEST_NULL) MPI_Test(&out->request, &left, MPI_STATUS_IGNORE);
      if (left == 0) static_cast<void>(out.release());  // MPI may still read it
    }
  }
  MpiReportChannel(const MpiReportChannel&) = delete;
  MpiReportChannel& operator=(const MpiReportChannel&) = delete;

  void send(int rank, const NodeReport& report) override {
    std::unique_ptr<Outgoing>& slot = outgoing_[rank];
    if (slot == nullptr) slot = std::make_unique<Outgoing>();
    Outgoing& out = *slot;
    int left = 1;
    if (out.request != MPI_REQUEST_NULL) MPI_Test(&out.request, &left, MPI_STATUS_IGNORE);
    if (left == 0) return;
    out.report = report;
    MPI_Isend(&out.report, sizeof(NodeReport), MPI_BYTE, rank, kReportTag, comm_, &out.request);
  }
  std::optional<std::pair<int, NodeReport>> receive() override {
    int there = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, kReportTag, comm_, &there, &status);
    if (there == 0) return std::nullopt;
    NodeReport report;
    MPI_Recv(&report, sizeof(NodeReport), MPI_BYTE, status.MPI_SOURCE, kReportTag, comm_, MPI_STATUS_IGNORE);
    return std::pair(status.MPI_SOURCE, report);
  }
  [[nodiscard]] std::string name_of(int node) const override { return names_.at(static_cast<std::size_t>(node)); }

 private:
  struct Outgoing {
    NodeReport report;
    MPI_Request request = MPI_REQUEST_NULL;
  };
  MPI_Comm comm_ = MPI_COMM_NULL;  // freed by MPI_Finalize only: messages may still be on their way
  std::map<int, std::unique_ptr<Outgoing>> outgoing_;
  std::vector<std::string> names_;  // by node
};

}  // namespace

std::unique_ptr<ReportChannel> mpi_report_channel(const void* all_ranks, const Node& node) {
  int level = MPI_THREAD_SINGLE;
  MPI_Query_thread(&level);
  MPI_Comm all = *static_cast<const MPI_Comm*>(all_ranks);
  MPI_Allreduce(MPI_IN_PLACE, &level, 1, MPI_INT, MPI_MIN, all);
  if (level < MPI_THREAD_MULTIPLE || node.nodes == 1) return nullptr;
  return std::make_unique<MpiReportChannel>(all, node);
}

}  // namespace talweg::comm
