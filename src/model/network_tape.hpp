// SPDX-License-Identifier: Apache-2.0
// A leaf's activations and deltas, and where its input lies.
#pragma once

#include "model/network.hpp"

namespace talweg::model {

template <class Real>
struct Network<Real>::NetworkTape final : public Tape<Real> {
  explicit NetworkTape(std::size_t layer_count) : layers(layer_count) {}
  const data::Examples<Real>* examples = nullptr;
  std::vector<Layer> layers;

  [[nodiscard]] std::size_t count() const { return examples->count; }
  /// Input of layer l: the features (null when sparse) or the activations below.
  [[nodiscard]] const Real* input(std::size_t l) const { return l == 0 ? examples->dense : layers[l - 1].a.data(); }
};

}  // namespace talweg::model
