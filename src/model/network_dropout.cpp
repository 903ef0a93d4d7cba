// SPDX-License-Identifier: Apache-2.0
// Dropout (Srivastava et al. 2014) of hidden units, with the factor 1 / (1 - p) on the kept ones, so that evaluation needs no
// factor. Whether a unit is kept is a pure function of (seed, minibatch, layer, record, unit): the same at all points of a
// request, on any rank and thread, and when a leaf is computed again.
#include <array>
#include <cmath>

#include "base/random.hpp"
#include "model/network.hpp"
#include "model/network_tape.hpp"

namespace talweg::model {
namespace {

constexpr std::size_t kWords = 4;  // units of one draw
constexpr int kLayerBit = 54;      // of the first counter: minibatches below
constexpr int kRecordBit = 18;     // of the second: draws of a layer's units below (hidden layers have at most 2^20 units)

}  // namespace

template <class Real>
void Network<Real>::drop(const data::Examples<Real>& examples, std::size_t l, Layer& layer) const {
  const base::Random random(examples.draw->seed, base::Purpose::dropout);
  const double p = plan_.dropout[l];
  const auto dropped_below = static_cast<std::uint64_t>(std::ceil(std::ldexp(p, 32)));  // of a draw's 32 bits
  const Real kept = static_cast<Real>(1 / (1 - p));
  layer.whole.resize(layer.z.size());
  layer.mask.resize(layer.z.size());
  activation_->forward(layer.z.size(), layer.z.data(), layer.whole.data());
  for (std::size_t i = 0; i < examples.count; ++i) {
    Real* const mask = layer.mask.data() + i * step(l);
    for (std::size_t u = 0; u < width(l); u += kWords) {
      const std::array<std::uint32_t, kWords> words =
          random.bits(std::uint64_t{l} << kLayerBit | examples.draw->ticket, examples.records[i] << kRecordBit | u / kWords);
      for (std::size_t k = 0; k < kWords && u + k < width(l); ++k) mask[u + k] = words[k] < dropped_below ? Real{0} : kept;
    }
  }
  for (std::size_t i = 0; i < layer.a.size(); ++i) layer.a[i] = layer.mask[i] * layer.whole[i];
}

template void Network<float>::drop(const data::Examples<float>&, std::size_t, Layer&) const;
template void Network<double>::drop(const data::Examples<double>&, std::size_t, Layer&) const;

}  // namespace talweg::model
