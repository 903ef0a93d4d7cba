// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "optim/dialect.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kAdamRule = R"(
m_t = beta1 m_{t-1} + (1 - beta1) g_t          v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
mhat_t = m_t / (1 - beta1^t)                   vhat_t = v_t / (1 - beta2^t)
torch, paper, optax: x_t = x_{t-1} - lr mhat_t / (sqrt(vhat_t) + epsilon)
tf1, keras: x_t = x_{t-1} - lr sqrt(1 - beta2^t) / (1 - beta1^t) m_t / (sqrt(v_t) + epsilon)
The two differ in what epsilon is added to: that of the second acts 1 / sqrt(1 - beta2^t) times as strongly.
nesterov, in place of m_t:
tf1: beta1 m_t + (1 - beta1) g_t
optax: beta1 m_t (1 - beta1^t) / (1 - beta1^(t+1)) + (1 - beta1) g_t
amsgrad: u_t = max(u_{t-1}, v_t) in place of v_t, in paper without bias correction;
optax: u_t = max(u_{t-1}, vhat_t) in place of vhat_t
With a non-smooth Omega: prox in the metric of the denominator.
)";
constexpr std::string_view kDecoupledRule = R"(
m_t = beta1 m_{t-1} + (1 - beta1) g_t          v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
torch: x_t = x_{t-1} (1 - lr weight_decay) - lr mhat_t / (sqrt(vhat_t) + epsilon)
keras: x_t = x_{t-1} (1 - lr weight_decay) - lr sqrt(1 - beta2^t) / (1 - beta1^t) m_t / (sqrt(v_t) + epsilon)
paper: x_t = x_{t-1} (1 - factor weight_decay) - lr mhat_t / (sqrt(vhat_t) + epsilon), factor the schedule's, without lr
mhat_t = m_t / (1 - beta1^t), vhat_t = v_t / (1 - beta2^t): adam, with weight decay outside the gradient.
)";

struct AdamDefaults {
  double epsilon = 1e-8;
  bool epsilon_hat = false;        // epsilon is added to the root of the uncorrected second moment
  bool amsgrad_corrects = true;    // bias correction with amsgrad
  bool largest_corrected = false;  // amsgrad takes the largest of the corrected moments
  bool takes_nesterov = false;
  bool corrects_ahead = false;  // nesterov corrects the moment for the next step
};
constexpr Dialect<AdamDefaults> kAdamDialects[] = {
    {"torch", {}},
    {"paper", {.amsgrad_corrects = false}},
    {"tf1", {.epsilon_hat = true, .takes_nesterov = true}},
    {"keras", {.epsilon = 1e-7, .epsilon_hat = true}},
    {"optax", {.largest_corrected = true, .takes_nesterov = true, .corrects_ahead = true}}};

struct DecoupledDefaults {
  double epsilon = 1e-8;
  double weight_decay = 0.01;
  bool epsilon_hat = false;
  bool decay_by_lr = true;
};
constexpr Dialect<DecoupledDefaults> kDecoupledDialects[] = {
    {"torch", {}},
    {"keras", {.epsilon = 1e-7, .weight_decay = 0.004, .epsilon_hat = true}},
    {"paper", {.weight_decay = 1e-5, .decay_by_lr = false}}};

/// The moments of the next step.
template <class Real>
auto moments(double beta1, double beta2) {
  return
      [beta1 = Real(beta1), rest1 = Real(1 - beta1), beta2 = Real(beta2), rest2 = Real(1 - beta2)](Real g, Real& m, Real& v) {
        m = beta1 * m + rest1 * g;
        v = beta2 * v + rest2 * g * g;
      };
}

/// x = x - lr m / (scale sqrt(v) + epsilon), which is the step of every dialect; returns its length.
template <class Real>
auto normalised_step(double lr, double scale, double epsilon) {
  return [lr = Real(lr), scale = Real(scale), epsilon = Real(epsilon)](Real& x, Real m, Real v) {
    const Real d = scale * std::sqrt(v) + epsilon;
    x -= lr * m / d;
    return lr / d;
  };
}

struct Adam {
  Section method;
  double lr = method.number("lr", 0.001, Range::positive(), "learning rate");
  AdamDefaults dialect = choose(method, kAdamDialects).values;
  double beta1 = method.number("beta1", 0.9, Range::decay(), "decay of the first moment");
  double beta2 = method.number("beta2", 0.999, Range::decay(), "decay of the second moment");
  double epsilon = method.number("epsilon", dialect.epsilon, Range::positive(), "added to the root of the second moment");
  bool amsgrad = method.flag("amsgrad", false, "divide by the largest second moment so far");
  bool nesterov = method.flag("nesterov", false, "mix the gradient into the first moment once more");

  void check() const {
    if (nesterov && !dialect.takes_nesterov)
      method.fail("nesterov", "true", "false: of its dialects tf1 and optax have it; elsewhere it is a rule of its own, nadam");
  }
  void declare(math::StateLayout& slots) const {
    slots.vector("first_moment");
    slots.vector("second_moment");
    if (amsgrad) slots.vector("largest_moment");
  }
  Needs needs() const { return {Need::separable_omega, "groups and a ball in a diagonal metric: adagrad"}; }

