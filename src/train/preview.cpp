// SPDX-License-Identifier: Apache-2.0
#include "train/preview.hpp"

#include <algorithm>
#include <cmath>

#include "train/memory.hpp"
#include "train/open.hpp"
#include "train/slots.hpp"

namespace talweg::train {

Preview preview(const base::Config& config, int ranks, int nodes, const base::Log& log) {
  const RunConfig run = parse_run(config);
  const auto alone = comm::alone();
  const std::unique_ptr<engine::Problem> problem = open_problem(run, {}, *alone, log);
  const engine::ProblemFacts& facts = problem->facts();
  const data::ShardPlan& plan = facts.plan;
  Preview p;
  p.train = plan.count();
  p.valid = facts.valid.value_or(0);
  p.test = facts.test.value_or(0);
  p.features = facts.shape.features;
  p.classes = facts.shape.classes.size();
  p.sparse = facts.shape.sparse;
  p.model = facts.describe;
  p.parameters = problem->layout().parameters();
  p.batch = run.run.engine.batch > 0 ? std::min(run.run.engine.batch, p.train) : p.train;
  p.leaf = engine::leaf_of(run.run.engine, p.train);
  p.shards = plan.shards();
  const data::Order order = engine::order_of(run.run.engine, plan);
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
  const math::StateLayout layout = run_layout(run, problem->layout());
  p.state_vectors = layout.vectors().size();
  const double megabyte = 1024.0 * 1024.0;
  const double data = static_cast<double>(facts.bytes) / ranks;
  const auto remembered =
      static_cast<double>(facts.real_size() * layout.per_example().size() * p.train * facts.example_numbers);
  const VectorMemory memory = vector_memory(*problem, layout, points_of(*run.method), run.run.engine.placement, nodes);
  p.placement = engine::name_of(run.run.engine.placement);
  p.nodes = nodes;
  p.worker_megabytes = (data + remembered / ranks + memory.rank) / megabyte;
  // A checkpoint has all of what is remembered in one piece.
  p.coordinator_megabytes = (data + remembered / ranks + memory.coordinator(true) + remembered) / megabyte;
  p.node_state_megabytes = memory.state_other / megabyte;
  if (memory.coordinator(true) > machine_bytes()) log.warn(too_large(*problem, memory.coordinator(true)));
  return p;
}

}  // namespace talweg::train
