// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <numeric>

#include "math/buffer.hpp"
#include "optim/dialect.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kAdafactorRule = R"(
beta_t = 1 - t^beta2_decay
a matrix: R_t = beta_t R_{t-1} + (1 - beta_t) row means of g_t^2 + epsilon1,  C_t the same of columns
          v_t = R_t C_t' / mean(R_t)
other tensors: v_t = beta_t v_{t-1} + (1 - beta_t) (g_t^2 + epsilon1)
u_t = g_t / sqrt(v_t)          x_t = x_{t-1} - a_t u_t / max(1, rms(u_t) / clip_threshold)
a_t = max(epsilon2, rms(x_{t-1})) min(lr, 1 / sqrt t)
torch: no epsilon1 in R, C, v; mean(R_t) and sqrt(v_t) are at least epsilon1, which is the precision's unless given
Tensors of more than two sides count as matrices, the first side their rows. keras has another lr than paper.
)";

struct AdafactorDefaults {
  double lr = 0.01;
  double epsilon1 = 1e-30;
  bool floors = false;  // epsilon1 is a least divisor
};
constexpr Dialect<AdafactorDefaults> kAdafactorDialects[] = {
    {"paper", {}}, {"torch", {.epsilon1 = 0, .floors = true}}, {"keras", {.lr = 0.001}}};

bool is_matrix(const math::Tensor& t) { return t.shape.size() >= 2; }

struct Adafactor {
  static constexpr Grain grain = Grain::tensor;
  Section method;
  AdafactorDefaults dialect = choose(method, kAdafactorDialects).values;
  double lr = method.number("lr", dialect.lr, Range::positive(), "largest step relative to the parameters' size");
  double beta2_decay = method.number("beta2_decay", -0.8, {.low = -1, .high = 0, .open_high = true},
                                     "the second moments' decay at step t is 1 - t^beta2_decay");
  double epsilon1 =
      method.number("epsilon1", dialect.epsilon1, dialect.floors ? Range::non_negative() : Range::positive(),
                    dialect.floors ? "least divisor; 0: the precision's epsilon" : "added to squares of gradients");
  double epsilon2 = method.number("epsilon2", 1e-3, Range::positive(), "least size that parameters count as");
  double threshold = method.number("clip_threshold", 1.0, Range::positive(), "of the root mean square of a tensor's step");

  void declare(math::StateLayout& slots, const math::ParameterLayout& layout) const {
    for (const math::Tensor& t : layout.tensors())
      slots.array("adafactor." + t.name, is_matrix(t) ? t.rows() + t.row_size() : t.size);
  }

  Update begin(RuleStep& step) const {
    VectorSpace& space = step.space();
    const auto tensors = space.layout().tensors();
    const auto t = static_cast<double>(step.t);
    const double fresh = std::pow(t, beta2_decay);
    const double relative = std::min(step.lr, 1 / std::sqrt(t));
    std::vector<std::span<double>> tables;
    for (const math::Tensor& tensor : tensors) tables.push_back(step.state().array("adafactor." + tensor.name));
    // The step takes the gradient's place.
    space.for_each_tensor(
        {{step.g}}, {{step.context.x()}}, math::block_kernel([&]<class Real>(const math::Block& whole, math::Arrays<Real> v) {
          const math::Tensor& tensor = tensors[whole.tensor];
          const auto count = static_cast<double>(tensor.size);
          const double least = epsilon1 > 0 ? epsilon1 : static_cast<double>(std::numeric_limits<Real>::epsilon());
          math::Buffer<double> u(tensor.size);
          std::ranges::copy(v[0], u.data());
          if (is_matrix(tensor)) {
            of_matrix(u.span(), tensor, tables[whole.tensor], fresh, least);
          } else {
            of_vector(u.span(), tables[whole.tensor], fresh, least);
          }
          const double size = std::sqrt(math::squared_norm<Real>(v[1]) / count);
          const double rms = std::sqrt(math::squared_norm<double>(u.span()) / count);
          const double rate = std::max(epsilon2, size) * relative / std::max(1.0, rms / threshold);
          for (std::size_t i = 0; i < tensor.size; ++i) v[0][i] = static_cast<Real>(rate * u[i]);
        }),
        tables);
    return update_by([]<class Real>(const RuleBlock<Real>& b) { update_elements([](Real& x, Real u) { x -= u; }, b); });
  }

  /// Replaces g by g / sqrt(v).
  void of_vector(std::span<double> g, std::span<double> moment, double fresh, double least) const {
    for (std::size_t i = 0; i < g.size(); ++i) {
      moment[i] = (1 - fresh) * moment[i] + fresh * (g[i] * g[i] + (dialect.floors ? 0 : epsilon1));
      g[i] /= dialect.floors ? std::max(std::sqrt(moment[i]), least) : std::sqrt(moment[i]);
    }
  }
  void of_matrix(std::span<double> g, const math::Tensor& tensor, std::span<double> moments, double fresh, double least) const {
    const std::size_t m = tensor.rows();
    const std::size_t n = tensor.row_size();
    const auto rows = moments.first(m);
    const auto columns = moments.last(n);
    const double added = dialect.floors ? 0 : epsilon1;
    math::Buffer<double> sums(n);
    for (std::size_t i = 0; i < m; ++i) {
      const auto row = std::span<const double>(g).subspan(i * n, n);
      rows[i] = (1 - fresh) * rows[i] + fresh * (math::squared_norm(row) / static_cast<double>(n) + added);
      for (std::size_t j = 0; j < n; ++j) sums[j] += row[j] * row[j];
    }
    for (std::size_t j = 0; j < n; ++j)
      columns[j] = (1 - fresh) * columns[j] + fresh * (sums[j] / static_cast<double>(m) + added);
    double mean = std::accumulate(rows.begin(), rows.end(), 0.0) / static_cast<double>(m);
    if (dialect.floors) mean = std::max(mean, least);
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        const double root = std::sqrt(rows[i] * columns[j] / mean);
        g[i * n + j] /= dialect.floors ? std::max(root, least) : root;
      }
    }
  }
};

constexpr DialectMap kAdafactorMaps[] = {
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
    .rule = text_of(kAdafactorRule),
    .source =
        "Shazeer & Stern, ICML 2018, arXiv:1804.04235, algorithms 4 to 6, without momentum; dialects after "
        "torch.optim.Adafactor and Keras",
    .cost = "b gradients",
    .guarantee = "none in the paper",
    .dialects = dialect_names<kAdafactorDialects>,
    .maps = kAdafactorMaps,
    .make_rule = make_rule<Adafactor>,
};

}  // namespace talweg::optim
