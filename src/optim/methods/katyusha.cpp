// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "optim/coupled_prox.hpp"
#include "optim/step_size.hpp"
#include "talweg/method.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kKatyushaRule = R"(
every snapshot_every passes (m steps):  xs = the weighted average of the last m y,  mu = grad f(xs)
x = tau1 z + tau2 xs + (1 - tau1 - tau2) y,  tau2 = 1/2
g = grad f_B(x) - grad f_B(xs) + mu
z = prox_{alpha psi}(z - alpha g),  alpha = lr / tau1
y = prox_{lr psi}(x - lr g),        lr = 1 / (3 L), L = max L_i
strong_convexity = sigma > 0:  tau1 = min(sqrt(m sigma lr), 1/2), y of inner step j weighs (1 + alpha sigma)^j
strong_convexity = 0:          tau1 = 2 / (s + 4) in outer loop s = 0, 1, ..., all y weigh the same
The parameters to use are xs. The theorem has sigma in psi; here psi is the non-smooth part of Omega, and l2 is part of f.
)";

struct Coupling {
  double lr;
  double alpha;
  double tau1;
};

/// One step on a block: arrays are g, x, z, y, the average of y, then xs. Sums: |g|^2, |x_t - x_{t-1}|^2.
class Couple final : public math::BlockKernel {
 public:
  Couple(const Coupling& c, double share, const math::Proximal* proximal) : c_(c), share_(share), proximal_(proximal) {}
  math::Sums run(const math::Block& block, math::Arrays<float> v) const override { return apply(block, v); }
  math::Sums run(const math::Block& block, math::Arrays<double> v) const override { return apply(block, v); }

 private:
  template <class Real>
  math::Sums apply(const math::Block& block, math::Arrays<Real> v) const {
    const std::size_t count = v.count;
    const Real lr = static_cast<Real>(c_.lr);
    const Real alpha = static_cast<Real>(c_.alpha);
    const Real share = static_cast<Real>(share_);
    const std::span<const Real> g = v[0];
    const std::span<Real> z = v[2];
    const std::span<Real> y = v[3];
    for (std::size_t i = 0; i < count; ++i) {
      z[i] -= alpha * g[i];
      y[i] = v[5][i] - lr * g[i];  // v[5] is the new x
    }
    prox(block, z, alpha);
    prox(block, y, lr);
    const double change = math::lane_sum(count, [&](std::size_t i) {
      const double d = static_cast<double>(v[5][i]) - static_cast<double>(v[1][i]);
      return d * d;
    });
    const bool whole = proximal_ == nullptr || proximal_->coupling() == nullptr;  // y is its prox already
    for (std::size_t i = 0; i < count; ++i) v[1][i] = v[5][i];
    for (std::size_t i = 0; whole && i < count; ++i) v[4][i] = share_ == 1 ? y[i] : v[4][i] + share * (y[i] - v[4][i]);
    return {math::squared_norm<Real>(g), change};
  }
  template <class Real>
  void prox(const math::Block& block, std::span<Real> at, Real step) const {
    if (proximal_ == nullptr) return;
    alignas(64) std::array<Real, math::ParameterLayout::kBlock> steps;
    std::fill_n(steps.begin(), at.size(), step);
    proximal_->apply(block, at, std::span<const Real>(steps).first(at.size()));
  }

  Coupling c_;
  double share_;  // of this y in the average
  const math::Proximal* proximal_;
};

class Katyusha final : public Method {
 public:
  explicit Katyusha(const base::Section& s)
      : lr_(StepSize::read(s, "lr", "0.3333333333333333/L_max", "1 / (3 L) in the paper, L the largest constant of an f_i")),
        sigma_(s.number("strong_convexity", 0.0, base::Range::non_negative(),
                        "sigma of F: l2 when it acts on every parameter; 0: the form for F that is only convex")),
        snapshot_every_(s.number("snapshot_every", 2.0, base::Range::positive(), "passes of minibatches between snapshots")) {}

