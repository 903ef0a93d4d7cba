// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "optim/dialect.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kAdanRule = R"(
d_t = g_t - g_{t-1}, d_1 = 0
m_t = beta1 m_{t-1} + (1 - beta1) g_t          v_t = beta2 v_{t-1} + (1 - beta2) d_t
n_t = beta3 n_{t-1} + (1 - beta3) (g_t + beta2 d_t)^2
x_t = (x_{t-1} - lr (m_t + beta2 v_t) / (sqrt(n_t) + epsilon)) / (1 + lr weight_decay)
paper: m_1 = g_1, n_1 = g_1^2, v_2 = d_2
authors: m, v and n from 0, and in x_t over 1 - beta1^t, 1 - beta2^t and 1 - beta3^t
Each beta is the share that is kept; the paper's betas are 1 - beta.
)";

struct AdanDefaults {
  bool corrects = true;  // bias; else begins with the first gradients
};
constexpr Dialect<AdanDefaults> kAdanDialects[] = {{"authors", {}}, {"paper", {.corrects = false}}};

struct Adan {
  Section method;
  double lr = method.number("lr", 0.001, Range::positive(), "learning rate");
  bool corrects = choose(method, kAdanDialects).values.corrects;
  double beta1 = method.number("beta1", 0.98, Range::decay(), "decay of the first moment");
  double beta2 = method.number("beta2", 0.92, Range::decay(), "decay of the mean difference of gradients");
  double beta3 = method.number("beta3", 0.99, Range::decay(), "decay of the second moment");
  double epsilon = method.number("epsilon", 1e-8, Range::positive(), "added to the root of the second moment");
  double weight_decay =
      method.number("weight_decay", 0.0, Range::non_negative(), "x is divided by 1 + lr weight_decay each step");

  void declare(math::StateLayout& slots) const {
    slots.vector("first_moment");
    slots.vector("difference");
    slots.vector("second_moment");
    slots.vector("gradient");
  }

  template <class Real>
  auto element(const RuleStep& step) const {
    const auto grown = [&](double beta) { return corrects ? 1 - std::pow(beta, step.t) : 1; };
    // paper: the first gradient, or the first difference, counts in full
    const auto fresh = [&](double beta, std::int64_t first) { return !corrects && step.t == first ? 1 : 1 - beta; };
    return [first = step.t == 1, beta1 = Real(beta1), beta2 = Real(beta2), beta3 = Real(beta3), fresh1 = Real(fresh(beta1, 1)),
            fresh2 = Real(fresh(beta2, 2)), fresh3 = Real(fresh(beta3, 1)), lr_m = Real(step.lr / grown(beta1)),
            lr_v = Real(step.lr * beta2 / grown(beta2)), scale = Real(1 / std::sqrt(grown(beta3))), epsilon = Real(epsilon),
            kept = Real(1 / (1 + step.lr * weight_decay))](Real& x, Real g, Real& m, Real& v, Real& n, Real& previous) {
      if (first) previous = g;
      const Real d = g - previous;
      const Real ahead = g + beta2 * d;
      m = beta1 * m + fresh1 * g;
      v = beta2 * v + fresh2 * d;
      n = beta3 * n + fresh3 * ahead * ahead;
      x = kept * (x - (lr_m * m + lr_v * v) / (scale * std::sqrt(n) + epsilon));
      previous = g;
    };
  }
};

constexpr DialectMap kAdanMaps[] = {
    {"paper", "authors",
     "none: authors correct the bias of m, v and n, which paper instead begins at the first gradient; equal as t grows"},
};

}  // namespace

extern const Entry entry_adan;
const Entry entry_adan{
    .name = "adan",
    .title = "Adan: adaptive Nesterov momentum",
    .rule = text_of(kAdanRule),
    .source = "Xie, Zhou, Li, Lin & Yan, arXiv:2208.06677 (2022), algorithm 1; dialect authors after their PyTorch code",
    .cost = "b gradients",
    .guarantee =
        "non-convex, bounded gradients, noise unbiased: O(eps^-4) gradients to |grad F| <= eps, O(eps^-3.5) with Lipschitz "
        "Hessian (dialect paper)",
    .dialects = dialect_names<kAdanDialects>,
    .maps = kAdanMaps,
    .make_rule = make_rule<Adan>,
};

}  // namespace talweg::optim
