// SPDX-License-Identifier: Apache-2.0
// A user's own f_i, with no network in sight: the circle (a, b, r) nearest to n points,
// f_i = ((|p_i - (a, b)|^2 - r^2) / 2)^2 / 2, trained by two methods of Talweg's and by a rule and a method of this program's
// own, on the same bits as any Talweg run.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numbers>
#include <talweg/method.hpp>
#include <talweg/rule.hpp>
#include <talweg/train.hpp>

namespace {

class Circle final : public talweg::model::UserTerms {
 public:
  std::vector<talweg::model::UserTensor> tensors() const override { return {{"centre", {2}}, {"radius", {1}}}; }
  double value_and_gradient(std::span<const double> x, const talweg::model::UserExample& point,
                            std::span<double> g) const override {
    const double dx = x[0] - point.features[0];
    const double dy = x[1] - point.features[1];
    const double e = 0.5 * (dx * dx + dy * dy - x[2] * x[2]);
    g[0] += e * dx;
    g[1] += e * dy;
    g[2] -= e * x[2];
    return 0.5 * e * e;
  }
  std::string describe() const override { return "circle fit"; }
};

namespace optim = talweg::optim;
using talweg::base::Range;

/// An update rule of this program's own: m = decay m + (1 - decay) g, x = x - lr m.
struct MeanGradient {
  talweg::base::Section method;
  double lr = method.number("lr", 0.01, Range::positive(), "learning rate");
  double decay = method.number("decay", 0.9, Range::decay(), "of the mean of the gradients");

  void declare(talweg::math::StateLayout& slots) const { slots.vector("mean"); }
  template <class Real>
  auto element(const optim::RuleStep& step) const {
    return [lr = Real(step.lr), keep = Real(decay), take = Real(1 - decay)](Real& x, Real g, Real& m) {
      m = keep * m + take * g;
      x -= lr * m;
    };
  }
};

/// A method of this program's own: gradient descent with Polyak's step length (F(x) - F*) / |grad F(x)|^2, where F* is known.
class PolyakSteps final : public optim::Method {
 public:
  explicit PolyakSteps(const talweg::base::Section& method) : least_(method.number("least", 0.0, {}, "F*, the minimum of F")) {}
  optim::Needs needs() const override {
    return {optim::Need::full_batch, optim::Need::smooth_omega, optim::Need::constant_rate};
  }
  optim::Cost cost(const optim::CostPoint& point) const override { return {.gradients = point.n}; }

 private:
  optim::StepReport advance(optim::StepContext& context) const override {
    const optim::Temporary g(context.space());
    const auto at = context.oracle.gradient_into(context.x(), context.oracle.all(), g);
    const double squared = at.sums[0];
    if (squared == 0) return {.loss = at.value, .outcome = optim::Outcome::converged, .message = "the gradient is zero"};
    const double length = (at.value + context.oracle.smooth_omega(context.x()) - least_) / squared;
    context.space().axpy(-length, g, context.x());
    return {.loss = at.value,
            .gradient_norm = std::sqrt(squared),
            .update_norm = length * std::sqrt(squared),
            .learning_rate = length};
  }

  double least_;
};

/// The circle that [method] finds for points around (1, -2) at distance 3.
bool finds_the_circle(const char* method) {
  talweg::train::TrainOptions options;
  options.terms = std::make_shared<Circle>();
  talweg::model::UserRows rows{.count = 300, .features = 2, .rows = {}, .targets = std::vector<double>(300)};
  for (std::size_t i = 0; i < rows.count; ++i) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(i) / 300;
    rows.rows.push_back(1 + 3 * std::cos(angle));
    rows.rows.push_back(-2 + 3 * std::sin(angle));
  }
  options.rows = rows;
  options.methods = {{.name = "mean_gradient", .make_rule = optim::make_rule<MeanGradient>},
                     {.name = "polyak_steps", .make_method = optim::make<PolyakSteps, optim::Method>}};
  const auto config = talweg::base::Config::parse(method, "embedded");
  const auto world = talweg::comm::alone();
  const auto result = talweg::train::train(config, options, *world, {});
  const auto& centre = result.parameters.at(0).values;
  const double radius = std::abs(result.parameters.at(1).values.at(0));
  std::printf("%s: centre (%.6f, %.6f), radius %.6f\n", result.summary.method.c_str(), centre[0], centre[1], radius);
  return std::abs(centre[0] - 1) < 1e-3 && std::abs(centre[1] + 2) < 1e-3 && std::abs(radius - 3) < 1e-3;
}

}  // namespace

int main() {
  bool all = true;
  for (const char* config :
       {"[method]\nname = \"adam\"\nlr = 0.05\n[run]\nepochs = 400\nbatch = 50\nprecision = \"float64\"\n",
        "[method]\nname = \"lbfgs\"\n[run]\nsteps = 60\nbatch = \"full\"\nprecision = \"float64\"\n",
        "[method]\nname = \"mean_gradient\"\nlr = 0.02\n[run]\nepochs = 400\nbatch = 50\nprecision = \"float64\"\n",
        "[method]\nname = \"svrg\"\nrule = \"mean_gradient\"\nlr = 0.02\n[run]\nepochs = 400\nbatch = 50\n",
        "[method]\nname = \"polyak_steps\"\n[run]\nsteps = 400\nbatch = \"full\"\nprecision = \"float64\"\n"}) {
    all = finds_the_circle(config) && all;
  }
  return all ? EXIT_SUCCESS : EXIT_FAILURE;
}
