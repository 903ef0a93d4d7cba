// SPDX-License-Identifier: Apache-2.0
// The shape of a network, how it prepares a point, and its outputs. Gradients: network_gradient.cpp, network_tangent.cpp.
#include "model/network.hpp"

#include <algorithm>

#include "math/panels.hpp"
#include "math/transpose.hpp"
#include "model/network_tape.hpp"
#include "talweg/error.hpp"

namespace talweg::model {

template <class Real>
Network<Real>::Network(NetworkPlan plan, const ModelConfig& config)
    : plan_(std::move(plan)), loss_(make_loss<Real>(*plan_.loss, config)) {
  for (std::size_t l = 0; l < layers(); ++l) {
    const std::string name = plan_.prefix.empty() ? "" : plan_.prefix + std::to_string(l) + ".";
    weight_.push_back(layout_.tensors().size());
    layout_.add(name + "weight", {width(l), inputs(l)});
    roles_.push_back({l, false});
    if (!plan_.bias) continue;
    bias_.push_back(layout_.tensors().size());
    layout_.add(name + "bias", {width(l)}, true);
    roles_.push_back({l, true});
  }
  for (std::size_t& at : weight_) at = layout_.tensors()[at].offset;
  for (std::size_t& at : bias_) at = layout_.tensors()[at].offset;
  if (plan_.activation != nullptr) activation_ = make_activation<Real>(*plan_.activation);

  const auto prepare = [this](std::size_t l, Way way, std::size_t parts) {
    for (std::size_t number = 0; number < parts; ++number) parts_.push_back({l, way, number});
    const std::size_t begin = prepared_extent_;
    constexpr std::size_t kAlign = math::ParameterLayout::kAlign;
    if (parts > 0) prepared_extent_ += (width(l) * inputs(l) + kAlign - 1) / kAlign * kAlign;
    return begin;
  };
  for (std::size_t l = 0; l < layers(); ++l) {
    const bool panels = prepared_as(l) == Prepared::panels, transposed = prepared_as(l) == Prepared::transposed;
    forward_.push_back(prepare(l, Way::forward,
                               panels       ? math::panel_count<Real>(width(l))
                               : transposed ? (width(l) + kTransposedRows - 1) / kTransposedRows
                                            : 0));
    back_.push_back(prepare(l, Way::back, l > 0 ? math::panel_count<Real>(inputs(l)) : 0));
  }
}

template <class Real>
Capabilities Network<Real>::capabilities() const {
  return {.hvp = true,
          .classification = plan_.loss->classes,
          .smooth = activation_ == nullptr || plan_.activation->smooth,
          .numbers_per_unit = plan_.dropout.empty() ? 4 : 6};
}

template <class Real>
std::optional<LinearCurvature> Network<Real>::linear_curvature() const {
  if (layers() > 1) return std::nullopt;
  return LinearCurvature{.loss = plan_.loss->curvature,
                         .bias = plan_.bias ? 1.0 : 0.0,
                         .over_zero = plan_.loss->over_zero != nullptr ? plan_.loss->over_zero(outputs()) : 0};
}

template <class Real>
std::string Network<Real>::describe() const {
  return fmt::format("{} {}{}, {}{}{}", plan_.kind, fmt::join(plan_.widths, "-"),
                     plan_.activation != nullptr ? fmt::format(", {}", plan_.activation->name) : "", plan_.loss->name,
                     plan_.bias ? "" : ", no bias",
                     plan_.dropout.empty() ? "" : fmt::format(", dropout {}", fmt::join(plan_.dropout, " ")));
}

template <class Real>
double Network<Real>::gradient_flop() const {
  double flop = 0;
  for (std::size_t l = 0; l < layers(); ++l) flop += (l == 0 ? 4.0 : 6.0) * static_cast<double>(width(l) * inputs(l));
  return flop;
}

template <class Real>
std::unique_ptr<Tape<Real>> Network<Real>::make_tape() const {
  return std::make_unique<NetworkTape>(layers());
}

template <class Real>
void Network<Real>::prepare(std::span<const Real> x, std::size_t part, std::span<Real> prepared) const {
  const auto [l, way, number] = parts_[part];
  const math::Rows<Real> weight{x.data() + weight_[l], inputs(l)};
  Real* const to = prepared.data() + (way == Way::forward ? forward_ : back_)[l];
  if (way == Way::back) return math::pack_panel(width(l), inputs(l), weight, number, to);
  if (prepared_as(l) == Prepared::panels) return math::pack_transposed_panel(inputs(l), width(l), weight, number, to);
  const std::size_t first = number * kTransposedRows;
  math::transpose(std::min(kTransposedRows, width(l) - first), inputs(l), weight.first + first * weight.step, weight.step,
                  to + first, width(l));
}

template <class Real>
OutputRows<Real> Network<Real>::rows(const NetworkTape& tape) const {
  return {.count = tape.count(), .outputs = outputs(), .z = tape.layers.back().z.data(), .y = tape.examples->targets.data()};
}

template <class Real>
Evaluation Network<Real>::evaluate(Point<Real> point, const data::Examples<Real>& examples, Tape<Real>& opaque) const {
  auto& tape = static_cast<NetworkTape&>(opaque);
  forward(point, examples, tape);
  const OutputRows<Real> out = rows(tape);
  Evaluation e;
  e.loss = loss_->value(out);
  for (std::size_t i = 0; i < out.count; ++i) {
    const Real* z = out.z + i * out.outputs;
    const auto y = static_cast<double>(out.y[i]);
    if (plan_.loss->classes) {
      const auto chosen = out.outputs == 1 ? static_cast<std::size_t>(z[0] > 0)
                                           : static_cast<std::size_t>(std::max_element(z, z + out.outputs) - z);
      e.correct += chosen == static_cast<std::size_t>(y) ? 1 : 0;
    } else {
      e.squared_error += (static_cast<double>(z[0]) - y) * (static_cast<double>(z[0]) - y);
      e.target += y;
      e.target_squared += y * y;
    }
  }
  return e;
}

template <class Real>
void Network<Real>::predict(Point<Real> point, const data::Examples<Real>& examples, Tape<Real>& opaque,
                            std::span<Real> out) const {
  auto& tape = static_cast<NetworkTape&>(opaque);
  forward(point, examples, tape);
  std::copy_n(tape.layers.back().z.data(), tape.count() * outputs(), out.begin());
}

template class Network<float>;
template class Network<double>;

}  // namespace talweg::model
