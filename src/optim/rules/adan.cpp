// SPDX-License-Identifier: Apache-2.0
// Adan (Xie et al. 2022, algorithm 1): Nesterov's momentum from differences of gradients. With betas as what is kept (the
// paper's are 1 - beta), and D_t = g_t - g_{t-1}, D_1 = 0:
//   m_t = beta1 m_{t-1} + (1 - beta1) g_t          v_t = beta2 v_{t-1} + (1 - beta2) D_t
//   n_t = beta3 n_{t-1} + (1 - beta3) (g_t + beta2 D_t)^2
//   paper     x_t = (x_{t-1} - lr (m_t + beta2 v_t) / (sqrt(n_t) + epsilon)) / (1 + lr weight_decay),
//             m_1 = g_1, n_1 = g_1^2, v_2 = D_2
//   authors   the same with m, v, n over 1 - beta1^t, 1 - beta2^t, 1 - beta3^t, from 0
#include <algorithm>
#include <cmath>

#include "optim/dialect.hpp"
#include "optim/registry.hpp"

namespace talweg::optim {
namespace {

struct Defaults {
  bool corrects = true;  // bias; else begins with the first gradients
};
constexpr Dialect<Defaults> kDialects[] = {{"authors", {}}, {"paper", {.corrects = false}}};

class Adan final : public UpdateRule {
 public:
  explicit Adan(const base::Section& s)
      : UpdateRule(s.number("lr", 0.001, base::Range::positive(), "learning rate")),
        corrects_(choose(s, kDialects).values.corrects),
        beta1_(s.number("beta1", 0.98, base::Range::decay(), "decay of the first moment")),
        beta2_(s.number("beta2", 0.92, base::Range::decay(), "decay of the mean difference of gradients")),
        beta3_(s.number("beta3", 0.99, base::Range::decay(), "decay of the second moment")),
        epsilon_(s.number("epsilon", 1e-8, base::Range::positive(), "added to the root of the second moment")),
        weight_decay_(
            s.number("weight_decay", 0.0, base::Range::non_negative(), "x is divided by 1 + lr weight_decay each step")) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    slots.vector("first_moment");
    slots.vector("difference");
    slots.vector("second_moment");
    slots.vector("gradient");
  }

  Update begin(RuleStep& step) const override {
    const auto t = static_cast<double>(step.t);
    const bool first = step.t == 1;
    const auto grown = [&](double beta) { return corrects_ ? 1 - std::pow(beta, t) : 1; };
    // paper: the first gradient (difference: the second) whole
    const double rest1 = !corrects_ && first ? 1 : 1 - beta1_;
    const double rest2 = !corrects_ && step.t == 2 ? 1 : 1 - beta2_;
    const double rest3 = !corrects_ && first ? 1 : 1 - beta3_;
    const double of_moment = step.lr / grown(beta1_);
    const double of_difference = step.lr * beta2_ / grown(beta2_);
    const double stretch = 1 / std::sqrt(grown(beta3_));
    const double shrink = 1 / (1 + step.lr * weight_decay_);
    return update_by([=, this]<class Real>(const RuleBlock<Real>& b) {
      const auto [fresh1, fresh2, fresh3, along, across] = b.real(rest1, rest2, rest3, of_moment, of_difference);
      const auto [beta1, beta2, beta3, epsilon] = b.real(beta1_, beta2_, beta3_, epsilon_);
      const auto [scale, kept] = b.real(stretch, shrink);
      Real* __restrict x = b.x;
      const Real* __restrict g = b.g;
      Real* __restrict m = b.slots[0];
      Real* __restrict v = b.slots[1];
      Real* __restrict n = b.slots[2];
      Real* __restrict previous = b.slots[3];
      if (first) std::copy_n(g, b.count, previous);
      for (std::size_t i = 0; i < b.count; ++i) {
        const Real difference = g[i] - previous[i];
        const Real ahead = g[i] + beta2 * difference;
        m[i] = beta1 * m[i] + fresh1 * g[i];
        v[i] = beta2 * v[i] + fresh2 * difference;
        n[i] = beta3 * n[i] + fresh3 * ahead * ahead;
        x[i] = kept * (x[i] - (along * m[i] + across * v[i]) / (scale * std::sqrt(n[i]) + epsilon));
        previous[i] = g[i];
      }
    });
  }

 private:
  bool corrects_;
  double beta1_;
  double beta2_;
  double beta3_;
  double epsilon_;
  double weight_decay_;
};

constexpr DialectMap kMaps[] = {
    {"paper", "authors",
     "none: authors correct the bias of m, v and n, which paper instead begins at the first gradient; equal as t grows"},
};

}  // namespace

extern const Entry entry_adan;
const Entry entry_adan{
    .name = "adan",
    .title = "Adan: adaptive Nesterov momentum",
    .rule =
        "D_t = g_t - g_{t-1}, D_1 = 0; m_t = beta1 m_{t-1} + (1 - beta1) g_t; v_t = beta2 v_{t-1} + (1 - beta2) D_t\n"
        "n_t = beta3 n_{t-1} + (1 - beta3) (g_t + beta2 D_t)^2\n"
        "paper: x_t = (x_{t-1} - lr (m_t + beta2 v_t) / (sqrt(n_t) + epsilon)) / (1 + lr weight_decay); m_1 = g_1, n_1 = "
        "g_1^2, v_2 = D_2\n"
        "authors: m, v, n over 1 - beta^t, from 0; betas are what is kept, the paper's are 1 - beta",
    .source = "Xie, Zhou, Li, Lin & Yan, arXiv:2208.06677 (2022), algorithm 1; dialect authors after their PyTorch code",
    .cost = "b gradients",
    .guarantee =
        "non-convex, bounded gradients, noise unbiased: O(eps^-4) gradients to |grad F| <= eps, O(eps^-3.5) with Lipschitz "
        "Hessian (dialect paper)",
    .dialects = dialect_names<kDialects>,
    .maps = kMaps,
    .make_rule = make<Adan, UpdateRule>,
};

}  // namespace talweg::optim
