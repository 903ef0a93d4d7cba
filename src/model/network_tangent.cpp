// SPDX-License-Identifier: Apache-2.0
// Derivatives of the network's passes along a direction v of the parameters (V_l, u_l for W_l, b_l):
//   dz_l     = da_{l-1} W_l^T + a_{l-1} V_l^T + u_l            da_l = f'(z_l) dz_l            da_0 = 0
//   ddelta_L = (d2l/dz2) dz_L
//   dback_l  = ddelta_{l+1} W_{l+1} + delta_{l+1} V_{l+1}      ddelta_l = f'(z_l) dback_l + f''(z_l) dz_l back_l
//   (H v)_W  = ddelta_l^T a_{l-1} + delta_l^T da_{l-1}         (H v)_b = sum of ddelta_l
#include <array>
#include <stdexcept>

#include "model/network.hpp"
#include "model/network_tape.hpp"

namespace talweg::model {

template <class Real>
void Network<Real>::tangent(Point<Real> point, Point<Real> direction, Tape<Real>& opaque) const {
  auto& tape = static_cast<NetworkTape&>(opaque);
  if (tape.dropped) throw std::logic_error("a Hessian-vector product of a network with dropout");
  for (std::size_t l = 0; l < layers(); ++l) {
    Layer& layer = tape.layers[l];
    product(tape, l, direction, input(tape, l), bias(direction, l), layer.dz);
    if (l > 0) product(tape, l, point, {tape.layers[l - 1].da.data(), step(l - 1)}, {layer.dz.data(), step(l)}, layer.dz);
    if (l + 1 == layers()) break;
    layer.da.resize(layer.dz.size());
    activation_->backward(layer.dz.size(), layer.z.data(), layer.a.data(), layer.dz.data(), layer.da.data());
  }
  Layer& last = tape.layers.back();
  last.ddelta.resize(last.z.size());
  loss_->second(rows(tape), last.delta.data(), last.dz.data(), last.ddelta.data());
  for (std::size_t l = layers() - 1; l-- > 0;) {
    Layer& layer = tape.layers[l];
    const Layer& above = tape.layers[l + 1];
    back_product(tape, l + 1, point, above.ddelta, {}, layer.dback);
    back_product(tape, l + 1, direction, above.delta, {layer.dback.data(), step(l)}, layer.dback);
    layer.ddelta.resize(layer.z.size());
    activation_->second(layer.z.size(), layer.z.data(), layer.a.data(), layer.dback.data(), layer.dz.data(), layer.back.data(),
                        layer.ddelta.data());
  }
}

template <class Real>
void Network<Real>::tangent_tile(std::span<const LeafTapes<Real>> leaves, const math::Tile& tile,
                                 math::TileSum<Real>& sum) const {
  const TensorRole role = roles_[tile.tensor];
  if (role.bias) return bias_tile(leaves, role.layer, &Layer::ddelta, tile, sum);
  if (role.layer == 0 && plan_.sparse) return sparse_tile(leaves, &Layer::ddelta, tile, sum);
  const std::array sides = {Sides{&Layer::ddelta, &Layer::a}, Sides{&Layer::delta, &Layer::da}};
  // The features have no derivative.
  weight_tile(leaves, role.layer, std::span(sides).first(role.layer == 0 ? 1 : 2), tile, sum);
}

// Values and slopes at x + t v without forming x + t v: products with W and V apart, and the first layer's, which do not depend
// on t, once.
template <class Real>
void Network<Real>::along(Point<Real> point, Point<Real> direction, std::span<const double> lengths,
                          const data::Examples<Real>& examples, Tape<Real>& opaque, std::span<ValueAndSlope> out) const {
  auto& tape = static_cast<NetworkTape&>(opaque);
  tape.examples = &examples;
  Layer& first = tape.layers.front();
  math::Buffer<Real>& at_point = first.back;  // like z of the first layer; free in this pass
  math::Buffer<Real>& at_direction = first.dback;
  product(tape, 0, point, input(tape, 0), bias(point, 0), at_point);
  product(tape, 0, direction, input(tape, 0), bias(direction, 0), at_direction);
  for (std::size_t k = 0; k < lengths.size(); ++k) {
    const Real t = static_cast<Real>(lengths[k]);
    for (std::size_t l = 0; l < layers(); ++l) {
      Layer& layer = tape.layers[l];
      const std::size_t size = extent(tape, l);
      layer.z.resize(size);
      layer.dz.resize(size);
      if (l == 0) {
        for (std::size_t i = 0; i < size; ++i) layer.z[i] = at_point[i] + t * at_direction[i];
        std::copy_n(at_direction.data(), size, layer.dz.data());
      } else {
        // dz first holds V a + u, which both need.
        const math::Rows<Real> moved{tape.layers[l - 1].da.data(), step(l - 1)};
        product(tape, l, direction, input(tape, l), bias(direction, l), layer.dz);
        product(tape, l, point, input(tape, l), bias(point, l), layer.z);
        for (std::size_t i = 0; i < size; ++i) layer.z[i] += t * layer.dz[i];
        product(tape, l, point, moved, {layer.dz.data(), step(l)}, layer.dz);
        product(tape, l, direction, moved, {}, layer.delta);  // V da
        for (std::size_t i = 0; i < size; ++i) layer.dz[i] += t * layer.delta[i];
      }
      if (l + 1 == layers()) break;
      layer.a.resize(size);
      layer.da.resize(size);
      activation_->forward(size, layer.z.data(), layer.a.data());
      activation_->backward(size, layer.z.data(), layer.a.data(), layer.dz.data(), layer.da.data());
    }
    Layer& last = tape.layers.back();
    last.delta.resize(last.z.size());
    out[k].value = loss_->value_and_delta(rows(tape), last.delta.data());
    double slope = 0;
    for (std::size_t i = 0; i < last.delta.size(); ++i)
      slope += static_cast<double>(last.delta[i]) * static_cast<double>(last.dz[i]);
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
