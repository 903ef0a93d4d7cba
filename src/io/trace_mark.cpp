// SPDX-License-Identifier: Apache-2.0
#include "io/trace_mark.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <string_view>

#include "io/trace_columns.hpp"
#include "talweg/error.hpp"

namespace talweg::io {
namespace {

constexpr const StepColumn& column_named(std::string_view name) {
  return *std::ranges::find_if(kStepColumns, [&](const StepColumn& c) { return !c.timing && c.name == name; });
}

// Never change these: checkpoints store hashes of them. The lookup is done at compile time because every step is hashed.
constexpr std::array kMarked = {&column_named("step"),
                                &column_named("epoch"),
                                &column_named("examples"),
                                &column_named("gradient_evaluations"),
                                &column_named("hvp_evaluations"),
                                &column_named("value_evaluations"),
                                &column_named("loss"),
                                &column_named("gradient_norm"),
                                &column_named("update_norm"),
                                &column_named("parameter_norm"),
                                &column_named("learning_rate")};

/// Hashes `value(column)` as a double, the type that a trace is read as.
template <class Value>
std::int64_t mark(Value value) {
  std::array<std::uint64_t, kMarked.size()> bits{};
  std::ranges::transform(kMarked, bits.begin(), [&](const StepColumn* column) {
    const double v = value(*column);
    return std::isnan(v) ? ~std::uint64_t{0} : std::bit_cast<std::uint64_t>(v);
  });
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
