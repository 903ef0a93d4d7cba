// SPDX-License-Identifier: Apache-2.0
#include "train/stored_run.hpp"

#include <optional>

#include "comm/agree.hpp"
#include "io/read_file.hpp"
#include "train/open.hpp"
#include "train/snapshot.hpp"

namespace talweg::train {
namespace {

math::State state_of_x() {
  math::StateLayout layout;
  layout.vector("x");
  return math::State(std::move(layout));
}

}  // namespace

StoredRun open_stored(const std::filesystem::path& checkpoint, comm::Communicator& comm) {
  std::vector<std::byte> image;  // the run directory is on rank 0's disk
  comm::run_on_rank_0(comm, [&] { image = io::read_file(checkpoint); });
  image = comm.broadcast_bytes(std::move(image));
  std::optional<StoredRun> stored;
  comm::run_on_all_ranks(comm, [&] {
    io::Checkpoint content = io::load_image(image, checkpoint.string());
    const base::Config config = base::Config::parse(content.config, checkpoint.string() + " (its config)");
    RunConfig run = parse_run(config);
    stored.emplace(StoredRun{.file = checkpoint.string(), .checkpoint = std::move(content), .run = std::move(run)});
  });
  comm.deadline(stored->run.run.deadline);
  return std::move(*stored);
}

std::unique_ptr<engine::Problem> open_problem_of(const StoredRun& stored, comm::Communicator& comm, const base::Log& log) {
  auto problem = open_problem(stored.run, {}, comm, log);
  comm::run_on_all_ranks(comm, [&] { expect_data_of(stored.checkpoint, stored.file, *problem); });
  return problem;
}

StoredPoint::StoredPoint(const StoredRun& stored, const engine::Problem& problem, int thread_count, comm::Communicator& comm)
    : threads(thread_count), state(state_of_x()), x(state.vector("x")) {
  comm::run_on_all_ranks(comm, [&] { session = problem.open(comm, threads, stored.run.run.engine, state.layout()); });
  comm::run_on_rank_0(comm,
                      [&] { values_from(stored.checkpoint.parameters, stored.file, problem.layout(), session->values(x)); });
  session->distribute(state);
}

}  // namespace talweg::train
