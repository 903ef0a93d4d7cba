// SPDX-License-Identifier: Apache-2.0
// Adam (Kingma & Ba 2015, algorithm 1):
//   m_t = beta1 m_{t-1} + (1 - beta1) g_t          v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
//   torch:  x_t = x_{t-1} - lr mhat_t / (sqrt(vhat_t) + epsilon),  mhat = m / (1 - beta1^t),  vhat = v / (1 - beta2^t)
//   tf1:    x_t = x_{t-1} - lr sqrt(1 - beta2^t) / (1 - beta1^t) m_t / (sqrt(v_t) + epsilon)
// The dialects differ in what epsilon is added to: tf1's acts 1 / sqrt(1 - beta2^t) times as strongly.
#include <cmath>

#include "talweg/optim/registry.hpp"

namespace talweg::optim {
namespace {

class Adam final : public ElementRule<Adam> {
 public:
  explicit Adam(const base::Section& s)
      : ElementRule(s.number("lr", 0.001, base::Range::positive(), "learning rate")),
        beta1_(s.number("beta1", 0.9, base::Range::decay(), "decay of the first moment")),
        beta2_(s.number("beta2", 0.999, base::Range::decay(), "decay of the second moment")),
        epsilon_(s.number("epsilon", 1e-8, base::Range::positive(), "added to the root of the second moment")),
        torch_(s.choice("dialect", "torch", {"torch", "tf1"},
                        "epsilon beside the corrected (torch) or the plain (tf1) second moment") == "torch") {}
  std::vector<std::string> slots() const override { return {"first_moment", "second_moment"}; }

  template <class Real>
  void apply(const RuleStep& step, const RuleBlock<Real>& b) const {
    const auto t = static_cast<double>(step.t);
    const double correction1 = 1 - std::pow(beta1_, t);
    const double correction2 = std::sqrt(1 - std::pow(beta2_, t));
    // Both dialects: x -= rate m / (scale sqrt(v) + epsilon).
    const Real rate = static_cast<Real>(torch_ ? step.lr / correction1 : step.lr * correction2 / correction1);
    const Real scale = static_cast<Real>(torch_ ? 1 / correction2 : 1);
    const Real epsilon = static_cast<Real>(epsilon_);
    const Real beta1 = static_cast<Real>(beta1_);
    const Real beta2 = static_cast<Real>(beta2_);
    const Real rest1 = static_cast<Real>(1 - beta1_);
    const Real rest2 = static_cast<Real>(1 - beta2_);
    Real* m = b.slots[0];
    Real* v = b.slots[1];
    for (std::size_t i = 0; i < b.count; ++i) {
      m[i] = beta1 * m[i] + rest1 * b.g[i];
      v[i] = beta2 * v[i] + rest2 * b.g[i] * b.g[i];
      b.x[i] -= rate * m[i] / (scale * std::sqrt(v[i]) + epsilon);
    }
    for (std::size_t i = 0; b.prox_step != nullptr && i < b.count; ++i) {
      b.prox_step[i] = rate / (scale * std::sqrt(v[i]) + epsilon);
    }
  }

 private:
  double beta1_;
  double beta2_;
  double epsilon_;
  bool torch_;
};

}  // namespace

extern const Entry entry_adam;
const Entry entry_adam{
    .name = "adam",
    .title = "Adam: adaptive moment estimation",
    .rule =
        "m_t = beta1 m_{t-1} + (1 - beta1) g_t; v_t = beta2 v_{t-1} + (1 - beta2) g_t^2;\n"
        "torch: x_t = x_{t-1} - lr mhat_t / (sqrt(vhat_t) + epsilon);\n"
        "tf1: x_t = x_{t-1} - lr sqrt(1 - beta2^t) / (1 - beta1^t) m_t / (sqrt(v_t) + epsilon)",
    .source = "Kingma & Ba, ICLR 2015, arXiv:1412.6980; dialects after torch.optim.Adam and TensorFlow 1's ApplyAdam",
    .cost = "b gradients",
    .make_rule = [](const base::Section& s) -> std::unique_ptr<UpdateRule> { return std::make_unique<Adam>(s); },
};

}  // namespace talweg::optim
