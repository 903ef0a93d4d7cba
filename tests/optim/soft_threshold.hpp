// SPDX-License-Identifier: Apache-2.0
// prox of l1 |x|_1 and a box [-box, box], written out for the tests.
#pragma once

#include <algorithm>
#include <limits>

#include "talweg/proximal.hpp"

namespace talweg::test {

class SoftThreshold final : public math::Proximal {
 public:
  explicit SoftThreshold(double l1, double box = std::numeric_limits<double>::infinity()) : l1_(l1), box_(box) {}
  void apply(const math::Block&, std::span<float> x, std::span<const float> step) const override { threshold(x, step); }
  void apply(const math::Block&, std::span<double> x, std::span<const double> step) const override { threshold(x, step); }
  [[nodiscard]] double l1() const { return l1_; }
  [[nodiscard]] double l1(const math::Block&) const override { return l1_; }

 private:
  template <class Real>
  void threshold(std::span<Real> x, std::span<const Real> step) const {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Real t = static_cast<Real>(l1_) * step[i];
      const Real shrunk = x[i] > t ? x[i] - t : x[i] < -t ? x[i] + t : 0;
      x[i] = std::clamp(shrunk, -static_cast<Real>(box_), static_cast<Real>(box_));
    }
  }
  double l1_;
  double box_;
};

}  // namespace talweg::test
