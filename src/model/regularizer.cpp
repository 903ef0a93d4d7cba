// SPDX-License-Identifier: Apache-2.0
#include "model/regularizer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "talweg/error.hpp"
#include "talweg/sums.hpp"

namespace talweg::model {

Regularizer::Regularizer(const Config& config, const math::ParameterLayout& layout) : config_(config) {
  for (const math::Tensor& tensor : layout.tensors()) bias_.push_back(tensor.bias);
  if (config.group_lasso == 0 && config.ball == 0) return;
  const bool ball = config.ball > 0;
  coupling_ = {
      .of = ball ? math::Coupling::Of::all : config.groups, .size = ball ? config.ball : config.group_lasso, .acts_on = {}};
  for (const bool bias : bias_) coupling_->acts_on.push_back(config.include_bias || !bias);
}

bool Regularizer::smooth() const {
  return config_.l1 == 0 && !std::isfinite(config_.low) && !std::isfinite(config_.high) && !coupling_;
}

bool Regularizer::acts_on(const math::Block& block) const { return config_.include_bias || !bias_[block.tensor]; }

double Regularizer::l2(const math::Block& block) const { return acts_on(block) ? config_.l2 : 0; }

template <class Real>
double Regularizer::smooth_value(const math::Block& block, std::span<const Real> x) const {
  const double weight = l2(block);
  return weight == 0 ? 0 : 0.5 * weight * math::squared_norm(x);
}

template <class Real>
double Regularizer::nonsmooth_value(const math::Block& block, std::span<const Real> x) const {
  if (!acts_on(block)) return 0;
  // The corners of the box in the run's precision, as prox uses them: rounded corners may lie outside the box as written.
  const Real low = static_cast<Real>(config_.low);
  const Real high = static_cast<Real>(config_.high);
  for (const Real v : x) {
    if (v < low || v > high) return std::numeric_limits<double>::infinity();
  }
  return config_.l1 == 0
             ? 0
             : config_.l1 * math::lane_sum(x.size(), [&](std::size_t i) { return std::abs(static_cast<double>(x[i])); });
}

namespace {

/// argmin_u l1 |u| + indicator + (u - x)^2 / (2 step): in one dimension the box is applied after the soft threshold.
template <class Real>
void prox(const Regularizer::Config& config, std::span<Real> x, std::span<const Real> step) {
  const Real l1 = static_cast<Real>(config.l1);
  const Real low = static_cast<Real>(config.low);
  const Real high = static_cast<Real>(config.high);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Real threshold = l1 * step[i];
    const Real u = x[i] > threshold ? x[i] - threshold : x[i] < -threshold ? x[i] + threshold : x[i] != x[i] ? x[i] : Real{0};
    x[i] = u < low ? low : u > high ? high : u;
  }
}

}  // namespace

void Regularizer::apply(const math::Block& block, std::span<float> x, std::span<const float> step) const {
  if (acts_on(block)) prox(config_, x, step);
}

void Regularizer::apply(const math::Block& block, std::span<double> x, std::span<const double> step) const {
  if (acts_on(block)) prox(config_, x, step);
}

Regularizer::Config parse_regularizer(const base::Section& regularizer) {
  Regularizer::Config config;
  constexpr base::Range finite{.low = 0, .open_high = true};
  config.l1 = regularizer.number("l1", 0.0, finite, "weight of |w|_1");
  config.l2 = regularizer.number("l2", 0.0, finite, "weight of |w|^2 / 2");
  const std::vector<double> box =
      regularizer.numbers("box", {}, {.infinite = true}, "[low, high] that every weight stays within");
  if (!box.empty()) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (box.size() != 2 || !(box[0] <= box[1]) || box[0] == kInfinity || box[1] == -kInfinity)
      regularizer.fail("box", fmt::format("[{}]", fmt::join(box, ", ")),
                       "[low, high] with low <= high and a finite number between them");
    config.low = box[0];
    config.high = box[1];
  }
  if (regularizer.flag("nonnegative", false, "every weight stays at 0 or above: box = [0, inf]")) {
    if (!box.empty()) regularizer.fail("nonnegative", "true together with box", "one of them");
    config.low = 0;
  }
  config.group_lasso =
      regularizer.number("group_lasso", 0.0, finite, "weight of the sum of sqrt(elements) |w_g|_2 over groups");
  config.groups =
      regularizer.choice("groups", "inputs", {"inputs", "outputs"},
                         "of group_lasso: all weights that read one feature or unit, or all into one unit") == "inputs"
          ? math::Coupling::Of::inputs
          : math::Coupling::Of::outputs;
  config.ball =
      regularizer.number("ball", 0.0, finite, "radius of the ball |w|_2 <= ball that the weights stay within; 0: none");
  if (config.group_lasso > 0 && config.ball > 0)
    regularizer.fail("ball", "it together with group_lasso",
                     "one of them: the prox of their sum is not one prox after the other");
  const auto cone = [](double bound) { return bound == 0 || !std::isfinite(bound); };
  if ((config.group_lasso > 0 || config.ball > 0) && (!cone(config.low) || !cone(config.high)))
    regularizer.fail(
        "box", fmt::format("[{:g}, {:g}] together with {}", config.low, config.high, config.ball > 0 ? "ball" : "group_lasso"),
        "bounds of 0 or infinity: with others the prox of the sum is not one prox after the other");
  config.include_bias = regularizer.flag("include_bias", false, "Omega acts on biases too");
  return config;
}

template double Regularizer::smooth_value<float>(const math::Block&, std::span<const float>) const;
template double Regularizer::smooth_value<double>(const math::Block&, std::span<const double>) const;
template double Regularizer::nonsmooth_value<float>(const math::Block&, std::span<const float>) const;
template double Regularizer::nonsmooth_value<double>(const math::Block&, std::span<const double>) const;

}  // namespace talweg::model
