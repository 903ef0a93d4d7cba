// SPDX-License-Identifier: Apache-2.0
#include "train/recovery.hpp"

#include <cmath>
#include <limits>

#include "train/snapshot.hpp"

namespace talweg::train {

using base::ExitCode;
using Policy = NonFinite::Policy;

optim::StepReport Recovery::guard(const std::function<optim::StepReport()>& step) {
  const NonFinite& rule = run_.settings.run.nonfinite;
  std::int64_t& in_a_row = run_.counter("trainer.skipped_in_row");
  left_out_.clear();
  optim::StepReport report;
  try {
    report = step();
    in_a_row = 0;
  } catch (const optim::Diverged& e) {
    if (rule.policy != Policy::skip || in_a_row >= rule.limit) throw;
    left_out_ = e.what();
    ++in_a_row;
    ++run_.counter("trainer.skipped");
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    report = {.loss = kNan,
              .gradient_norm = kNan,
              .update_norm = 0,
              .parameter_norm = run_.session.oracle(engine::Asker::observer).space().norm(run_.x),
              .learning_rate = 0,
              .message = {}};
  }
  if (!std::isfinite(report.parameter_norm)) throw optim::Diverged("a parameter is not finite");
  return report;
}

void Recovery::tell_if_left_out() {
  if (left_out_.empty()) return;
  run_.warn("nonfinite", fmt::format("step {} is left out: {} ({} in a row, at most {})", run_.done(), left_out_,
                                     run_.counter("trainer.skipped_in_row"), run_.settings.run.nonfinite.limit));
}

bool Recovery::roll_back(const std::string& why) {
  const NonFinite& rule = run_.settings.run.nonfinite;
  if (rule.policy != Policy::rollback || !run_.writes) return false;
  std::optional<io::CheckpointStore::Loaded> last;
  run_.on_rank_0([&] {
    last = run_.archive->load_newest();
    if (!last) return;
    const auto before = last->checkpoint.counters.find("trainer.rollbacks_here");
    if (before != last->checkpoint.counters.end() && before->second >= rule.limit) last.reset();
  });
  if (!run_.decide(last.has_value())) return false;

  const std::int64_t failed = run_.done();
  const std::int64_t part = run_.counter("trainer.part");
  const engine::Meter meter = run_.session.meter();
  run_.on_rank_0([&] {
    run_.archive->close();  // its rows and files are in order before the trace is cut back
    restore(last->checkpoint, last->path.string(), run_);
  });
  run_.session.distribute(run_.state);
  run_.session.load_from(run_.state, "rank 0's state");
  run_.session.meter() = meter;  // the oracle calls of the discarded steps stay on the meter
  run_.counter("trainer.part") = part;
  ++run_.counter("trainer.rollbacks");
  const std::int64_t here = ++run_.counter("trainer.rollbacks_here");
  double& factor = run_.scalar("trainer.lr_factor");
  factor *= rule.lr_factor;
  run_.rolled_back_to = run_.done();
  run_.first_step = std::min(run_.first_step, run_.done());

  const std::string text =
      fmt::format("after step {}: {}; back at step {} ({} of at most {} times), learning rates are {:g} of the config's",
                  failed, why, run_.done(), here, rule.limit, factor);
  run_.on_rank_0([&] {
    run_.archive->best_changed(run_.counter("trainer.best_step") >= 0);
    run_.archive->continue_from(run_.done(), run_.counter("trainer.row"));
    run_.archive->event("rollback", text);
  });
  save_checkpoint(run_, nullptr);
  run_.on_rank_0([&] {
    run_.archive->wait();
    if (const std::string problem = run_.archive->lost_checkpoint(); !problem.empty()) {
      // Without it a kill would bring the larger steps back.
      base::fail(ExitCode::io, "{}; the rollback to step {} is not on the disk", problem, run_.done());
    }
    run_.log.warn(text);
  });
  return true;
}

Ending Recovery::diverged(const std::string& why) {
  // The start is not worth keeping: the next run may begin in its place.
  if (run_.counter("trainer.best_step") > 0) save_best(run_);
  run_.archive->wait();  // to know which checkpoint is the last
  const std::int64_t skipped = run_.counter("trainer.skipped_in_row");
  const std::string after =
      skipped > 0 ? fmt::format(" ({} step{} before it left out already)", skipped, skipped == 1 ? "" : "s") : "";
  return {ExitCode::diverged, io::kDiverged,
          fmt::format("after step {}: {}{}; {}", run_.done(), why, after, run_.archive->last_checkpoint())};
}

}  // namespace talweg::train
