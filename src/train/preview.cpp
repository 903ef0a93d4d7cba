// SPDX-License-Identifier: Apache-2.0
#include "train/preview.hpp"

#include <algorithm>
#include <cmath>

#include "train/memory.hpp"
#include "train/problem.hpp"

namespace talweg::train {
namespace {

template <class Real>
Preview preview_as(const RunConfig& run, int ranks, int nodes, const base::Log& log) {
  const auto alone = comm::alone();
  const Loaded<Real> loaded = load_problem<Real>(run, {}, *alone, log);
  const auto& problem = loaded.problem;
  const data::ShardPlan& plan = problem.train.plan();
  Preview p;
  p.train = plan.count();
  p.valid = problem.valid ? problem.valid->plan().count() : 0;
  p.test = problem.test ? problem.test->plan().count() : 0;
  p.features = problem.train.shape().features;
  p.classes = problem.train.shape().classes.size();
  p.sparse = problem.train.shape().sparse;
  p.model = problem.objective->describe();
  p.parameters = problem.objective->layout().parameters();
  p.batch = run.run.engine.batch > 0 ? std::min(run.run.engine.batch, p.train) : p.train;
  p.leaf = engine::leaf_of(run.run.engine, p.train);
  p.shards = plan.shards();
  const data::Order order(plan, run.run.engine.sampling, run.run.engine.seed, p.batch, p.leaf, run.run.engine.batches);
  p.steps_per_epoch = order.steps_per_epoch();
  p.steps = run.run.planned_steps(order);
  p.last_batch = order.position(static_cast<std::uint64_t>(std::max<std::int64_t>(p.steps, 1)) - 1).batch;
  for (std::int64_t step = 0; step < std::min(p.steps, static_cast<std::int64_t>(p.steps_per_epoch)); ++step) {
    p.cost = p.cost + run.method->cost({.step = step,
                                        .n = static_cast<std::int64_t>(p.train),
                                        .batch = static_cast<std::int64_t>(order.batch_size(static_cast<std::uint64_t>(step))),
                                        .batches_per_epoch = static_cast<std::int64_t>(p.steps_per_epoch),
                                        .seed = run.run.engine.seed});
  }
  p.leaves_per_rank.assign(static_cast<std::size_t>(ranks), 0);
  for (std::uint64_t step = 0; step < std::min<std::uint64_t>(p.steps_per_epoch, 64); ++step) {
    std::vector<std::uint64_t> now(static_cast<std::size_t>(ranks), 0);
    const auto end = static_cast<std::uint64_t>(p.steps);  // where batches grow the last are the largest
    for (const data::Leaf& leaf : order.leaves(order.constant() || end <= step ? step : end - 1 - step)) {
      for (int r = 0; r < ranks; ++r) now[static_cast<std::size_t>(r)] += plan.owned(r, ranks).contains(leaf.shard) ? 1 : 0;
    }
    for (std::size_t r = 0; r < now.size(); ++r) p.leaves_per_rank[r] = std::max(p.leaves_per_rank[r], now[r]);
  }
  math::StateLayout layout;
  layout.vector("x");
  declare_trainer_slots(layout, problem.objective->layout().tensors().size());
  run.method->declare(layout, problem.objective->layout());
  p.state_vectors = layout.vectors().size();
  const double megabyte = 1024.0 * 1024.0;
  const double data = static_cast<double>(problem.train.bytes() + (problem.valid ? problem.valid->bytes() : 0) +
                                          (problem.test ? problem.test->bytes() : 0)) /
                      ranks;
  const double remembered =
      static_cast<double>(sizeof(Real) * layout.per_example().size() * p.train * problem.objective->example_numbers());
  const VectorMemory memory =
      vector_memory(*problem.objective, layout, points_of(*run.method), run.run.engine.placement, nodes);
  p.placement = engine::name_of(run.run.engine.placement);
  p.nodes = nodes;
  p.worker_megabytes = (data + remembered / ranks + memory.rank + memory.received) / megabyte;
  // A checkpoint has all of what is remembered in one piece.
  p.coordinator_megabytes = (data + remembered / ranks + memory.coordinator(true) + remembered) / megabyte;
  p.node_state_megabytes = memory.state_other / megabyte;
  if (memory.coordinator(true) > machine_bytes()) log.warn(too_large(*problem.objective, memory.coordinator(true)));
  return p;
}

}  // namespace

Preview preview(const base::Config& config, int ranks, int nodes, const base::Log& log) {
  const RunConfig run = parse_run(config);
  return run.run.precision == math::Precision::float32 ? preview_as<float>(run, ranks, nodes, log)
                                                       : preview_as<double>(run, ranks, nodes, log);
}

}  // namespace talweg::train
