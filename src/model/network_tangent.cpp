// SPDX-License-Identifier: Apache-2.0
// Derivatives of the network's passes along a direction v of the parameters (V_l, u_l for W_l, b_l):
//   dz_l     = da_{l-1} W_l^T + a_{l-1} V_l^T + u_l            da_l = f'(z_l) dz_l            da_0 = 0
//   ddelta_L = (d2l/dz2) dz_L
//   dback_l  = ddelta_{l+1} W_{l+1} + delta_{l+1} V_{l+1}      ddelta_l = f'(z_l) dback_l + f''(z_l) dz_l back_l
//   (H v)_W  = ddelta_l^T a_{l-1} + delta_l^T da_{l-1}         (H v)_b = sum of ddelta_l over examples
#include "model/network.hpp"
#include "model/network_tape.hpp"
#include "talweg/math/gemm.hpp"

namespace talweg::model {

using math::gemm;
using math::Transpose;

template <class Real>
void Network<Real>::tangent(Point<Real> point, Point<Real> direction, Tape<Real>& opaque) const {
  auto& tape = static_cast<NetworkTape&>(opaque);
  const std::size_t count = tape.count();
  for (std::size_t l = 0; l < layers(); ++l) {
    Layer& layer = tape.layers[l];
    const std::size_t size = count * width(l);
    layer.dz.resize(size);
    multiply(tape, l, tape.input(l), direction, Real{0}, layer.dz.data());
    if (l > 0) multiply(tape, l, tape.layers[l - 1].da.data(), point, Real{1}, layer.dz.data());
    add_bias(count, l, bias(direction, l), layer.dz.data());
    if (l + 1 == layers()) break;
    layer.da.resize(size);
    activation_->backward(size, layer.z.data(), layer.a.data(), layer.dz.data(), layer.da.data());
  }
  Layer& last = tape.layers.back();
  last.ddelta.resize(count * outputs());
  loss_->second(rows(tape), last.delta.data(), last.dz.data(), last.ddelta.data());
  for (std::size_t l = layers() - 1; l-- > 0;) {
    Layer& layer = tape.layers[l];
    const Layer& above = tape.layers[l + 1];
    const std::size_t n = width(l);
    const std::size_t k = width(l + 1);
    layer.dback.resize(count * n);
    layer.ddelta.resize(count * n);
    gemm(Transpose::no, Transpose::no, count, n, k, Real{1}, above.ddelta.data(), k, weight(point, l + 1), n, Real{0},
         layer.dback.data(), n);
    gemm(Transpose::no, Transpose::no, count, n, k, Real{1}, above.delta.data(), k, weight(direction, l + 1), n, Real{1},
         layer.dback.data(), n);
    activation_->second(count * n, layer.z.data(), layer.a.data(), layer.dback.data(), layer.dz.data(), layer.back.data(),
                        layer.ddelta.data());
  }
}

template <class Real>
void Network<Real>::tangent_tile(const Tape<Real>& opaque, const math::Tile& tile, Real weight, Real beta,
                                 std::span<Real> out) const {
  const auto& tape = static_cast<const NetworkTape&>(opaque);
  const Place place = places_[tile.tensor];
  const Layer& layer = tape.layers[place.layer];
  if (place.bias) {
    column_sums(tape.count(), place.layer, layer.ddelta.data(), tile, weight, beta, out.data());
    return;
  }
  outer(tape, place.layer, layer.ddelta.data(), tape.input(place.layer), tile, weight, beta, out.data());
  if (place.layer > 0) {
    outer(tape, place.layer, layer.delta.data(), tape.layers[place.layer - 1].da.data(), tile, weight, Real{1}, out.data());
  }
}

// Values and slopes at x + t v without forming x + t v: products with W and V apart, and the first layer's, which do not depend
// on t, once.
template <class Real>
void Network<Real>::along(Point<Real> point, Point<Real> direction, std::span<const double> lengths,
                          const data::Examples<Real>& examples, Tape<Real>& opaque, std::span<ValueAndSlope> out) const {
  auto& tape = static_cast<NetworkTape&>(opaque);
  tape.examples = &examples;
  const std::size_t count = tape.count();
  Layer& first = tape.layers.front();
  math::Buffer<Real>& at_point = first.back;  // [count, width(0)], free in this pass
  math::Buffer<Real>& at_direction = first.dback;
  at_point.resize(count * width(0));
  at_direction.resize(count * width(0));
  multiply(tape, 0, tape.input(0), point, Real{0}, at_point.data());
  add_bias(count, 0, bias(point, 0), at_point.data());
  multiply(tape, 0, tape.input(0), direction, Real{0}, at_direction.data());
  add_bias(count, 0, bias(direction, 0), at_direction.data());
  for (std::size_t k = 0; k < lengths.size(); ++k) {
    const Real t = static_cast<Real>(lengths[k]);
    for (std::size_t l = 0; l < layers(); ++l) {
      Layer& layer = tape.layers[l];
      const std::size_t size = count * width(l);
      layer.z.resize(size);
      layer.dz.resize(size);
      if (l == 0) {
        for (std::size_t i = 0; i < size; ++i) layer.z[i] = at_point[i] + t * at_direction[i];
        std::copy_n(at_direction.data(), size, layer.dz.data());
      } else {
        const Layer& below = tape.layers[l - 1];
        // dz first holds a V^T, which both need.
        multiply(tape, l, below.a.data(), direction, Real{0}, layer.dz.data());
        add_bias(count, l, bias(direction, l), layer.dz.data());
        for (std::size_t i = 0; i < size; ++i) layer.z[i] = t * layer.dz[i];
        multiply(tape, l, below.a.data(), point, Real{1}, layer.z.data());
        add_bias(count, l, bias(point, l), layer.z.data());
        multiply(tape, l, below.da.data(), point, Real{1}, layer.dz.data());
        layer.delta.resize(size);  // da V^T
        multiply(tape, l, below.da.data(), direction, Real{0}, layer.delta.data());
        for (std::size_t i = 0; i < size; ++i) layer.dz[i] += t * layer.delta[i];
      }
      if (l + 1 == layers()) break;
      layer.a.resize(size);
      layer.da.resize(size);
      activation_->forward(size, layer.z.data(), layer.a.data());
      activation_->backward(size, layer.z.data(), layer.a.data(), layer.dz.data(), layer.da.data());
    }
    Layer& last = tape.layers.back();
    last.delta.resize(count * outputs());
    out[k].value = loss_->value_and_delta(rows(tape), last.delta.data());
    double slope = 0;
    for (std::size_t i = 0; i < count * outputs(); ++i)
      slope += static_cast<double>(last.delta[i]) * static_cast<double>(last.dz[i]);
    out[k].slope = slope;
  }
}

#define TALWEG_TANGENT(Real)                                                                                          \
  template void Network<Real>::tangent(Point<Real>, Point<Real>, Tape<Real>&) const;                                  \
  template void Network<Real>::tangent_tile(const Tape<Real>&, const math::Tile&, Real, Real, std::span<Real>) const; \
  template void Network<Real>::along(Point<Real>, Point<Real>, std::span<const double>, const data::Examples<Real>&,  \
                                     Tape<Real>&, std::span<ValueAndSlope>) const;
TALWEG_TANGENT(float)
TALWEG_TANGENT(double)
#undef TALWEG_TANGENT

}  // namespace talweg::model
