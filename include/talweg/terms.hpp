// SPDX-License-Identifier: Apache-2.0
// The simple way to train your own f_i: derive UserTerms, write one example's value and gradient in double, and pass it in
// train::TrainOptions::terms. For the two-phase seam (fast networks, gigabytes of parameters) derive Objective itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace talweg::model {

/// One example as a user's term sees it.
struct UserExample {
  std::span<const double> features;
  double target = 0;
  std::uint64_t record = 0;  // 0-based position in the file or the rows given
};

/// A parameter tensor of the user's model. `bias`: left out of Omega unless include_bias.
struct UserTensor {
  std::string name;
  std::vector<std::size_t> shape;
  bool bias = false;
};

/// f_i, one example at a time. Const and re-entrant: called from many threads. Parameters x and gradients g lie tensor after
/// tensor, without gaps. An exception ends the run on every rank with its message.
class UserTerms {
 public:
  virtual ~UserTerms() = default;
  [[nodiscard]] virtual std::vector<UserTensor> tensors() const = 0;
  /// f_i(x); adds grad f_i(x) to g.
  virtual double value_and_gradient(std::span<const double> x, const UserExample& example, std::span<double> g) const = 0;
  /// True if hessian_vector is implemented: then methods and certificates that need curvature work.
  [[nodiscard]] virtual bool has_hessian_vector() const { return false; }
  /// Adds (Hessian of f_i at x) v to out.
  virtual void hessian_vector(std::span<const double> x, std::span<const double> v, const UserExample& example,
                              std::span<double> out) const;
  /// One line for people.
  [[nodiscard]] virtual std::string describe() const { return "user-written terms"; }
  /// The model's prediction of a target, for rmse and r2; by default there is none (NaN).
  [[nodiscard]] virtual double predict(std::span<const double> x, const UserExample& example) const;
};

/// Rows held in memory by an embedding program: dense [count, features] row-major, one target each.
struct UserRows {
  std::size_t count = 0;
  std::size_t features = 0;
  std::vector<double> rows;
  std::vector<double> targets;
};

}  // namespace talweg::model
