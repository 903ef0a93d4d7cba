// SPDX-License-Identifier: Apache-2.0
// Shared by methods for F = smooth part + non-smooth Omega: the step x - t grad followed by prox, and the search for its length
// t. With a smooth Omega prox is the identity and this is gradient descent.
#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <string>

#include "talweg/config.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {

/// F at x, all of Omega included, where the mean of the f_i is `loss`.
double objective_at(Oracle&, Vector x, double loss);

struct ProximalStep {
  double length = 0;
  double squared = 0;  // |next - at|^2
  double slope = 0;    // g'(next - at)
  double point = 0;    // |next|^2
  /// Of the prox-gradient (at - next) / t; not a number after a step of length 0, which shows nothing.
  [[nodiscard]] double gradient_norm() const { return std::sqrt(squared) / length; }
  [[nodiscard]] bool at_rest() const { return squared == 0 && length > 0; }
  /// The norms and the length of a step from `at` to `next`; converged where the two are the same.
  void tell(StepReport&) const;
};

/// next = prox of t Omega at (at - t g).
ProximalStep proximal_step(Oracle&, Vector at, Vector g, double t, Vector next);

/// F's smooth part, and its slope along next - at, at `next`: n values.
LinePoint smooth_at(Oracle&, Vector at, Vector next);

struct Backtracking {
  double shrink = 0.5;
  int tries = 100;  // at most; each n values. Halving so often ends far below what rounding leaves
  static Backtracking read(const base::Section&);
};

/// The record of a search that has found no length yet.
class Tried {
 public:
  explicit Tried(double value) : value_(value) {}
  /// This length was refused: there F is `at`, where a fall of `predicted` was hoped for.
  void refuse(double length, double predicted, double at);
  /// A shorter length would not show in F in any precision: the search may end.
  [[nodiscard]] bool hopeless() const { return std::isfinite(value_) && predicted_ <= 4e-16 * std::abs(value_); }
  /// Rounding is why: F does not show what the last length would give.
  [[nodiscard]] bool rounding() const { return !rises_ && unseen(); }
  /// F rose at the shortest length at which any precision would have shown its fall: it stands on a kink, or the gradient is
  /// not F's.
  [[nodiscard]] bool rises() const { return rises_ && unseen(); }
  [[nodiscard]] std::string lengths() const;

 private:
  [[nodiscard]] bool unseen() const {
    return std::isfinite(at_) && std::isfinite(value_) && predicted_ <= 1e-14 * std::abs(value_);
  }

  double value_;  // F where the search began; infinite where Omega is
  double first_ = 0;
  double last_ = 0;
  int count_ = 0;
  double predicted_ = std::numeric_limits<double>::infinity();
  double at_ = 0;
  bool rises_ = false;
};

/// The verdict of a search on a proximal step.
struct Judgement {
  bool accepted = false;
  double at = 0;  // F there, as Tried::refuse takes it
};

/// The proximal step with the first length of first, first shrink, ... that `judge` accepts; of two equal points the first.
std::optional<ProximalStep> shorten(Oracle&, Vector at, Vector g, double first, const Backtracking&, Vector next, Tried&,
                                    const std::function<Judgement(const ProximalStep&)>& judge);

/// The proximal step with the first length of first, first shrink, ... for which the quadratic model is an upper bound
/// (Beck & Teboulle 2009):
///   f(next) <= f(at) + g'd + |d|^2 / (2 t),  d = next - at
/// or, where differences of f drown in rounding, the slopes say the same: (grad f(next) - g)'d <= |d|^2 / t. `value` is f(at),
/// the smooth part of F.
std::optional<ProximalStep> backtrack(Oracle&, Vector at, double value, Vector g, double first, const Backtracking&,
                                      Vector next, Tried& tried);

/// The report when no length was found: stuck where rounding is the reason, else failed.
StepReport no_length_found(StepReport report, const Tried& tried);

}  // namespace talweg::optim
