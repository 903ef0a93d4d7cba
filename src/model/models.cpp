// SPDX-License-Identifier: Apache-2.0
// The models that [model] kind names: networks, of dense or sparse features.
//   linear   parameters weight [outputs, features], bias [outputs]
//   mlp      parameters layers.0.weight [out, in], layers.0.bias [out], ...
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "model/activation.hpp"
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

void parse_mlp(const base::Section& model, ModelConfig& config) {
  const auto hidden = model.integers("hidden", {64}, {.low = 1, .high = 1 << 20}, "widths of the hidden layers");
  config.hidden.assign(hidden.begin(), hidden.end());
  config.activation = model.choice("activation", "relu", names_of(activations()), "of the hidden layers");
  constexpr const char* kDropout =
      "chance that a hidden unit is left out of a step's gradient, or a list of one for each layer";
  if (model.kind("dropout") == 'a') {
    config.dropout = model.numbers("dropout", {}, base::Range::decay(), kDropout);
    if (config.dropout.size() != config.hidden.size())
      model.fail("dropout", fmt::format("{} numbers", config.dropout.size()),
                 fmt::format("one for each of the {} hidden layers", config.hidden.size()));
  } else {
    config.dropout.assign(config.hidden.size(), model.number("dropout", 0.0, base::Range::decay(), kDropout));
  }
  if (std::ranges::all_of(config.dropout, [](double p) { return p == 0; })) config.dropout.clear();
}

template <class Real>
std::unique_ptr<Objective<Real>> make_mlp(const ModelConfig& config, const data::Shape& shape, std::size_t outputs) {
  NetworkPlan plan{.kind = "mlp",
                   .widths = {shape.features},
                   .prefix = "layers.",
                   .bias = config.bias,
                   .sparse = shape.sparse,
                   .activation = &find_activation(config.activation),
                   .loss = &find_loss(config.loss),
                   .dropout = config.dropout};
  plan.widths.insert(plan.widths.end(), config.hidden.begin(), config.hidden.end());
  plan.widths.push_back(outputs);
  return std::make_unique<Network<Real>>(std::move(plan), config);
}

constexpr std::array kModels = {
    ModelEntry{"linear", "z = W a + b", [](const base::Section&, ModelConfig&) {}, make_linear<float>, make_linear<double>},
    ModelEntry{"mlp", "layers z = W a + b, a = f(z), the last without f", parse_mlp, make_mlp<float>, make_mlp<double>},
};

}  // namespace

std::span<const ModelEntry> models() { return kModels; }

}  // namespace talweg::model
