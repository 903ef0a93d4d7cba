// SPDX-License-Identifier: Apache-2.0
// Randomized stochastic gradient methods: stochastic steps of one length that end at a random one, drawn before the first.
//   R uniform in {1, ..., N};  x_{k+1} = prox_{lr Omega}(x_k - lr G_k);  the run ends at x_R, after R - 1 steps
// rsg   (Ghadimi & Lan 2013)        G_k = grad F_B(x_k), smooth Omega
// rspg  (Ghadimi, Lan & Zhang 2016) the same with prox
// rsgf  (Ghadimi & Lan 2013)        G_k = (F_B(x_k + m u) - F_B(x_k)) / m u, u normal, m `smoothing`: values alone
// P(R = k) is proportional to 2 g_k - L g_k^2 in the papers, which is uniform for one length g.
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "optim/composite.hpp"
#include "optim/step_size.hpp"
#include "optim/undo.hpp"
#include "talweg/base/random.hpp"
#include "talweg/optim/registry.hpp"

namespace talweg::optim {
namespace {

enum class Kind { rsg, rspg, rsgf };

constexpr std::uint64_t kEnd = ~0ULL - 1;  // counter of the draw of R

class Randomized final : public Method {
 public:
  Randomized(const base::Section& s, Kind kind)
      : kind_(kind),
        lr_(StepSize::read(s, "lr",
                           kind == Kind::rsg    ? "1/L"
                           : kind == Kind::rspg ? "0.5/L"
                                                : "0.01",
                           "step length")),
        iterations_(s.integer("iterations", 1000, {.low = 1, .high = 1e15}, "N: R is drawn from 1 ... N")) {
    if (kind == Kind::rsgf)
      smoothing_ = s.number("smoothing", 1e-4, base::Range::positive(), "m: length of the difference that replaces a slope");
  }

  Needs needs() const override {
    return lr_.needs() | Needs{.smooth_omega = kind_ != Kind::rspg,
                               .deterministic = kind_ == Kind::rsgf,
                               .constant_batch = true,
                               .horizon = iterations_,
                               .why = "the step it ends with is drawn from 1 ... method.iterations before the first"};
  }
  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override { StepSize::declare(layout); }
  Cost cost(const CostPoint& p) const override {
    if (p.step >= last(p.seed)) return {};
    return lr_.cost(p) + (kind_ == Kind::rsgf ? Cost{.values = 2 * p.batch} : Cost{.gradients = p.batch});
  }

  StepReport step(StepContext& context) const override {
    Oracle& oracle = context.oracle;
    VectorSpace& space = context.space();
    const Vector x = context.x();
    const std::int64_t end = last(context.progress.seed);
    if (context.progress.step >= end) {
      return {.parameter_norm = space.norm(x),
              .outcome = Outcome::converged,
              .message = fmt::format("R = {} of N = {} was drawn", end + 1, iterations_)};
    }
    Undo undo(context.state);
    std::string found;
    const double length = lr_.length(context, found) * context.progress.factor;
    const Batch batch = oracle.draw(static_cast<std::uint64_t>(context.progress.step));
    const Temporary g(space);
    const double loss = kind_ == Kind::rsgf ? difference(context, batch, g) : oracle.gradient_into(x, batch, g).value;
    const Temporary next(space);
    const ProximalStep taken = proximal_step(oracle, x, g, length, next);
    space.copy(next, x);
    undo.keep();
    return {.loss = loss,
            .gradient_norm = std::sqrt(taken.squared) / length,
            .update_norm = std::sqrt(taken.squared),
            .parameter_norm = std::sqrt(taken.point),
            .learning_rate = length,
            .message = std::move(found)};
  }

 private:
  /// R - 1.
  [[nodiscard]] std::int64_t last(std::uint64_t seed) const {
    const base::Random random(seed, base::Purpose::noise);
    return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(iterations_), kEnd));
  }

