// SPDX-License-Identifier: Apache-2.0
// One kind of model. models.def has one line per kind.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "model/build.hpp"

namespace talweg::model {

struct ModelEntry {
  std::string_view name;
  std::string_view description;
  /// Reads the keys of this kind from [model].
  void (*parse)(const base::Section& model, ModelConfig& config);
  std::unique_ptr<Objective<float>> (*make_float)(const ModelConfig&, const data::Shape&, std::size_t outputs);
  std::unique_ptr<Objective<double>> (*make_double)(const ModelConfig&, const data::Shape&, std::size_t outputs);
};
std::span<const ModelEntry* const> models();

}  // namespace talweg::model
