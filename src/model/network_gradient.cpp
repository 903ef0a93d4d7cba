// SPDX-License-Identifier: Apache-2.0
// Backpropagation:
//   z_l = W_l a_{l-1} + b_l,   a_l = f(z_l)                        delta_L = dl/dz_L
//   back_l = W_{l+1}^T delta_{l+1},   delta_l = f'(z_l) back_l     dl/dW_l = delta_l a_{l-1}^T,   dl/db_l = delta_l
#include <algorithm>
#include <array>
#include <cassert>

#include "model/network.hpp"
#include "model/network_tape.hpp"
#include "model/sparse_product.hpp"
#include "talweg/math/outer_products.hpp"

namespace talweg::model {

template <class Real>
void Network<Real>::enter(const data::Examples<Real>& examples, NetworkTape& tape) const {
  assert(plan_.sparse == examples.is_sparse() || examples.count == 0);
  tape.examples = &examples;
  if (prepared_as(0) == Prepared::panels) tape.to_lanes(inputs(0), examples.dense, inputs(0), tape.x);
}

template <class Real>
void Network<Real>::set_bias(const NetworkTape& tape, std::size_t l, const Real* bias, math::Buffer<Real>& out) const {
  const std::size_t lanes = tape.lanes();
  out.resize(width(l) * lanes);
  for (std::size_t o = 0; o < width(l); ++o) std::fill_n(out.data() + o * lanes, lanes, bias != nullptr ? bias[o] : Real{0});
}

template <class Real>
void Network<Real>::add_product(NetworkTape& tape, std::size_t l, const Point<Real>& point, const Real* input,
                                Real* out) const {
  const Real* weights = ready(point, l);
  if (prepared_as(l) == Prepared::panels) {
    math::multiply(width(l), inputs(l), weights, tape.lanes(), input != nullptr ? input : tape.x.data(), true, out);
    return;
  }
  const std::size_t n = width(l);
  tape.rows.resize(tape.count() * n);
  if (plan_.sparse) {
    sparse_products(tape.examples->sparse, n, weights, tape.rows.data());
  } else {
    math::multiply_vector(tape.count(), inputs(l), tape.examples->dense, weights, tape.rows.data());
  }
  for (std::size_t i = 0; i < tape.count(); ++i) {
    for (std::size_t o = 0; o < n; ++o) out[o * tape.lanes() + i] += tape.rows[i * n + o];
  }
}

template <class Real>
void Network<Real>::back_product(const NetworkTape& tape, std::size_t l, const Point<Real>& point, const Real* delta, bool add,
                                 Real* out) const {
  math::multiply_transposed(width(l), inputs(l), ready(point, l), tape.lanes(), delta, add, out);
}

template <class Real>
void Network<Real>::last_rows(NetworkTape& tape, const math::Buffer<Real>& from, math::Buffer<Real>& to) const {
  to.resize(tape.count() * outputs());
  math::transpose(outputs(), tape.count(), from.data(), tape.lanes(), to.data(), outputs());
}

template <class Real>
void Network<Real>::forward(const Point<Real>& point, NetworkTape& tape) const {
  for (std::size_t l = 0; l < layers(); ++l) {
    Layer& layer = tape.layers[l];
    set_bias(tape, l, bias(point, l), layer.z);
    add_product(tape, l, point, below(tape, l), layer.z.data());
    if (l + 1 == layers()) break;
    layer.a.resize(layer.z.size());
    activation_->forward(layer.z.size(), layer.z.data(), layer.a.data());
  }
  last_rows(tape, tape.layers.back().z, tape.layers.back().z_rows);
}

template <class Real>
double Network<Real>::forward_backward(Point<Real> point, const data::Examples<Real>& examples, Real weight,
                                       Tape<Real>& opaque) const {
  auto& tape = static_cast<NetworkTape&>(opaque);
  enter(examples, tape);
  forward(point, tape);
  Layer& last = tape.layers.back();
  last.delta_rows.resize(tape.count() * outputs());
  const double value = loss_->value_and_delta(rows(tape), last.delta_rows.data());
  if (weight != 1) {
    for (Real& v : last.delta_rows.span()) v *= weight;
  }
  if (layers() > 1) tape.to_lanes(outputs(), last.delta_rows.data(), outputs(), last.delta);
  for (std::size_t l = layers() - 1; l-- > 0;) {
    Layer& layer = tape.layers[l];
    layer.back.resize(layer.z.size());
    layer.delta.resize(layer.z.size());
    back_product(tape, l + 1, point, tape.layers[l + 1].delta.data(), false, layer.back.data());
    activation_->backward(layer.z.size(), layer.z.data(), layer.a.data(), layer.back.data(), layer.delta.data());
    tape.to_rows(width(l), layer.a.data(), layer.a_rows);
    tape.to_rows(width(l), layer.delta.data(), layer.delta_rows);
  }
  return value;
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
          *next++ = {.left = (tape.layers[l].*side.left).data() + tile.first_row,
                     .left_step = step(l),
                     .right = l == 0 ? tape.examples->dense : (tape.layers[l - 1].*side.right).data(),
                     .right_step = l == 0 ? inputs(0) : step(l - 1),
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
    for (std::size_t r = 0; r < tile.rows; ++r) {  // one row of the tile stays in cache while all examples pass
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
  const Place place = places_[tile.tensor];
  if (place.bias) return bias_tile(leaves, place.layer, &Layer::delta_rows, tile, sum);
  if (place.layer == 0 && plan_.sparse) return sparse_tile(leaves, &Layer::delta_rows, tile, sum);
  const std::array sides = {Sides{&Layer::delta_rows, &Layer::a_rows}};
  weight_tile(leaves, place.layer, sides, tile, sum);
}

#define TALWEG_GRADIENT(Real)                                                                                                \
  template void Network<Real>::enter(const data::Examples<Real>&, NetworkTape&) const;                                       \
  template void Network<Real>::set_bias(const NetworkTape&, std::size_t, const Real*, math::Buffer<Real>&) const;            \
  template void Network<Real>::add_product(NetworkTape&, std::size_t, const Point<Real>&, const Real*, Real*) const;         \
  template void Network<Real>::back_product(const NetworkTape&, std::size_t, const Point<Real>&, const Real*, bool, Real*)   \
      const;                                                                                                                 \
  template void Network<Real>::last_rows(NetworkTape&, const math::Buffer<Real>&, math::Buffer<Real>&) const;                \
  template void Network<Real>::forward(const Point<Real>&, NetworkTape&) const;                                              \
  template double Network<Real>::forward_backward(Point<Real>, const data::Examples<Real>&, Real, Tape<Real>&) const;        \
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
