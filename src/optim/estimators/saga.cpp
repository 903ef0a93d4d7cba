// SPDX-License-Identifier: Apache-2.0

#include "optim/estimator.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kSagaRule = R"(
phi_i = x_0 for every i: the first step is the full gradient
g_t = (1/b) sum_{i in B} (grad f_i(x_{t-1}) - grad f_i(phi_i)) + (1/n) sum_i grad f_i(phi_i)
phi_i = x_{t-1} for i in B
then the rule named by `rule`. What is kept of grad f_i(phi_i) is dl/dz, one number an output, which times the features is
the gradient of a linear model: n k numbers and the average. Omega is no part of it: l2 enters at x_{t-1}, l1 by the rule's
prox. float32: the average is kept by adding to it, so its rounding errors add up, about 6e-8 of its size a step; use
float64 for many passes.
)";

class Saga final : public Estimator {
 public:
  explicit Saga(const base::Section&) {}

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    layout.per_example("saga.gradients");  // grad f_i(phi_i)
    layout.vector("saga.average");         // their mean
  }

  Needs needs() const override {
    return Needs{Need::constant_batch, Need::distinct} |
           Needs{Need::linear,
                 "it remembers the gradient of every example: one number an output there, as much as a model for each in a "
                 "network"};
  }

  Cost cost(const CostPoint& p) const override { return {.gradients = p.step == 0 ? p.n : p.batch}; }

  Estimate estimate(StepContext& context) const override {
    const bool begin = context.progress.step == 0;
    Oracle& oracle = context.oracle;
    return {.request = {.terms = {{1.0, context.x()}},
                        .shifts = {},
                        .batch = begin ? oracle.all() : oracle.draw(static_cast<std::uint64_t>(context.progress.step)),
                        .memory = Memory{.gradients = context.state.per_example("saga.gradients"),
                                         .average = context.state.vector("saga.average"),
                                         .begin = begin}}};
  }
};

}  // namespace

extern const Entry entry_saga;
const Entry entry_saga{
    .name = "saga",
    .title = "SAGA: variance reduction by a table of gradients",
    .rule = text_of(kSagaRule),
    .source = "Defazio, Bach & Lacoste-Julien, NIPS 2014, arXiv:1407.0202",
    .cost = "b gradients; n at the first step",
    .guarantee =
        "f_i convex with L-Lipschitz gradients, batches of one drawn independently, rule sgd with prox: lr = 1 / (3 L): F - F* "
        "of the mean iterate is O(n / t); F mu-strongly convex: |x - x*|^2 shrinks by 1 - min(1 / (4 n), mu / (3 L)) a step in "
        "the mean. Shuffled batches are what is used, not what is proven",
    .make_estimator = make<Saga, Estimator>,
};

}  // namespace talweg::optim
