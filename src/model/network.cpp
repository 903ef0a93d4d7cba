// SPDX-License-Identifier: Apache-2.0
#include "model/network.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <ranges>

#include "model/network_tape.hpp"
#include "talweg/base/error.hpp"
#include "talweg/math/gemm.hpp"
#include "talweg/math/transpose.hpp"

namespace talweg::model {

using math::gemm;
using math::Transpose;

namespace {

/// Row times w [k], in four interleaved sums: one would wait for each addition before the next.
template <class Real>
Real sparse_product(const data::SparseRow<Real>& row, const Real* w) {
  constexpr std::size_t kSums = 4;
  std::array<Real, kSums> sums{};
  std::size_t j = 0;
  for (; j + kSums <= row.count; j += kSums) {
    for (std::size_t s = 0; s < kSums; ++s) sums[s] += row.value[j + s] * w[row.column[j + s]];
  }
  for (; j < row.count; ++j) sums[0] += row.value[j] * w[row.column[j]];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// out [count, n] = rows times W^T, in an order that the row's entries alone fix. W is [n, k]; W^T may be null.
template <class Real>
void sparse_products(std::span<const data::SparseRow<Real>> rows, std::size_t n, std::size_t k, const Real* weight,
                     const Real* transposed, Real* out) {
  if (n == 1) {
    for (const data::SparseRow<Real>& row : rows) *out++ = sparse_product(row, weight);
    return;
  }
  for (const data::SparseRow<Real>& row : rows) {
    std::fill_n(out, n, Real{0});
    for (std::size_t j = 0; j < row.count; ++j) {
      if (transposed != nullptr) {
        const Real* w = transposed + row.column[j] * n;
        for (std::size_t o = 0; o < n; ++o) out[o] += row.value[j] * w[o];
      } else {
        const Real* w = weight + row.column[j];
        for (std::size_t o = 0; o < n; ++o) out[o] += row.value[j] * w[o * k];
      }
    }
    out += n;
  }
}

}  // namespace

template <class Real>
Network<Real>::Network(NetworkPlan plan, const ModelConfig& config)
    : plan_(std::move(plan)), loss_(make_loss<Real>(*plan_.loss, config)) {
  for (std::size_t l = 0; l < layers(); ++l) {
    const std::string name = plan_.prefix.empty() ? "" : plan_.prefix + std::to_string(l) + ".";
    weight_.push_back(layout_.tensors().size());
    layout_.add(name + "weight", {width(l), inputs(l)});
    places_.push_back({l, false});
    if (!plan_.bias) continue;
    bias_.push_back(layout_.tensors().size());
    layout_.add(name + "bias", {width(l)}, true);
    places_.push_back({l, true});
  }
  for (std::size_t& at : weight_) at = layout_.tensors()[at].offset;
  for (std::size_t& at : bias_) at = layout_.tensors()[at].offset;
  if (plan_.activation != nullptr) activation_ = make_activation<Real>(*plan_.activation);
}

template <class Real>
Capabilities Network<Real>::capabilities() const {
  return {.hvp = true,
          .classification = plan_.loss->classes,
          .smooth = plan_.loss->smooth && (activation_ == nullptr || plan_.activation->smooth)};
}

template <class Real>
std::string Network<Real>::describe() const {
  return fmt::format("{} {}{}, {}{}", plan_.kind, fmt::join(plan_.widths, "-"),
                     plan_.activation != nullptr ? fmt::format(", {}", plan_.activation->name) : "", plan_.loss->name,
                     plan_.bias ? "" : ", no bias");
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
std::size_t Network<Real>::prepared_extent() const {
  return std::ranges::any_of(std::views::iota(std::size_t{0}, layers()), [&](std::size_t l) { return prepares(l); })
             ? layout_.extent()
             : 0;
}

template <class Real>
void Network<Real>::prepare_tile(std::span<const Real> x, const math::Tile& tile, std::span<Real> prepared) const {
  const Place place = places_[tile.tensor];
  const std::size_t n = width(place.layer);
  if (place.bias || !prepares(place.layer)) return;
  math::transpose(tile.rows, inputs(place.layer), x.data() + tile.offset,
                  prepared.data() + weight_[place.layer] + tile.first_row, n);
}

template <class Real>
void Network<Real>::multiply(const NetworkTape& tape, std::size_t l, const Real* dense, const Point<Real>& point, Real beta,
                             Real* out) const {
  if (tape.count() == 0) return;  // then a buffer may be null without the input being sparse
  const std::size_t n = width(l);
  const std::size_t k = inputs(l);
  const Real* ready = transposed(point, l);
  if (dense == nullptr) {
    assert(beta == 0);  // sparse rows are the first layer's input, and nothing comes before that
    sparse_products(tape.examples->sparse, n, k, weight(point, l), ready, out);
  } else if (ready != nullptr) {
    gemm(Transpose::no, Transpose::no, tape.count(), n, k, Real{1}, dense, k, ready, n, beta, out, n);
  } else {
    gemm(Transpose::no, Transpose::yes, tape.count(), n, k, Real{1}, dense, k, weight(point, l), k, beta, out, n);
  }
}

template <class Real>
void Network<Real>::add_bias(std::size_t count, std::size_t l, const Real* bias, Real* out) const {
  if (bias == nullptr) return;
  const std::size_t n = width(l);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t o = 0; o < n; ++o) out[i * n + o] += bias[o];
  }
}

template <class Real>
void Network<Real>::forward(const Point<Real>& point, NetworkTape& tape) const {
  const std::size_t count = tape.count();
  for (std::size_t l = 0; l < layers(); ++l) {
    Layer& layer = tape.layers[l];
    layer.z.resize(count * width(l));
    multiply(tape, l, tape.input(l), point, Real{0}, layer.z.data());
    if (l + 1 == layers()) {
      add_bias(count, l, bias(point, l), layer.z.data());
      break;
    }
    layer.a.resize(count * width(l));
    for (std::size_t i = 0; i < count; ++i) {  // bias and activation in one sweep: a row is in cache for both
      Real* z = layer.z.data() + i * width(l);
      add_bias(1, l, bias(point, l), z);
      activation_->forward(width(l), z, layer.a.data() + i * width(l));
    }
  }
}

template <class Real>
OutputRows<Real> Network<Real>::rows(const NetworkTape& tape) const {
  return {.count = tape.count(), .outputs = outputs(), .z = tape.layers.back().z.data(), .y = tape.examples->targets.data()};
}

template <class Real>
double Network<Real>::forward_backward(Point<Real> point, const data::Examples<Real>& examples, Tape<Real>& opaque) const {
  auto& tape = static_cast<NetworkTape&>(opaque);
  tape.examples = &examples;
  forward(point, tape);
  const std::size_t count = tape.count();
  Layer& last = tape.layers.back();
  last.delta.resize(count * outputs());
  const double value = loss_->value_and_delta(rows(tape), last.delta.data());
  for (std::size_t l = layers() - 1; l-- > 0;) {
    Layer& layer = tape.layers[l];
    const std::size_t n = width(l);
    layer.back.resize(count * n);
    layer.delta.resize(count * n);
    gemm(Transpose::no, Transpose::no, count, n, width(l + 1), Real{1}, tape.layers[l + 1].delta.data(), width(l + 1),
         weight(point, l + 1), n, Real{0}, layer.back.data(), n);
    activation_->backward(count * n, layer.z.data(), layer.a.data(), layer.back.data(), layer.delta.data());
  }
  return value;
}

template <class Real>
void Network<Real>::outer(const NetworkTape& tape, std::size_t l, const Real* delta, const Real* dense, const math::Tile& tile,
                          Real weight, Real beta, Real* out) const {
  if (beta == 0 && (dense == nullptr || tape.count() == 0)) std::fill_n(out, tile.count, Real{0});
  if (tape.count() == 0) return;  // gemm has no k = 0
  const std::size_t n = width(l);
  const std::size_t k = inputs(l);
  if (dense != nullptr) {
    gemm(Transpose::yes, Transpose::no, tile.rows, k, tape.count(), weight, delta + tile.first_row, n, dense, k, beta, out, k);
    return;
  }
  for (std::size_t r = 0; r < tile.rows; ++r) {  // one row of the tile stays in cache while all examples pass
    Real* to = out + r * k;
    for (std::size_t i = 0; i < tape.count(); ++i) {
      const data::SparseRow<Real>& row = tape.examples->sparse[i];
      const Real factor = weight * delta[i * n + tile.first_row + r];
      for (std::size_t j = 0; j < row.count; ++j) to[row.column[j]] += factor * row.value[j];
    }
  }
}

template <class Real>
void Network<Real>::column_sums(std::size_t count, std::size_t l, const Real* delta, const math::Tile& tile, Real weight,
                                Real beta, Real* out) const {
  if (beta == 0) std::fill_n(out, tile.count, Real{0});
  for (std::size_t i = 0; i < count; ++i) {
    const Real* row = delta + i * width(l) + tile.first_row;
    for (std::size_t r = 0; r < tile.rows; ++r) out[r] += weight * row[r];
  }
}

template <class Real>
void Network<Real>::tile(const Tape<Real>& opaque, const math::Tile& tile, Real weight, Real beta, std::span<Real> out) const {
  const auto& tape = static_cast<const NetworkTape&>(opaque);
  const Place place = places_[tile.tensor];
  const Real* delta = tape.layers[place.layer].delta.data();
  if (place.bias) {
    column_sums(tape.count(), place.layer, delta, tile, weight, beta, out.data());
  } else {
    outer(tape, place.layer, delta, tape.input(place.layer), tile, weight, beta, out.data());
  }
}

template <class Real>
Evaluation Network<Real>::evaluate(Point<Real> point, const data::Examples<Real>& examples, Tape<Real>& opaque) const {
  auto& tape = static_cast<NetworkTape&>(opaque);
  tape.examples = &examples;
  forward(point, tape);
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
  tape.examples = &examples;
  forward(point, tape);
  std::copy_n(tape.layers.back().z.data(), tape.count() * outputs(), out.begin());
}

template class Network<float>;
template class Network<double>;

}  // namespace talweg::model
