// SPDX-License-Identifier: Apache-2.0
#include "model/build.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "base/random.hpp"
#include "model/activation.hpp"
#include "model/kind.hpp"
#include "model/loss.hpp"
#include "talweg/error.hpp"

namespace talweg::model {

namespace {

using base::ExitCode;

template <class Entry>
std::vector<std::string> strings(std::span<const Entry> entries) {
  const auto names = names_of(entries);
  return {names.begin(), names.end()};
}

constexpr const char* kKindMeaning = "of model";
constexpr const char* kActivationMeaning = "of the hidden layers";

/// The same reason for every such key and kind.
void refuse_batch_normalization(const base::Section& model) {
  const auto refuse = [&](std::string_view key, std::string_view found) {
    model.fail(key, found,
               "no batch normalisation: F is a finite sum of f_i, each of one example; normalising by a batch's statistics "
               "couples its examples");
  };
  for (const char* key : {"batch_norm", "batch_normalization", "batchnorm"}) {
    if (model.kind(key) != 0) refuse(key, "a key of batch normalisation");
  }
  const auto text_of = [&](std::string_view key, std::string_view meaning) {
    return model.kind(key) == 's' ? model.text(key, std::nullopt, meaning) : std::string();
  };
  const auto speaks_of = [](std::string text, std::string_view word) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text.find(word) != std::string::npos;
  };
  if (model.kind("normalization") != 0) {
    const std::string normalization = text_of("normalization", "of layers");
    if (speaks_of(normalization, "batch")) refuse("normalization", fmt::format("\"{}\"", normalization));
    model.fail("normalization", normalization.empty() ? "a value" : fmt::format("\"{}\"", normalization),
               "no such key: layers are not normalised");
  }
  const auto refuse_in = [&](const char* key, const char* meaning) {
    const std::string name = text_of(key, meaning);
    if (speaks_of(name, "batch") && speaks_of(name, "norm")) refuse(key, fmt::format("\"{}\"", name));
  };
  refuse_in("kind", kKindMeaning);
  if (text_of("kind", kKindMeaning) != "linear") refuse_in("activation", kActivationMeaning);  // else it is an unknown key
}

}  // namespace

std::vector<std::string> loss_names() { return strings(losses()); }
std::vector<std::string> activation_names() { return strings(activations()); }
std::vector<std::string> model_names() { return strings(models()); }

ModelConfig parse_model(const base::Section& model) {
  refuse_batch_normalization(model);
  ModelConfig config;
  config.kind = model.choice("kind", std::nullopt, names_of(models()), kKindMeaning);
  entry_named(models(), config.kind, "model.kind").parse(model, config);
  config.loss = model.choice("loss", std::nullopt, names_of(losses()), "f_i as a function of the outputs");
  if (config.loss == "huber")
    config.huber_delta = model.number("huber_delta", 1.0, base::Range::positive(), "residual at which the loss turns linear");
  config.bias = model.flag("bias", true, "add a bias to each output");
  config.classes = find_loss(config.loss).classes;
  return config;
}

template <class Real>
std::unique_ptr<Objective<Real>> build_objective(const ModelConfig& config, const data::Shape& shape) {
  const LossEntry& loss = find_loss(config.loss);
  const std::size_t outputs = loss.outputs(shape.classes.size());
  if (outputs == 0) {
    base::fail(
        ExitCode::bad_data, "model.loss = \"{}\": found {} class{} in the training data ({}{}), expected {}", config.loss,
        shape.classes.size(), shape.classes.size() == 1 ? "" : "es",
        fmt::join(shape.classes.begin(),
                  shape.classes.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(shape.classes.size(), 5)), ", "),
        shape.classes.size() > 5 ? ", ..." : "", loss.outputs(2) == 1 ? "two (or use cross_entropy)" : "at least two");
  }
  const ModelEntry& entry = entry_named(models(), config.kind, "model.kind");
  if constexpr (sizeof(Real) == sizeof(float)) {
    return entry.make_float(config, shape, outputs);
  } else {
    return entry.make_double(config, shape, outputs);
  }
}

InitConfig parse_init(const base::Section& init, const ModelConfig& model) {
  InitConfig config;
  const char* usual = model.activation.empty() ? "zeros" : find_activation(model.activation).relu_like ? "he" : "glorot";
  config.kind = init.choice("kind", usual, {"he", "glorot", "zeros", "file"}, "first parameters; biases start at 0");
  if (config.kind == "file") config.path = init.path("path", std::nullopt, ".npz or checkpoint with the model's tensors");
  return config;
}

template <class Real>
void fill_initial(const InitConfig& config, const math::ParameterLayout& layout, std::uint64_t seed,
                  const math::Threads& threads, std::span<Real> point) {
  const base::Random random(seed, base::Purpose::initial);
  std::ranges::fill(point, Real{0});
  if (config.kind == "zeros") return;
  for (std::size_t k = 0; k < layout.tensors().size(); ++k) {
    const math::Tensor& tensor = layout.tensors()[k];
    if (tensor.bias) continue;
    const auto in = static_cast<double>(tensor.row_size());
    const auto out = static_cast<double>(tensor.rows());
    const double deviation = std::sqrt(2 / in);
    const double limit = std::sqrt(6 / (in + out));
    constexpr std::size_t kTogether = 4096;
    threads.for_each((tensor.size + kTogether - 1) / kTogether, [&](std::size_t piece) {
      const std::size_t end = std::min(tensor.size, (piece + 1) * kTogether);
      for (std::size_t j = piece * kTogether; j < end; ++j) {
        const double value = config.kind == "he" ? deviation * random.normal(k, j) : limit * (2 * random.uniform(k, j) - 1);
        point[tensor.offset + j] = static_cast<Real>(value);
      }
    });
  }
}

template std::unique_ptr<Objective<float>> build_objective<float>(const ModelConfig&, const data::Shape&);
template std::unique_ptr<Objective<double>> build_objective<double>(const ModelConfig&, const data::Shape&);
template void fill_initial<float>(const InitConfig&, const math::ParameterLayout&, std::uint64_t, const math::Threads&,
                                  std::span<float>);
template void fill_initial<double>(const InitConfig&, const math::ParameterLayout&, std::uint64_t, const math::Threads&,
                                   std::span<double>);

}  // namespace talweg::model
