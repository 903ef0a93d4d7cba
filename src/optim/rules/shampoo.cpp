// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "math/buffer.hpp"
#include "math/gemm.hpp"
#include "math/symmetric_eigen.hpp"
#include "optim/adam_of_the_rest.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kShampooRule = R"(
a matrix: L_t = L_{t-1} + g_t g_t',  R_t = R_{t-1} + g_t' g_t,  L_0 = epsilon I,  R_0 = epsilon I
          x_t = x_{t-1} - lr L_t^(-1/4) g_t R_t^(-1/4), the roots anew every root_every steps
other tensors, and matrices with a side longer than largest_side: the step of adamw (torch) at adam_lr times the schedule
weight_decay times its tensor's rate is the share that each step takes off x. The paper has no decay, and a matrix for each side
of any tensor.
)";

/// The numbers kept for a matrix [m, n]: sums L, R of outer products without epsilon, and the roots.
struct Preconditioner {
  std::span<double> left, right, left_root, right_root;
  Preconditioner(std::span<double> table, std::size_t m, std::size_t n)
      : left(table.first(m * m)),
        right(table.subspan(m * m, n * n)),
        left_root(table.subspan(m * m + n * n, m * m)),
        right_root(table.last(n * n)) {}
  static std::size_t size(std::size_t m, std::size_t n) { return 2 * (m * m + n * n); }

  /// (sum + epsilon I)^(-1/4).
  static void take_root(std::size_t n, std::span<const double> sum, double epsilon, std::span<double> root) {
    math::matrix_function(
        math::symmetric_eigen(n, sum), [epsilon](double v) { return 1 / std::sqrt(std::sqrt((v < 0 ? 0 : v) + epsilon)); },
        root);
  }

  /// Adds g [m, n] to the sums; g becomes left_root g right_root.
  void apply(std::span<double> g, std::size_t m, std::size_t n, bool refresh, double epsilon) const {
    using math::Transpose;
    math::gemm(Transpose::no, Transpose::yes, m, m, n, 1.0, g.data(), n, g.data(), n, 1.0, left.data(), m);
    math::gemm(Transpose::yes, Transpose::no, n, n, m, 1.0, g.data(), n, g.data(), n, 1.0, right.data(), n);
    if (refresh) {
      take_root(m, left, epsilon, left_root);
      take_root(n, right, epsilon, right_root);
    }
    math::Buffer<double> half(m * n);
    math::gemm(Transpose::no, Transpose::no, m, n, m, 1.0, left_root.data(), m, g.data(), n, 0.0, half.data(), n);
    math::gemm(Transpose::no, Transpose::no, m, n, n, 1.0, half.data(), n, right_root.data(), n, 0.0, g.data(), n);
  }
};

struct Shampoo {
  static constexpr Grain grain = Grain::tensor;
  Section method;
  double lr = method.number("lr", 0.01, Range::positive(), "learning rate of matrices");
  double epsilon = method.number("epsilon", 1e-4, Range::positive(), "L_0 and R_0 are this times the identity");
  std::int64_t every = method.integer("root_every", 1, Range::at_least(1), "steps from one taking of roots to the next");
  std::size_t largest_side = static_cast<std::size_t>(
      method.integer("largest_side", 1024, {.low = 1, .high = 16384}, "matrices with a longer one take adamw's step"));
  double weight_decay = method.number("weight_decay", 0.0, Range::non_negative(),
                                      "times the tensor's rate: share of every parameter that is taken off each step");
  AdamOfTheRest adam{method, {}};

  bool takes(const math::Tensor& t) const { return t.shape.size() == 2 && std::max(t.rows(), t.row_size()) <= largest_side; }
  void declare(math::StateLayout& slots, const math::ParameterLayout& layout) const {
    slots.vector("first_moment");  // of the other tensors
    slots.vector("second_moment");
    for (const math::Tensor& t : layout.tensors()) {
      if (takes(t)) slots.array("shampoo." + t.name, Preconditioner::size(t.rows(), t.row_size()));
    }
  }

  Update begin(RuleStep& step) const {
    VectorSpace& space = step.space();
    math::State& state = step.state();
    const auto tensors = space.layout().tensors();
    // For the other tensors the step is written over the gradient.
    const AdamOfTheRest::Step rest(adam, step.t);
    space.for_each_block({{step.g, state.vector("first_moment"), state.vector("second_moment")}}, {},
                         math::block_kernel([&]<class Real>(const math::Block& block, math::Arrays<Real> v) {
                           if (!takes(tensors[block.tensor])) rest.run<Real>(v.count, v.data[0], v.data[1], v.data[2]);
                         }));
    std::vector<std::span<double>> tables;
    for (const math::Tensor& t : tensors) tables.push_back(takes(t) ? state.array("shampoo." + t.name) : std::span<double>());
    const bool refresh = (step.t - 1) % every == 0;
    space.for_each_tensor({{step.g}}, {}, math::block_kernel([&]<class Real>(const math::Block& whole, math::Arrays<Real> v) {
                            const math::Tensor& t = tensors[whole.tensor];
                            if (!takes(t)) return;
                            math::Buffer<double> g(t.size);
                            std::ranges::copy(v[0], g.data());
                            Preconditioner(tables[whole.tensor], t.rows(), t.row_size())
                                .apply(g.span(), t.rows(), t.row_size(), refresh, epsilon);
                            std::ranges::transform(g.span(), v[0].begin(), [](double e) { return static_cast<Real>(e); });
                          }),
                          tables);
    std::vector<double> rates;
    for (const math::Tensor& t : tensors) rates.push_back(takes(t) ? step.lr : adam.lr(step));
    return update_by([this, rates = std::move(rates)]<class Real>(const RuleBlock<Real>& b) {
      const double rate = rates[b.block.tensor];
      const auto take_step = [kept = Real(1 - rate * weight_decay), rate = Real(rate)](Real& x, Real u) {
        x = kept * x - rate * u;
      };
      update_elements(take_step, b);
    });
  }
};

}  // namespace

extern const Entry entry_shampoo;
const Entry entry_shampoo{
    .name = "shampoo",
    .title = "Shampoo: a preconditioner for each side of a matrix",
    .rule = text_of(kShampooRule),
    .source = "Gupta, Koren & Singer, ICML 2018, arXiv:1802.09568, algorithm 1",
    .cost = "b gradients",
    .guarantee =
        "one matrix, convex, gradients of rank at most r, |W_t - W|_F <= D, root_every = 1, lr ~ D / sqrt r: regret O(sqrt r D "
        "tr(L_T^(1/4)) tr(R_T^(1/4))), O(sqrt T) for bounded gradients",
    .make_rule = make_rule<Shampoo>,
};

}  // namespace talweg::optim
