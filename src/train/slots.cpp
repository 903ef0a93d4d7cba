// SPDX-License-Identifier: Apache-2.0
#include "train/slots.hpp"

#include <algorithm>

#include "engine/session.hpp"

namespace talweg::train {
namespace {

/// What a schedule that follows the evaluations remembers of them.
void declare_schedule(math::StateLayout& layout) {
  layout.scalar("schedule.factor", 1);
  layout.scalar("schedule.best");
  layout.counter("schedule.seen");
  layout.counter("schedule.waits");
  layout.counter("schedule.cooldown");
}

void declare_trainer(math::StateLayout& layout) {
  // [run] nonfinite
  layout.counter("trainer.skipped");
  layout.counter("trainer.skipped_in_row");
  layout.counter("trainer.rollbacks");
  layout.counter("trainer.rollbacks_here");  // to the step of the last checkpoint
  layout.scalar("trainer.lr_factor", 1);     // of all learning rates, by rollbacks

  layout.counter("trainer.step");
  layout.counter("trainer.part");
  // The next three, and the seconds, are rank 0's: only its copies count.
  layout.counter("trainer.row");        // step of the trace's last row; 0: none
  layout.counter("trainer.row_mark");   // io::mark_of() it
  layout.counter("trainer.first_row");  // step of its first
  layout.counter("trainer.examples");
  layout.counter("trainer.best_step", -1);
  layout.counter("trainer.since_best");
  layout.scalar("trainer.best_value");
  layout.scalar("trainer.seconds");
  layout.vector("trainer.best");
}

}  // namespace

math::StateLayout run_layout(const RunConfig& run, const math::ParameterLayout& parameters) {
  math::StateLayout layout;
  layout.vector("x");
  declare_trainer(layout);
  engine::Session::declare_slots(layout, parameters.tensors().size());
  if (run.schedule->observes()) declare_schedule(layout);
  run.method->declare(layout, parameters);
  return layout;
}

std::vector<std::string> method_slots(const optim::Method& method, const math::ParameterLayout& parameters) {
  math::StateLayout layout;
  layout.vector("x");
  method.declare(layout, parameters);
  std::vector<std::string> slots(layout.vectors().begin(), layout.vectors().end());
  slots.insert(slots.end(), layout.per_example().begin(), layout.per_example().end());
  for (const auto& s : layout.scalars()) slots.push_back(s.name);
  for (const auto& c : layout.counters()) slots.push_back(c.name);
  for (const auto& a : layout.arrays()) slots.push_back(fmt::format("{} {}", a.name, a.size));
  std::ranges::sort(slots);
  return slots;
}

}  // namespace talweg::train
