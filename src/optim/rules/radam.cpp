// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "optim/dialect.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kRadamRule = R"(
m_t = beta1 m_{t-1} + (1 - beta1) g_t          v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
rho_inf = 2 / (1 - beta2) - 1                  rho_t = rho_inf - 2 t beta2^t / (1 - beta2^t)
rho_t > threshold:  r_t = sqrt((rho_t - 4) (rho_t - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho_t))
                    x_t = x_{t-1} - lr r_t mhat_t sqrt(1 - beta2^t) / (sqrt(v_t) + epsilon)
else                x_t = x_{t-1} - lr mhat_t,  mhat_t = m_t / (1 - beta1^t)
torch: threshold = 5
paper: threshold = 4
The paper has no epsilon; both dialects need one where v = 0.
)";

struct RadamDefaults {
  double threshold = 5;
};
constexpr Dialect<RadamDefaults> kRadamDialects[] = {{"torch", {}}, {"paper", {.threshold = 4}}};

struct Radam {
  Section method;
  double lr = method.number("lr", 0.001, Range::positive(), "learning rate");
  double threshold = choose(method, kRadamDialects).values.threshold;
  double beta1 = method.number("beta1", 0.9, Range::decay(), "decay of the first moment");
  double beta2 = method.number("beta2", 0.999, Range::decay(), "decay of the second moment");
  double epsilon = method.number("epsilon", 1e-8, Range::positive(), "added to the root of the second moment");

  void declare(math::StateLayout& slots) const {
    slots.vector("first_moment");
    slots.vector("second_moment");
  }

  template <class Real>
  auto element(const RuleStep& step) const {
    const double power = std::pow(beta2, step.t);
    const double rho_inf = 2 / (1 - beta2) - 1;
    const double rho = rho_inf - 2 * static_cast<double>(step.t) * power / (1 - power);
    const bool adapts = rho > threshold;
    double rate = step.lr / (1 - std::pow(beta1, step.t));
    if (adapts) rate *= std::sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho) * (1 - power));
    const auto moments = [beta1 = Real(beta1), rest1 = Real(1 - beta1), beta2 = Real(beta2), rest2 = Real(1 - beta2)](
                             Real g, Real& m, Real& v) {
      m = beta1 * m + rest1 * g;
      v = beta2 * v + rest2 * g * g;
    };
    const auto adaptive = [moments, lr = Real(rate), epsilon = Real(epsilon)](Real& x, Real g, Real& m, Real& v) {
      moments(g, m, v);
      x -= lr * m / (std::sqrt(v) + epsilon);
    };
    const auto plain = [moments, lr = Real(rate)](Real& x, Real g, Real& m, Real& v) {
      moments(g, m, v);
      x -= lr * m;
    };
    return either(adapts, adaptive, plain);
  }
};

constexpr DialectMap kRadamMaps[] = {
    {"paper", "torch", "none: where 4 < rho_t <= 5 paper takes the adaptive step and torch not; the same steps otherwise"},
};

}  // namespace

extern const Entry entry_radam;
const Entry entry_radam{
    .name = "radam",
    .title = "RAdam: Adam with a rectified rate",
    .rule = text_of(kRadamRule),
    .source = "Liu et al., ICLR 2020, arXiv:1908.03265, algorithm 2; dialect torch after torch.optim.RAdam",
    .cost = "b gradients",
    .guarantee =
        "none of its own: the factor bounds the variance of the rate in the first steps, after which it is adam and fails "
        "where adam does",
    .dialects = dialect_names<kRadamDialects>,
    .maps = kRadamMaps,
    .make_rule = make_rule<Radam>,
};

}  // namespace talweg::optim
