// SPDX-License-Identifier: Apache-2.0
#include <xxhash.h>

#include <array>
#include <bit>
#include <cmath>
#include <string_view>

#include "io/trace_columns.hpp"
#include "talweg/base/error.hpp"

namespace talweg::io {
namespace {

bool same_in_every_part(const StepColumn& column) {
  return column.units != std::string_view("s") && column.name != std::string_view("part");
}

/// `value(column)` as a double, which is what a trace is read as.
template <class Value>
std::int64_t mark(Value value) {
  std::array<std::uint64_t, kStepColumns.size()> bits{};
  for (std::size_t i = 0; i < kStepColumns.size(); ++i) {
    if (!same_in_every_part(kStepColumns[i])) continue;
    const double v = value(kStepColumns[i]);
    bits[i] = std::isnan(v) ? ~std::uint64_t{0} : std::bit_cast<std::uint64_t>(v);
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
