// SPDX-License-Identifier: Apache-2.0
// Looks at the point that the run gives, on all ranks: its figures, the norm of its full gradient, the best point so far, and
// what a schedule that follows evaluations makes of them.
#pragma once

#include <optional>

#include "train/evaluation.hpp"
#include "train/run.hpp"

namespace talweg::train {

class Observer {
 public:
  explicit Observer(Run& run) : run_(run) {}

  /// An evaluation, and the ending that it means: the objective is reached, or patience is lost.
  std::optional<Ending> look();
  /// [stop] gradient_norm at this point.
  std::optional<Ending> check_gradient();
  /// The figures of the last point, full gradient included. `already_finished`: it was a run before that ended here.
  void conclude(bool already_finished);
  /// After a rollback: this step's point is another.
  void forget() { observed_step_ = norm_step_ = -1; }

  [[nodiscard]] const Figures& figures() const { return figures_; }

 private:
  /// Of this step's point; computed once.
  double gradient_norm();
  void record();
  void keep_best();
  void tell_schedule();

  Run& run_;
  Figures figures_;                  // the last evaluation's
  std::int64_t observed_step_ = -1;  // its step
  std::int64_t norm_step_ = -1;      // of the last full gradient, whose norm is norm_
  double norm_ = 0;
};

}  // namespace talweg::train
