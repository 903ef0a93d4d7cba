// SPDX-License-Identifier: Apache-2.0
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <string_view>

#include "io/trace_columns.hpp"
#include "talweg/base/error.hpp"

namespace talweg::io {
namespace {

// Never changed: checkpoints keep hashes of them.
constexpr std::array<std::string_view, 11> kMarked = {
    "step", "epoch",         "examples",    "gradient_evaluations", "hvp_evaluations", "value_evaluations",
    "loss", "gradient_norm", "update_norm", "parameter_norm",       "learning_rate"};

/// `value(column)` as a double, which is what a trace is read as.
template <class Value>
std::int64_t mark(Value value) {
  std::array<std::uint64_t, kMarked.size()> bits{};
  for (const StepColumn& column : kStepColumns) {
    const auto at = std::ranges::find(kMarked, std::string_view(column.name));
    if (column.timing || at == kMarked.end()) continue;
    const double v = value(column);
    bits[static_cast<std::size_t>(at - kMarked.begin())] = std::isnan(v) ? ~std::uint64_t{0} : std::bit_cast<std::uint64_t>(v);
  }
  return std::bit_cast<std::int64_t>(std::uint64_t{XXH3_64bits(bits.data(), sizeof(bits))});
}

}  // namespace

std::int64_t mark_of(const StepRow& row) {
  return mark([&](const StepColumn& column) {
    return std::visit([&](auto field) { return static_cast<double>(row.*field); }, column.field);
  });
}

std::int64_t mark_of(const Trace& trace, std::size_t index) {
  return mark([&](const StepColumn& column) {
    const auto found = trace.steps.find(column.name);
    if (found == trace.steps.end() || index >= found->second.size())
      base::fail(base::ExitCode::bad_data, "the trace: row {} has no '{}'", index, column.name);
    return found->second[index];
  });
}

}  // namespace talweg::io
