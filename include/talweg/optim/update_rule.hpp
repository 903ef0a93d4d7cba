// SPDX-License-Identifier: Apache-2.0
// What to do with a gradient estimate, element by element. A rule is a short file: its recurrence, its hyperparameters, its
// slots, and one loop. FirstOrder gives it an estimator before and clip and prox around it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace talweg::optim {

/// What is constant over a step.
struct RuleStep {
  std::int64_t t = 1;  // this step's number, from 1
  double lr = 0;       // learning rate after schedule
};

/// One block of the step's vectors, `count` elements each.
template <class Real>
struct RuleBlock {
  std::size_t count = 0;
  Real* x = nullptr;             // in: x_{t-1}, out: x_t before prox
  const Real* g = nullptr;       // gradient estimate
  std::span<Real* const> slots;  // in the order of slots()
  Real* prox_step = nullptr;     // when not null: fill with the step each coordinate took, for the prox
  void fill_prox_step(double step) const {
    for (std::size_t i = 0; prox_step != nullptr && i < count; ++i) prox_step[i] = static_cast<Real>(step);
  }
};

class UpdateRule {
 public:
  virtual ~UpdateRule() = default;
  /// lr before schedule.
  [[nodiscard]] virtual double lr() const = 0;
  /// Names of its vector slots; their elements start at 0.
  [[nodiscard]] virtual std::vector<std::string> slots() const = 0;
  virtual void update(const RuleStep&, const RuleBlock<float>&) const = 0;
  virtual void update(const RuleStep&, const RuleBlock<double>&) const = 0;
};

/// Derive `class Adam : public ElementRule<Adam>` and write `template <class Real> void apply(const RuleStep&, const
/// RuleBlock<Real>&) const` once; there is one instance of it for all placements.
template <class Rule>
class ElementRule : public UpdateRule {
 public:
  explicit ElementRule(double lr) : lr_(lr) {}
  [[nodiscard]] double lr() const final { return lr_; }
  void update(const RuleStep& s, const RuleBlock<float>& b) const final {
    static_cast<const Rule*>(this)->template apply<float>(s, b);
  }
  void update(const RuleStep& s, const RuleBlock<double>& b) const final {
    static_cast<const Rule*>(this)->template apply<double>(s, b);
  }

 private:
  double lr_;
};

}  // namespace talweg::optim
