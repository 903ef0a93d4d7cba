// SPDX-License-Identifier: Apache-2.0
// Sums whose bits depend on the data alone: sixteen double lanes, lane i takes elements i, i+16, ..., lanes added pairwise.
// No Eigen reduction and no compiler vectorisation decides the order (both change with alignment).
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace talweg::math {

inline constexpr std::size_t kLanes = 16;

/// The sum in parts: each but the last adds a multiple of kLanes terms.
class LaneSum {
 public:
  /// Adds term(i) for i in [0, count).
  template <class Term>
  void add(std::size_t count, Term term) {
    std::array<double, kLanes> lanes = lanes_;
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      for (std::size_t k = 0; k < kLanes; ++k) lanes[k] += term(i + k);
    }
    for (std::size_t k = 0; i + k < count; ++k) lanes[k] += term(i + k);
    lanes_ = lanes;
  }
  [[nodiscard]] double total() const {
    std::array<double, kLanes> lanes = lanes_;
    for (std::size_t width = kLanes / 2; width > 0; width /= 2) {
      for (std::size_t i = 0; i < width; ++i) lanes[i] += lanes[i + width];
    }
    return lanes[0];
  }

 private:
  std::array<double, kLanes> lanes_{};
};

/// sum over i of term(i), i in [0, count).
template <class Term>
double lane_sum(std::size_t count, Term term) {
  LaneSum sum;
  sum.add(count, term);
  return sum.total();
}

template <class Real>
double dot(std::span<const Real> a, std::span<const Real> b) {
  return lane_sum(a.size(), [&](std::size_t i) { return static_cast<double>(a[i]) * static_cast<double>(b[i]); });
}

template <class Real>
double squared_norm(std::span<const Real> a) {
  return dot(a, a);
}

}  // namespace talweg::math
