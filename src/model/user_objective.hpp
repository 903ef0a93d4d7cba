// SPDX-License-Identifier: Apache-2.0
// A user's f_i (talweg/terms.hpp) as an Objective.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "talweg/objective.hpp"
#include "talweg/terms.hpp"

namespace talweg::model {

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
