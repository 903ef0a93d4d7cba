// SPDX-License-Identifier: Apache-2.0
// A chain of layers z_l = W_l a_{l-1} + b_l, a_l = f(z_l), a_0 the features, and a loss on z_L; a linear model is the chain of
// one. Gradients by backpropagation, Hessian-vector products by the R-operator (Pearlmutter 1994), both on one tape.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "math/buffer.hpp"
#include "math/rows.hpp"
#include "model/activation.hpp"
#include "model/loss.hpp"
#include "talweg/objective.hpp"

namespace talweg::model {

struct NetworkPlan {
  std::string kind;                 // "mlp"
  std::vector<std::size_t> widths;  // [layers + 1]: features, hidden..., outputs
  std::string prefix;               // "layers.": tensors layers.0.weight, ...; "": weight, bias
  bool bias = true;
  bool sparse = false;                          // sparse examples
  const ActivationEntry* activation = nullptr;  // null without hidden layers
  const LossEntry* loss = nullptr;
  std::vector<double> dropout{};  // [layers - 1]; empty: none
};

template <class Real>
class Network final : public Objective<Real> {
 public:
  Network(NetworkPlan plan, const ModelConfig& config);

  const math::ParameterLayout& layout() const override { return layout_; }
  Capabilities capabilities() const override;
  std::optional<LinearCurvature> linear_curvature() const override;
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
  std::size_t example_numbers() const override { return layers() == 1 ? outputs() : 0; }
  std::span<Real> example_numbers(Tape<Real>& tape) const override;
  Evaluation evaluate(Point<Real> point, const data::Examples<Real>& examples, Tape<Real>& tape) const override;
  void along(Point<Real> point, Point<Real> direction, std::span<const double> lengths, const data::Examples<Real>& examples,
             Tape<Real>& tape, std::span<ValueAndSlope> out) const override;
  void predict(Point<Real> point, const data::Examples<Real>& examples, Tape<Real>& tape, std::span<Real> out) const override;

 private:
  /// The arrays of a leaf at layer l (0-based), each [count, width(l)] with rows step(l) apart. The input of the layer is `a`
  /// of the layer before.
  struct Layer {
    math::Buffer<Real> z;
    math::Buffer<Real> a;                      // f(z); not used by the last layer
    math::Buffer<Real> back;                   // delta_{l+1} W_{l+1}, to be multiplied by f'; not used by the last layer
    math::Buffer<Real> delta;                  // dl/dz
    math::Buffer<Real> dz, da, dback, ddelta;  // derivatives along a direction
    // With dropout, a = mask * whole, and back is multiplied by mask.
    math::Buffer<Real> whole;  // f(z)
    math::Buffer<Real> mask;   // 0, or 1 / (1 - p)
  };
  struct NetworkTape;
  struct TensorRole {  // of a tensor in the layout
    std::size_t layer = 0;
    bool bias = false;
  };
  /// How layer l's weights are prepared.
  enum class Prepared {
    panels,      // W^T for the forward pass and, above the first layer, W for the backward pass (math/panels.hpp)
    transposed,  // [inputs, width]: sparse examples select rows of it
    nothing,     // a width of one, with sparse features or as the model's output: a product with the unpacked weights
  };
  enum class Way { forward, back };
  struct PreparedPart {  // a panel, or kTransposedRows rows of W
    std::size_t layer = 0;
    Way way = Way::forward;
    std::size_t number = 0;
  };
  static constexpr std::size_t kTransposedRows = 16;  // whole cache lines of W^T

