// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "base/random.hpp"
#include "optim/composite.hpp"
#include "optim/large_batch.hpp"
#include "optim/searches.hpp"
#include "optim/step_size.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kRsagRule = R"(
R in {1, ..., iterations}, P(R = k) proportional to k (k + 1), drawn before the first step; step k = 1 ... R:
xm = (1 - a_k) xa + a_k x,  a_k = 2 / (k + 1)
g  = the gradient of f at xm on ceil(batch_growth k) minibatches
x  = prox_{l_k Omega}(x - l_k g),  l_k = k lr / 2
xa = prox_{lr Omega}(xm - lr g),   lr = 1 / (2 L)
These are the lengths of the paper's composite and convex case; with growing batches the noise falls as the momentum grows.
The parameters to use are xa, the convex theorem's output. The other theorem's, xm of step R, is the slot x, where
gradients are taken.
)";

constexpr std::uint64_t kOutputDraw = ~0ULL - 1;  // counter of the draw of R

class Rsag final : public Method {
 public:
  explicit Rsag(const base::Section& s)
      : lr_(StepSize::read(s, "lr", "0.5/L", "step length of the aggregate")),
        iterations_(s.integer("iterations", 1000, {.low = 1, .high = 1e9}, "N: R is drawn from 1 ... N")),
        growth_(s.number("batch_growth", 0.1, base::Range::non_negative(),
                         "step k takes so many times k minibatches, rounded up; 0: one in each")) {}

  Needs needs() const override {
    return lr_.needs() | keeps_its_lengths() | Needs{Need::constant_batch} |
           Needs::at_least(iterations_, "the step it ends with is drawn from 1 ... method.iterations before the first");
  }
  [[nodiscard]] std::string_view output() const override { return "rsag.aggregate"; }

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    StepSize::declare(layout);
    layout.vector("rsag.aggregate", math::Initial::x0());  // xa
    layout.vector("rsag.point", math::Initial::x0());      // x of the recurrence; the slot "x" is xm
  }

  [[nodiscard]] Grain grain() const override { return Grain::element; }
  Cost cost(const CostPoint& p) const override {
    if (p.step >= last(p.seed)) return {};
    return lr_.cost(p) + batch(p.step, p.batches_per_epoch).cost(p);
  }

  StepReport advance(StepContext& context) const override {
    Oracle& oracle = context.oracle;
    VectorSpace& space = context.space();
    const Vector aggregate = context.state.vector("rsag.aggregate");
    const Vector point = context.state.vector("rsag.point");
    const std::int64_t end = last(context.progress.seed);
    const std::int64_t t = context.progress.step;
    const auto over = [&](StepReport report) {
      report.outcome = Outcome::ended;
      report.message = fmt::format("this was step R = {} of N = {}, drawn before the first", end, iterations_);
      return report;
    };
    if (t >= end) return over({.loss = kUnknown, .gradient_norm = kUnknown, .parameter_norm = space.norm(aggregate)});

    const double length = lr_.rate(context);
    const double k = static_cast<double>(t) + 1;
    const double a = 2 / (k + 1);
    const Temporary middle(space);
    const Temporary g(space);
    const Temporary next(space);
    const Temporary next_aggregate(space);
    space.combine(1 - a, aggregate, a, point, middle);
    const double loss = batch(t, static_cast<std::int64_t>(oracle.batches_per_epoch())).gradient(oracle, t, middle, g);
    proximal_step(oracle, point, g, k * length / 2, next);
    const ProximalStep taken = proximal_step(oracle, middle, g, length, next_aggregate);
    StepReport report{.loss = loss,
                      .gradient_norm = taken.gradient_norm(),
                      .update_norm = space.distance(next_aggregate, aggregate),
                      .parameter_norm = std::sqrt(taken.point),
                      .learning_rate = length};
    space.copy(middle, context.x());
    space.copy(next, point);
    space.copy(next_aggregate, aggregate);
    return t + 1 == end ? over(std::move(report)) : report;
  }

 private:
  LargeBatch batch(std::int64_t step, std::int64_t batches_per_epoch) const {
    const double count = std::min(std::ceil(growth_ * (static_cast<double>(step) + 1)), static_cast<double>(batches_per_epoch));
    return {std::max<std::int64_t>(1, static_cast<std::int64_t>(count)), batches_per_epoch};
  }

  /// R: the first k whose sum of j (j + 1), j <= k, which is k (k + 1) (k + 2) / 3, exceeds a uniform share of all.
  [[nodiscard]] std::int64_t last(std::uint64_t seed) const {
    const auto sum = [](std::int64_t k) {
      const auto n = static_cast<double>(k);
      return n * (n + 1) * (n + 2);
    };
    const double drawn = base::Random(seed, base::Purpose::noise).uniform(kOutputDraw) * sum(iterations_);
    auto k = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::cbrt(drawn)) - 1);
    while (k > 1 && sum(k - 1) > drawn) --k;
    while (k < iterations_ && sum(k) <= drawn) ++k;
    return k;
  }

  StepSize lr_;
  std::int64_t iterations_;
  double growth_;
};

}  // namespace

extern const Entry entry_rsag;
const Entry entry_rsag{
    .name = "rsag",
    .title = "Randomized stochastic accelerated gradient (RSAG), growing batches",
    .rule = text_of(kRsagRule),
    .source = "Ghadimi & Lan, Math. Prog. 156 (2016), arXiv:1310.3787, the stochastic composite method",
    .cost = "ceil(batch_growth k) b gradients, at most n",
    .guarantee =
        "f with L-Lipschitz gradient, lr = 1 / (2 L), prox steps that stay in a bounded set, independent batches growing like "
        "k: |prox-gradient(xm of step R)|^2 tends to 0 in the mean, with O(1 / eps^2) gradients for |prox-gradient|^2 <= eps; "
        "convex f: F(xa) - F* of order 1 / N^2 but for the noise. Without such a set the lengths k lr / 2 are not covered "
        "where f is not convex",
    .make_method = make<Rsag, Method>,
};

}  // namespace talweg::optim
