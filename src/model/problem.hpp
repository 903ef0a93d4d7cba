// SPDX-License-Identifier: Apache-2.0
// Problems with known answers: [problem] of a config, instead of [model] and [data]. src/model/problems.def has one line per
// problem; its file states the formula, the constants and the source. A problem is UserTerms that also knows a starting point
// and its minima.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/regularizer.hpp"
#include "model/user_objective.hpp"
#include "talweg/config.hpp"

namespace talweg::model {

/// A point where the gradient of F is zero; with l1 or a box, x = prox(x - gradient).
struct CriticalPoint {
  std::string kind;  // "minimum" (global) | "saddle" | "degenerate" (the Hessian says nothing)
  std::vector<double> x;
  double value = 0;      // F(x)
  double curvature = 0;  // smallest eigenvalue of the Hessian of the mean f_i there, Omega left out
};

/// A further known number.
struct Fact {
  std::string name;
  double value = 0;
  std::string meaning;
};

/// What is known in closed form, to rounding. Constants are those of the mean of the f_i, Omega left out; values are F's.
struct Known {
  bool convex = false;
  std::optional<double> least{};              // F*
  std::optional<double> smoothness{};         // L: |gradient(x) - gradient(y)| <= L |x - y| everywhere
  std::optional<double> term_smoothness{};    // L_max: the same of every f_i
  std::optional<double> strong_convexity{};   // mu
  std::optional<double> hessian_lipschitz{};  // rho
  std::vector<Fact> others{};
  std::vector<CriticalPoint> points{};  // minima first; of families of them, some
};

class Problem : public UserTerms {
 public:
  [[nodiscard]] virtual std::size_t dimension() const = 0;
  /// n; f_i belongs to record i.
  [[nodiscard]] virtual std::size_t terms() const { return 1; }
  [[nodiscard]] virtual std::vector<double> start() const { return std::vector<double>(dimension()); }
  [[nodiscard]] virtual Known known() const = 0;
  /// A lower bound: no method whose points lie in x_0 plus the span of its gradients has a smaller F - F* after `steps`
  /// gradients from start(). Nothing if no such bound is known.
  [[nodiscard]] virtual std::optional<double> lower_bound(std::int64_t /*steps*/) const { return std::nullopt; }

  [[nodiscard]] std::vector<UserTensor> tensors() const override { return {{"x", {dimension()}}}; }
  [[nodiscard]] bool has_hessian_vector() const override { return true; }
  void hessian_vector(std::span<const double> x, std::span<const double> v, const UserExample& example,
                      std::span<double> out) const override = 0;
  [[nodiscard]] std::string describe() const override { return "problem " + name_; }
  void name_it(std::string_view name) { name_ = name; }

 private:
  std::string name_;
};

/// One line of problems.def.
struct ProblemEntry {
  std::string_view name;
  std::string_view title;
  std::string_view formula;  // f_i, or F
  std::string_view answers;  // what is known, in symbols
  std::string_view source;
  bool with_omega = false;  // its answers hold with any [regularizer]; otherwise only without one
  bool own_terms = false;   // reads n itself; otherwise [problem] terms turns it into a sum of n terms
  std::shared_ptr<Problem> (*make)(const base::Section& problem, const Regularizer::Config& omega) = nullptr;
};
std::span<const ProblemEntry* const> problems();
/// Error(usage) with the nearest name.
const ProblemEntry& find_problem(std::string_view name);

/// The result of reading [problem].
struct ProblemConfig {
  const ProblemEntry* entry = nullptr;
  std::shared_ptr<const Problem> problem;
  std::vector<double> start;  // [dimension]
  double start_radius = 0;    // the first point is drawn within this distance of `start` in each coordinate, by [run] seed
};
ProblemConfig parse_problem(const base::Section& problem, const Regularizer::Config& omega);

/// The known facts of F with this Omega; least value and critical points only if the problem knows them.
Known known_with(const ProblemConfig& config, const Regularizer::Config& omega);

/// The first point x_0 [dimension] of a run with this seed.
std::vector<double> first_point(const ProblemConfig& config, std::uint64_t seed);

}  // namespace talweg::model
