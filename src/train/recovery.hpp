// SPDX-License-Identifier: Apache-2.0
// What becomes of a NaN or an infinity ([run] nonfinite). That there is one all ranks know from the same reduced numbers, at the
// same step, before anything was written; nothing here is searched for.
#pragma once

#include <functional>
#include <string>

#include "train/run.hpp"

namespace talweg::train {

class Recovery {
 public:
  explicit Recovery(Run& run) : run_(run) {}

  /// Makes a step; nonfinite = "skip": a step that meets such a number changes nothing, and is reported so, unless too many
  /// were left out in a row. Throws optim::Diverged where it can do no more.
  optim::StepReport guard(const std::function<optim::StepReport()>& step);
  /// Once the step is counted: tells that it was left out, if it was.
  void tell_if_left_out();

  /// nonfinite = "rollback": back to the last checkpoint, with smaller steps, which is on the disk when this returns. False:
  /// the run has diverged.
  bool roll_back(const std::string& why);
  /// The ending of a run that has diverged; its best point is saved.
  Ending diverged(const std::string& why);

 private:
  Run& run_;
  std::string left_out_;  // why the last step was; empty: it was not
};

}  // namespace talweg::train