  template <class Real>
  auto element(const RuleStep& step) const {
    const bool corrects = !amsgrad || dialect.amsgrad_corrects;
    const double correction1 = corrects ? 1 - std::pow(beta1, step.t) : 1;
    const double correction2 = corrects ? std::sqrt(1 - std::pow(beta2, step.t)) : 1;
    const bool early = amsgrad && dialect.largest_corrected;
    const double rate = dialect.epsilon_hat ? step.lr * correction2 / correction1 : step.lr / correction1;
    const double ahead = dialect.corrects_ahead ? correction1 / (1 - std::pow(beta1, step.t + 1)) : 1;

    const auto average = moments<Real>(beta1, beta2);
    const auto take_step = normalised_step<Real>(rate, dialect.epsilon_hat || early ? 1 : 1 / correction2, epsilon);
    const auto mix = [share = Real(nesterov ? beta1 * ahead : 1), fresh = Real(nesterov ? 1 - beta1 : 0)](Real g, Real m) {
      return share * m + fresh * g;
    };
    const auto plain = [=](Real& x, Real g, Real& m, Real& v) {
      average(g, m, v);
      return take_step(x, m, v);
    };
    const auto look_ahead = [=](Real& x, Real g, Real& m, Real& v) {
      average(g, m, v);
      return take_step(x, mix(g, m), v);
    };
    const auto by_largest = [=, corrected = Real(early ? 1 / (correction2 * correction2) : 1)](Real& x, Real g, Real& m,
                                                                                               Real& v, Real& u) {
      average(g, m, v);
      u = std::max(u, corrected * v);
      return take_step(x, mix(g, m), u);
    };
    return either(amsgrad, by_largest, either(nesterov, look_ahead, plain));
  }
};

struct Adamw {
  Section method;
  double lr = method.number("lr", 0.001, Range::positive(), "learning rate");
  DecoupledDefaults dialect = choose(method, kDecoupledDialects).values;
  double beta1 = method.number("beta1", 0.9, Range::decay(), "decay of the first moment");
  double beta2 = method.number("beta2", 0.999, Range::decay(), "decay of the second moment");
  double epsilon = method.number("epsilon", dialect.epsilon, Range::positive(), "added to the root of the second moment");
  double weight_decay = method.number("weight_decay", dialect.weight_decay, Range::non_negative(),
                                      dialect.decay_by_lr ? "times lr: share of every parameter that is taken off each step"
                                                          : "times the schedule's factor: share of every parameter taken off");

  void declare(math::StateLayout& slots) const {
    slots.vector("first_moment");
    slots.vector("second_moment");
  }

  template <class Real>
  auto element(const RuleStep& step) const {
    const double correction1 = 1 - std::pow(beta1, step.t);
    const double correction2 = std::sqrt(1 - std::pow(beta2, step.t));
    const double rate = dialect.epsilon_hat ? step.lr * correction2 / correction1 : step.lr / correction1;
    return [average = moments<Real>(beta1, beta2),
            take_step = normalised_step<Real>(rate, dialect.epsilon_hat ? 1 : 1 / correction2, epsilon),
            kept = Real(1 - (dialect.decay_by_lr ? step.lr : step.factor) * weight_decay)](Real& x, Real g, Real& m, Real& v) {
      x *= kept;
      average(g, m, v);
      take_step(x, m, v);
    };
  }
};

constexpr DialectMap kAdamMaps[] = {
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

constexpr DialectMap kDecoupledMaps[] = {
    {"paper", "torch", "weight_decay of torch = weight_decay of paper / lr, lr before the schedule", "weight_decay = 0.01"},
    {"torch", "paper", "weight_decay of paper = lr weight_decay of torch, lr before the schedule", "weight_decay = 1e-5"},
    {"keras", "torch",
     "epsilon of torch = epsilon of keras / sqrt(1 - beta2^t): it changes with t, so no constant does it; weight_decay is the "
     "same"},
    {"keras", "paper",
     "epsilon of paper = epsilon of keras / sqrt(1 - beta2^t): it changes with t, so no constant does it; weight_decay of "
     "paper = lr weight_decay of keras, lr before the schedule"},
};

}  // namespace

extern const Entry entry_adam;
const Entry entry_adam{
    .name = "adam",
    .title = "Adam: adaptive moment estimation",
    .rule = text_of(kAdamRule),
    .source =
        "Kingma & Ba, ICLR 2015, arXiv:1412.6980; amsgrad: Reddi, Kale & Kumar, ICLR 2018; dialects after torch.optim.Adam, "
        "TensorFlow 1's ApplyAdam, Keras, optax.adam and optax.amsgrad; prox: ProxGen, Yun, Lozano & Yang, NeurIPS 2021",
    .cost = "b gradients",
    .guarantee =
        "convex, bounded gradients and domain, lr ~ 1/sqrt t: regret O(sqrt T) as claimed in 2015; the proof fails, and so "
        "does adam on a one-dimensional linear problem (Reddi et al. 2018); amsgrad has the bound. Non-convex: O(log T / sqrt "
        "T) for beta2 near 1 (Defossez et al. 2022)",
    .dialects = dialect_names<kAdamDialects>,
    .maps = kAdamMaps,
    .make_rule = make_rule<Adam>,
};

extern const Entry entry_adamw;
const Entry entry_adamw{
    .name = "adamw",
    .title = "AdamW: Adam with decoupled weight decay",
    .rule = text_of(kDecoupledRule),
    .source = "Loshchilov & Hutter, ICLR 2019, arXiv:1711.05101, algorithm 2; dialects after torch.optim.AdamW and Keras",
    .cost = "b gradients",
    .guarantee = "as adam's; it does not minimise F: stands still where lr mhat / (sqrt(vhat) + epsilon) balances the decay",
    .dialects = dialect_names<kDecoupledDialects>,
    .maps = kDecoupledMaps,
    .make_rule = make_rule<Adamw>,
};

}  // namespace talweg::optim
