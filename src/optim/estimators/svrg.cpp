// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "base/random.hpp"
#include "optim/estimator.hpp"
#include "optim/large_batch.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kSvrgRule = R"(
every m steps:  xs = a point of the m steps before,  mu = grad F(xs)
g_t = grad F_B(x_{t-1}) - alpha_t (grad F_B(xs) - mu)
then the rule named by `rule`, with prox where Omega is not smooth. m = snapshot_every passes of minibatches, or
snapshot_steps.
snapshot = "last":     xs is the newest point (option I)
snapshot = "random":   x_j of x_0 ... x_{m-1}, j uniform (option II)
snapshot = "average":  (1/m) sum_{j=1..m} x_j (Xiao & Zhang 2014)
The papers of random and average restart the inner loop at xs; here x goes on, so that any rule and its state may follow.
snapshot_batches = k > 0: mu is the gradient of k snapshot_growth^s minibatches in inner loop s = 0, 1, ..., until they are
all examples: the growing batch of practical SVRG (Babanezhad et al. 2015).
snapshot_mixed: its mixture with SGD. Where mu is of k of the K minibatches of a pass, a step takes with probability k / K
one of those k, and the estimate above, else its own minibatch and that gradient alone.
skip_flat: its heuristic for support vectors. An example that had no gradient when last looked at, k times in a row, counts
as 0 for 2^max(0, k - 2) times, at x and xs alike, and in mu.
alpha_t = 1, or with `alpha` alpha (1 - t / T), T = alpha_passes passes, 0 after (alpha-SVRG, Yin, Xu, Li, Darrell & Liu
2025).
)";

