// SPDX-License-Identifier: Apache-2.0
#include "engine/session.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/leaves.hpp"
#include "talweg/error.hpp"

namespace talweg::engine {
namespace {

constexpr const char* kGrids = "engine.grids";

struct MeterSlot {
  const char* name;
  Asker asker;
  std::int64_t Costs::*field;
};
constexpr std::array kMeter = {
    MeterSlot{"meter.gradients", Asker::method, &Costs::gradients},
    MeterSlot{"meter.hvps", Asker::method, &Costs::hvps},
    MeterSlot{"meter.values", Asker::method, &Costs::values},
    MeterSlot{"meter.redone", Asker::method, &Costs::redone},
    MeterSlot{"meter.evaluation_gradients", Asker::observer, &Costs::gradients},
    MeterSlot{"meter.evaluation_hvps", Asker::observer, &Costs::hvps},
    MeterSlot{"meter.evaluation_values", Asker::observer, &Costs::values},
    MeterSlot{"meter.evaluation_redone", Asker::observer, &Costs::redone},
};

}  // namespace

std::uint32_t leaf_of(const EngineOptions& options, std::uint64_t count) {
  if (options.leaf > 0) return options.leaf;
  return default_leaf(options.batch > 0 ? std::min(options.batch, count) : count);
}

data::Order order_of(const EngineOptions& options, const data::ShardPlan& plan) {
  return {plan,
          options.sampling,
          options.seed,
          options.batch > 0 ? options.batch : plan.count(),
          leaf_of(options, plan.count()),
          options.batches};
}

Session::Session(comm::Communicator& comm, const data::ShardPlan& plan, std::size_t tensors, const EngineOptions& options)
    : comm_(comm),
      options_(options),
      leaf_(leaf_of(options, plan.count())),
      order_(order_of(options, plan)),
      grids_(tensors),
      verdicts_(comm) {}

void Session::declare_slots(math::StateLayout& layout, std::size_t tensors) {
  for (const MeterSlot& m : kMeter) layout.counter(m.name);
  layout.array(kGrids, 2 * kKinds * tensors, Grids::kUnset);
}

void Session::save_to(math::State& state) const {
  for (const MeterSlot& m : kMeter) state.counter(m.name) = meter_.of(m.asker).*m.field;
  std::ranges::copy(grids_.all(), state.array(kGrids).begin());
}

void Session::load_from(math::State& state, const std::string& file) {
  for (const MeterSlot& m : kMeter) meter_.of(m.asker).*m.field = state.counter(m.name);
  std::ranges::transform(state.array(kGrids), grids_.all().begin(), [&](double e) {
    if (!(std::abs(e) <= math::kGridLimit && e == std::trunc(e)) && e != Grids::kUnset)
      base::fail(base::ExitCode::bad_data, "{}: array '{}': found {}, expected exponents up to {}", file, kGrids, e,
                 math::kGridLimit);
    return static_cast<std::int32_t>(e);
  });
}

}  // namespace talweg::engine
