// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "optim/step_size.hpp"
#include "optim/workers.hpp"
#include "talweg/method.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kEasgdRule = R"(
K = workers points w_k and a centre x, all from x_0. Step t is worker t mod K's, the paper's round-robin scheme. Where
it has done a multiple of `period` steps, with v = w_k before:
  w_k = v - a (v - x),  x = x + a (v - x),  a = moving_rate / K
and in every step
  w_k = w_k - lr grad F_B(v)
The workers are logical: the numbers are the same on any number of ranks. The parameters are the centre x; gradients are
taken at the w_k, kept as local.0, local.1, ...
)";

class Easgd final : public Method {
 public:
  explicit Easgd(const base::Section& s)
      : workers_(s),
        lr_(StepSize::read(s, "lr", "0.01", "learning rate of every worker")),
        period_(s.integer("period", 10, base::Range::at_least(1), "steps of a worker between its exchanges with the centre")),
        moving_rate_(s.number("moving_rate", 0.9, {.low = 0, .high = 1, .open_low = true}, "K a, beta in the paper")) {}

  Needs needs() const override { return lr_.needs() | Needs{Need::smooth_omega}; }
  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    StepSize::declare(layout);
    workers_.declare(layout);
  }
  [[nodiscard]] Grain grain() const override { return Grain::element; }
  Cost cost(const CostPoint& p) const override { return lr_.cost(p) + Cost{.gradients = p.batch}; }

  StepReport advance(StepContext& context) const override {
    const Vector x = context.x();
    const std::int64_t t = context.progress.step;
    const Vector w = workers_.point(context.state, workers_.turn(t));
    const bool exchanges = (t / workers_.count()) % period_ == 0;
    const double elastic = exchanges ? moving_rate_ / static_cast<double>(workers_.count()) : 0;
    const double length = lr_.rate(context);
    const auto move = math::block_kernel([=]<class Real>(const math::Block&, math::Arrays<Real> v) {
      const Real rate = static_cast<Real>(length);
      const Real pull = static_cast<Real>(elastic);
      const double gradient = math::squared_norm<Real>(v[0]);
      for (std::size_t i = 0; i < v.count; ++i) {
        v[0][i] *= rate;
        const Real force = pull * (v[2][i] - v[1][i]);
        v[1][i] += force;
        v[2][i] = v[2][i] - force - v[0][i];
        v[0][i] = force;
      }
      return math::Sums{gradient, math::squared_norm<Real>(v[0]), math::squared_norm<Real>(v[1])};
    });
    const Batch batch = context.oracle.draw(static_cast<std::uint64_t>(t));
    const GradientAnswer answer = context.oracle.gradient({.terms = {{1.0, w}}, .shifts = {}, .batch = batch},
                                                          {.kernel = move, .writes = {x, w}, .reads = {}});
    return {.loss = answer.value,
            .gradient_norm = std::sqrt(answer.sums[0]),
            .update_norm = std::sqrt(answer.sums[1]),
            .parameter_norm = std::sqrt(answer.sums[2]),
            .learning_rate = length};
  }

 private:
  Workers workers_;
  StepSize lr_;
  std::int64_t period_;
  double moving_rate_;
};

}  // namespace

extern const Entry entry_easgd;
const Entry entry_easgd{
    .name = "easgd",
    .title = "Elastic averaging SGD: workers tied to a centre",
    .rule = text_of(kEasgdRule),
    .source = "Zhang, Choromanska & LeCun, NIPS 2015, arXiv:1412.6651, algorithm 1 (asynchronous EASGD), workers by turns",
    .cost = "b gradients",
    .guarantee =
        "on a quadratic of one dimension the paper shows the round-robin scheme stable under a simple condition on lr and a, "
        "where ADMM's is not; the synchronous form's centre converges on strongly convex F to a ball set by the noise. Nothing "
        "is proven for non-convex F there",
    .make_method = make<Easgd, Method>,
};

}  // namespace talweg::optim
