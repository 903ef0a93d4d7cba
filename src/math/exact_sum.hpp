// SPDX-License-Identifier: Apache-2.0
// A sum of doubles without rounding: an integer superaccumulator (Kulisch) in 32-bit digits, one int64 each. Integer addition
// is associative, so the sum's bits do not depend on order, threads or ranks; ranks add their digits with MPI_SUM.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace talweg::math {

class ExactSum {
 public:
  /// Digits 0..67 have weight 2^(32 i - 1074); the last one counts the numbers that were not finite.
  static constexpr std::size_t kDigits = 69;

  /// Up to 2^29 additions (over all ranks) before digits could overflow.
  void add(double value);
  /// The sum rounded once, to nearest even; NaN if a number was not finite.
  [[nodiscard]] double value() const;
  [[nodiscard]] std::span<std::int64_t> digits() { return digits_; }

 private:
  std::array<std::int64_t, kDigits> digits_{};
};

}  // namespace talweg::math
