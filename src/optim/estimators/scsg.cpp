// SPDX-License-Identifier: Apache-2.0
#include "base/random.hpp"
#include "optim/estimator.hpp"
#include "optim/large_batch.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kScsgRule = R"(
outer loop:  xs = x, mu = grad F_B(xs) on B = large_batches b examples
N inner steps:  g_t = grad F_b(x_{t-1}) - grad F_b(xs) + mu,  P(N = k) = (B / (B + b))^k b / (B + b), k = 0, 1, ...
then the rule named by `rule`. N is geometric, of mean B / b: after each inner step the loop ends with chance b / (B + b).
Loops of no inner steps, which move nothing, are passed over, and so is their large batch. B is made of minibatches that
no inner step has; it is all examples when that is as many.
)";

class Scsg final : public Estimator {
 public:
  explicit Scsg(const base::Section& s)
      : large_batches_(s.integer("large_batches", 16, base::Range::at_least(1), "B / b: minibatches in the large batch")) {}

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    layout.vector("scsg.point");     // xs
    layout.vector("scsg.gradient");  // mu
  }

  Cost cost(const CostPoint& p) const override {
    const Cost steps{.gradients = 2 * p.batch};
    return begins(p.step, p.seed) ? steps + LargeBatch(large_batches_, p.batches_per_epoch).cost(p) : steps;
  }

  Estimate estimate(StepContext& context) const override {
    const Vector point = context.state.vector("scsg.point");
    const Vector mu = context.state.vector("scsg.gradient");
    Oracle& oracle = context.oracle;
    const std::int64_t step = context.progress.step;
    if (begins(step, context.progress.seed)) {
      context.space().copy(context.x(), point);
      LargeBatch(large_batches_, static_cast<std::int64_t>(oracle.batches_per_epoch())).gradient(oracle, step, point, mu);
    }
    return {.request = {.terms = {{1.0, context.x()}, {-1.0, point}},
                        .shifts = {{1.0, mu}},
                        .batch = oracle.draw(static_cast<std::uint64_t>(step))}};
  }

 private:
  static constexpr std::uint64_t kCoin = ~0ULL - 4;  // no element of a vector has this place

  bool begins(std::int64_t step, std::uint64_t seed) const {
    if (step == 0) return true;
    const base::Random random(seed, base::Purpose::noise);
    return random.uniform(static_cast<std::uint64_t>(step), kCoin) < 1 / (static_cast<double>(large_batches_) + 1);
  }

  std::int64_t large_batches_;
};

}  // namespace

extern const Entry entry_scsg;
const Entry entry_scsg{
    .name = "scsg",
    .title = "SCSG: stochastically controlled stochastic gradient",
    .rule = text_of(kScsgRule),
    .source = "Lei, Ju, Chen & Jordan, NIPS 2017, arXiv:1706.09156, algorithm 1",
    .cost = "2 b gradients, and B where an outer loop begins (chance b / (B + b) a step)",
    .guarantee =
        "f_i with L-Lipschitz gradients of bounded variance, rule sgd, lr = (b / B)^(2/3) / (6 L): E |grad F|^2 <= eps^2 at a "
        "random outer point after O(min(eps^(-10/3), n^(2/3) / eps^2)) gradients for b = 1, B of the order min(1 / eps^2, n)",
    .make_estimator = make<Scsg, Estimator>,
};

}  // namespace talweg::optim
