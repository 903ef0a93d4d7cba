// SPDX-License-Identifier: Apache-2.0
// The simple way to bring your own f_i: derive UserTerms, write one example's value and gradient in double, and hand it to
// train::TrainOptions::terms. For the two-phase seam (fast networks, gigabytes of parameters) derive Objective itself.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "talweg/model/objective.hpp"

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
/// tensor, without gaps. Anything thrown ends the run on every rank with its message.
class UserTerms {
 public:
  virtual ~UserTerms() = default;
  [[nodiscard]] virtual std::vector<UserTensor> tensors() const = 0;
  /// f_i(x); adds grad f_i(x) to g.
  virtual double value_and_gradient(std::span<const double> x, const UserExample& example, std::span<double> g) const = 0;
  /// True when hessian_vector is written: methods and certificates that need curvature then work.
  [[nodiscard]] virtual bool has_hessian_vector() const { return false; }
  /// Adds (Hessian of f_i at x) v to out.
  virtual void hessian_vector(std::span<const double> x, std::span<const double> v, const UserExample& example,
                              std::span<double> out) const;
  /// One line for people.
  [[nodiscard]] virtual std::string describe() const { return "user-written terms"; }
  /// The model's prediction of a target, for rmse and r2; by default there is none (NaN).
  [[nodiscard]] virtual double predict(std::span<const double> x, const UserExample& example) const;
};

/// UserTerms as an Objective: a tape holds the sum of a leaf's gradients.
template <class Real>
class UserObjective final : public Objective<Real> {
 public:
  explicit UserObjective(std::shared_ptr<const UserTerms> terms);

  const math::ParameterLayout& layout() const override { return layout_; }
  Capabilities capabilities() const override {
    return {.hvp = terms_->has_hessian_vector(), .classification = false, .smooth = true};
  }
  std::size_t outputs() const override { return 1; }
  std::string describe() const override { return terms_->describe(); }
  std::unique_ptr<Tape<Real>> make_tape() const override;
  double forward_backward(Point<Real> point, const data::Examples<Real>& examples, Real weight,
                          Tape<Real>& tape) const override;
  void tile(std::span<const LeafTapes<Real>> leaves, const math::Tile& tile, math::TileSum<Real>& sum) const override;
  void tangent(Point<Real> point, Point<Real> direction, Tape<Real>& tape) const override;
  void tangent_tile(std::span<const LeafTapes<Real>> leaves, const math::Tile& tile, math::TileSum<Real>& sum) const override;
  Evaluation evaluate(Point<Real> point, const data::Examples<Real>& examples, Tape<Real>& tape) const override;
  void along(Point<Real> point, Point<Real> direction, std::span<const double> lengths, const data::Examples<Real>& examples,
             Tape<Real>& tape, std::span<ValueAndSlope> out) const override;
  void predict(Point<Real> point, const data::Examples<Real>& examples, Tape<Real>& tape, std::span<Real> out) const override;

 private:
  struct UserTape;
  void unpack(std::span<const Real> from, std::vector<double>& to) const;  // without the layout's gaps
  /// Each leaf's `sums` of a tape, cut to the tile.
  void add(std::span<const LeafTapes<Real>> leaves, std::vector<double> UserTape::*sums, const math::Tile& tile,
           math::TileSum<Real>& sum) const;
  std::shared_ptr<const UserTerms> terms_;
  math::ParameterLayout layout_;
  std::vector<std::size_t> begin_;  // of each tensor without gaps
};

}  // namespace talweg::model
