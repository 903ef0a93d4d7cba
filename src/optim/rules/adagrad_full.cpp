// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <utility>

#include "math/symmetric_eigen.hpp"
#include "talweg/error.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kAdagradFullRule = R"(
G_t = G_{t-1} + g_t g_t'          x_t = x_{t-1} - lr (epsilon I + G_t^(1/2))^-1 g_t
All d parameters are one vector. The root comes from the eigenvectors of G [d, d], so that a step takes d^3 operations: more
than 1000 parameters are refused. With a non-smooth Omega the prox would be in the metric of a matrix, which is not separable.
)";

struct AdagradFull {
  static constexpr Grain grain = Grain::global;
  static constexpr std::size_t kMost = 1000;  // parameters: a step takes seconds then
  Section method;
  double lr = method.number("lr", 0.01, Range::positive(), "learning rate");
  double epsilon = method.number("epsilon", 1e-8, Range::positive(), "added to the eigenvalues of the root");

  Needs needs() const { return {Need::smooth_omega, "its metric is a matrix; adagrad's is diagonal"}; }
  void declare(math::StateLayout& slots, const math::ParameterLayout& layout) const {
    const std::size_t d = layout.parameters();
    if (d > kMost) {
      base::fail(base::ExitCode::bad_config,
                 "{}: method.name: found \"adagrad_full\" for a model of {} parameters, expected at most {}: each step takes "
                 "the root of a matrix of as many rows; adagrad keeps its diagonal, shampoo a matrix for each side of a tensor",
                 method.where("name"), d, kMost);
    }
    slots.array("adagrad_full.outer", d * d);
  }

  Update begin(RuleStep& step) const {
    const auto tensors = step.space().layout().tensors();
    const std::size_t d = step.space().layout().parameters();
    std::vector<double> g(d);  // the whole gradient, without padding, on every rank
    std::vector<std::span<double>> parts;
    std::vector<std::pair<std::size_t, std::size_t>> places;  // where each tensor begins: among all, in g
    for (std::size_t at = 0; const math::Tensor& tensor : tensors) {
      parts.push_back(std::span(g).subspan(at, tensor.size));
      places.emplace_back(tensor.offset, at);
      at += tensor.size;
    }
    step.space().for_each_tensor({}, {{step.g}},
                                 math::block_kernel([&]<class Real>(const math::Block& whole, math::Arrays<Real> v) {
                                   std::ranges::copy(v[0], parts[whole.tensor].begin());
                                 }),
                                 parts);
    const auto outer = step.state().array("adagrad_full.outer");
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j < d; ++j) outer[i * d + j] += g[i] * g[j];
    }
    const math::SymmetricEigen eigen = math::symmetric_eigen(d, outer);
    std::vector<double> direction(d);
    for (std::size_t k = 0; k < d; ++k) {
      const auto v = std::span(eigen.vectors).subspan(k * d, d);
      const double root = eigen.values[k] < 0 ? 0 : std::sqrt(eigen.values[k]);  // below 0 by rounding alone; NaN stays
      const double along = math::dot<double>(v, g) / (root + epsilon);
      for (std::size_t i = 0; i < d; ++i) direction[i] += along * v[i];
    }
    return update_by(
        [rate = step.lr, direction = std::move(direction), places = std::move(places)]<class Real>(const RuleBlock<Real>& b) {
          const auto [first, at] = places[b.block.tensor];
          const double* p = &direction[at + (b.block.offset - first)];
          for (std::size_t i = 0; i < b.count; ++i) b.x[i] -= static_cast<Real>(rate * p[i]);
        });
  }
};

}  // namespace

extern const Entry entry_adagrad_full;
const Entry entry_adagrad_full{
    .name = "adagrad_full",
    .title = "AdaGrad with full matrices, for few parameters",
    .rule = text_of(kAdagradFullRule),
    .source = "Duchi, Hazan & Singer, JMLR 12 (2011), section 4: full matrices, composite mirror descent",
    .cost = "b gradients",
    .guarantee =
        "convex: regret O(max_t |x_t - x|_2^2 tr(G_T^(1/2)) / lr + lr tr(G_T^(1/2))): adagrad's with gradients' directions for "
        "coordinates. Equivariant under rotations of x",
    .make_rule = make_rule<AdagradFull>,
};

}  // namespace talweg::optim
