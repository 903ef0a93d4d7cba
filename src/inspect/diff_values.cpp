// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <numeric>

#include "inspect/diff.hpp"
#include "inspect/run_files.hpp"

namespace talweg::inspect {
namespace {

/// Maps a number to an integer; the order is the same.
template <class Unsigned, class Real>
Unsigned ordered(Real value) {
  const auto bits = std::bit_cast<Unsigned>(value);
  constexpr Unsigned kSign = Unsigned{1} << (8 * sizeof(Unsigned) - 1);
  return (bits & kSign) != 0 ? static_cast<Unsigned>(~bits) : static_cast<Unsigned>(bits | kSign);
}

template <class Unsigned, class Real>
std::uint64_t distance(Real a, Real b) {
  const Unsigned x = ordered<Unsigned>(a);
  const Unsigned y = ordered<Unsigned>(b);
  return x > y ? x - y : y - x;
}

/// NaN equals NaN: a figure that was not measured.
template <class Real>
bool same(Real a, Real b) {
  return ulps(a, b) == 0 || (std::isnan(a) && std::isnan(b));
}

std::string ulps_text(std::uint64_t n) { return fmt::format("{} ULP{}", n, n == 1 ? "" : "s"); }

template <class Real>
Difference value_difference(std::string where, Real a, Real b) {
  return {std::move(where), fmt::format("{}", a), fmt::format("{}", b), ulps_text(ulps(a, b))};
}

/// Element number -> "[row, column]".
std::string index_text(std::size_t element, const std::vector<std::size_t>& shape) {
  std::vector<std::size_t> index(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = element % shape[axis];
    element /= shape[axis];
  }
  return shape_text(index);
}

std::optional<Difference> tensor_difference(const std::string& place, const io::StoredTensor& a, const io::StoredTensor& b) {
  const std::string name = place + "/" + a.name;
  if (a.name != b.name) return Difference{place + ": names of tensors", a.name, b.name, ""};
  if (a.shape != b.shape) return Difference{name + ", shape", shape_text(a.shape), shape_text(b.shape), ""};
  if (a.values.index() != b.values.index()) {
    constexpr std::array kPrecision = {"float32", "float64"};
    return Difference{name + ", precision", kPrecision[a.values.index()], kPrecision[b.values.index()], ""};
  }
  return std::visit(
      [&]<class Values>(const Values& x) -> std::optional<Difference> {
        const Values& y = std::get<Values>(b.values);
        for (std::size_t i = 0; i < x.size(); ++i) {
          if (same(x[i], y[i])) continue;
          const auto differ =
              static_cast<std::size_t>(std::inner_product(x.begin(), x.end(), y.begin(), std::ptrdiff_t{0}, std::plus<>(),
                                                          [](auto p, auto q) { return same(p, q) ? 0 : 1; }));
          return value_difference(
              fmt::format("{}, element {} {} ({} of {} elements differ)", name, i, index_text(i, a.shape), differ, x.size()),
              x[i], y[i]);
        }
        return std::nullopt;
      },
      a.values);
}

std::optional<Difference> tensors_difference(const std::string& place, const std::vector<io::StoredTensor>& a,
                                             const std::vector<io::StoredTensor>& b) {
  if (a.size() != b.size()) return Difference{place + ", tensors", std::to_string(a.size()), std::to_string(b.size()), ""};
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (auto found = tensor_difference(place, a[k], b[k])) return found;
  }
  return std::nullopt;
}

/// Slots of trainer and engine start with the room's name; a method's own slots do not.
bool bookkeeping(const std::string& name) {
  return name.starts_with("trainer.") || name.starts_with("meter.") || name.starts_with("engine.");
}

/// Entries of two maps by name; `compare(name, a, b)` where both have one.
template <class Map, class Compare>
std::optional<Difference> map_difference(const std::string& place, const Map& a, const Map& b, Compare compare) {
  for (const auto& [name, value] : a) {
    if (bookkeeping(name)) continue;
    const auto other = b.find(name);
    if (other == b.end()) return Difference{place + "/" + name, "there", "absent", ""};
    if (auto found = compare(place + "/" + name, value, other->second)) return found;
  }
  for (const auto& [name, value] : b) {
    if (!bookkeeping(name) && !a.contains(name)) return Difference{place + "/" + name, "absent", "there", ""};
  }
  return std::nullopt;
}

constexpr auto kCompareNumber = [](const std::string& where, auto a, auto b) -> std::optional<Difference> {
  if constexpr (std::is_same_v<decltype(a), double>) {
    return same(a, b) ? std::nullopt : std::optional(value_difference(where, a, b));
  } else {
    return a == b ? std::nullopt : std::optional(Difference{where, std::to_string(a), std::to_string(b), ""});
  }
};

}  // namespace

std::uint64_t ulps(float a, float b) { return distance<std::uint32_t>(a, b); }
std::uint64_t ulps(double a, double b) { return distance<std::uint64_t>(a, b); }

std::string Difference::text() const {
  return fmt::format("{}: {} and {}{}", where, first, second, distance.empty() ? "" : ", " + distance);
}

std::optional<Difference> first_difference(const io::Checkpoint& a, const io::Checkpoint& b) {
  if (a.step != b.step) return Difference{"step", std::to_string(a.step), std::to_string(b.step), ""};
  if (auto found = tensors_difference("parameters", a.parameters, b.parameters)) return found;
  if (auto found = map_difference("state", a.state, b.state, tensors_difference)) return found;
  if (auto found = map_difference("scalars", a.scalars, b.scalars, kCompareNumber)) return found;
  if (auto found = map_difference("counters", a.counters, b.counters, kCompareNumber)) return found;
  const auto compare_array = [](const std::string& where, const std::vector<double>& x, const std::vector<double>& y) {
    if (x.size() != y.size())
      return std::optional(Difference{where + ", length", std::to_string(x.size()), std::to_string(y.size()), ""});
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (!same(x[i], y[i])) return std::optional(value_difference(fmt::format("{}, element {}", where, i), x[i], y[i]));
    }
    return std::optional<Difference>();
  };
  return map_difference("arrays", a.arrays, b.arrays, compare_array);
}

}  // namespace talweg::inspect
