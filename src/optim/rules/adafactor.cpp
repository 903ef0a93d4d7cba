// SPDX-License-Identifier: Apache-2.0
// Adafactor (Shazeer & Stern 2018, algorithms 4 to 6): second moments of a matrix [m, n] by m + n numbers, steps relative to
// the parameters' size:
//   beta_t = 1 - t^beta2_decay
//   R_t = beta_t R_{t-1} + (1 - beta_t) row means of G_t^2 + epsilon1,  C_t likewise of columns,  V_t = R_t C_t' / mean(R_t)
//   what is no matrix: V_t = beta_t V_{t-1} + (1 - beta_t) (G_t^2 + epsilon1)
//   U_t = G_t / sqrt(V_t),  W_t = W_{t-1} - a_t U_t / max(1, rms(U_t) / clip_threshold)
//   a_t = max(epsilon2, rms(W_{t-1})) min(lr, 1 / sqrt t)
// paper, keras   as above; keras has another lr
// torch          no epsilon1 in R, C, V; mean(R_t) and sqrt(V_t) are at least epsilon1, which is the precision's unless given
// Tensors of more than two sides count as matrices, the first side their rows.
#include <cmath>
#include <limits>
#include <numeric>

#include "math/buffer.hpp"
#include "optim/dialect.hpp"
#include "optim/registry.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

struct Defaults {
  double lr = 0.01;
  double epsilon1 = 1e-30;
  bool floors = false;  // epsilon1 is a least divisor
};
constexpr Dialect<Defaults> kDialects[] = {{"paper", {}}, {"torch", {.epsilon1 = 0, .floors = true}}, {"keras", {.lr = 0.001}}};

bool is_matrix(const math::Tensor& t) { return t.shape.size() >= 2; }

class Adafactor final : public UpdateRule {
 public:
  explicit Adafactor(const base::Section& s) : Adafactor(s, choose(s, kDialects).values) {}
  Grain grain() const override { return Grain::tensor; }
  void declare(math::StateLayout& slots, const math::ParameterLayout& layout) const override {
    for (const math::Tensor& t : layout.tensors())
      slots.array("adafactor." + t.name, is_matrix(t) ? t.rows() + t.row_size() : t.size);
  }

  Update begin(RuleStep& step) const override {
    VectorSpace& space = step.space();
    const auto tensors = space.layout().tensors();
    const auto t = static_cast<double>(step.t);
    const double fresh = std::pow(t, beta2_decay_);
    const double relative = std::min(step.lr, 1 / std::sqrt(t));
    std::vector<std::span<double>> tables;
    for (const math::Tensor& tensor : tensors) tables.push_back(step.state().array("adafactor." + tensor.name));
    // The step takes the gradient's place.
    space.for_each_tensor(
        {{step.g}}, {{step.context.x()}}, math::block_kernel([&]<class Real>(const math::Block& whole, math::Arrays<Real> v) {
          const math::Tensor& tensor = tensors[whole.tensor];
          const auto count = static_cast<double>(tensor.size);
          const double least = epsilon1_ > 0 ? epsilon1_ : static_cast<double>(std::numeric_limits<Real>::epsilon());
          math::Buffer<double> u(tensor.size);
          std::ranges::copy(v[0], u.data());
          if (is_matrix(tensor)) {
            of_matrix(u.span(), tensor, tables[whole.tensor], fresh, least);
          } else {
            of_vector(u.span(), tables[whole.tensor], fresh, least);
          }
          const double size = std::sqrt(math::squared_norm<Real>(v[1]) / count);
          const double rms = std::sqrt(math::squared_norm<double>(u.span()) / count);
          const double rate = std::max(epsilon2_, size) * relative / std::max(1.0, rms / threshold_);
          for (std::size_t i = 0; i < tensor.size; ++i) v[0][i] = static_cast<Real>(rate * u[i]);
        }),
        tables);
    return update_by([]<class Real>(const RuleBlock<Real>& b) {
      for (std::size_t i = 0; i < b.count; ++i) b.x[i] -= b.g[i];
    });
  }

