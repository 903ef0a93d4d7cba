// SPDX-License-Identifier: Apache-2.0
// The columns of a step, in the order of trace.h5 and trace.rows.
#pragma once

#include <array>
#include <cstdint>
#include <variant>

#include "io/trace_record.hpp"

namespace talweg::io {

struct StepColumn {
  bool timing;  // in group timing, else in the root
  const char* name;
  const char* units;  // "1": a pure number
  const char* long_name;
  std::variant<std::int64_t StepRow::*, double StepRow::*> field;
};

inline constexpr std::array kStepColumns = {
    StepColumn{false, "step", "1", "method steps taken", &StepRow::step},
    StepColumn{false, "epoch", "1", "passes over the training examples", &StepRow::epoch},
    StepColumn{false, "examples", "1", "training examples drawn", &StepRow::examples},
    StepColumn{false, "gradient_evaluations", "1", "example gradients the method asked for", &StepRow::gradient_evaluations},
    StepColumn{false, "hvp_evaluations", "1", "example Hessian-vector products the method asked for",
               &StepRow::hvp_evaluations},
    StepColumn{false, "value_evaluations", "1", "example values the method asked for", &StepRow::value_evaluations},
    StepColumn{false, "evaluation_gradients", "1", "example gradients that evaluation asked for",
               &StepRow::evaluation_gradients},
    StepColumn{false, "seconds", "s", "wall time since the run began, over all its parts", &StepRow::seconds},
    StepColumn{false, "loss", "1", "mean loss of the batch before the step, without regularizer", &StepRow::loss},
    StepColumn{false, "gradient_norm", "1", "Euclidean norm of the gradient", &StepRow::gradient_norm},
    StepColumn{false, "update_norm", "1", "Euclidean norm of the update", &StepRow::update_norm},
    StepColumn{false, "parameter_norm", "1", "Euclidean norm of the parameters after the step", &StepRow::parameter_norm},
    StepColumn{false, "learning_rate", "1", "learning rate of the step", &StepRow::learning_rate},
    StepColumn{false, "part", "1", "how often the run had been resumed", &StepRow::part},
    StepColumn{true, "gradient", "s", "time of the step in gradients, values and Hessian-vector products",
               &StepRow::timing_gradient},
    StepColumn{true, "allreduce", "s", "time of the step in verdicts and sums over the ranks", &StepRow::timing_allreduce},
    StepColumn{true, "update", "s", "time of the step in the update", &StepRow::timing_update},
    StepColumn{true, "broadcast", "s", "time of the step in sending points", &StepRow::timing_broadcast},
    StepColumn{true, "other", "s", "time of the step in everything else", &StepRow::timing_other},
};

}  // namespace talweg::io
