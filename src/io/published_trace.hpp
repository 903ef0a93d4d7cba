// SPDX-License-Identifier: Apache-2.0
// An existing trace.h5, read in parts, and the numbers of rows of the next one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "h5/file.hpp"
#include "io/run_directory.hpp"
#include "io/trace_record.hpp"

namespace talweg::io {

constexpr std::int64_t kTraceVersion = 1;

/// The generation of a trace.h5 with this root. Error(bad_data) naming `file` if it is no trace, or of a newer version.
std::int64_t expect_trace(const h5::Group& root, const std::string& file);

/// The attributes that the run has given.
TraceAttributes attributes_of(const h5::Group& root);

/// The columns of a trace.h5 and their lengths, which HDF5 needs before the first row is written.
struct TraceShape {
  std::size_t steps = 0;
  std::size_t evaluations = 0;
  std::size_t events = 0;
  std::size_t kind_bytes = 0;  // of the longest
  std::size_t message_bytes = 0;
  std::vector<std::string> figures;  // of the evaluations

  void add(const StepRow& row);
  void add(const EvaluationRow& row);
  void add(const TraceEvent& event);
  void add_figure(const std::string& name);  // unless it is there
};

/// An existing trace.h5, cut off after a step.
class PublishedTrace {
 public:
  /// With `cut`: only rows up to this step, and every chunk is checked. Error(bad_data) naming `name` and what is missing or
  /// damaged. `file` must outlive this object.
  PublishedTrace(const std::string& name, int file, std::optional<std::int64_t> cut);

  [[nodiscard]] h5::Group root() const { return file_.root(); }
  [[nodiscard]] std::int64_t generation() const { return generation_; }
  [[nodiscard]] std::size_t steps() const { return steps_; }
  [[nodiscard]] std::int64_t last_step() const { return last_step_; }  // within the cut; 0: none
  [[nodiscard]] std::size_t evaluations() const { return evaluations_; }
  [[nodiscard]] bool check() const { return cut_.has_value(); }
  void add_to(TraceShape& shape) const;
  /// In order, a part at a time.
  void events(const std::function<void(TraceEvent)>& take) const;

 private:
  std::string name_;
  std::optional<std::int64_t> cut_;
  h5::File file_;
  std::int64_t generation_ = 0;
  std::size_t steps_ = 0, evaluations_ = 0;
  std::int64_t last_step_ = 0;
};

}  // namespace talweg::io
