// SPDX-License-Identifier: Apache-2.0
// Adam (Kingma & Ba 2015, algorithm 1):
//   m_t = beta1 m_{t-1} + (1 - beta1) g_t          v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
//   mhat_t = m_t / (1 - beta1^t)                   vhat_t = v_t / (1 - beta2^t)
//   paper, torch, optax   x_t = x_{t-1} - lr mhat_t / (sqrt(vhat_t) + epsilon)
//   tf1, keras            x_t = x_{t-1} - lr sqrt(1 - beta2^t) / (1 - beta1^t) m_t / (sqrt(v_t) + epsilon)
// The two differ in what epsilon is added to: the second's acts 1 / sqrt(1 - beta2^t) times as strongly.
//   nesterov, in the place of m_t:  tf1     beta1 m_t + (1 - beta1) g_t
//                                   optax   beta1 m_t (1 - beta1^t) / (1 - beta1^(t+1)) + (1 - beta1) g_t
//   amsgrad (Reddi et al. 2018):  u_t = max(u_{t-1}, v_t) in the place of v_t, in paper without bias correction; optax:
//   u_t = max(u_{t-1}, vhat_t) in the place of vhat_t
// A non-smooth Omega is met by a prox in the metric of the denominator (ProxGen, Yun, Lozano & Yang 2021).
#include <cmath>

#include "optim/dialect.hpp"
#include "optim/registry.hpp"

namespace talweg::optim {
namespace {

struct Defaults {
  double epsilon = 1e-8;
  bool epsilon_hat = false;        // beside the uncorrected second moment
  bool amsgrad_corrects = true;    // bias, with amsgrad
  bool largest_corrected = false;  // u of amsgrad is the largest of what is corrected already
  bool takes_nesterov = false;
  bool corrects_ahead = false;  // with nesterov, the moment by the step that follows
};
constexpr Dialect<Defaults> kDialects[] = {
    {"torch", {}},
    {"paper", {.amsgrad_corrects = false}},
    {"tf1", {.epsilon_hat = true, .takes_nesterov = true}},
    {"keras", {.epsilon = 1e-7, .epsilon_hat = true}},
    {"optax", {.largest_corrected = true, .takes_nesterov = true, .corrects_ahead = true}}};

class Adam final : public UpdateRule {
 public:
  explicit Adam(const base::Section& s)
      : UpdateRule(s.number("lr", 0.001, base::Range::positive(), "learning rate")),
        dialect_(choose(s, kDialects).values),
        beta1_(s.number("beta1", 0.9, base::Range::decay(), "decay of the first moment")),
        beta2_(s.number("beta2", 0.999, base::Range::decay(), "decay of the second moment")),
        epsilon_(s.number("epsilon", dialect_.epsilon, base::Range::positive(), "added to the root of the second moment")),
        amsgrad_(s.flag("amsgrad", false, "divide by the largest second moment so far")),
        nesterov_(s.flag("nesterov", false, "mix the gradient into the first moment once more")) {
    if (nesterov_ && !dialect_.takes_nesterov)
      s.fail("nesterov", "true", "false: of its dialects tf1 and optax have it; elsewhere it is a rule of its own, nadam");
  }
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    slots.vector("first_moment");
    slots.vector("second_moment");
    if (amsgrad_) slots.vector("largest_moment");
  }
  Needs needs() const override {
    return {Need::separable_omega, "groups and a ball in a diagonal metric: adagrad"};
  }

  Update begin(RuleStep& step) const override {
    const auto t = static_cast<double>(step.t);
    const bool corrects = !amsgrad_ || dialect_.amsgrad_corrects;
    const double correction1 = corrects ? 1 - std::pow(beta1_, t) : 1;
    const double correction2 = corrects ? std::sqrt(1 - std::pow(beta2_, t)) : 1;
    // All dialects: x -= rate m / (stretch sqrt(v) + epsilon).
    const double rate = dialect_.epsilon_hat ? step.lr * correction2 / correction1 : step.lr / correction1;
    const bool corrected = amsgrad_ && dialect_.largest_corrected;
    const double stretch = dialect_.epsilon_hat || corrected ? 1 : 1 / correction2;
    const double before = corrected ? 1 / (correction2 * correction2) : 1;
    const double ahead = nesterov_ && dialect_.corrects_ahead ? correction1 / (1 - std::pow(beta1_, t + 1)) : 1;
    return update_by(
        [this, rate, stretch, before, share = nesterov_ ? beta1_ * ahead : 1]<class Real>(const RuleBlock<Real>& b) {
          const auto [lr, scale, epsilon, early] = b.real(rate, stretch, epsilon_, before);
          const auto [beta1, rest1, beta2, rest2] = b.real(beta1_, 1 - beta1_, beta2_, 1 - beta2_);
          Real* __restrict x = b.x;
          const Real* __restrict g = b.g;
          Real* __restrict m = b.slots[0];
          Real* __restrict v = b.slots[1];
          Real* __restrict u = amsgrad_ ? b.slots[2] : nullptr;
          if (!amsgrad_ && !nesterov_) {
            for (std::size_t i = 0; i < b.count; ++i) {
              m[i] = beta1 * m[i] + rest1 * g[i];
              v[i] = beta2 * v[i] + rest2 * g[i] * g[i];
              x[i] -= lr * m[i] / (scale * std::sqrt(v[i]) + epsilon);
            }
          } else {
            const Real mix = static_cast<Real>(share);
            const Real fresh = nesterov_ ? rest1 : Real{0};
            for (std::size_t i = 0; i < b.count; ++i) {
              m[i] = beta1 * m[i] + rest1 * g[i];
              const Real now = beta2 * v[i] + rest2 * g[i] * g[i];
              v[i] = now;
              const Real largest = amsgrad_ ? std::max(u[i], early * now) : now;
              if (amsgrad_) u[i] = largest;
              x[i] -= lr * (mix * m[i] + fresh * g[i]) / (scale * std::sqrt(largest) + epsilon);
            }
          }
          const Real* under = b.slots[amsgrad_ ? 2 : 1];
          b.prox([&](std::size_t i) { return lr / (scale * std::sqrt(under[i]) + epsilon); });
        });
  }

