// SPDX-License-Identifier: Apache-2.0
// z = W a + b: parameters weight [outputs, features], bias [outputs]; dense or sparse features.
#include "model/kind.hpp"
#include "model/network.hpp"

namespace talweg::model {
namespace {

template <class Real>
std::unique_ptr<Objective<Real>> make_linear(const ModelConfig& config, const data::Shape& shape, std::size_t outputs) {
  NetworkPlan plan{.kind = "linear",
                   .widths = {shape.features, outputs},
                   .prefix = "",
                   .bias = config.bias,
                   .sparse = shape.sparse,
                   .activation = nullptr,
                   .loss = &find_loss(config.loss)};
  return std::make_unique<Network<Real>>(std::move(plan), config);
}

}  // namespace

extern const ModelEntry model_linear;
const ModelEntry model_linear{"linear", "z = W a + b", [](const base::Section&, ModelConfig&) {}, make_linear<float>, make_linear<double>};

}  // namespace talweg::model
