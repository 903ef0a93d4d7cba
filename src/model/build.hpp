// SPDX-License-Identifier: Apache-2.0
// [model], [init] and [regularizer] of a config -> objective, first parameters, Omega.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.hpp"
#include "math/parallel.hpp"
#include "model/regularizer.hpp"
#include "talweg/config.hpp"
#include "talweg/objective.hpp"

namespace talweg::model {

/// [model], parsed before any data is read, because it decides whether targets are classes or numbers.
struct ModelConfig {
  std::string kind;                 // registry name: linear | mlp
  std::vector<std::size_t> hidden;  // mlp
  std::string activation;           // mlp
  std::string loss;                 // registry name
  double huber_delta = 1;
  bool bias = true;
  bool classes = true;            // the loss takes class indices as targets
  std::vector<double> dropout{};  // mlp: [hidden] chance that a unit is left out; empty: none
};
/// Throws Error(bad_config) for unknown names and values out of range, and for batch normalisation with the reason: F is a sum.
ModelConfig parse_model(const base::Section& model);

/// Throws Error(bad_data) when data and loss do not match (logistic with other than two classes, ...), Error(bad_config) for a
/// name that no registry has.
template <class Real>
std::unique_ptr<Objective<Real>> build_objective(const ModelConfig& config, const data::Shape& shape);

struct InitConfig {
  std::string kind = "he";     // he | glorot | zeros | file
  std::filesystem::path path;  // kind file: the caller reads it; see fill_initial
};
/// Default kind: zeros for linear, he for relu-like networks, glorot otherwise.
InitConfig parse_init(const base::Section& init, const ModelConfig& model);
/// Fills `point` [extent] (kinds other than file): weights of tensor k, element j from Random(seed, initial)(k, j); biases 0.
/// he: normal, variance 2/fan_in; glorot: uniform on +-sqrt(6/(fan_in+fan_out)).
template <class Real>
void fill_initial(const InitConfig& config, const math::ParameterLayout& layout, std::uint64_t seed,
                  const math::Threads& threads, std::span<Real> point);

std::vector<std::string> loss_names();
std::vector<std::string> activation_names();
std::vector<std::string> model_names();

}  // namespace talweg::model
