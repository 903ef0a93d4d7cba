// SPDX-License-Identifier: Apache-2.0
#include "math/exact_sum.hpp"

#include <bit>
#include <cmath>
#include <limits>

namespace talweg::math {
namespace {

constexpr std::uint64_t kMask = 0xffffffffu;
constexpr std::size_t kNotFiniteDigit = ExactSum::kDigits - 1;
constexpr std::size_t kTop = ExactSum::kDigits - 2;  // most significant digit
constexpr int kLowestExponent = -1074;

}  // namespace

void ExactSum::add(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const auto biased = static_cast<int>(bits >> 52 & 0x7ff);
  if (biased == 0x7ff) {
    ++digits_[kNotFiniteDigit];
    return;
  }
  const std::uint64_t fraction = bits & ((std::uint64_t{1} << 52) - 1);
  const std::uint64_t mantissa = biased == 0 ? fraction : fraction | std::uint64_t{1} << 52;
  const int position = biased == 0 ? 0 : biased - 1;  // weight of the mantissa's last bit, above 2^-1074
  const auto digit = static_cast<std::size_t>(position / 32);
  const int shift = position % 32;
  const std::uint64_t low = (mantissa & kMask) << shift;
  const std::uint64_t high = (mantissa >> 32) << shift;
  const std::int64_t sign = (bits >> 63) != 0 ? -1 : 1;
  digits_[digit] += sign * static_cast<std::int64_t>(low & kMask);
  digits_[digit + 1] += sign * static_cast<std::int64_t>((low >> 32) + (high & kMask));
  digits_[digit + 2] += sign * static_cast<std::int64_t>(high >> 32);
}

double ExactSum::value() const {
  if (digits_[kNotFiniteDigit] != 0) return std::numeric_limits<double>::quiet_NaN();
  // Carry so that all digits but the top lie in [0, 2^32); the top digit then has the sum's sign.
  const auto carried = [](std::array<std::int64_t, kDigits> d) {
    for (std::size_t i = 0; i < kTop; ++i) {
      const std::int64_t carry = d[i] >> 32;  // floor division
      d[i] -= carry * (std::int64_t{1} << 32);
      d[i + 1] += carry;
    }
    return d;
  };
  auto digits = carried(digits_);
  const bool negative = digits[kTop] < 0;
  if (negative) {
    for (auto& d : digits) d = -d;
    digits = carried(digits);
  }
  std::size_t top = kTop;
  while (top > 0 && digits[top] == 0) --top;
  if (digits[top] == 0) return 0.0;
  // The 64 most significant bits, and whether anything lies below them.
  const auto digit = [&](std::size_t below) {
    return top >= below ? static_cast<std::uint64_t>(digits[top - below]) : std::uint64_t{0};
  };
  const int lead = std::countl_zero(digit(0)) - 32;  // leading zeros within 32 bits
  std::uint64_t window = (digit(0) << 32 | digit(1)) << lead;
  if (lead > 0) window |= digit(2) >> (32 - lead);
  bool sticky = lead > 0 ? (digit(2) << lead & kMask) != 0 : digit(2) != 0;
  for (std::size_t i = 3; i <= top && !sticky; ++i) sticky = digit(i) != 0;
  std::uint64_t mantissa = window >> 11;
  const bool half = (window >> 10 & 1) != 0;
  sticky = sticky || (window & 0x3ff) != 0;
  if (half && (sticky || (mantissa & 1) != 0)) ++mantissa;
  const int exponent = kLowestExponent + 32 * static_cast<int>(top) - 32 - lead + 11;
  const double magnitude = std::ldexp(static_cast<double>(mantissa), exponent);
  return negative ? -magnitude : magnitude;
}

}  // namespace talweg::math
