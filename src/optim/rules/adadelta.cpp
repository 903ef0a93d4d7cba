// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "optim/dialect.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kAdadeltaRule = R"(
a_t = rho a_{t-1} + (1 - rho) g_t^2            delta_t = sqrt(d_{t-1} + epsilon) / sqrt(a_t + epsilon) g_t
x_t = x_{t-1} - lr delta_t                     d_t = rho d_{t-1} + (1 - rho) delta_t^2
a is the mean square of the gradients, d that of the steps; both begin at 0. The dialects differ in their defaults alone: the
paper has no lr (1 here), the default of TensorFlow 1 and Keras is a thousandth of that.
)";

struct AdadeltaDefaults {
  double lr = 1;
  double rho = 0.95;
  double epsilon = 1e-6;
};
constexpr Dialect<AdadeltaDefaults> kAdadeltaDialects[] = {
    {"paper", {}}, {"tf1", {.lr = 0.001, .epsilon = 1e-8}}, {"torch", {.rho = 0.9}}, {"keras", {.lr = 0.001, .epsilon = 1e-7}}};

struct Adadelta {
  Section method;
  AdadeltaDefaults dialect = choose(method, kAdadeltaDialects).values;
  double lr = method.number("lr", dialect.lr, Range::positive(), "times the step; 1 in the paper");
  double rho = method.number("rho", dialect.rho, Range::decay(), "decay of both mean squares");
  double epsilon =
      method.number("epsilon", dialect.epsilon, Range::positive(), "under both roots: the first steps are its size");

  void declare(math::StateLayout& slots) const {
    slots.vector("square_average");
    slots.vector("step_average");
  }

  template <class Real>
  auto element(const RuleStep& step) const {
    return [lr = Real(step.lr), rho = Real(rho), rest = Real(1 - rho), epsilon = Real(epsilon)](Real& x, Real g, Real& a,
                                                                                                Real& d) {
      a = rho * a + rest * g * g;
      const Real delta = std::sqrt(d + epsilon) / std::sqrt(a + epsilon) * g;
      x -= lr * delta;
      d = rho * d + rest * delta * delta;
    };
  }
};

constexpr DialectMap kAdadeltaMaps[] = {{"", "", "the same recurrence: defaults differ, nothing else"}};

}  // namespace

extern const Entry entry_adadelta;
const Entry entry_adadelta{
    .name = "adadelta",
    .title = "Adadelta: steps in the parameters' own units",
    .rule = text_of(kAdadeltaRule),
    .source =
        "Zeiler, arXiv:1212.5701 (2012), algorithm 1; defaults after the paper, TensorFlow 1's ApplyAdadelta, "
        "torch.optim.Adadelta, Keras",
    .cost = "b gradients",
    .guarantee = "none in the paper: it is a heuristic, and lr does not fall unless a schedule makes it",
    .dialects = dialect_names<kAdadeltaDialects>,
    .maps = kAdadeltaMaps,
    .make_rule = make_rule<Adadelta>,
};

}  // namespace talweg::optim
