// SPDX-License-Identifier: Apache-2.0
// K logical workers, each with its own point, that take turns. They are not ranks: all ranks share the work of each.
#pragma once

#include <string>
#include <vector>

#include "talweg/config.hpp"
#include "talweg/method.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {

class Workers {
 public:
  explicit Workers(const base::Section& s)
      : count_(s.integer("workers", 4, {.low = 1, .high = 32}, "K: points, each a vector of state")) {}

  void declare(math::StateLayout& layout) const {
    for (std::int64_t k = 0; k < count_; ++k) layout.vector(name(k), math::Initial::x0());
  }
  [[nodiscard]] std::int64_t count() const { return count_; }
  /// The worker whose turn it is.
  [[nodiscard]] std::int64_t turn(std::int64_t step) const { return step % count_; }
  static Vector point(const math::State& state, std::int64_t worker) { return state.vector(name(worker)); }

  /// Puts x and all points to the points' mean; its squared norm.
  double average(StepContext& context) const {
    std::vector<Vector> all = {context.x()};
    for (std::int64_t k = 0; k < count_; ++k) all.push_back(point(context.state, k));
    const auto mean = math::block_kernel([]<class Real>(const math::Block&, math::Arrays<Real> v) {
      const std::size_t arrays = v.data.size();
      for (std::size_t i = 0; i < v.count; ++i) {
        double sum = 0;
        for (std::size_t k = 1; k < arrays; ++k) sum += static_cast<double>(v[k][i]);
        const Real at = static_cast<Real>(sum / static_cast<double>(arrays - 1));
        for (std::size_t k = 0; k < arrays; ++k) v[k][i] = at;
      }
      return math::Sums{math::squared_norm<Real>(v[0])};
    });
    return context.space().for_each_block(all, {}, mean)[0];
  }

 private:
  static std::string name(std::int64_t worker) { return "local." + std::to_string(worker); }

  std::int64_t count_;
};

}  // namespace talweg::optim