 private:
  Adafactor(const base::Section& s, const Defaults& d)
      : UpdateRule(s.number("lr", d.lr, base::Range::positive(), "largest step relative to the parameters' size")),
        floors_(d.floors),
        beta2_decay_(s.number("beta2_decay", -0.8, {.low = -1, .high = 0, .open_high = true},
                              "the second moments' decay at step t is 1 - t^beta2_decay")),
        epsilon1_(s.number("epsilon1", d.epsilon1, d.floors ? base::Range::non_negative() : base::Range::positive(),
                           d.floors ? "least divisor; 0: the precision's epsilon" : "added to squares of gradients")),
        epsilon2_(s.number("epsilon2", 1e-3, base::Range::positive(), "least size that parameters count as")),
        threshold_(s.number("clip_threshold", 1.0, base::Range::positive(), "of the root mean square of a tensor's step")) {}

  /// g / sqrt(V) in g's place.
  void of_vector(std::span<double> g, std::span<double> moment, double fresh, double least) const {
    for (std::size_t i = 0; i < g.size(); ++i) {
      moment[i] = (1 - fresh) * moment[i] + fresh * (g[i] * g[i] + (floors_ ? 0 : epsilon1_));
      g[i] /= floors_ ? std::max(std::sqrt(moment[i]), least) : std::sqrt(moment[i]);
    }
  }
  void of_matrix(std::span<double> g, const math::Tensor& tensor, std::span<double> moments, double fresh, double least) const {
    const std::size_t m = tensor.rows();
    const std::size_t n = tensor.row_size();
    const auto rows = moments.first(m);
    const auto columns = moments.last(n);
    const double added = floors_ ? 0 : epsilon1_;
    math::Buffer<double> sums(n);
    for (std::size_t i = 0; i < m; ++i) {
      const auto row = std::span<const double>(g).subspan(i * n, n);
      rows[i] = (1 - fresh) * rows[i] + fresh * (math::squared_norm(row) / static_cast<double>(n) + added);
      for (std::size_t j = 0; j < n; ++j) sums[j] += row[j] * row[j];
    }
    for (std::size_t j = 0; j < n; ++j)
      columns[j] = (1 - fresh) * columns[j] + fresh * (sums[j] / static_cast<double>(m) + added);
    double mean = std::accumulate(rows.begin(), rows.end(), 0.0) / static_cast<double>(m);
    if (floors_) mean = std::max(mean, least);
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        const double root = std::sqrt(rows[i] * columns[j] / mean);
        g[i * n + j] /= floors_ ? std::max(root, least) : root;
      }
    }
  }

  bool floors_;
  double beta2_decay_;
  double epsilon1_;
  double epsilon2_;
  double threshold_;
};

constexpr DialectMap kMaps[] = {
    {"keras", "paper", "the same recurrence; lr differs", "lr = 0.001"},
    {"torch", "paper",
     "epsilon1 -> 0, where no mean(R_t) or sqrt(V_t) falls below the epsilon1 of torch: there torch divides by that, which "
     "nothing of paper does",
     "epsilon1 = 1e-300"},
    {"torch", "keras",
     "epsilon1 -> 0 and the lr of torch, where no mean(R_t) or sqrt(V_t) falls below the epsilon1 of torch: there torch "
     "divides by that, which nothing of keras does",
     "lr = 0.01\nepsilon1 = 1e-300"},
};

}  // namespace

extern const Entry entry_adafactor;
const Entry entry_adafactor{
    .name = "adafactor",
    .title = "Adafactor: second moments by rows and columns",
    .rule =
        "beta_t = 1 - t^beta2_decay; R, C: means with beta_t of G^2 + epsilon1 over rows and columns; V = R C' / mean(R)\n"
        "U = G / sqrt(V); W_t = W_{t-1} - max(epsilon2, rms(W_{t-1})) min(lr, 1/sqrt t) U / max(1, rms(U) / clip_threshold)\n"
        "what is no matrix: V_t = beta_t V_{t-1} + (1 - beta_t) (G_t^2 + epsilon1)\n"
        "torch: without epsilon1 there; mean(R) and sqrt(V) are at least epsilon1",
    .source =
        "Shazeer & Stern, ICML 2018, arXiv:1804.04235, algorithms 4 to 6, without momentum; dialects after "
        "torch.optim.Adafactor and Keras",
    .cost = "b gradients",
    .guarantee = "none in the paper",
    .dialects = dialect_names<kDialects>,
    .maps = kMaps,
    .make_rule = make<Adafactor, UpdateRule>,
};

}  // namespace talweg::optim