 private:
  Defaults dialect_;
  double beta1_;
  double beta2_;
  double epsilon_;
  bool amsgrad_;
  bool nesterov_;
};

constexpr DialectMap kMaps[] = {
    {"tf1", "torch",
     "epsilon of torch = epsilon of tf1 / sqrt(1 - beta2^t): it changes with t, so no constant does it; equal as t grows"},
    {"keras", "torch",
     "epsilon of torch = epsilon of keras / sqrt(1 - beta2^t): it changes with t, so no constant does it; equal as t grows"},
    {"tf1", "paper", "as from tf1 to torch, with a new epsilon in each step; with amsgrad paper has no bias correction either"},
    {"keras", "paper",
     "as from keras to torch, with a new epsilon in each step; with amsgrad paper has no bias correction either"},
    {"keras", "tf1", "the same recurrence; epsilon differs", "epsilon = 1e-7"},
    {"torch", "paper",
     "the same recurrence without amsgrad; with it paper has no bias correction: lr of torch would have to be lr (1 - beta1^t) "
     "/ sqrt(1 - beta2^t)",
     "epsilon = 1e-8"},
    {"torch", "optax",
     "the same recurrence without amsgrad; with it optax takes the largest of v_t / (1 - beta2^t), torch that of v_t: no "
     "constant does it",
     "epsilon = 1e-8"},
    {"optax", "paper", "the same recurrence without amsgrad; with it paper has no bias correction", "epsilon = 1e-8"},
    {"keras", "optax", "as from keras to torch: epsilon of optax would have to change with t"},
    {"tf1", "optax", "as from tf1 to torch: epsilon of optax would have to change with t"},
};

}  // namespace

extern const Entry entry_adam;
const Entry entry_adam{
    .name = "adam",
    .title = "Adam: adaptive moment estimation",
    .rule =
        "m_t = beta1 m_{t-1} + (1 - beta1) g_t; v_t = beta2 v_{t-1} + (1 - beta2) g_t^2;\n"
        "torch, paper, optax: x_t = x_{t-1} - lr mhat_t / (sqrt(vhat_t) + epsilon);\n"
        "tf1, keras: x_t = x_{t-1} - lr sqrt(1 - beta2^t) / (1 - beta1^t) m_t / (sqrt(v_t) + epsilon)\n"
        "nesterov: tf1: beta1 m_t + (1 - beta1) g_t for m_t; optax: beta1 m_t (1 - beta1^t) / (1 - beta1^(t+1)) + (1 - beta1) "
        "g_t\n"
        "amsgrad: max(u_{t-1}, v_t) for v_t, in paper without bias correction, in optax max(u_{t-1}, vhat_t) for vhat_t\n"
        "non-smooth Omega: prox in the metric of the denominator",
    .source =
        "Kingma & Ba, ICLR 2015, arXiv:1412.6980; amsgrad: Reddi, Kale & Kumar, ICLR 2018; dialects after torch.optim.Adam, "
        "TensorFlow 1's ApplyAdam, Keras, optax.adam and optax.amsgrad; prox: ProxGen, Yun, Lozano & Yang, NeurIPS 2021",
    .cost = "b gradients",
    .guarantee =
        "convex, bounded gradients and domain, lr ~ 1/sqrt t: regret O(sqrt T) as claimed in 2015; the proof fails, and so "
        "does adam on a one-dimensional linear problem (Reddi et al. 2018); amsgrad has the bound. Non-convex: O(log T / sqrt "
        "T) for beta2 near 1 (Defossez et al. 2022)",
    .dialects = dialect_names<kDialects>,
    .maps = kMaps,
    .make_rule = make<Adam, UpdateRule>,
};

}  // namespace talweg::optim
