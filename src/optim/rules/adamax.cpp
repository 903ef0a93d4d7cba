// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "optim/dialect.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kAdamaxRule = R"(
m_t = beta1 m_{t-1} + (1 - beta1) g_t
torch: u_t = max(beta2 u_{t-1}, |g_t| + epsilon);  x_t = x_{t-1} - lr / (1 - beta1^t) m_t / u_t
tf1, keras: u_t = max(beta2 u_{t-1}, |g_t|);  x_t = x_{t-1} - lr / (1 - beta1^t) m_t / (u_t + epsilon)
paper: u_t = max(beta2 u_{t-1}, |g_t|);  x_t = x_{t-1} - lr / (1 - beta1^t) m_t / u_t, no step while u_t = 0
Adam with the infinity norm of past gradients in place of the second moment.
)";

struct AdamaxDefaults {
  double lr = 0.002;
  double epsilon = 1e-8;
  bool inside = true;  // epsilon within the maximum
  bool takes_epsilon = true;
};
constexpr Dialect<AdamaxDefaults> kAdamaxDialects[] = {{"torch", {}},
                                                       {"paper", {.epsilon = 0, .inside = false, .takes_epsilon = false}},
                                                       {"tf1", {.lr = 0.001, .inside = false}},
                                                       {"keras", {.lr = 0.001, .epsilon = 1e-7, .inside = false}}};

struct Adamax {
  Section method;
  AdamaxDefaults dialect = choose(method, kAdamaxDialects).values;
  double lr = method.number("lr", dialect.lr, Range::positive(), "learning rate");
  double beta1 = method.number("beta1", 0.9, Range::decay(), "decay of the first moment");
  double beta2 = method.number("beta2", 0.999, Range::decay(), "decay of the infinity norm");
  double epsilon =
      dialect.takes_epsilon ? method.number("epsilon", dialect.epsilon, Range::positive(), "keeps the denominator from 0") : 0;

  void declare(math::StateLayout& slots) const {
    slots.vector("first_moment");
    slots.vector("infinity_norm");
  }

  template <class Real>
  auto element(const RuleStep& step) const {
    return [lr = Real(step.lr / (1 - std::pow(beta1, step.t))), inside = Real(dialect.inside ? epsilon : 0),
            outside = Real(dialect.inside ? 0 : epsilon), beta1 = Real(beta1), rest1 = Real(1 - beta1),
            beta2 = Real(beta2)](Real& x, Real g, Real& m, Real& u) {
      m = beta1 * m + rest1 * g;
      u = std::max(beta2 * u, std::abs(g) + inside);
      const Real under = u + outside;
      x -= under > 0 ? lr * m / under : Real{0};
    };
  }
};

constexpr DialectMap kAdamaxMaps[] = {
    {"tf1", "torch", "none: max(beta2 u, |g| + epsilon) is no max(beta2 u, |g|) + epsilon; equal where epsilon = 0"},
    {"keras", "torch", "none: max(beta2 u, |g| + epsilon) is no max(beta2 u, |g|) + epsilon; equal where epsilon = 0"},
    {"paper", "torch", "epsilon -> 0", "epsilon = 1e-300"},
    {"paper", "tf1", "epsilon -> 0", "lr = 0.002\nepsilon = 1e-300"},
    {"paper", "keras", "epsilon -> 0", "lr = 0.002\nepsilon = 1e-300"},
    {"keras", "tf1", "the same recurrence; epsilon differs", "epsilon = 1e-7"},
};

}  // namespace

extern const Entry entry_adamax;
const Entry entry_adamax{
    .name = "adamax",
    .title = "AdaMax: Adam by the infinity norm",
    .rule = text_of(kAdamaxRule),
    .source =
        "Kingma & Ba, ICLR 2015, arXiv:1412.6980, algorithm 2; dialects after torch.optim.Adamax and TensorFlow 1's "
        "ApplyAdaMax, which is Keras' too",
    .cost = "b gradients",
    .guarantee = "none with the rate held constant; the paper claims no bound of its own for it",
    .dialects = dialect_names<kAdamaxDialects>,
    .maps = kAdamaxMaps,
    .make_rule = make_rule<Adamax>,
};

}  // namespace talweg::optim