  Needs needs() const override {
    return lr_.needs() | Needs{Need::constant_batch, Need::convex} |
           Needs::when(sigma_ > 0, Need::strongly_convex, "strong_convexity = 0 asks for none");
  }
  [[nodiscard]] std::string_view output() const override { return "katyusha.snapshot"; }

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    StepSize::declare(layout);
    layout.vector("katyusha.snapshot", math::Initial::x0());  // xs
    layout.vector("katyusha.full_gradient");
    layout.vector("katyusha.z", math::Initial::x0());
    layout.vector("katyusha.y", math::Initial::x0());
    layout.vector("katyusha.average", math::Initial::x0());  // of this outer loop's y; before the first: x_0
    layout.scalar("katyusha.weight", 1);                     // of the next y
    layout.scalar("katyusha.weights");                       // sum of those in the average
  }

  [[nodiscard]] Grain grain() const override { return Grain::element; }
  Cost cost(const CostPoint& p) const override {
    return lr_.cost(p) + Cost{.gradients = 2 * p.batch + (p.step % inner_steps(p.batches_per_epoch) == 0 ? p.n : 0)};
  }

  StepReport advance(StepContext& context) const override {
    Oracle& oracle = context.oracle;
    VectorSpace& space = context.space();
    math::State& state = context.state;
    const Vector snapshot = state.vector("katyusha.snapshot");
    const Vector mu = state.vector("katyusha.full_gradient");
    const Vector z = state.vector("katyusha.z");
    const Vector y = state.vector("katyusha.y");
    const Vector average = state.vector("katyusha.average");
    double& weight = state.scalar("katyusha.weight");
    double& weights = state.scalar("katyusha.weights");
    const std::int64_t m = inner_steps(static_cast<std::int64_t>(oracle.batches_per_epoch()));
    const std::int64_t t = context.progress.step;

    const double lr = lr_.rate(context);
    if (t % m == 0) {
      space.copy(average, snapshot);
      oracle.gradient_into(snapshot, oracle.all(), mu);
      weight = 1;
      weights = 0;
    }
    if (t == 0 && m > 1)
      context.note(fmt::format("the parameters to use are the snapshot, x_0 until step {}, renewed every {} steps", m, m));
    const Coupling c = coupling(lr, t / m, m);
    const Temporary next(space);
    space.combine(c.tau1, z, kTau2, snapshot, next);
    space.axpy(1 - c.tau1 - kTau2, y, next);
    weights += weight;
    const Couple kernel(c, weight / weights, oracle.proximal());
    const GradientAnswer answer = oracle.gradient(
        {.terms = {{1.0, next}, {-1.0, snapshot}}, .shifts = {{1.0, mu}}, .batch = oracle.draw(static_cast<std::uint64_t>(t))},
        {.kernel = kernel, .writes = {context.x(), z, y, average}, .reads = {next}});
    if (oracle.proximal() != nullptr && oracle.proximal()->coupling() != nullptr) {
      prox_coupled(space, *oracle.proximal()->coupling(), z, c.alpha);
      prox_coupled(space, *oracle.proximal()->coupling(), y, c.lr);
      space.combine(1 - weight / weights, average, weight / weights, y, average);
    }
    weight *= 1 + c.alpha * sigma_;
    return {.loss = answer.value,
            .gradient_norm = std::sqrt(answer.sums[0]),
            .update_norm = std::sqrt(answer.sums[1]),
            .parameter_norm = space.norm(snapshot),
            .learning_rate = c.lr};
  }

 private:
  static constexpr double kTau2 = 0.5;

  Coupling coupling(double lr, std::int64_t loop, std::int64_t m) const {
    const double tau1 =
        sigma_ > 0 ? std::min(std::sqrt(static_cast<double>(m) * sigma_ * lr), 0.5) : 2 / (static_cast<double>(loop) + 4);
    return {.lr = lr, .alpha = tau1 > 0 ? lr / tau1 : 0, .tau1 = tau1};
  }
  std::int64_t inner_steps(std::int64_t batches_per_epoch) const {
    return std::max<std::int64_t>(1, std::llround(snapshot_every_ * static_cast<double>(batches_per_epoch)));
  }

  StepSize lr_;
  double sigma_;
  double snapshot_every_;
};

}  // namespace

extern const Entry entry_katyusha;
const Entry entry_katyusha{
    .name = "katyusha",
    .title = "Katyusha: accelerated variance reduction",
    .rule = text_of(kKatyushaRule),
    .source = "Allen-Zhu, STOC 2017 and JMLR 18(221), 2018, arXiv:1603.05953, algorithms 1 and 2, option I",
    .cost = "2 b gradients, and n at each snapshot",
    .guarantee =
        "f_i convex with L-Lipschitz gradients, psi sigma-strongly convex, b = 1 drawn independently, m = 2 n, lr = 1 / (3 L): "
        "E F(xs) - F* <= eps after O((n + sqrt(n L / sigma)) log(1 / eps)) gradients; sigma = 0: after O(n sqrt((F(x_0) - F*) "
        "/ eps) + sqrt(n L / eps) |x_0 - x*|) (theorems 2.1, 4.1). l2 is taken with f here, of which the theorems do not speak",
    .make_method = make<Katyusha, Method>,
};

}  // namespace talweg::optim
