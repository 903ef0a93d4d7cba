// SPDX-License-Identifier: Apache-2.0
// A chain of layers z_l = a_{l-1} W_l^T + b_l, a_l = f(z_l), a_0 the features, and a loss on z_L; a linear model is the chain
// of one. Gradients by backpropagation, Hessian-vector products by the R-operator (Pearlmutter 1994), both on one tape.
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

  std::size_t prepared_extent() const override;
  void prepare_tile(std::span<const Real> x, const math::Tile& tile, std::span<Real> prepared) const override;

  std::unique_ptr<Tape<Real>> make_tape() const override;
  double forward_backward(Point<Real> point, const data::Examples<Real>& examples, Tape<Real>& tape) const override;
  void tile(const Tape<Real>& tape, const math::Tile& tile, Real weight, Real beta, std::span<Real> out) const override;
  void tangent(Point<Real> point, Point<Real> direction, Tape<Real>& tape) const override;
  void tangent_tile(const Tape<Real>& tape, const math::Tile& tile, Real weight, Real beta, std::span<Real> out) const override;
  Evaluation evaluate(Point<Real> point, const data::Examples<Real>& examples, Tape<Real>& tape) const override;
  void along(Point<Real> point, Point<Real> direction, std::span<const double> lengths, const data::Examples<Real>& examples,
             Tape<Real>& tape, std::span<ValueAndSlope> out) const override;
  void predict(Point<Real> point, const data::Examples<Real>& examples, Tape<Real>& tape, std::span<Real> out) const override;

 private:
  /// What a leaf leaves behind at layer l (0-based), each [count, width of l + 1]. Its input is `a` of the layer before.
  struct Layer {
    math::Buffer<Real> z;
    math::Buffer<Real> a;                      // f(z); not used by the last layer
    math::Buffer<Real> back;                   // delta_{l+1} W_{l+1}: what f' is applied to; not used by the last layer
    math::Buffer<Real> delta;                  // dl/dz
    math::Buffer<Real> dz, da, dback, ddelta;  // their derivatives along a direction
  };
  struct NetworkTape;
  struct Place {  // of a tensor in the layout
    std::size_t layer = 0;
    bool bias = false;
  };

  [[nodiscard]] std::size_t layers() const { return plan_.widths.size() - 1; }
  [[nodiscard]] std::size_t inputs(std::size_t l) const { return plan_.widths[l]; }
  [[nodiscard]] std::size_t width(std::size_t l) const { return plan_.widths[l + 1]; }
  [[nodiscard]] const Real* weight(const Point<Real>& point, std::size_t l) const { return point.x.data() + weight_[l]; }
  [[nodiscard]] const Real* bias(const Point<Real>& point, std::size_t l) const {
    return plan_.bias ? point.x.data() + bias_[l] : nullptr;
  }
  /// W^T of layer l [inputs(l), width(l)]; null when nobody made it.
  /// Sparse rows want the rows of W^T. Dense ones are multiplied by it a third faster than by the transpose of W with oneDNN's
  /// AVX-512 kernels, no faster with its AVX2 kernels.
  [[nodiscard]] bool prepares(std::size_t l) const {
#ifdef __AVX512F__
    constexpr bool kDense = true;
#else
    constexpr bool kDense = false;
#endif
    return width(l) > 1 && (kDense || (l == 0 && plan_.sparse));
  }
  [[nodiscard]] const Real* transposed(const Point<Real>& point, std::size_t l) const {
    if (width(l) == 1) return weight(point, l);  // its own transpose
    return point.prepared.empty() || !prepares(l) ? nullptr : point.prepared.data() + weight_[l];
  }

  /// out [count, width(l)] (+)= `dense` times W^T; `dense` is null for a sparse first layer.
  void multiply(const NetworkTape& tape, std::size_t l, const Real* dense, const Point<Real>& point, Real beta,
                Real* out) const;
  void add_bias(std::size_t count, std::size_t l, const Real* bias, Real* out) const;
  /// All z and a, up to the outputs.
  void forward(const Point<Real>& point, NetworkTape& tape) const;
  [[nodiscard]] OutputRows<Real> rows(const NetworkTape& tape) const;
  /// out = beta out + weight * delta^T input, on one tile of layer l's weights.
  void outer(const NetworkTape& tape, std::size_t l, const Real* delta, const Real* dense, const math::Tile& tile, Real weight,
             Real beta, Real* out) const;
  void column_sums(std::size_t count, std::size_t l, const Real* delta, const math::Tile& tile, Real weight, Real beta,
                   Real* out) const;

  NetworkPlan plan_;
  math::ParameterLayout layout_;
  std::vector<std::size_t> weight_;  // offset of layer l's weight
  std::vector<std::size_t> bias_;
  std::vector<Place> places_;  // by tensor
  std::unique_ptr<Activation<Real>> activation_;
  std::unique_ptr<Loss<Real>> loss_;
};

}  // namespace talweg::model
