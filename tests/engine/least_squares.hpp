// SPDX-License-Identifier: Apache-2.0
// A hand-made objective with everything known in closed form: f_i(w, b) = (w . a_i + b - y_i)^2 / 2.
#pragma once

#include <atomic>
#include <memory>
#include <stdexcept>
#include <vector>

#include "base/random.hpp"
#include "data/load.hpp"
#include "engine/engine.hpp"

namespace talweg::test {

template <class Real>
class LeastSquares final : public model::Objective<Real> {
 public:
  struct Rows final : model::Tape<Real> {
    const data::Examples<Real>* examples = nullptr;
    std::vector<double> residual;  // [count]
    std::vector<double> tangent;   // [count]
  };

  explicit LeastSquares(std::size_t features) {
    layout_.add("weight", {1, features});
    layout_.add("bias", {1}, true);
  }
  /// Every evaluation of this record throws.
  std::uint64_t poisoned = ~0ULL;
  /// Leaves that went through phase one.
  mutable std::atomic<int> forwards = 0;

  const math::ParameterLayout& layout() const override { return layout_; }
  std::size_t outputs() const override { return 1; }
  std::string describe() const override { return "least squares"; }
  std::unique_ptr<model::Tape<Real>> make_tape() const override { return std::make_unique<Rows>(); }

  double forward_backward(model::Point<Real> x, const data::Examples<Real>& e, Real weight,
                          model::Tape<Real>& tape) const override {
    ++forwards;
    Rows& rows = static_cast<Rows&>(tape);
    rows.examples = &e;
    rows.residual.assign(e.count, 0);
    double sum = 0;
    for (std::size_t i = 0; i < e.count; ++i) {
      if (e.records[i] == poisoned) throw std::runtime_error("record " + std::to_string(poisoned) + " is poisoned");
      rows.residual[i] = product(x.x, e, i) - static_cast<double>(e.targets[i]);
      sum += 0.5 * rows.residual[i] * rows.residual[i];
      rows.residual[i] *= static_cast<double>(weight);
    }
    return sum;
  }
  void tile(std::span<const model::LeafTapes<Real>> leaves, const math::Tile& tile, math::TileSum<Real>& sum) const override {
    accumulate(leaves, &Rows::residual, tile, sum);
  }
  void tangent(model::Point<Real>, model::Point<Real> v, model::Tape<Real>& tape) const override {
    Rows& rows = static_cast<Rows&>(tape);
    rows.tangent.assign(rows.examples->count, 0);
    for (std::size_t i = 0; i < rows.tangent.size(); ++i) rows.tangent[i] = product(v.x, *rows.examples, i);
  }
  void tangent_tile(std::span<const model::LeafTapes<Real>> leaves, const math::Tile& tile,
                    math::TileSum<Real>& sum) const override {
    accumulate(leaves, &Rows::tangent, tile, sum);
  }
  model::Evaluation evaluate(model::Point<Real> x, const data::Examples<Real>& e, model::Tape<Real>& tape) const override {
    model::Evaluation result;
    result.loss = forward_backward(x, e, Real{1}, tape);
    result.squared_error = 2 * result.loss;
    for (const Real y : e.targets) {
      result.target += static_cast<double>(y);
      result.target_squared += static_cast<double>(y) * static_cast<double>(y);
    }
    return result;
  }
  void along(model::Point<Real> x, model::Point<Real> d, std::span<const double> lengths, const data::Examples<Real>& e,
             model::Tape<Real>&, std::span<model::ValueAndSlope> out) const override {
    for (std::size_t k = 0; k < lengths.size(); ++k) {
      out[k] = {};
      for (std::size_t i = 0; i < e.count; ++i) {
        const double slope = product(d.x, e, i);
        const double r = product(x.x, e, i) - static_cast<double>(e.targets[i]) + lengths[k] * slope;
        out[k].value += 0.5 * r * r;
        out[k].slope += r * slope;
      }
    }
  }
  void predict(model::Point<Real> x, const data::Examples<Real>& e, model::Tape<Real>&, std::span<Real> out) const override {
    for (std::size_t i = 0; i < e.count; ++i) out[i] = static_cast<Real>(product(x.x, e, i));
  }

 private:
  double product(std::span<const Real> x, const data::Examples<Real>& e, std::size_t i) const {
    double sum = static_cast<double>(x[layout_.tensors()[1].offset]);
    for (std::size_t j = 0; j < e.features; ++j)
      sum += static_cast<double>(x[j]) * static_cast<double>(e.dense[i * e.features + j]);
    return sum;
  }
  static void accumulate(std::span<const model::LeafTapes<Real>> leaves, std::vector<double> Rows::*factors,
                         const math::Tile& tile, math::TileSum<Real>& sum) {
    sum.add_each(leaves.size(), [&](std::size_t leaf, std::span<Real> out) {
      std::ranges::fill(out, Real{0});
      for (const auto& tape : leaves[leaf]) {
        const Rows& rows = static_cast<const Rows&>(*tape);
        const data::Examples<Real>& e = *rows.examples;
        for (std::size_t i = 0; i < e.count; ++i) {
          for (std::size_t j = 0; j < tile.count; ++j) {
            const double a = tile.tensor == 0 ? static_cast<double>(e.dense[i * e.features + tile.offset + j]) : 1.0;
            out[j] += static_cast<Real>((rows.*factors)[i] * a);
          }
        }
      }
    });
  }
  math::ParameterLayout layout_;
};

/// `count` random rows; target = a hidden linear function plus noise.
template <class Real>
engine::LocalSum<Real> least_squares(std::size_t count, std::size_t features, double l2, int rank = 0, int ranks = 1) {
  const base::Random random(5, base::Purpose::test);
  std::vector<Real> rows(count * features);
  std::vector<Real> targets(count);
  for (std::size_t i = 0; i < count; ++i) {
    double y = random.normal(i, features);
    for (std::size_t j = 0; j < features; ++j) {
      rows[i * features + j] = static_cast<Real>(random.normal(i, j));
      y += static_cast<double>(rows[i * features + j]) * (static_cast<double>(j) - 2);
    }
    targets[i] = static_cast<Real>(y);
  }
  auto objective = std::make_unique<LeastSquares<Real>>(features);
  model::Regularizer omega({.l2 = l2}, objective->layout());
  return {.objective = std::move(objective),
          .regularizer = std::move(omega),
          .train = data::in_memory<Real>({.count = count, .features = features, .sparse = false, .classes = {}}, rows, targets,
                                         rank, ranks),
          .valid = std::nullopt,
          .test = std::nullopt};
}

}  // namespace talweg::test
