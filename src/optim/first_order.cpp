// SPDX-License-Identifier: Apache-2.0
#include "optim/first_order.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "talweg/math/sums.hpp"

namespace talweg::optim {
namespace {

/// Sums of the fused kernel.
enum : std::size_t { kGradient = 0, kUpdate = 1, kPoint = 2 };

/// Rule and prox on one block: arrays are g, x, slots... Returns |g|^2, |x_t - x_{t-1}|^2, |x_t|^2.
class RuleKernel final : public math::BlockKernel {
 public:
  RuleKernel(const UpdateRule& rule, const RuleStep& step, const math::Proximal* proximal, double scale)
      : rule_(rule), step_(step), proximal_(proximal), scale_(scale) {}
  math::Sums run(const math::Block& block, math::Arrays<float> arrays) const override { return apply(block, arrays); }
  math::Sums run(const math::Block& block, math::Arrays<double> arrays) const override { return apply(block, arrays); }

 private:
  template <class Real>
  math::Sums apply(const math::Block& block, math::Arrays<Real> arrays) const {
    alignas(64) std::array<Real, math::ParameterLayout::kBlock> before;
    alignas(64) std::array<Real, math::ParameterLayout::kBlock> prox_step;
    const std::span<Real> g = arrays[0];
    const std::span<Real> x = arrays[1];
    const double gradient = math::squared_norm<Real>(g);
    if (scale_ != 1) {
      for (Real& v : g) v *= static_cast<Real>(scale_);
    }
    std::ranges::copy(x, before.begin());
    rule_.update(step_, RuleBlock<Real>{.count = arrays.count,
                                        .x = x.data(),
                                        .g = g.data(),
                                        .slots = arrays.data.subspan(2),
                                        .prox_step = proximal_ != nullptr ? prox_step.data() : nullptr});
    if (proximal_ != nullptr) proximal_->apply(block, x, std::span<const Real>(prox_step).first(arrays.count));
    const double update = math::lane_sum(arrays.count, [&](std::size_t i) {
      const double d = static_cast<double>(x[i]) - static_cast<double>(before[i]);
      return d * d;
    });
    return {gradient, update, math::squared_norm<Real>(x)};
  }

  const UpdateRule& rule_;
  RuleStep step_;
  const math::Proximal* proximal_;
  double scale_;
};

class Minibatch final : public Estimator {
 public:
  GradientRequest estimate(StepContext& context) const override {
    return {.terms = {{1.0, context.x()}},
            .shifts = {},
            .batch = context.oracle.draw(static_cast<std::uint64_t>(context.progress.step))};
  }
};

}  // namespace

std::unique_ptr<Estimator> minibatch() { return std::make_unique<Minibatch>(); }

void FirstOrder::declare(math::StateLayout& layout) const {
  for (const std::string& slot : rule_->slots()) layout.vector(slot);
  estimator_->declare(layout);
}

StepReport FirstOrder::step(StepContext& context) const {
  std::vector<Vector> writes = {context.x()};
  for (const std::string& slot : rule_->slots()) writes.push_back(context.state.vector(slot));
  const RuleStep rule_step{.t = context.progress.step + 1, .lr = rule_->lr() * context.progress.factor};
  const math::Proximal* proximal = context.oracle.proximal();
  const GradientRequest request = estimator_->estimate(context);
  GradientAnswer answer;
  if (clip_ == 0) {
    const RuleKernel kernel(*rule_, rule_step, proximal, 1);
    answer = context.oracle.gradient(request, {.kernel = kernel, .writes = writes, .reads = {}});
  } else {
    const Temporary g(context.space());
    answer = context.oracle.gradient_into(request, g);
    const double norm = std::sqrt(answer.sums[0]);
    const RuleKernel kernel(*rule_, rule_step, proximal, norm > clip_ ? clip_ / norm : 1);
    writes.insert(writes.begin(), g);
    answer.sums = context.space().for_each_block(writes, {}, kernel);
  }
  return {.loss = answer.value,
          .gradient_norm = std::sqrt(answer.sums[kGradient]),
          .update_norm = std::sqrt(answer.sums[kUpdate]),
          .parameter_norm = std::sqrt(answer.sums[kPoint]),
          .learning_rate = rule_step.lr,
          .message = {}};
}

}  // namespace talweg::optim
