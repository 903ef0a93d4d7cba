// SPDX-License-Identifier: Apache-2.0
// Adadelta (Zeiler 2012, algorithm 1):
//   A_t = rho A_{t-1} + (1 - rho) g_t^2            Delta_t = sqrt(D_{t-1} + epsilon) / sqrt(A_t + epsilon) g_t
//   x_t = x_{t-1} - lr Delta_t                     D_t = rho D_{t-1} + (1 - rho) Delta_t^2
// A is the mean square of gradients, D that of steps, both from 0. The dialects differ in their defaults alone: the paper has
// no lr (1 here), TensorFlow 1's and Keras' default is a thousandth of that.
#include <cmath>

#include "optim/dialect.hpp"
#include "optim/registry.hpp"

namespace talweg::optim {
namespace {

struct Defaults {
  double lr = 1;
  double rho = 0.95;
  double epsilon = 1e-6;
};
constexpr Dialect<Defaults> kDialects[] = {
    {"paper", {}}, {"tf1", {.lr = 0.001, .epsilon = 1e-8}}, {"torch", {.rho = 0.9}}, {"keras", {.lr = 0.001, .epsilon = 1e-7}}};

class Adadelta final : public UpdateRule {
 public:
  explicit Adadelta(const base::Section& s) : Adadelta(s, choose(s, kDialects).values) {}
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override {
    slots.vector("square_average");
    slots.vector("step_average");
  }

  Update begin(RuleStep& step) const override {
    return update_by([this, rate = step.lr]<class Real>(const RuleBlock<Real>& b) {
      const auto [lr, rho, rest, epsilon] = b.real(rate, rho_, 1 - rho_, epsilon_);
      Real* __restrict x = b.x;
      const Real* __restrict g = b.g;
      Real* __restrict a = b.slots[0];
      Real* __restrict d = b.slots[1];
      for (std::size_t i = 0; i < b.count; ++i) {
        a[i] = rho * a[i] + rest * g[i] * g[i];
        const Real delta = std::sqrt(d[i] + epsilon) / std::sqrt(a[i] + epsilon) * g[i];
        x[i] -= lr * delta;
        d[i] = rho * d[i] + rest * delta * delta;
      }
    });
  }

 private:
  Adadelta(const base::Section& s, const Defaults& d)
      : UpdateRule(s.number("lr", d.lr, base::Range::positive(), "times the step; 1 in the paper")),
        rho_(s.number("rho", d.rho, base::Range::decay(), "decay of both mean squares")),
        epsilon_(s.number("epsilon", d.epsilon, base::Range::positive(), "under both roots: the first steps are its size")) {}

  double rho_;
  double epsilon_;
};

constexpr DialectMap kMaps[] = {{"", "", "the same recurrence: defaults differ, nothing else"}};

}  // namespace

extern const Entry entry_adadelta;
const Entry entry_adadelta{
    .name = "adadelta",
    .title = "Adadelta: steps in the parameters' own units",
    .rule =
        "A_t = rho A_{t-1} + (1 - rho) g_t^2; Delta_t = sqrt(D_{t-1} + epsilon) / sqrt(A_t + epsilon) g_t\n"
        "x_t = x_{t-1} - lr Delta_t; D_t = rho D_{t-1} + (1 - rho) Delta_t^2; dialects: defaults alone",
    .source =
        "Zeiler, arXiv:1212.5701 (2012), algorithm 1; defaults after the paper, TensorFlow 1's ApplyAdadelta, "
        "torch.optim.Adadelta, Keras",
    .cost = "b gradients",
    .guarantee = "none in the paper: it is a heuristic, and lr does not fall unless a schedule makes it",
    .dialects = dialect_names<kDialects>,
    .maps = kMaps,
    .make_rule = make<Adadelta, UpdateRule>,
};

}  // namespace talweg::optim
