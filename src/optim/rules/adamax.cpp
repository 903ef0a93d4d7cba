// SPDX-License-Identifier: Apache-2.0
// AdaMax (Kingma & Ba 2015, algorithm 2): Adam with the infinity norm of past gradients in the place of the second moment:
//   m_t = beta1 m_{t-1} + (1 - beta1) g_t
//   torch        u_t = max(beta2 u_{t-1}, |g_t| + epsilon),   x_t = x_{t-1} - lr / (1 - beta1^t) m_t / u_t
//   tf1, keras   u_t = max(beta2 u_{t-1}, |g_t|),             x_t = x_{t-1} - lr / (1 - beta1^t) m_t / (u_t + epsilon)
//   paper        as tf1 without epsilon; a coordinate stands still until it has met a gradient
#include <algorithm>
#include <cmath>

#include "optim/dialect.hpp"
#include "optim/registry.hpp"

namespace talweg::optim {
namespace {

struct Defaults {
  double lr = 0.002;
  double epsilon = 1e-8;
  bool inside = true;  // epsilon within the maximum
  bool takes_epsilon = true;
};
constexpr Dialect<Defaults> kDialects[] = {{"torch", {}},
                                           {"paper", {.epsilon = 0, .inside = false, .takes_epsilon = false}},
                                           {"tf1", {.lr = 0.001, .inside = false}},
                                           {"keras", {.lr = 0.001, .epsilon = 1e-7, .inside = false}}};

class Adamax final : public UpdateRule {
 public:
  explicit Adamax(const base::Section& s) : Adamax(s, choose(s, kDialects).values) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    slots.vector("first_moment");
    slots.vector("infinity_norm");
  }

  Update begin(RuleStep& step) const override {
    const double rate = step.lr / (1 - std::pow(beta1_, static_cast<double>(step.t)));
    return update_by([this, rate]<class Real>(const RuleBlock<Real>& b) {
      const auto [lr, inside, beside] = b.real(rate, inside_ ? epsilon_ : 0.0, inside_ ? 0.0 : epsilon_);
      const auto [beta1, rest1, beta2] = b.real(beta1_, 1 - beta1_, beta2_);
      Real* __restrict x = b.x;
      const Real* __restrict g = b.g;
      Real* __restrict m = b.slots[0];
      Real* __restrict u = b.slots[1];
      for (std::size_t i = 0; i < b.count; ++i) {
        m[i] = beta1 * m[i] + rest1 * g[i];
        u[i] = std::max(beta2 * u[i], std::abs(g[i]) + inside);
        const Real under = u[i] + beside;
        x[i] -= under > 0 ? lr * m[i] / under : Real{0};
      }
    });
  }

 private:
  Adamax(const base::Section& s, const Defaults& d)
      : UpdateRule(s.number("lr", d.lr, base::Range::positive(), "learning rate")),
        inside_(d.inside),
        beta1_(s.number("beta1", 0.9, base::Range::decay(), "decay of the first moment")),
        beta2_(s.number("beta2", 0.999, base::Range::decay(), "decay of the infinity norm")),
        epsilon_(d.takes_epsilon ? s.number("epsilon", d.epsilon, base::Range::positive(), "keeps the denominator from 0")
                                 : 0) {}

  bool inside_;
  double beta1_;
  double beta2_;
  double epsilon_;
};

constexpr DialectMap kMaps[] = {
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
    .rule =
        "m_t = beta1 m_{t-1} + (1 - beta1) g_t\n"
        "torch: u_t = max(beta2 u_{t-1}, |g_t| + epsilon); x_t = x_{t-1} - lr / (1 - beta1^t) m_t / u_t\n"
        "tf1, keras: u_t = max(beta2 u_{t-1}, |g_t|); x_t = x_{t-1} - lr / (1 - beta1^t) m_t / (u_t + epsilon)\n"
        "paper: u_t = max(beta2 u_{t-1}, |g_t|); x_t = x_{t-1} - lr / (1 - beta1^t) m_t / u_t, no step where u_t = 0",
    .source =
        "Kingma & Ba, ICLR 2015, arXiv:1412.6980, algorithm 2; dialects after torch.optim.Adamax and TensorFlow 1's "
        "ApplyAdaMax, which is Keras' too",
    .cost = "b gradients",
    .guarantee = "none with the rate held constant; the paper claims no bound of its own for it",
    .dialects = dialect_names<kDialects>,
    .maps = kMaps,
    .make_rule = make<Adamax, UpdateRule>,
};

}  // namespace talweg::optim
