// SPDX-License-Identifier: Apache-2.0
#include "talweg/engine/grid.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>

namespace talweg::engine {
namespace {

constexpr int kMargin = 5;

/// e with 2^(e-1) <= max < 2^e, from the high word of max; max must not be 0.
std::int32_t exponent_of(std::uint32_t high_word) {
  const auto biased = static_cast<std::int32_t>(high_word >> 20);
  return std::max(biased, 1) - 1022;  // subnormals count as the smallest normal
}

template <class Real>
using Bits = std::conditional_t<sizeof(Real) == 4, std::uint32_t, std::uint64_t>;

template <class Real>
Bits<Real> magnitude_bits(Real v) {
  constexpr Bits<Real> sign = Bits<Real>{1} << (8 * sizeof(Real) - 1);
  return std::bit_cast<Bits<Real>>(v) & ~sign;
}

std::uint32_t high_word(std::uint32_t float_bits) {
  if (float_bits >= 0x7f800000u) return kNotFinite;
  return static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(static_cast<double>(std::bit_cast<float>(float_bits))) >> 32);
}
std::uint32_t high_word(std::uint64_t double_bits) {
  // A magnitude whose high word alone would read as 0 must not look like "all zero".
  return std::max(static_cast<std::uint32_t>(double_bits >> 32), double_bits != 0 ? 1u : 0u);
}

/// Runs write(i) over all i while taking the largest magnitude; integer MAX vectorises and keeps NaN.
template <class Real, class Write>
std::uint32_t with_maximum(std::span<const Real> values, Write write) {
  Bits<Real> highest = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    highest = std::max(highest, magnitude_bits(values[i]));
    write(i);
  }
  return high_word(highest);
}

}  // namespace

bool Grids::outgrown(Asker asker, Kind kind, std::span<const std::uint32_t> maxima) const {
  const auto now = exponents(asker, kind);
  for (std::size_t t = 0; t < tensors_; ++t) {
    if (maxima[t] != 0 && exponent_of(maxima[t]) > now[t]) return true;
  }
  return false;
}

void Grids::follow(Asker asker, Kind kind, std::span<const std::uint32_t> maxima) {
  auto* now = const_cast<std::int32_t*>(row(asker, kind));
  for (std::size_t t = 0; t < tensors_; ++t) {
    if (maxima[t] != 0) now[t] = std::clamp(exponent_of(maxima[t]) + kMargin, -900, 900);
  }
}

double rounding_constant(std::int32_t exponent, std::uint64_t leaves) {
  const int k = std::max(exponent, -900) + (leaves > 1 ? std::bit_width(leaves - 1) : 0);
  return std::ldexp(3.0, k);  // in [2^(k+1), 2^(k+2)): one ulp is 2^(k-51), and adding |v| <= 2^k stays in the binade
}

template <class Real>
std::uint32_t set_rounded(std::span<const Real> values, double constant, std::span<double> sums) {
  return with_maximum(values, [=](std::size_t i) { sums[i] = (static_cast<double>(values[i]) + constant) - constant; });
}

template <class Real>
std::uint32_t add_rounded(std::span<const Real> values, double constant, std::span<double> sums) {
  return with_maximum(values, [=](std::size_t i) { sums[i] += (static_cast<double>(values[i]) + constant) - constant; });
}

template <class Real>
std::uint32_t set_plain(std::span<const Real> values, std::span<Real> sums) {
  return with_maximum(values, [=](std::size_t i) { sums[i] = values[i]; });
}

template <class Real>
std::uint32_t add_plain(std::span<const Real> values, std::span<Real> sums) {
  return with_maximum(values, [=](std::size_t i) { sums[i] += values[i]; });
}

template std::uint32_t set_rounded<float>(std::span<const float>, double, std::span<double>);
template std::uint32_t set_rounded<double>(std::span<const double>, double, std::span<double>);
template std::uint32_t add_rounded<float>(std::span<const float>, double, std::span<double>);
template std::uint32_t add_rounded<double>(std::span<const double>, double, std::span<double>);
template std::uint32_t set_plain<float>(std::span<const float>, std::span<float>);
template std::uint32_t set_plain<double>(std::span<const double>, std::span<double>);
template std::uint32_t add_plain<float>(std::span<const float>, std::span<float>);
template std::uint32_t add_plain<double>(std::span<const double>, std::span<double>);

}  // namespace talweg::engine
