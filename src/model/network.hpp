// SPDX-License-Identifier: Apache-2.0
// A chain of layers z_l = W_l a_{l-1} + b_l, a_l = f(z_l), a_0 the features, and a loss on z_L; a linear model is the chain of
// one. Gradients by backpropagation, Hessian-vector products by the R-operator (Pearlmutter 1994), both on one tape.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/activation.hpp"
#include "model/loss.hpp"
#include "talweg/math/buffer.hpp"
#include "talweg/model/objective.hpp"

namespace talweg::model {

struct NetworkPlan {
  std::string kind;                 // "mlp"
  std::vector<std::size_t> widths;  // [layers + 1]: features, hidden..., outputs
  std::string prefix;               // "layers.": tensors layers.0.weight, ...; "": weight, bias
  bool bias = true;
  bool sparse = false;                          // the examples
  const ActivationEntry* activation = nullptr;  // null when nothing is hidden
  const LossEntry* loss = nullptr;
};

template <class Real>
class Network final : public Objective<Real> {
 public:
  Network(NetworkPlan plan, const ModelConfig& config);

  const math::ParameterLayout& layout() const override { return layout_; }
  Capabilities capabilities() const override;
  std::size_t outputs() const override { return plan_.widths.back(); }
  std::string describe() const override;
  double gradient_flop() const override;

  std::size_t prepared_extent() const override { return prepared_extent_; }
  std::size_t prepared_parts() const override { return parts_.size(); }
  void prepare(std::span<const Real> x, std::size_t part, std::span<Real> prepared) const override;

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
  /// What a leaf leaves behind at layer l (0-based). Feature-major [width(l), lanes], but for the `rows`, which are
  /// example-major: [count, row_step(width(l))], of the last layer [count, outputs()]. Its input is `a` of the layer before.
  struct Layer {
    math::Buffer<Real> z;
    math::Buffer<Real> a;      // f(z); not used by the last layer
    math::Buffer<Real> back;   // W_{l+1}^T delta_{l+1}: what f' is applied to; not used by the last layer
    math::Buffer<Real> delta;  // dl/dz
    math::Buffer<Real> a_rows, delta_rows;
    math::Buffer<Real> z_rows;                 // last layer only
    math::Buffer<Real> dz, da, dback, ddelta;  // derivatives along a direction
    math::Buffer<Real> da_rows, ddelta_rows, dz_rows;
  };
  struct NetworkTape;
  struct Place {  // of a tensor in the layout
    std::size_t layer = 0;
    bool bias = false;
  };
  /// How layer l's weights are prepared.
  enum class Prepared {
    panels,      // for products with feature-major examples (math/panels.hpp)
    transposed,  // [inputs, width]: sparse rows pick rows of it
    nothing,     // one output of dense or sparse features: a product with the weights as they lie
  };
  struct Part {  // a panel, or kTransposedRows rows of W
    std::size_t layer = 0;
    std::size_t number = 0;
  };
  static constexpr std::size_t kTransposedRows = 16;  // whole cache lines of W^T

  [[nodiscard]] std::size_t layers() const { return plan_.widths.size() - 1; }
  [[nodiscard]] std::size_t inputs(std::size_t l) const { return plan_.widths[l]; }
  [[nodiscard]] std::size_t width(std::size_t l) const { return plan_.widths[l + 1]; }
  [[nodiscard]] Prepared prepared_as(std::size_t l) const {
    if (l > 0 || (!plan_.sparse && width(l) > 1)) return Prepared::panels;
    return width(l) > 1 ? Prepared::transposed : Prepared::nothing;
  }
  [[nodiscard]] const Real* ready(const Point<Real>& point, std::size_t l) const {
    return prepared_as(l) == Prepared::nothing ? point.x.data() + weight_[l] : point.prepared.data() + prepared_[l];
  }
  [[nodiscard]] const Real* bias(const Point<Real>& point, std::size_t l) const {
    return plan_.bias ? point.x.data() + bias_[l] : nullptr;
  }

  /// Takes the examples in: feature-major where the first product wants them so.
  void enter(const data::Examples<Real>& examples, NetworkTape& tape) const;
  /// out [width(l), lanes] = b, every lane; zero without a bias.
  void set_bias(const NetworkTape& tape, std::size_t l, const Real* bias, math::Buffer<Real>& out) const;
  /// out [width(l), lanes] += W_l input; `input` [inputs(l), lanes], for the first layer null: the examples.
  void add_product(NetworkTape& tape, std::size_t l, const Point<Real>& point, const Real* input, Real* out) const;
  /// The input of layer l for add_product(), given the activations (or their derivatives) below.
  static const Real* below(const NetworkTape& tape, std::size_t l) { return l == 0 ? nullptr : tape.layers[l - 1].a.data(); }
  /// out [inputs(l), lanes] = (add ? out : 0) + W_l^T delta [width(l), lanes], l > 0.
  void back_product(const NetworkTape& tape, std::size_t l, const Point<Real>& point, const Real* delta, bool add,
                    Real* out) const;
  /// All z and a, up to the outputs (z_rows).
  void forward(const Point<Real>& point, NetworkTape& tape) const;
  void last_rows(NetworkTape& tape, const math::Buffer<Real>& from, math::Buffer<Real>& to) const;
  [[nodiscard]] OutputRows<Real> rows(const NetworkTape& tape) const;

  /// Example-major arrays of a layer whose outer products a share is made of.
  struct Sides {
    math::Buffer<Real> Layer::*left;   // of layer l
    math::Buffer<Real> Layer::*right;  // of layer l - 1; null: the activations
  };
  void weight_tile(std::span<const LeafTapes<Real>> leaves, std::size_t l, std::span<const Sides> sides, const math::Tile& tile,
                   math::TileSum<Real>& sum) const;
  void bias_tile(std::span<const LeafTapes<Real>> leaves, std::size_t l, math::Buffer<Real> Layer::*deltas,
                 const math::Tile& tile, math::TileSum<Real>& sum) const;
  void sparse_tile(std::span<const LeafTapes<Real>> leaves, math::Buffer<Real> Layer::*deltas, const math::Tile& tile,
                   math::TileSum<Real>& sum) const;
  /// Row step of the example-major arrays at layer l.
  [[nodiscard]] std::size_t step(std::size_t l) const {
    return l + 1 == layers() ? outputs() : NetworkTape::row_step(width(l));
  }

  NetworkPlan plan_;
  math::ParameterLayout layout_;
  std::vector<std::size_t> weight_;  // offset of layer l's weight
  std::vector<std::size_t> bias_;
  std::vector<std::size_t> prepared_;  // where layer l's prepared weights begin
  std::size_t prepared_extent_ = 0;
  std::vector<Part> parts_;
  std::vector<Place> places_;  // by tensor
  std::unique_ptr<Activation<Real>> activation_;
  std::unique_ptr<Loss<Real>> loss_;
};

}  // namespace talweg::model
