// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "optim/composite.hpp"
#include "optim/ending.hpp"
#include "optim/searches.hpp"
#include "optim/step_size.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kGdRule = R"(
x_t = x_{t-1} - lr grad F(x_{t-1})
search = "none": lr as it is given
search = "armijo" (Armijo 1966): the first of t, t shrink, t shrink^2, ... with F(x - t g) <= F(x) - c1 t |g|^2, t from
  lr at first, then from the last length / shrink
)";

constexpr std::size_t kTogether = 3;  // lengths in a request

class Gd final : public Method {
 public:
  explicit Gd(const base::Section& s)
      : lr_(StepSize::read(s, "lr", "1/L", "step length; with a search the first one that is tried")),
        search_(s.choice("search", "none", {"none", "armijo"}, "lr as it is, or shortened until F falls enough") == "armijo") {
    if (!search_) return;
    backtracking_ = Backtracking::read(s);
    c1_ = s.number("c1", 1e-4, {.low = 0, .high = 1, .open_low = true, .open_high = true}, "sufficient decrease");
  }

  Needs needs() const override {
    return lr_.needs() | finds_its_lengths(search_) | Needs{Need::full_batch, Need::smooth_omega};
  }

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    StepSize::declare(layout);
    layout.scalar("gd.length");  // the last one; 0: none yet
  }

  [[nodiscard]] Grain grain() const override { return search_ ? Grain::global : Grain::element; }
  Cost cost(const CostPoint& p) const override {
    Cost cost = lr_.cost(p) + Cost{.gradients = p.n};
    if (search_) cost = cost + Cost{.values = p.n * (backtracking_.tries + static_cast<int>(kTogether)), .bound = true};
    return cost;
  }

  StepReport advance(StepContext& context) const override {
    Oracle& oracle = context.oracle;
    VectorSpace& space = context.space();
    const Vector x = context.x();
    double length = lr_.rate(context);
    const Temporary g(space);
    const GradientAnswer answer = oracle.gradient_into(x, oracle.all(), g);
    const double norm = std::sqrt(answer.sums[0]);
    StepReport report{.loss = answer.value, .gradient_norm = norm};
    if (norm == 0) return ends(std::move(report), Outcome::converged, "the gradient is zero");
    if (search_) {
      double& last = context.state.scalar("gd.length");
      if (last > 0) length = last / backtracking_.shrink;
      const double value = answer.value + oracle.smooth_omega(x);
      Tried tried(value);
      const auto accepted = armijo(oracle, x, g, value, answer.sums[0], length, tried);
      if (!accepted) return no_length_found(std::move(report), tried);
      last = length = *accepted;
    }
    space.axpy(-length, g, x);
    report.update_norm = length * norm;
    report.learning_rate = length;
    return report;
  }

 private:
  std::optional<double> armijo(Oracle& oracle, Vector x, Vector g, double value, double squared, double length,
                               Tried& tried) const {
    for (int asked = 0; asked < backtracking_.tries && !tried.hopeless();) {
      std::vector<double> lengths;
      for (std::size_t k = 0; k < kTogether; ++k, length *= backtracking_.shrink) lengths.push_back(-length);
      for (const LinePoint& at : oracle.along(x, g, lengths, oracle.all())) {
        if (at.value <= value + c1_ * at.length * squared) return -at.length;
        tried.refuse(-at.length, -at.length * squared, at.value);
      }
      asked += static_cast<int>(kTogether);
    }
    return std::nullopt;
  }

  StepSize lr_;
  bool search_;
  Backtracking backtracking_;
  double c1_ = 1e-4;
};

}  // namespace

extern const Entry entry_gd;
const Entry entry_gd{
    .name = "gd",
    .title = "Gradient descent, all examples in each step",
    .rule = text_of(kGdRule),
    .source = "Cauchy 1847; Armijo, Pacific J. Math. 16 (1966)",
    .cost = "n gradients; with a search n values for each length asked for, three at a time",
    .guarantee =
        "L-Lipschitz gradient, lr = 1/L: min over k < N of |grad F(x_k)|^2 <= 2 L (F(x_0) - inf F) / N; convex F: F(x_N) - F* "
        "<= L |x_0 - x*|^2 / (2 N), tight with 4 N + 2 for 2 N (Drori & Teboulle 2014); mu-strongly convex: F(x_N) - F* <= (1 "
        "- mu/L)^N (F(x_0) - F*)",
    .make_method = make<Gd, Method>,
};

}  // namespace talweg::optim
