// SPDX-License-Identifier: Apache-2.0
#include "bench/products.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include "base/stopwatch.hpp"
#include "comm/agree.hpp"
#include "train/open.hpp"
#include "train/snapshot.hpp"

namespace talweg::bench {
namespace {

constexpr int kRounds = 20;

/// Calls of one kind, timed in blocks. All ranks make the same number of them: rank 0 says how many fill a block.
class Timed {
 public:
  Timed(comm::Communicator& comm, std::function<void()> call) : comm_(comm), call_(std::move(call)) {}

  /// Seconds of one call, of as many as `seconds` has room for.
  double block(double seconds) {
    std::array<std::int64_t, 1> calls = {std::max<std::int64_t>(1, static_cast<std::int64_t>(seconds / last_))};
    comm_.broadcast_values(std::span<std::int64_t>(calls));
    double took = 0;
    {
      const base::Stopwatch watch(took);
      for (std::int64_t k = 0; k < calls[0]; ++k) call_();
    }
    return last_ = took / static_cast<double>(calls[0]);
  }

 private:
  comm::Communicator& comm_;
  std::function<void()> call_;
  double last_ = 1;  // seconds of one call
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// The flop of products against a gradient's (which is 2 (2 + s) per weight), where the objective knows the latter.
void compare_flop(const engine::Problem& problem, ProductTimes& times) {
  const double flop = problem.facts().shape.sparse ? 0 : problem.facts().gradient_flop;
  if (flop == 0) return;
  double weights = 0;
  for (const math::Tensor& t : problem.layout().tensors()) weights += t.bias ? 0 : static_cast<double>(t.size);
  const double s = flop / (2 * weights) - 2;
  times.moved_flop_ratio = (3 + 5 * s) / (2 + s);
  times.kept_flop_ratio = (2 + 4 * s) / (2 + s);
}

void measure(engine::Session& session, math::State& state, comm::Communicator& comm, double seconds, ProductTimes& times) {
  const optim::Vector x = state.vector("x");
  optim::Oracle& oracle = session.oracle(engine::Asker::observer);
  const optim::Batch batch = oracle.draw(0);
  const optim::Temporary gradient(oracle.space());
  const optim::Temporary direction(oracle.space());
  const optim::Temporary product(oracle.space());
  oracle.gradient_into(x, batch, gradient);
  oracle.space().copy(gradient, direction);

  Timed ask_gradient(comm, [&] {
    session.pretend_changed(x);
    oracle.gradient_into(x, batch, gradient);
  });
  Timed ask_moved(comm, [&] {
    session.pretend_changed(x);
    session.pretend_changed(direction);
    oracle.hessian_vector(x, direction, batch, product);
  });
  Timed ask_kept(comm, [&] {
    session.pretend_changed(direction);
    oracle.hessian_vector(x, direction, batch, product);
  });
  std::vector<double> gradients;
  std::vector<double> moved;
  std::vector<double> kept;
  std::vector<double> moved_ratios;
  std::vector<double> kept_ratios;
  const double block = seconds / (3 * kRounds);
  for (int round = -1; round < kRounds; ++round) {  // the first warms caches, threads and buffers
    const double g = ask_gradient.block(block);
    const double m = ask_moved.block(block);
    const double k = ask_kept.block(block);
    if (round < 0) continue;
    gradients.push_back(g);
    moved.push_back(m);
    kept.push_back(k);
    moved_ratios.push_back(m / g);
    kept_ratios.push_back(k / g);
  }
  times.batch = batch.size;
  times.rounds = kRounds;
  times.gradient = median(gradients);
  times.moved = median(moved);
  times.kept = median(kept);
  times.moved_ratio = median(moved_ratios);
  times.kept_ratio = median(kept_ratios);
}

}  // namespace

ProductTimes time_products(const base::Config& config, double seconds, int threads, comm::Communicator& comm,
                           const base::Log& log) {
  std::optional<train::RunConfig> parsed;
  comm::run_on_all_ranks(comm, [&] { parsed.emplace(train::parse_run(config)); });
  const train::RunConfig& run = *parsed;
  const std::unique_ptr<engine::Problem> problem = train::open_problem(run, {}, comm, log);
  comm::run_on_all_ranks(comm, [&] {
    if (problem->facts().capabilities.hvp) return;
    base::fail(base::ExitCode::bad_config, "{} gives no Hessian-vector products", problem->facts().describe);
  });
  const math::Threads crew(threads);
  math::StateLayout layout;
  layout.vector("x");
  math::State state(std::move(layout));
  std::unique_ptr<engine::Session> session;
  comm::run_on_all_ranks(comm, [&] { session = problem->open(comm, crew, run.run.engine, state.layout()); });
  comm::run_on_rank_0(comm, [&] { train::initial_point(run, problem->layout(), crew, session->values(state.vector("x"))); });
  session->distribute(state);
  ProductTimes times{.model = problem->facts().describe, .ranks = comm.size(), .threads = crew.count()};
  comm::run_in_step(comm, [&] { measure(*session, state, comm, seconds, times); });
  compare_flop(*problem, times);
  return times;
}

}  // namespace talweg::bench
