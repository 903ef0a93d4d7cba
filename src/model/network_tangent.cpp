// SPDX-License-Identifier: Apache-2.0
// Derivatives of the network's passes along a direction v of the parameters (V_l, u_l for W_l, b_l):
//   dz_l     = W_l da_{l-1} + V_l a_{l-1} + u_l                da_l = f'(z_l) dz_l            da_0 = 0
//   ddelta_L = (d2l/dz2) dz_L
//   dback_l  = W_{l+1}^T ddelta_{l+1} + V_{l+1}^T delta_{l+1}  ddelta_l = f'(z_l) dback_l + f''(z_l) dz_l back_l
//   (H v)_W  = ddelta_l a_{l-1}^T + delta_l da_{l-1}^T         (H v)_b = ddelta_l
#include <array>

#include "model/network.hpp"
#include "model/network_tape.hpp"

namespace talweg::model {

template <class Real>
void Network<Real>::tangent(Point<Real> point, Point<Real> direction, Tape<Real>& opaque) const {
  auto& tape = static_cast<NetworkTape&>(opaque);
  for (std::size_t l = 0; l < layers(); ++l) {
    Layer& layer = tape.layers[l];
    set_bias(tape, l, bias(direction, l), layer.dz);
    add_product(tape, l, direction, below(tape, l), layer.dz.data());
    if (l > 0) add_product(tape, l, point, tape.layers[l - 1].da.data(), layer.dz.data());
    if (l + 1 == layers()) break;
    layer.da.resize(layer.dz.size());
    activation_->backward(layer.dz.size(), layer.z.data(), layer.a.data(), layer.dz.data(), layer.da.data());
  }
  Layer& last = tape.layers.back();
  last_rows(tape, last.dz, last.dz_rows);
  last.ddelta_rows.resize(tape.count() * outputs());
  loss_->second(rows(tape), last.delta_rows.data(), last.dz_rows.data(), last.ddelta_rows.data());
  if (layers() > 1) tape.to_lanes(outputs(), last.ddelta_rows.data(), outputs(), last.ddelta);
  for (std::size_t l = layers() - 1; l-- > 0;) {
    Layer& layer = tape.layers[l];
    const Layer& above = tape.layers[l + 1];
    layer.dback.resize(layer.z.size());
    layer.ddelta.resize(layer.z.size());
    back_product(tape, l + 1, point, above.ddelta.data(), false, layer.dback.data());
    back_product(tape, l + 1, direction, above.delta.data(), true, layer.dback.data());
    activation_->second(layer.z.size(), layer.z.data(), layer.a.data(), layer.dback.data(), layer.dz.data(), layer.back.data(),
                        layer.ddelta.data());
    tape.to_rows(width(l), layer.da.data(), layer.da_rows);
    tape.to_rows(width(l), layer.ddelta.data(), layer.ddelta_rows);
  }
}

template <class Real>
void Network<Real>::tangent_tile(std::span<const LeafTapes<Real>> leaves, const math::Tile& tile,
                                 math::TileSum<Real>& sum) const {
  const Place place = places_[tile.tensor];
  if (place.bias) return bias_tile(leaves, place.layer, &Layer::ddelta_rows, tile, sum);
  if (place.layer == 0 && plan_.sparse) return sparse_tile(leaves, &Layer::ddelta_rows, tile, sum);
  const std::array sides = {Sides{&Layer::ddelta_rows, &Layer::a_rows}, Sides{&Layer::delta_rows, &Layer::da_rows}};
  weight_tile(leaves, place.layer, std::span(sides).first(place.layer == 0 ? 1 : 2), tile, sum);  // the features stand still
}

// Values and slopes at x + t v without forming x + t v: products with W and V apart, and the first layer's, which do not depend
// on t, once.
template <class Real>
void Network<Real>::along(Point<Real> point, Point<Real> direction, std::span<const double> lengths,
                          const data::Examples<Real>& examples, Tape<Real>& opaque, std::span<ValueAndSlope> out) const {
  auto& tape = static_cast<NetworkTape&>(opaque);
  enter(examples, tape);
  Layer& first = tape.layers.front();
  math::Buffer<Real>& at_point = first.back;  // [width(0), lanes], free in this pass
  math::Buffer<Real>& at_direction = first.dback;
  set_bias(tape, 0, bias(point, 0), at_point);
  add_product(tape, 0, point, nullptr, at_point.data());
  set_bias(tape, 0, bias(direction, 0), at_direction);
  add_product(tape, 0, direction, nullptr, at_direction.data());
  for (std::size_t k = 0; k < lengths.size(); ++k) {
    const Real t = static_cast<Real>(lengths[k]);
    for (std::size_t l = 0; l < layers(); ++l) {
      Layer& layer = tape.layers[l];
      const std::size_t size = width(l) * tape.lanes();
      layer.z.resize(size);
      layer.dz.resize(size);
      if (l == 0) {
        for (std::size_t i = 0; i < size; ++i) layer.z[i] = at_point[i] + t * at_direction[i];
        std::copy_n(at_direction.data(), size, layer.dz.data());
      } else {
        // dz first holds V a + u, which both need.
        const Layer& below_here = tape.layers[l - 1];
        set_bias(tape, l, bias(direction, l), layer.dz);
        add_product(tape, l, direction, below_here.a.data(), layer.dz.data());
        set_bias(tape, l, bias(point, l), layer.z);
        add_product(tape, l, point, below_here.a.data(), layer.z.data());
        for (std::size_t i = 0; i < size; ++i) layer.z[i] += t * layer.dz[i];
        add_product(tape, l, point, below_here.da.data(), layer.dz.data());
        set_bias(tape, l, nullptr, layer.delta);  // V da
        add_product(tape, l, direction, below_here.da.data(), layer.delta.data());
        for (std::size_t i = 0; i < size; ++i) layer.dz[i] += t * layer.delta[i];
      }
      if (l + 1 == layers()) break;
      layer.a.resize(size);
      layer.da.resize(size);
      activation_->forward(size, layer.z.data(), layer.a.data());
      activation_->backward(size, layer.z.data(), layer.a.data(), layer.dz.data(), layer.da.data());
    }
    Layer& last = tape.layers.back();
    last_rows(tape, last.z, last.z_rows);
    last_rows(tape, last.dz, last.dz_rows);
    last.delta_rows.resize(tape.count() * outputs());
    out[k].value = loss_->value_and_delta(rows(tape), last.delta_rows.data());
    double slope = 0;
    for (std::size_t i = 0; i < last.delta_rows.size(); ++i)
      slope += static_cast<double>(last.delta_rows[i]) * static_cast<double>(last.dz_rows[i]);
    out[k].slope = slope;
  }
}

#define TALWEG_TANGENT(Real)                                                                                                  \
  template void Network<Real>::tangent(Point<Real>, Point<Real>, Tape<Real>&) const;                                          \
  template void Network<Real>::tangent_tile(std::span<const LeafTapes<Real>>, const math::Tile&, math::TileSum<Real>&) const; \
  template void Network<Real>::along(Point<Real>, Point<Real>, std::span<const double>, const data::Examples<Real>&,          \
                                     Tape<Real>&, std::span<ValueAndSlope>) const;
TALWEG_TANGENT(float)
TALWEG_TANGENT(double)
#undef TALWEG_TANGENT

}  // namespace talweg::model
