// SPDX-License-Identifier: Apache-2.0
// A trace in which every number follows from its step.
#pragma once

#include <cmath>

#include "io/trace_reader.hpp"
#include "io/trace_record.hpp"
#include "io/trace_writer.hpp"
#include "tests/io/support.hpp"

namespace talweg::io {

inline const TraceAttributes kAttributes{{"config", "[run]\nseed = 7\n"}, {"seed", std::int64_t{7}}, {"host", "häst"}};
inline const std::vector<std::string> kFigures{"train_loss", "valid_accuracy"};

/// Every field of a row is a different function of its step i.
inline StepRow row(std::int64_t i) {
  const auto x = static_cast<double>(i);
  return {.step = i,
          .epoch = x / 8,
          .examples = i * 256,
          .gradient_evaluations = i * 257,
          .hvp_evaluations = i * 3,
          .value_evaluations = i * 5,
          .evaluation_gradients = i / 2,
          .seconds = x * 0.25,
          .loss = std::sin(x),
          .gradient_norm = x + 0.1,
          .update_norm = x + 0.2,
          .parameter_norm = x + 0.3,
          .learning_rate = 1 / x,
          .part = i / 100,
          .timing_gradient = x + 0.4,
          .timing_allreduce = x + 0.5,
          .timing_update = x + 0.6,
          .timing_broadcast = x + 0.7,
          .timing_other = x + 0.8};
}

inline void append(TraceWriter& trace, std::int64_t first, std::int64_t last) {
  for (std::int64_t i = first; i <= last; ++i) {
    trace.append(row(i));
    if (i % 10 == 0)
      trace.append(EvaluationRow{
          i, static_cast<double>(i), 2 * i, {{"valid_accuracy", static_cast<double>(i) / 1e6}, {"train_loss", -1.0}}});
  }
}

/// Rows 1..last in every column, with nothing missing, doubled or out of place.
inline void expect_rows(const Trace& trace, std::int64_t last) {
  ASSERT_EQ(trace.steps.size(), 14u);
  ASSERT_EQ(trace.timing.size(), 5u);
  for (const Columns* columns : {&trace.steps, &trace.timing}) {
    for (const auto& [name, values] : *columns) ASSERT_EQ(values.size(), static_cast<std::size_t>(last)) << name;
  }
  for (std::int64_t i = 1; i <= last; ++i) {
    const StepRow r = row(i);
    const auto k = static_cast<std::size_t>(i - 1);
    const auto at = [&](const char* name) { return trace.steps.at(name)[k]; };
    ASSERT_EQ(at("step"), static_cast<double>(i));
    ASSERT_EQ(at("epoch"), r.epoch);
    ASSERT_EQ(at("examples"), static_cast<double>(r.examples));
    ASSERT_EQ(at("gradient_evaluations"), static_cast<double>(r.gradient_evaluations));
    ASSERT_EQ(at("hvp_evaluations"), static_cast<double>(r.hvp_evaluations));
    ASSERT_EQ(at("value_evaluations"), static_cast<double>(r.value_evaluations));
    ASSERT_EQ(at("evaluation_gradients"), static_cast<double>(r.evaluation_gradients));
    ASSERT_EQ(at("seconds"), r.seconds);
    ASSERT_EQ(at("loss"), r.loss);
    ASSERT_EQ(at("gradient_norm"), r.gradient_norm);
    ASSERT_EQ(at("update_norm"), r.update_norm);
    ASSERT_EQ(at("parameter_norm"), r.parameter_norm);
    ASSERT_EQ(at("learning_rate"), r.learning_rate);
    ASSERT_EQ(at("part"), static_cast<double>(r.part));
    ASSERT_EQ(trace.timing.at("gradient")[k], r.timing_gradient);
    ASSERT_EQ(trace.timing.at("allreduce")[k], r.timing_allreduce);
    ASSERT_EQ(trace.timing.at("update")[k], r.timing_update);
    ASSERT_EQ(trace.timing.at("broadcast")[k], r.timing_broadcast);
    ASSERT_EQ(trace.timing.at("other")[k], r.timing_other);
  }
  const auto evaluations = static_cast<std::size_t>(last / 10);
  ASSERT_EQ(trace.evaluation.at("step").size(), evaluations);
  for (std::size_t k = 0; k < evaluations; ++k) {
    const auto step = static_cast<double>(10 * (k + 1));
    ASSERT_EQ(trace.evaluation.at("step")[k], step);
    ASSERT_EQ(trace.evaluation.at("seconds")[k], step);
    ASSERT_EQ(trace.evaluation.at("gradient_evaluations")[k], 2 * step);
    ASSERT_EQ(trace.evaluation.at("valid_accuracy")[k], step / 1e6);
    ASSERT_EQ(trace.evaluation.at("train_loss")[k], -1.0);
  }
}

class Traces : public Scratch {
 protected:
  std::filesystem::path h5() const { return directory_ / "trace.h5"; }
  std::filesystem::path rows() const { return directory_ / "trace.rows"; }
};

}  // namespace talweg::io
