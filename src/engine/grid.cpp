// SPDX-License-Identifier: Apache-2.0
#include "talweg/engine/grid.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <type_traits>

namespace talweg::engine {
namespace {

constexpr int kMargin = 5;
constexpr std::int32_t kLimit = 900;  // of grid exponents either way: every constant and sum stays a normal double
constexpr std::uint32_t kTooLarge = static_cast<std::uint32_t>(kLimit - kMargin + 1 + 1022) << 20;  // high word of 2^895

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
  const auto high = std::max(static_cast<std::uint32_t>(double_bits >> 32), double_bits != 0 ? 1u : 0u);
  return high < kTooLarge ? high : kNotFinite;  // no grid is that coarse
}

/// v + constant has v, rounded to the grid, in its low bits. Integers add up these bits faster than a subtraction and an
/// addition of doubles would, to the same sum: within the constant's binade bit patterns are evenly spaced.
template <std::size_t Leaves, bool First, class Real>
Bits<Real> rounded(const std::span<const Real>* shares, double constant, std::span<double> sums) {
  const auto base = std::bit_cast<std::uint64_t>(constant);
  std::array<const Real*, Leaves> v;
  for (std::size_t l = 0; l < Leaves; ++l) v[l] = shares[l].data();
  Bits<Real> highest = 0;  // an integer MAX vectorises and keeps NaN
  for (std::size_t i = 0; i < sums.size(); ++i) {
    std::uint64_t bits = base;
    for (std::size_t l = 0; l < Leaves; ++l) {
      highest = std::max(highest, magnitude_bits(v[l][i]));
      bits += std::bit_cast<std::uint64_t>(static_cast<double>(v[l][i]) + constant) - base;
    }
    const double sum = std::bit_cast<double>(bits) - constant;
    sums[i] = First ? sum : sums[i] + sum;
  }
  return highest;
}

template <std::size_t Leaves, bool First, class Real>
Bits<Real> plain(const std::span<const Real>* shares, std::span<Real> sums) {
  std::array<const Real*, Leaves> v;
  for (std::size_t l = 0; l < Leaves; ++l) v[l] = shares[l].data();
  Bits<Real> highest = 0;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    Real sum = First ? Real{0} : sums[i];
    for (std::size_t l = 0; l < Leaves; ++l) {
      highest = std::max(highest, magnitude_bits(v[l][i]));
      sum += v[l][i];
    }
    sums[i] = sum;
  }
  return highest;
}

/// Calls pass<Leaves, First>(shares) until all shares have passed; the largest of what it returns.
template <class Real, class Pass>
std::uint32_t in_passes(Shares<Real> shares, bool first, Pass pass) {
  Bits<Real> highest = 0;
  const auto with = [&]<std::size_t Leaves>() {
    const auto* now = shares.data();
    highest =
        std::max(highest, first ? pass.template operator()<Leaves, true>(now) : pass.template operator()<Leaves, false>(now));
    shares = shares.subspan(Leaves);
    first = false;
  };
  while (shares.size() >= kTogether) with.template operator()<kTogether>();
  if (shares.size() >= 2) with.template operator()<2>();
  if (!shares.empty()) with.template operator()<1>();
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
    if (maxima[t] != 0) now[t] = std::clamp(exponent_of(maxima[t]) + kMargin, -kLimit, kLimit);
  }
}

double rounding_constant(std::int32_t exponent, std::uint64_t leaves) {
  const int k = std::max(exponent, -kLimit) + (leaves > 1 ? std::bit_width(leaves - 1) : 0);
  return std::ldexp(3.0, k);  // in [2^(k+1), 2^(k+2)): one ulp is 2^(k-51), and adding |v| <= 2^k stays in the binade
}

template <class Real>
std::uint32_t add_rounded(Shares<Real> shares, double constant, bool first, std::span<double> sums) {
  return in_passes<Real>(shares, first, [=]<std::size_t Leaves, bool First>(const std::span<const Real>* now) {
    return rounded<Leaves, First>(now, constant, sums);
  });
}

template <class Real>
std::uint32_t add_plain(Shares<Real> shares, bool first, std::span<Real> sums) {
  return in_passes<Real>(shares, first, [=]<std::size_t Leaves, bool First>(const std::span<const Real>* now) {
    return plain<Leaves, First>(now, sums);
  });
}

template std::uint32_t add_rounded<float>(Shares<float>, double, bool, std::span<double>);
template std::uint32_t add_rounded<double>(Shares<double>, double, bool, std::span<double>);
template std::uint32_t add_plain<float>(Shares<float>, bool, std::span<float>);
template std::uint32_t add_plain<double>(Shares<double>, bool, std::span<double>);

}  // namespace talweg::engine
