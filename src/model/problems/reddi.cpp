// SPDX-License-Identifier: Apache-2.0
// A problem on which Adam goes the wrong way: f_1 = C x, f_2 = f_3 = -x over the box [-1, 1] ([regularizer] box), in turn
// ([run] sampling = "cyclic", batch = 1). C > 2: x* = the box's low end, F = (C - 2) x / 3.
//   Adam with beta1 = 0, beta2 = 1 / (1 + C^2), lr ~ 1 / sqrt t ends at the high end: the large gradient is divided by its own
//   size. AMSGrad does not.
// Source: Reddi, Kale & Kumar, On the Convergence of Adam and Beyond, ICLR 2018, section 3, theorem 1.
#include "model/problem_kind.hpp"

namespace talweg::model {
namespace {

class Reddi final : public Problem {
 public:
  Reddi(const base::Section& s, const Regularizer::Config& omega)
      : omega_(omega), large_(s.number("large", 3.0, {.low = 2, .open_low = true}, "C: the slope of one term in three")) {}
  std::size_t dimension() const override { return 1; }
  std::size_t terms() const override { return 3; }
  std::vector<double> start() const override { return {1}; }
  double value_and_gradient(std::span<const double> x, const UserExample& e, std::span<double> g) const override {
    const double slope = e.record == 0 ? large_ : -1;
    g[0] += slope;
    return slope * x[0];
  }
  void hessian_vector(std::span<const double>, std::span<const double>, const UserExample&, std::span<double>) const override {}
  Known known() const override {
    Known known{.convex = true, .smoothness = 0, .term_smoothness = 0, .hessian_lipschitz = 0};
    known.others = {{"adam's beta2", 1 / (1 + large_ * large_), "with beta1 = 0: goes to the high end"}};
    if (!std::isfinite(omega_.low) || omega_.l1 > 0 || omega_.l2 > 0) return known;
    known.least = (large_ - 2) / 3 * omega_.low;
    known.points = {{"minimum", {omega_.low}, *known.least, 0}};
    return known;
  }

 private:
  Regularizer::Config omega_;
  double large_;
};

}  // namespace

extern const ProblemEntry problem_reddi;
const ProblemEntry problem_reddi{
    .name = "reddi",
    .title = "three linear terms in turn over a box, where Adam goes to the worst point",
    .formula = "f_1 = C x, f_2 = f_3 = -x; [regularizer] box = [-1, 1], [run] batch = 1, sampling = \"cyclic\"",
    .answers =
        "x* = the box's low end, F* = (C - 2) / 3 times it; adam with beta1 = 0, beta2 = 1 / (1 + C^2), lr ~ 1 / sqrt t ends "
        "at\n"
        "the high end, amsgrad at x*",
    .source = "Reddi, Kale & Kumar, ICLR 2018, arXiv:1904.09237, section 3",
    .with_omega = true,
    .own_terms = true,
    .make = make_composite<Reddi>};

}  // namespace talweg::model
