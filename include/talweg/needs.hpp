// SPDX-License-Identifier: Apache-2.0
// What a method asks of the run. A method without needs takes any F, on minibatches. A run that does not meet a need is
// refused with the reason, before any data is read where that is possible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace talweg::optim {

/// In the order in which a run is checked for them. src/optim/needs.cpp says everything else about each.
enum class Need : std::uint8_t {
  horizon,          // run.steps of at least Needs::horizon(), and not run.epochs
  deterministic,    // one F at every request: no dropout
  constant_batch,   // no batch schedule
  constant_rate,    // no schedule of the learning rate, no warm-up
  full_batch,       // batch = "full"
  smooth_omega,     // no l1, no box, ...
  l1_omega,         // l1 is the only non-smooth part: no box, ...
  separable_omega,  // no group lasso, no ball
  convex,           // F is convex: no network
  strongly_convex,  // F is strongly convex, as far as the config tells
  distinct,         // no example twice in a batch
  linear,           // a linear model: a gradient is a scalar times the example
  hvp,              // Hessian-vector products
  smoothness,       // Oracle::curvature_bounds(), where the model has them; the last: see kNeedCount
};
inline constexpr std::size_t kNeedCount = static_cast<std::size_t>(Need::smoothness) + 1;

/// A set of needs, each with reasons that its refusal and the catalogue repeat.
class Needs {
 public:
  Needs() = default;
  Needs(std::initializer_list<Need> needs) {
    for (const Need need : needs) add(need);
  }
  Needs(Need need, std::string why) {
    add(need);
    why_.emplace_back(need, std::move(why));
  }
  /// The need under this condition, none otherwise.
  static Needs when(bool condition, Need need) { return condition ? Needs{need} : Needs{}; }
  static Needs when(bool condition, Need need, std::string why) { return condition ? Needs(need, std::move(why)) : Needs{}; }
  /// run.steps of at least `steps`.
  static Needs at_least(std::int64_t steps, std::string why) {
    Needs needs(Need::horizon, std::move(why));
    needs.horizon_ = steps;
    return needs;
  }

  [[nodiscard]] bool has(Need need) const { return (set_ & bit(need)) != 0; }
  [[nodiscard]] std::int64_t horizon() const { return horizon_; }
  /// The reasons for this need, each after "; ".
  [[nodiscard]] std::string reasons(Need need) const {
    std::string text;
    for (const auto& [of, why] : why_) {
      if (of == need) text.append("; ").append(why);
    }
    return text;
  }

  friend Needs operator|(Needs a, const Needs& b) {
    a.set_ |= b.set_;
    a.horizon_ = a.horizon_ > b.horizon_ ? a.horizon_ : b.horizon_;
    a.why_.insert(a.why_.end(), b.why_.begin(), b.why_.end());
    return a;
  }

 private:
  static constexpr std::uint32_t bit(Need need) { return std::uint32_t{1} << static_cast<unsigned>(need); }
  void add(Need need) {
    set_ |= bit(need);
    // All of F has no dropout, and products with its Hessian have none either.
    if (need == Need::full_batch || need == Need::hvp) set_ |= bit(Need::deterministic);
  }

  std::uint32_t set_ = 0;
  std::int64_t horizon_ = 0;
  std::vector<std::pair<Need, std::string>> why_;
};

}  // namespace talweg::optim
