// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "optim/step_size.hpp"
#include "optim/workers.hpp"
#include "talweg/method.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kLocalSgdRule = R"(
K = workers points w_k, all from x_0. Step t is worker t mod K's:
  w_k = w_k - lr grad F_B(w_k)
After `period` steps of each, every w_k becomes their mean. A step costs one minibatch, and the workers are logical: the
numbers are the same on any number of ranks. The parameters x are the mean of the w_k after every step; gradients are
taken at the w_k, kept as local.0, local.1, ...
)";

class LocalSgd final : public Method {
 public:
  explicit LocalSgd(const base::Section& s)
      : workers_(s),
        lr_(StepSize::read(s, "lr", "0.01", "learning rate of every worker")),
        period_(s.integer("period", 10, base::Range::at_least(1), "steps of each worker between averages")) {}

  Needs needs() const override { return lr_.needs() | Needs{Need::smooth_omega}; }
  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    StepSize::declare(layout);
    workers_.declare(layout);
  }
  [[nodiscard]] Grain grain() const override { return Grain::element; }
  Cost cost(const CostPoint& p) const override { return lr_.cost(p) + Cost{.gradients = p.batch}; }

  StepReport advance(StepContext& context) const override {
    const Vector x = context.x();
    const Vector w = workers_.point(context.state, workers_.turn(context.progress.step));
    const double length = lr_.rate(context);
    const auto move =
        math::block_kernel([length, count = workers_.count()]<class Real>(const math::Block&, math::Arrays<Real> v) {
          const Real rate = static_cast<Real>(length);
          const Real share = static_cast<Real>(1 / static_cast<double>(count));
          const double gradient = math::squared_norm<Real>(v[0]);
          for (std::size_t i = 0; i < v.count; ++i) {
            const Real before = v[2][i];
            v[2][i] -= rate * v[0][i];
            v[1][i] += share * (v[2][i] - before);
          }
          return math::Sums{gradient, math::squared_norm<Real>(v[1])};
        });
    const Batch batch = context.oracle.draw(static_cast<std::uint64_t>(context.progress.step));
    const GradientAnswer answer = context.oracle.gradient({.terms = {{1.0, w}}, .shifts = {}, .batch = batch},
                                                          {.kernel = move, .writes = {x, w}, .reads = {}});
    double point = answer.sums[1];
    const std::int64_t taken = context.progress.step + 1;
    if (taken % workers_.count() == 0 && taken / workers_.count() % period_ == 0) point = workers_.average(context);
    return {.loss = answer.value,
            .gradient_norm = std::sqrt(answer.sums[0]),
            .update_norm = length * std::sqrt(answer.sums[0]) / static_cast<double>(workers_.count()),
            .parameter_norm = std::sqrt(point),
            .learning_rate = length};
  }

 private:
  Workers workers_;
  StepSize lr_;
  std::int64_t period_;
};

}  // namespace

extern const Entry entry_local_sgd;
const Entry entry_local_sgd{
    .name = "local_sgd",
    .title = "Local SGD: workers that average now and then",
    .rule = text_of(kLocalSgdRule),
    .source =
        "Stich, ICLR 2019, arXiv:1805.09767; McMahan, Moore, Ramage, Hampson & Aguera y Arcas, AISTATS 2017; Zinkevich et al., "
        "NIPS 2010",
    .cost = "b gradients",
    .guarantee =
        "F strongly convex with Lipschitz gradient, bounded stochastic gradients drawn independently, decreasing lr: as good "
        "in the number of gradients as minibatch SGD of K b, while `period` is of order sqrt(T / (K b)), T steps of each "
        "(Stich 2019)",
    .make_method = make<LocalSgd, Method>,
};

}  // namespace talweg::optim