  /// The loss at x.
  double difference(StepContext& context, const Batch& batch, Vector g) const {
    const base::Random random(context.progress.seed, base::Purpose::noise);
    const auto step = static_cast<std::uint64_t>(context.progress.step);
    VectorSpace& space = context.space();
    space.for_each_block({{g}}, {},
                         math::block_kernel([&random, step]<class Real>(const math::Block& block, math::Arrays<Real> v) {
                           for (std::size_t i = 0; i < v.count; ++i)
                             v[0][i] = static_cast<Real>(random.normal(step, block.offset + i));
                         }));
    const auto line = context.oracle.along(context.x(), g, std::array{0.0, smoothing_}, batch);
    const double slope = (line[1].value - line[0].value) / smoothing_;
    if (!std::isfinite(slope)) throw Diverged("a value of F is not finite");
    space.scale(slope, g);
    return line[0].value - context.oracle.smooth_omega(context.x());
  }

  Kind kind_;
  StepSize lr_;
  std::int64_t iterations_;
  double smoothing_ = 1e-4;
};

template <Kind kind>
std::unique_ptr<Method> make_randomized(const base::Section& s) {
  return std::make_unique<Randomized>(s, kind);
}

}  // namespace

extern const Entry entry_rsg;
const Entry entry_rsg{
    .name = "rsg",
    .title = "Randomized stochastic gradient: ends at a step drawn beforehand",
    .rule = "R uniform in 1 ... iterations; x_{k+1} = x_k - lr g(x_k); the run ends at x_R, after R - 1 steps",
    .source = "Ghadimi & Lan, SIAM J. Optim. 23 (2013)",
    .cost = "b gradients",
    .guarantee =
        "gradient L-Lipschitz, E|g - grad F|^2 <= sigma^2, lr = min(1/L, D / (sigma sqrt N)): E|grad F(x_R)|^2 <= L (L A^2 / N "
        "+ (D + "
        "A^2 / D) sigma / sqrt N), A^2 = 2 (F(x_0) - inf F) / L (corollary 2.2): order 1 / N without noise, 1 / sqrt N with it",
    .make_method = make_randomized<Kind::rsg>,
};

extern const Entry entry_rspg;
const Entry entry_rspg{
    .name = "rspg",
    .title = "Randomized stochastic projected gradient: rsg with prox",
    .rule =
        "R uniform in 1 ... iterations; x_{k+1} = prox_{lr Omega}(x_k - lr g(x_k)); the run ends at x_R, after R - 1 steps; "
        "|g| is "
        "reported as |x_{k+1} - x_k| / lr",
    .source = "Ghadimi, Lan & Zhang, Math. Prog. 155 (2016)",
    .cost = "b gradients",
    .guarantee =
        "gradient of f L-Lipschitz, lr = 1/(2 L), batches of b: E|prox-gradient(x_R)|^2 of order L (F(x_0) - inf F) / N + "
        "sigma^2 / b: "
        "the noise is reduced by the batch, not by N",
    .make_method = make_randomized<Kind::rspg>,
};

extern const Entry entry_rsgf;
const Entry entry_rsgf{
    .name = "rsgf",
    .title = "Randomized stochastic gradient-free: rsg on differences of values",
    .rule =
        "u normal, G = (F_B(x_k + m u) - F_B(x_k)) / m u; R uniform in 1 ... iterations; x_{k+1} = x_k - lr G; the run ends at "
        "x_R, "
        "after R - 1 steps",
    .source = "Ghadimi & Lan, SIAM J. Optim. 23 (2013), section 3",
    .cost = "2 b values",
    .guarantee =
        "gradient L-Lipschitz, lr = min(1 / (4 L sqrt(d + 4)), D / (sigma sqrt N)) / sqrt(d + 4), smoothing small enough: "
        "E|grad F(x_R)|^2 of order d L^2 D_F^2 / N + sqrt(d / N) sigma (corollary 3.3): d times what gradients need",
    .make_method = make_randomized<Kind::rsgf>,
};

}  // namespace talweg::optim
