// SPDX-License-Identifier: Apache-2.0
// Elementary functions without branches, in operations that IEEE 754 defines exactly: loops over them vectorise, and their bits
// do not depend on the C library. Errors are below 3 units in the last place (tests/math/elementary_test.cpp).
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace talweg::math {

/// exp(-a) for a >= 0; from a = 708 on it stays at exp(-708), 3e-308. NaN stays NaN.
inline double exp_of_minus(double a) {
  constexpr double kLog2E = 0x1.71547652b82fep+0;
  constexpr double kLn2High = 0x1.62e42fefa38p-1;  // with n < 2^11 the product is exact
  constexpr double kLn2Low = 0x1.ef35793c7673p-45;
  constexpr double kRound = 0x1.8p52;  // adding it leaves a number's nearest integer in the last bits
  const double least = a > 708 ? 708 : a;
  const double shifted = least * kLog2E + kRound;
  const double n = shifted - kRound;
  const double r = (n * kLn2High - least) + n * kLn2Low;  // exp(-a) = 2^-n exp(r), |r| <= log(2) / 2
  constexpr std::array<double, 14> kTaylor = {
      1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
      1.0 / 720,        1.0 / 120,       1.0 / 24,       1.0 / 6,       1.0 / 2,      1.0,         1.0};
  double p = kTaylor[0];
#pragma GCC unroll 14
  for (std::size_t k = 1; k < kTaylor.size(); ++k) p = p * r + kTaylor[k];
  const std::uint64_t exponent = 1023 - (std::bit_cast<std::uint64_t>(shifted) - std::bit_cast<std::uint64_t>(kRound));
  return p * std::bit_cast<double>(exponent << 52);
}

/// log(1 + e) for e in [0, 1]: 2 artanh(s), s = e / (2 + e) <= 1/3, by its series.
inline double log_of_one_plus(double e) {
  constexpr int kTerms = 18;
  const double s = e / (2 + e);
  const double w = s * s;
  double p = 1.0 / (2 * kTerms - 1);
#pragma GCC unroll 18
  for (int k = kTerms - 2; k >= 0; --k) p = p * w + 1.0 / (2 * k + 1);
  return 2 * s * p;
}

}  // namespace talweg::math