class Svrg final : public Estimator {
 public:
  explicit Svrg(const base::Section& s)
      : snapshot_every_(s.number("snapshot_every", 1.0, base::Range::positive(), "passes of minibatches between snapshots")),
        snapshot_steps_(s.integer("snapshot_steps", 0, base::Range::non_negative(), "the same in steps; 0: snapshot_every")),
        kind_(kind_of(s.choice("snapshot", "last", {"last", "random", "average"}, "which point of the inner loop"))),
        batches_(s.integer("snapshot_batches", 0, base::Range::non_negative(), "minibatches in the first mu; 0: all examples")),
        growth_(batches_ == 0 ? 1 : s.number("snapshot_growth", 2.0, {.low = 1, .high = 1e3}, "factor of these from mu to mu")),
        skip_(s.flag("skip_flat", false, "leave out examples that had no gradient: of losses with a flat part")),
        mixed_(batches_ > 0 && s.flag("snapshot_mixed", false, "SGD steps where mu's batch is not all: see the rule")),
        alpha_(s.number("alpha", 1.0, base::Range::unit(), "weight of the correction at the first step")),
        alpha_passes_(s.number("alpha_passes", 0.0, base::Range::non_negative(), "over which alpha falls to 0; 0: it stays")) {}

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    layout.vector("svrg.snapshot");
    layout.vector("svrg.full_gradient");
    if (kind_ != Kind::last) layout.vector("svrg.candidate");  // the next snapshot, as far as it is known
    if (skip_) layout.per_example("svrg.visits");              // in a row without a gradient
  }

  Needs needs() const override {
    return Estimator::needs() |
           Needs::when(skip_, Need::linear,
                       "method.skip_flat = true knows there, from one number, whether an example has a gradient");
  }

  Cost cost(const CostPoint& p) const override {
    if (alpha(p.step, p.batches_per_epoch) == 0) return {.gradients = p.batch, .bound = skip_};
    const std::int64_t m = inner_steps(p.batches_per_epoch);
    const LargeBatch batch = large(p.step / m, p.batches_per_epoch);
    const Cost steps{.gradients = (plain(batch, p.step, p.batches_per_epoch, p.seed) ? 1 : 2) * p.batch, .bound = skip_};
    return p.step % m == 0 ? steps + batch.cost(p) : steps;
  }

  Estimate estimate(StepContext& context) const override {
    const Vector snapshot = context.state.vector("svrg.snapshot");
    const Vector mu = context.state.vector("svrg.full_gradient");
    const std::int64_t step = context.progress.step;
    const auto batches = static_cast<std::int64_t>(context.oracle.batches_per_epoch());
    Batch batch = context.oracle.draw(static_cast<std::uint64_t>(step));
    const double weight = alpha(step, batches);
    const auto skips = skip_ ? std::optional(context.state.per_example("svrg.visits")) : std::nullopt;
    Estimate estimate{.request = {.terms = {{1.0, context.x()}}, .shifts = {}, .batch = batch, .skips = skips}};
    if (weight == 0) return estimate;
    const LargeBatch of_mu = large(step / inner_steps(batches), batches);
    if (step % inner_steps(batches) == 0) {
      const bool known = kind_ != Kind::last && step > 0;
      context.space().copy(known ? context.state.vector("svrg.candidate") : context.x(), snapshot);
      of_mu.gradient(context.oracle, step, snapshot, mu, skips);
    }
    if (!plain(of_mu, step, batches, context.progress.seed)) {
      if (mixed_ && !of_mu.all()) {
        const std::int64_t at = step - step % inner_steps(batches);  // where mu was taken
        const base::Random random(context.progress.seed, base::Purpose::noise);
        const auto count = static_cast<std::uint64_t>(of_mu.minibatches());
        const std::uint64_t k = random.below(count, static_cast<std::uint64_t>(step), kPick);
        batch = context.oracle.draw(of_mu.ticket(at, static_cast<std::int64_t>(k)));
      }
      estimate.request.terms.push_back({-weight, snapshot});
      estimate.request.shifts = {{weight, mu}};
      estimate.request.batch = batch;
    }
    if (kind_ == Kind::random && step % inner_steps(batches) == drawn(context, inner_steps(batches)))
      estimate.keep_point = context.state.vector("svrg.candidate");
    return estimate;
  }

  void finish(StepContext& context) const override {
    if (kind_ != Kind::average) return;
    const std::int64_t m = inner_steps(static_cast<std::int64_t>(context.oracle.batches_per_epoch()));
    const std::int64_t j = context.progress.step % m + 1;  // x is x_j of this inner loop
    const Vector candidate = context.state.vector("svrg.candidate");
    VectorSpace& space = context.space();
    const double share = 1 / static_cast<double>(j);
    j == 1 ? space.copy(context.x(), candidate) : space.combine(1 - share, candidate, share, context.x(), candidate);
  }

 private:
  enum class Kind : std::uint8_t { last, random, average };
  static constexpr std::uint64_t kDraw = ~0ULL - 3;  // no element of a vector has these places
  static constexpr std::uint64_t kCoin = ~0ULL - 4;
  static constexpr std::uint64_t kPick = ~0ULL - 5;
  static Kind kind_of(const std::string& name) {
    return name == "last" ? Kind::last : name == "random" ? Kind::random : Kind::average;
  }
  /// What mu is the gradient of, in this inner loop.
  LargeBatch large(std::int64_t loop, std::int64_t batches_per_epoch) const {
    if (batches_ == 0) return {batches_per_epoch, batches_per_epoch};
    const double count = static_cast<double>(batches_) * std::pow(growth_, static_cast<double>(loop));
    return {static_cast<std::int64_t>(std::min(count, static_cast<double>(batches_per_epoch))), batches_per_epoch};
  }
  /// Whether this step is one of SGD.
  bool plain(const LargeBatch& of_mu, std::int64_t step, std::int64_t batches_per_epoch, std::uint64_t seed) const {
    if (!mixed_ || of_mu.all()) return false;
    const double share = static_cast<double>(of_mu.minibatches()) / static_cast<double>(batches_per_epoch);
    return base::Random(seed, base::Purpose::noise).uniform(static_cast<std::uint64_t>(step), kCoin) >= share;
  }
  /// j of this inner loop's x_j that is the next snapshot.
  static std::int64_t drawn(const StepContext& context, std::int64_t m) {
    const auto loop = static_cast<std::uint64_t>(context.progress.step / m);
    const base::Random random(context.progress.seed, base::Purpose::noise);
    return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(m), loop, kDraw));
  }
  double alpha(std::int64_t step, std::int64_t batches_per_epoch) const {
    if (alpha_passes_ == 0) return alpha_;
    return alpha_ * std::max(0.0, 1 - static_cast<double>(step) / (alpha_passes_ * static_cast<double>(batches_per_epoch)));
  }
  std::int64_t inner_steps(std::int64_t batches_per_epoch) const {
    if (snapshot_steps_ > 0) return snapshot_steps_;
    return std::max<std::int64_t>(1, std::llround(snapshot_every_ * static_cast<double>(batches_per_epoch)));
  }

  double snapshot_every_;
  std::int64_t snapshot_steps_;
  Kind kind_;
  std::int64_t batches_;
  double growth_;
  bool skip_;
  bool mixed_;
  double alpha_;
  double alpha_passes_;
};

}  // namespace

extern const Entry entry_svrg;
const Entry entry_svrg{
    .name = "svrg",
    .title = "SVRG: stochastic variance-reduced gradient",
    .rule = text_of(kSvrgRule),
    .source =
        "Johnson & Zhang, NIPS 2013; average: Xiao & Zhang, SIAM J. Optim. 24, 2014; growing batch: Babanezhad et al., NIPS "
        "2015, arXiv:1511.01942; alpha: Yin et al., ICLR 2025, arXiv:2311.05589; non-convex with prox: Reddi, Sra, Poczos & "
        "Smola, NIPS 2016, arXiv:1605.06900",
    .cost = "2 b gradients, and n at each snapshot; b where alpha_t is 0, and in mixed steps of SGD; less what is skipped",
    .guarantee =
        "f_i convex with L-Lipschitz gradients, F gamma-strongly convex, rule sgd, b = 1: each snapshot's gap shrinks by 1 / "
        "(gamma lr (1 - 2 L lr) m) + 2 L lr / (1 - 2 L lr) in the mean (theorem 1, for option II, the inner loop restarted at "
        "a random inner iterate). Not convex, with prox: lr = 1 / (3 L), b = n^(2/3), snapshot_steps = n^(1/3): E "
        "|prox-gradient|^2 <= eps at a random iterate after O(n + n^(2/3) / eps) gradients",
    .make_estimator = make<Svrg, Estimator>,
};

}  // namespace talweg::optim
