// SPDX-License-Identifier: Apache-2.0
#include "train/products.hpp"

#include <algorithm>
#include <chrono>
#include <functional>

#include "comm/agree.hpp"
#include "train/problem.hpp"
#include "train/snapshot.hpp"

namespace talweg::train {
namespace {

constexpr int kRounds = 20;

/// Seconds of one call, called for at least `seconds`.
double time_calls(double seconds, const std::function<void()>& call) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  double took = 0;
  int calls = 0;
  while (calls == 0 || took < seconds) {
    call();
    ++calls;
    took = std::chrono::duration<double>(Clock::now() - begin).count();
  }
  return took / calls;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// The flop of products against a gradient's (which is 2 (2 + s) per weight), where the objective knows the latter.
template <class Real>
void compare_flop(const engine::Problem<Real>& problem, ProductTimes& times) {
  const double flop = problem.train.shape().sparse ? 0 : problem.objective->gradient_flop();
  if (flop == 0) return;
  double weights = 0;
  for (const math::Tensor& t : problem.objective->layout().tensors()) weights += t.bias ? 0 : static_cast<double>(t.size);
  const double s = flop / (2 * weights) - 2;
  times.moved_flop_ratio = (3 + 5 * s) / (2 + s);
  times.kept_flop_ratio = (2 + 4 * s) / (2 + s);
}

template <class Real>
void measure(engine::Engine<Real>& engine, const RunConfig& run, const engine::Problem<Real>& problem, double seconds,
             ProductTimes& times) {
  const optim::Vector x{0};
  initial_point(run, problem, engine.threads(), engine.store().values(x));
  engine.store().touch(x);
  optim::Oracle& oracle = engine.oracle(engine::Asker::observer);
  const optim::Batch batch = oracle.draw(0);
  const optim::Temporary gradient(oracle.space());
  const optim::Temporary direction(oracle.space());
  const optim::Temporary product(oracle.space());
  oracle.gradient_into(x, batch, gradient);
  oracle.space().copy(gradient, direction);

  const auto move = [&](optim::Vector v) { engine.store().touch(v); };  // the same numbers, yet nobody knows
  const std::function<void()> ask_gradient = [&] {
    move(x);
    oracle.gradient_into(x, batch, gradient);
  };
  const std::function<void()> ask_moved = [&] {
    move(x);
    move(direction);
    oracle.hessian_vector(x, direction, batch, product);
  };
  const std::function<void()> ask_kept = [&] {
    move(direction);
    oracle.hessian_vector(x, direction, batch, product);
  };
  std::vector<double> gradients;
  std::vector<double> moved;
  std::vector<double> kept;
  std::vector<double> moved_ratios;
  std::vector<double> kept_ratios;
  const double block = seconds / (3 * kRounds);
  for (int round = -1; round < kRounds; ++round) {  // the first warms caches, threads and buffers
    const double g = time_calls(block, ask_gradient);
    const double m = time_calls(block, ask_moved);
    const double k = time_calls(block, ask_kept);
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
  compare_flop(problem, times);
}

template <class Real>
ProductTimes time_as(const RunConfig& run, double seconds, int threads, comm::Communicator& comm, const base::Log& log) {
  std::optional<Loaded<Real>> loaded;
  comm::run_on_all_ranks(comm, [&] {
    loaded.emplace(load_problem<Real>(run, {}, comm, comm.coordinator() ? log : base::Log{}));
    if (!loaded->problem.objective->capabilities().hvp) {
      base::fail(base::ExitCode::bad_config, "{} gives no Hessian-vector products", loaded->problem.objective->describe());
    }
  });
  expect_same_data(loaded->facts, comm);
  const math::Threads crew(threads);
  engine::EngineOptions options = run.run.engine;
  options.placement = engine::Placement::coordinator;  // no steps are made
  std::optional<engine::Engine<Real>> engine;
  comm::run_on_all_ranks(comm, [&] { engine.emplace(comm, crew, loaded->problem, options, 1); });
  ProductTimes times{.model = loaded->problem.objective->describe(), .ranks = comm.size(), .threads = crew.count()};
  if (!comm.coordinator()) {
    if (const base::ExitCode code = engine->serve(); code != base::ExitCode::finished) {
      base::fail(code, "the coordinator stopped");
    }
    return times;
  }
  try {
    measure(*engine, run, loaded->problem, seconds, times);
  } catch (const comm::AgreedFailure&) {
    throw;
  } catch (...) {
    engine->stop(comm::current_failure().code);
    throw;
  }
  engine->stop(base::ExitCode::finished);
  return times;
}

}  // namespace

ProductTimes time_products(const base::Config& config, double seconds, int threads, comm::Communicator& comm,
                           const base::Log& log) {
  std::optional<RunConfig> run;
  comm::run_on_all_ranks(comm, [&] { run.emplace(parse_run(config)); });
  return run->run.precision == math::Precision::float32 ? time_as<float>(*run, seconds, threads, comm, log)
                                                        : time_as<double>(*run, seconds, threads, comm, log);
}

}  // namespace talweg::train
