// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "math/buffer.hpp"
#include "math/gemm.hpp"
#include "optim/adam_of_the_rest.hpp"
#include "optim/dialect.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kMuonRule = R"(
a matrix: b_t = b_{t-1} + (1 - momentum) (g_t - b_{t-1});  m_t = g_t + momentum (b_t - g_t) with nesterov, else b_t
          x_t = x_{t-1} (1 - lr weight_decay) - lr scale newton_schulz(m_t),  scale = sqrt(max(1, rows / cols))
newton_schulz(m): X = m / (|m|_F + epsilon), `iterations` times X = a X + (b A + c A^2) X with A = X X',
          (a, b, c) = (3.4445, -4.7750, 2.0315); on the transpose where rows > cols
other tensors: the step of adamw (torch) at the rate adam_lr times the schedule
torch: |m|_F is at least epsilon, in place of |m|_F + epsilon
scale = "match_rms": 0.2 sqrt(max(rows, cols)) for the scale.
The precision is the run's, not bfloat16. Every matrix counts as a hidden one; the authors leave embeddings and the last layer
to adam.
)";

struct MuonDefaults {
  double lr = 0.02;
  double weight_decay = 0;
  bool floor = false;  // the norm is at least epsilon
};
constexpr Dialect<MuonDefaults> kMuonDialects[] = {{"authors", {}},
                                                   {"torch", {.lr = 0.001, .weight_decay = 0.1, .floor = true}}};

bool is_two_dimensional(const math::Tensor& t) { return t.shape.size() == 2; }

/// Replaces m [rows, cols] by an approximation of its orthogonal factor.
template <class Real>
void newton_schulz(std::span<Real> m, std::size_t rows, std::size_t cols, int iterations, double epsilon, bool floor) {
  using math::Transpose;
  const std::size_t k = std::min(rows, cols);
  const std::size_t n = std::max(rows, cols);
  const bool tall = rows > cols;
  const double norm = std::sqrt(math::squared_norm<Real>(m));
  const Real divisor = static_cast<Real>(floor ? std::max(norm, epsilon) : norm + epsilon);
  math::Buffer<Real> x(k * n), next(k * n), a(k * k), b(k * k);
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < n; ++j) x[i * n + j] = (tall ? m[j * cols + i] : m[i * cols + j]) / divisor;
  }
  constexpr Real ka = static_cast<Real>(3.4445), kb = static_cast<Real>(-4.7750), kc = static_cast<Real>(2.0315);
  for (int iteration = 0; iteration < iterations; ++iteration) {
    math::gemm(Transpose::no, Transpose::yes, k, k, n, Real{1}, x.data(), n, x.data(), n, Real{0}, a.data(), k);
    std::ranges::copy(a.span(), b.data());
    math::gemm(Transpose::no, Transpose::no, k, k, k, kc, a.data(), k, a.data(), k, kb, b.data(), k);
    std::ranges::copy(x.span(), next.data());
    math::gemm(Transpose::no, Transpose::no, k, n, k, Real{1}, b.data(), k, x.data(), n, ka, next.data(), n);
    std::swap(x, next);
  }
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < n; ++j) (tall ? m[j * cols + i] : m[i * cols + j]) = x[i * n + j];
  }
}

struct Muon {
  static constexpr Grain grain = Grain::tensor;
  Section method;
  MuonDefaults dialect = choose(method, kMuonDialects).values;
  double lr = method.number("lr", dialect.lr, Range::positive(), "learning rate of matrices: spectral norm per step");
  double momentum = method.number("momentum", 0.95, Range::decay(), "decay of the mean gradient");
  bool nesterov = method.flag("nesterov", true, "look ahead by the momentum");
  double weight_decay = method.number("weight_decay", dialect.weight_decay, Range::non_negative(),
                                      "times lr: share of every parameter that is taken off each step");
  int iterations = static_cast<int>(method.integer("iterations", 5, {.low = 1, .high = 100}, "of Newton-Schulz"));
  double epsilon = method.number("epsilon", 1e-7, Range::positive(), "keeps a matrix's norm from 0");
  bool match_rms = method.choice("scale", "original", {"original", "match_rms"},
                                 "of a matrix's step: sqrt(max(1, rows / cols)), or 0.2 sqrt(max(rows, cols))") == "match_rms";
  AdamOfTheRest adam_of_the_rest{method, {.lr = 3e-4, .beta2 = 0.95, .epsilon = 1e-10}};