  [[nodiscard]] std::size_t layers() const { return plan_.widths.size() - 1; }
  [[nodiscard]] std::size_t inputs(std::size_t l) const { return plan_.widths[l]; }
  [[nodiscard]] std::size_t width(std::size_t l) const { return plan_.widths[l + 1]; }
  [[nodiscard]] Prepared prepared_as(std::size_t l) const {
    if (width(l) == 1 && l == 0 && (plan_.sparse || layers() == 1)) return Prepared::nothing;
    return l == 0 && plan_.sparse ? Prepared::transposed : Prepared::panels;
  }
  [[nodiscard]] const Real* ready(const Point<Real>& point, std::size_t l, Way way = Way::forward) const {
    if (prepared_as(l) == Prepared::nothing) return point.x.data() + weight_[l];
    return point.prepared.data() + (way == Way::forward ? forward_ : back_)[l];
  }
  /// Row step of the arrays at layer l: the outputs are contiguous; other rows are an odd number of cache lines apart, so that
  /// the elements of a column do not share a cache set. The padding between rows is never read.
  [[nodiscard]] std::size_t step(std::size_t l) const {
    constexpr std::size_t kLine = 64 / sizeof(Real);
    return l + 1 == layers() ? outputs() : ((width(l) + kLine - 1) / kLine | 1) * kLine;
  }
  [[nodiscard]] std::size_t extent(const NetworkTape& tape, std::size_t l) const;  // of the arrays at layer l
  /// The row that every row of a product starts from: b_l, or zeros without a bias.
  [[nodiscard]] math::Rows<Real> bias(const Point<Real>& point, std::size_t l) const {
    return {plan_.bias ? point.x.data() + bias_[l] : nullptr, 0};
  }
  /// The input of layer l: the features, or the activations below.
  [[nodiscard]] math::Rows<Real> input(const NetworkTape& tape, std::size_t l) const;

  /// out [count, width(l)] = start + input W_l^T. The first layer's input is the examples and it starts from a row of step 0.
  void product(const NetworkTape& tape, std::size_t l, const Point<Real>& point, math::Rows<Real> input, math::Rows<Real> start,
               math::Buffer<Real>& out) const;
  /// out [count, inputs(l)] = start + delta [count, width(l)] W_l, l > 0.
  void back_product(const NetworkTape& tape, std::size_t l, const Point<Real>& point, const math::Buffer<Real>& delta,
                    math::Rows<Real> start, math::Buffer<Real>& out) const;
  /// Computes z and a of all layers, up to the outputs, for these examples.
  void forward(const Point<Real>& point, const data::Examples<Real>& examples, NetworkTape& tape) const;
  /// Applies dropout in hidden layer l: a = mask f(z).
  void drop(const data::Examples<Real>& examples, std::size_t l, Layer& layer) const;
  [[nodiscard]] OutputRows<Real> rows(const NetworkTape& tape) const;

  /// The arrays whose outer products make up a layer's share.
  struct Sides {
    math::Buffer<Real> Layer::*left;   // of layer l
    math::Buffer<Real> Layer::*right;  // of layer l - 1
  };
  void weight_tile(std::span<const LeafTapes<Real>> leaves, std::size_t l, std::span<const Sides> sides, const math::Tile& tile,
                   math::TileSum<Real>& sum) const;
  void bias_tile(std::span<const LeafTapes<Real>> leaves, std::size_t l, math::Buffer<Real> Layer::*deltas,
                 const math::Tile& tile, math::TileSum<Real>& sum) const;
  void sparse_tile(std::span<const LeafTapes<Real>> leaves, math::Buffer<Real> Layer::*deltas, const math::Tile& tile,
                   math::TileSum<Real>& sum) const;
  NetworkPlan plan_;
  math::ParameterLayout layout_;
  std::vector<std::size_t> weight_;  // offset of layer l's weight
  std::vector<std::size_t> bias_;
  std::vector<std::size_t> forward_;  // where the prepared weights of layer l begin
  std::vector<std::size_t> back_;     // and those for the backward pass
  std::size_t prepared_extent_ = 0;
  std::vector<PreparedPart> parts_;
  std::vector<TensorRole> roles_;  // by tensor
  std::unique_ptr<Activation<Real>> activation_;
  std::unique_ptr<Loss<Real>> loss_;
};

}  // namespace talweg::model
