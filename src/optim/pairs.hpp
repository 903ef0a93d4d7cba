// SPDX-License-Identifier: Apache-2.0
// The memory of L-BFGS: pairs s_k = x_k - x_{k-1}, y_k = g_k - g_{k-1} of the last steps, and the two-loop recursion of Nocedal
// 1980 over them, H_0 = (s'y / y'y) I. A pair with s'y too small to keep H positive definite is left out.
#pragma once

#include <string>

#include "talweg/method.hpp"

namespace talweg::optim {

class Pairs {
 public:
  /// Slots are `name`.s.0 and so on.
  Pairs(std::string name, std::size_t memory) : name_(std::move(name)), memory_(memory) {}
  void declare(math::StateLayout&) const;
  [[nodiscard]] std::int64_t& count(math::State& state) const {
    return state.counter(name_ + ".pairs");
  }  // pairs kept; set to 0 to drop all
  /// d = -H g.
  void two_loop(StepContext&, Vector g, Vector d) const;
  /// After the step x -> next, whose gradients are g -> gradient.
  void remember(StepContext&, Vector x, Vector next, Vector g, Vector gradient) const;

 private:
  [[nodiscard]] std::size_t place(math::State&, std::size_t age) const;  // age 0: the newest
  [[nodiscard]] Vector s(math::State& state, std::size_t p) const { return state.vector(name_ + ".s." + std::to_string(p)); }
  [[nodiscard]] Vector y(math::State& state, std::size_t p) const { return state.vector(name_ + ".y." + std::to_string(p)); }
  std::string name_;
  std::size_t memory_;
};

}  // namespace talweg::optim