  void declare(math::StateLayout& slots) const {
    slots.vector("momentum");
    slots.vector("second_moment");  // of the tensors that are no matrices
  }

  Update begin(RuleStep& step) const {
    VectorSpace& space = step.space();
    const auto tensors = space.layout().tensors();
    const AdamOfTheRest::Step adam(adam_of_the_rest, step.t);
    // The step is written over the gradient.
    space.for_each_block({{step.g, step.state().vector("momentum"), step.state().vector("second_moment")}}, {},
                         math::block_kernel([&]<class Real>(const math::Block& block, math::Arrays<Real> v) {
                           Real* __restrict g = v.data[0];
                           Real* __restrict m = v.data[1];
                           if (is_two_dimensional(tensors[block.tensor])) {
                             const auto [rest, mix] = RuleBlock<Real>::real(1 - momentum, nesterov ? momentum : 1.0);
                             for (std::size_t i = 0; i < v.count; ++i) {
                               m[i] += rest * (g[i] - m[i]);
                               g[i] += mix * (m[i] - g[i]);
                             }
                             return;
                           }
                           adam.run<Real>(v.count, g, m, v.data[2]);
                         }));
    space.for_each_tensor({{step.g}}, {}, math::block_kernel([&]<class Real>(const math::Block& whole, math::Arrays<Real> v) {
                            const math::Tensor& tensor = tensors[whole.tensor];
                            if (is_two_dimensional(tensor))
                              newton_schulz<Real>(v[0], tensor.rows(), tensor.row_size(), iterations, epsilon, dialect.floor);
                          }));
    struct Rate {
      double kept;
      double step;
    };
    std::vector<Rate> rates;
    for (const math::Tensor& tensor : tensors) {
      const auto rows = static_cast<double>(tensor.rows());
      const auto cols = static_cast<double>(tensor.row_size());
      const double lr = is_two_dimensional(tensor) ? step.lr : adam_of_the_rest.lr(step);
      const double scale = !is_two_dimensional(tensor) ? 1
                           : match_rms        ? 0.2 * std::sqrt(std::max(rows, cols))
                                              : std::sqrt(std::max(1.0, rows / cols));
      rates.push_back({1 - lr * weight_decay, lr * scale});
    }
    return update_by([rates = std::move(rates)]<class Real>(const RuleBlock<Real>& b) {
      const Rate& rate = rates[b.block.tensor];
      update_elements([kept = Real(rate.kept), step = Real(rate.step)](Real& x, Real u) { x = kept * x - step * u; }, b);
    });
  }
};

constexpr DialectMap kMuonMaps[] = {
    {"torch", "authors",
     "none: |M|_F + epsilon is no max(|M|_F, epsilon), though less than epsilon / |M|_F apart; lr and weight_decay differ"},
};

}  // namespace

extern const Entry entry_muon;
const Entry entry_muon{
    .name = "muon",
    .title = "Muon: momentum, orthogonalised",
    .rule = text_of(kMuonRule),
    .source =
        "Jordan et al., kellerjordan.github.io/posts/muon (2024) and the authors' muon.py; torch.optim.Muon of PyTorch 2.9",
    .cost = "b gradients",
    .guarantee =
        "with the exact orthogonal factor: critical points of F smooth in the spectral norm at O(T^(-1/4)) under noise (Li & "
        "Hong 2025); five iterations of Newton-Schulz bring singular values above |M|_F / 600 into [0.67, 1.21], lesser ones "
        "stay less",
    .dialects = dialect_names<kMuonDialects>,
    .maps = kMuonMaps,
    .make_rule = make_rule<Muon>,
};

}  // namespace talweg::optim
