// SPDX-License-Identifier: Apache-2.0
// Backpropagation; an example is a row in all arrays:
//   z_l = a_{l-1} W_l^T + b_l,   a_l = f(z_l)                      delta_L = dl/dz_L
//   back_l = delta_{l+1} W_{l+1},   delta_l = f'(z_l) back_l       dl/dW_l = delta_l^T a_{l-1},   dl/db_l = sum of delta_l
#include <algorithm>
#include <array>
#include <cassert>

#include "math/outer_products.hpp"
#include "math/panels.hpp"
#include "model/network.hpp"
#include "model/network_tape.hpp"
#include "model/sparse_product.hpp"

namespace talweg::model {

template <class Real>
std::size_t Network<Real>::extent(const NetworkTape& tape, std::size_t l) const {
  return tape.count() * step(l);
}

template <class Real>
math::Rows<Real> Network<Real>::input(const NetworkTape& tape, std::size_t l) const {
  if (l == 0) return {tape.examples->dense, inputs(0)};
  return {tape.layers[l - 1].a.data(), step(l - 1)};
}

template <class Real>
void Network<Real>::product(const NetworkTape& tape, std::size_t l, const Point<Real>& point, math::Rows<Real> input,
                            math::Rows<Real> start, math::Buffer<Real>& out) const {
  out.resize(extent(tape, l));
  const Real* weights = ready(point, l);
  if (prepared_as(l) == Prepared::panels)
    return math::multiply(tape.count(), inputs(l), width(l), input, weights, start, out.data(), step(l));
  assert(start.step == 0);
  if (plan_.sparse) {
    sparse_products(tape.examples->sparse, width(l), weights, out.data(), step(l));
  } else {
    math::multiply_vector(tape.count(), inputs(l), input.first, weights, out.data());
  }
  if (start.first == nullptr) return;
  for (std::size_t i = 0; i < tape.count(); ++i) {
    for (std::size_t o = 0; o < width(l); ++o) out[i * step(l) + o] += start.first[o];
  }
}

template <class Real>
void Network<Real>::back_product(const NetworkTape& tape, std::size_t l, const Point<Real>& point,
                                 const math::Buffer<Real>& delta, math::Rows<Real> start, math::Buffer<Real>& out) const {
  out.resize(extent(tape, l - 1));
  math::multiply(tape.count(), width(l), inputs(l), {delta.data(), step(l)}, ready(point, l, Way::back), start, out.data(),
                 step(l - 1));
}

template <class Real>
void Network<Real>::forward(const Point<Real>& point, const data::Examples<Real>& examples, NetworkTape& tape) const {
  assert(plan_.sparse == examples.is_sparse() || examples.count == 0);
  tape.examples = &examples;
  tape.dropped = examples.draw && !plan_.dropout.empty();
  for (std::size_t l = 0; l < layers(); ++l) {
    Layer& layer = tape.layers[l];
    product(tape, l, point, input(tape, l), bias(point, l), layer.z);
    if (l + 1 == layers()) break;
    layer.a.resize(layer.z.size());
    if (tape.dropped) {
      drop(examples, l, layer);
    } else {
      activation_->forward(layer.z.size(), layer.z.data(), layer.a.data());
    }
  }
}

template <class Real>
double Network<Real>::forward_backward(Point<Real> point, const data::Examples<Real>& examples, Real weight,
                                       Tape<Real>& opaque) const {
  auto& tape = static_cast<NetworkTape&>(opaque);
  forward(point, examples, tape);
  Layer& last = tape.layers.back();
  last.delta.resize(last.z.size());
  const double value = loss_->value_and_delta(rows(tape), last.delta.data());
  if (weight != 1) {
    for (Real& v : last.delta.span()) v *= weight;
  }
  for (std::size_t l = layers() - 1; l-- > 0;) {
    Layer& layer = tape.layers[l];
    back_product(tape, l + 1, point, tape.layers[l + 1].delta, {}, layer.back);
    layer.delta.resize(layer.z.size());
    if (tape.dropped) {
      for (std::size_t i = 0; i < layer.back.size(); ++i) layer.back[i] *= layer.mask[i];
    }
    const Real* const f = tape.dropped ? layer.whole.data() : layer.a.data();
    activation_->backward(layer.z.size(), layer.z.data(), f, layer.back.data(), layer.delta.data());
  }
  return value;
}

template <class Real>
std::span<Real> Network<Real>::example_numbers(Tape<Real>& opaque) const {
  if (layers() > 1) return {};
  auto& tape = static_cast<NetworkTape&>(opaque);
  return tape.layers.back().delta.span().first(tape.count() * outputs());
}

template <class Real>
void Network<Real>::weight_tile(std::span<const LeafTapes<Real>> leaves, std::size_t l, std::span<const Sides> sides,
                                const math::Tile& tile, math::TileSum<Real>& sum) const {
  using Product = math::OuterProduct<Real>;
  constexpr std::size_t kLeaves = 16;   // at a time
  constexpr std::size_t kProducts = 4;  // of a leaf, at most: four points, or one with two pairs of sides
  std::array<Product, kLeaves * kProducts> products;
  std::array<std::span<const Product>, kLeaves> of_leaf;
  std::size_t at = 0;
  do {
    const auto now = leaves.subspan(at, std::min(kLeaves, leaves.size() - at));
    Product* next = products.data();
    for (std::size_t j = 0; j < now.size(); ++j) {
      Product* const first = next;
      for (const auto& opaque : now[j]) {
        const auto& tape = static_cast<const NetworkTape&>(*opaque);
        for (const Sides& side : sides) {
          *next++ = {.left = {(tape.layers[l].*side.left).data() + tile.first_row, step(l)},
                     .right = l == 0 ? input(tape, 0) : math::Rows<Real>{(tape.layers[l - 1].*side.right).data(), step(l - 1)},
                     .count = tape.count()};
        }
      }
      of_leaf[j] = {first, next};
    }
    math::add_outer_products<Real>(tile.rows, inputs(l), std::span(of_leaf).first(now.size()), sum);
    at += now.size();
  } while (at < leaves.size());
}

template <class Real>
void Network<Real>::bias_tile(std::span<const LeafTapes<Real>> leaves, std::size_t l, math::Buffer<Real> Layer::*deltas,
                              const math::Tile& tile, math::TileSum<Real>& sum) const {
  sum.add_each(leaves.size(), [&](std::size_t leaf, std::span<Real> share) {
    std::ranges::fill(share, Real{0});
    for (const auto& opaque : leaves[leaf]) {
      const auto& tape = static_cast<const NetworkTape&>(*opaque);
      for (std::size_t i = 0; i < tape.count(); ++i) {
        const Real* row = (tape.layers[l].*deltas).data() + i * step(l) + tile.first_row;
        for (std::size_t r = 0; r < share.size(); ++r) share[r] += row[r];
      }
    }
  });
}

template <class Real>
void Network<Real>::sparse_tile(std::span<const LeafTapes<Real>> leaves, math::Buffer<Real> Layer::*deltas,
                                const math::Tile& tile, math::TileSum<Real>& sum) const {
  sum.add_each(leaves.size(), [&](std::size_t leaf, std::span<Real> share) {
    std::ranges::fill(share, Real{0});
    // One row of the tile stays in cache while it is multiplied with all examples.
    for (std::size_t r = 0; r < tile.rows; ++r) {
      Real* to = share.data() + r * inputs(0);
      for (const auto& opaque : leaves[leaf]) {
        const auto& tape = static_cast<const NetworkTape&>(*opaque);
        const Real* delta = (tape.layers[0].*deltas).data() + tile.first_row + r;
        for (std::size_t i = 0; i < tape.count(); ++i, delta += step(0)) {
          const data::SparseRow<Real>& row = tape.examples->sparse[i];
          for (std::size_t j = 0; j < row.count; ++j) to[row.column[j]] += *delta * row.value[j];
        }
      }
    }
  });
}

template <class Real>
void Network<Real>::tile(std::span<const LeafTapes<Real>> leaves, const math::Tile& tile, math::TileSum<Real>& sum) const {
  const TensorRole role = roles_[tile.tensor];
  if (role.bias) return bias_tile(leaves, role.layer, &Layer::delta, tile, sum);
  if (role.layer == 0 && plan_.sparse) return sparse_tile(leaves, &Layer::delta, tile, sum);
  const std::array sides = {Sides{&Layer::delta, &Layer::a}};
  weight_tile(leaves, role.layer, sides, tile, sum);
}

#define TALWEG_GRADIENT(Real)                                                                                                \
  template std::size_t Network<Real>::extent(const NetworkTape&, std::size_t) const;                                         \
  template math::Rows<Real> Network<Real>::input(const NetworkTape&, std::size_t) const;                                     \
  template void Network<Real>::product(const NetworkTape&, std::size_t, const Point<Real>&, math::Rows<Real>,                \
                                       math::Rows<Real>, math::Buffer<Real>&) const;                                         \
  template void Network<Real>::back_product(const NetworkTape&, std::size_t, const Point<Real>&, const math::Buffer<Real>&,  \
                                            math::Rows<Real>, math::Buffer<Real>&) const;                                    \
  template void Network<Real>::forward(const Point<Real>&, const data::Examples<Real>&, NetworkTape&) const;                 \
  template double Network<Real>::forward_backward(Point<Real>, const data::Examples<Real>&, Real, Tape<Real>&) const;        \
  template std::span<Real> Network<Real>::example_numbers(Tape<Real>&) const;                                                \
  template void Network<Real>::weight_tile(std::span<const LeafTapes<Real>>, std::size_t, std::span<const Sides>,            \
                                           const math::Tile&, math::TileSum<Real>&) const;                                   \
  template void Network<Real>::bias_tile(std::span<const LeafTapes<Real>>, std::size_t, math::Buffer<Real> Layer::*,         \
                                         const math::Tile&, math::TileSum<Real>&) const;                                     \
  template void Network<Real>::sparse_tile(std::span<const LeafTapes<Real>>, math::Buffer<Real> Layer::*, const math::Tile&, \
                                           math::TileSum<Real>&) const;                                                      \
  template void Network<Real>::tile(std::span<const LeafTapes<Real>>, const math::Tile&, math::TileSum<Real>&) const;
TALWEG_GRADIENT(float)
TALWEG_GRADIENT(double)
#undef TALWEG_GRADIENT

}  // namespace talweg::model
