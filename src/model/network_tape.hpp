// SPDX-License-Identifier: Apache-2.0
// A leaf's activations and deltas, a row for each example.
#pragma once

#include "model/network.hpp"

namespace talweg::model {

template <class Real>
struct Network<Real>::NetworkTape final : public Tape<Real> {
  explicit NetworkTape(std::size_t layer_count) : layers(layer_count) {}

  const data::Examples<Real>* examples = nullptr;
  std::vector<Layer> layers;
  bool dropped = false;  // dropout was applied: the arrays hold the kept units only

  [[nodiscard]] std::size_t count() const { return examples->count; }
};

}  // namespace talweg::model
