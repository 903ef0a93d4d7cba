// SPDX-License-Identifier: Apache-2.0
// rsg, rspg and rsgf: one class, stochastic steps of one length that end at a random one.
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "base/random.hpp"
#include "optim/composite.hpp"
#include "optim/large_batch.hpp"
#include "optim/searches.hpp"
#include "optim/step_size.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kRsgRule = R"(
R uniform in {1, ..., iterations}, drawn before the first step
x_{k+1} = x_k - lr grad F_B(x_k);  the run ends at x_R, after R - 1 steps
In the papers P(R = k) is proportional to 2 l_k - L l_k^2 with step lengths l_k: uniform for one length, so schedules are
refused. candidates = S > 1 is 2-RSG: S such runs from x_0, each with its own R and minibatches; kept is the x_R of the
smallest |g|, g its gradient on the same judge_batches minibatches, which no run has. A candidate is judged when its run
ends, in a step that moves nothing.
)";
constexpr std::string_view kRspgRule = R"(
R uniform in {1, ..., iterations}, drawn before the first step
x_{k+1} = prox_{lr Omega}(x_k - lr grad F_B(x_k));  the run ends at x_R, after R - 1 steps
|g| is reported as |x_{k+1} - x_k| / lr. candidates = S > 1 is 2-RSPG: as 2-RSG, judged by |x - prox(x - lr g)| / lr.
)";
constexpr std::string_view kRsgfRule = R"(
R uniform in {1, ..., iterations}, drawn before the first step
G_k = (F_B(x_k + m u) - F_B(x_k)) / m u,  u normal, m = smoothing: values of F alone
x_{k+1} = x_k - lr G_k;  the run ends at x_R, after R - 1 steps
)";

enum class Kind { rsg, rspg, rsgf };

constexpr std::uint64_t kEndDraw = ~0ULL - 1;  // counter of the draw of R

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
    if (kind == Kind::rsgf) {
      smoothing_ = s.number("smoothing", 1e-4, base::Range::positive(), "m: length of the difference that replaces a slope");
      return;
    }
    candidates_ = s.integer("candidates", 1, {.low = 1, .high = 1000}, "S: runs from x_0 of which the best is kept");
    judge_ =
        s.integer("judge_batches", 10, base::Range::at_least(1), "T: minibatches on which several candidates are compared");
  }

  Needs needs() const override {
    return lr_.needs() | keeps_its_lengths() | Needs{Need::constant_batch} |
           Needs::when(kind_ != Kind::rspg, Need::smooth_omega) | Needs::when(kind_ == Kind::rsgf, Need::deterministic) |
           Needs::at_least(candidates_ * iterations_,
                           "the step it ends with is drawn from 1 ... method.iterations before the first");
  }
  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    StepSize::declare(layout);
    if (candidates_ == 1) return;
    layout.vector("rsg.start", math::Initial::x0());
    layout.vector("rsg.best");       // of the candidates judged so far
    layout.scalar("rsg.best_norm");  // of its prox-gradient
  }
  [[nodiscard]] Grain grain() const override { return candidates_ > 1 || kind_ == Kind::rsgf ? Grain::global : Grain::element; }
  Cost cost(const CostPoint& p) const override {
    const Place at = place(p.step, p.seed);
    if (at.run == candidates_) return {};
    if (at.step + 1 < at.end)
      return lr_.cost(p) + (kind_ == Kind::rsgf ? Cost{.values = 2 * p.batch} : Cost{.gradients = p.batch});
    return candidates_ == 1 ? Cost{} : lr_.cost(p) + LargeBatch(judge_, p.batches_per_epoch).cost(p);
  }

  StepReport advance(StepContext& context) const override {
    Oracle& oracle = context.oracle;
    VectorSpace& space = context.space();
    const Vector x = context.x();
    const Place at = place(context.progress.step, context.progress.seed);
    if (at.run == candidates_ || (candidates_ == 1 && at.step + 1 == at.end)) {
      return {.loss = kUnknown,
              .gradient_norm = kUnknown,
              .outcome = Outcome::ended,
              .message = candidates_ == 1
                             ? fmt::format("this is x_R: R = {} of N = {} was drawn before the first step", at.end, iterations_)
                             : fmt::format("this is the best of {} runs, chosen before", candidates_)};
    }
    const double lr = lr_.rate(context);
    if (at.step + 1 == at.end) return judge(context, at, lr);
    const Batch batch = oracle.draw(static_cast<std::uint64_t>(context.progress.step));
    const Temporary g(space);
    const double loss = kind_ == Kind::rsgf ? difference(context, batch, g) : oracle.gradient_into(x, batch, g).value;
    const Temporary next(space);
    const ProximalStep taken = proximal_step(oracle, x, g, lr, next);
    space.copy(next, x);
    return {.loss = loss,
            .gradient_norm = taken.gradient_norm(),
            .update_norm = std::sqrt(taken.squared),
            .parameter_norm = std::sqrt(taken.point),
            .learning_rate = lr};
  }

 private:
  /// Where a step stands: in which run, how many steps that has done, and its R.
  struct Place {
    std::int64_t run = 0;
    std::int64_t step = 0;
    std::int64_t end = 0;
  };

  [[nodiscard]] Place place(std::int64_t step, std::uint64_t seed) const {
    const base::Random random(seed, base::Purpose::noise);
    Place at{.run = 0, .step = step};
    for (; at.run < candidates_; ++at.run) {
      const auto bound = static_cast<std::uint64_t>(iterations_);
      at.end = 1 + static_cast<std::int64_t>(random.below(bound, kEndDraw, static_cast<std::uint64_t>(at.run)));
      if (at.step < at.end) break;
      at.step -= at.end;
    }
    return at;
  }

  /// Compares x, where a run has ended, with the best so far; x is then where the next run begins, or the best of all.
  StepReport judge(StepContext& context, const Place& at, double length) const {
    VectorSpace& space = context.space();
    const Vector x = context.x();
    const Vector best = context.state.vector("rsg.best");
    double& best_norm = context.state.scalar("rsg.best_norm");
    const Temporary g(space);
    const Temporary next(space);
    const LargeBatch batch(judge_, static_cast<std::int64_t>(context.oracle.batches_per_epoch()));
    const double loss = batch.gradient(context.oracle, 0, x, g);
    const double norm = proximal_step(context.oracle, x, g, length, next).gradient_norm();
    if (at.run == 0 || norm < best_norm) {
      space.copy(x, best);
      best_norm = norm;
    }
    const bool over = at.run + 1 == candidates_;
    space.copy(over ? best : context.state.vector("rsg.start"), x);
    StepReport report{.loss = loss, .gradient_norm = norm, .learning_rate = length};
    report.outcome = over ? Outcome::ended : Outcome::going_on;
    report.message = fmt::format("candidate {} of {}, x_R of R = {}: |g| = {:.6g} on the judging examples", at.run + 1,
                                 candidates_, at.end, norm);
    if (over) report.message += fmt::format("; kept is the one of {:.6g}", best_norm);
    return report;
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
  std::int64_t candidates_ = 1;
  std::int64_t judge_ = 1;
};

template <Kind kind>
std::unique_ptr<Method> make_randomized(const base::Section& s) {
  return std::make_unique<Randomized>(s, kind);
}

}  // namespace

extern const Entry entry_rsg;
const Entry entry_rsg{
    .name = "rsg",
    .title = "Randomized stochastic gradient, RSG and 2-RSG: ends at a step drawn beforehand",
    .rule = text_of(kRsgRule),
    .source = "Ghadimi & Lan, SIAM J. Optim. 23 (2013), arXiv:1309.5549; 2-RSG: section 2.2",
    .cost = "b gradients; judge_batches b where a candidate of several is judged",
    .guarantee =
        "gradient L-Lipschitz, E|g - grad F|^2 <= sigma^2, lr = min(1/L, D / (sigma sqrt N)): E|grad F(x_R)|^2 <= L (L A^2 / N "
        "+ (D + A^2 / D) sigma / sqrt N), A^2 = 2 (F(x_0) - inf F) / L (corollary 2.2): order 1 / N without noise, 1 / sqrt N "
        "with it. 2-RSG: with S = ceil(log2(2 / p)) candidates and enough judge_batches a bound of that order holds with "
        "probability 1 - p, not only in the mean",
    .make_method = make_randomized<Kind::rsg>,
};

extern const Entry entry_rspg;
const Entry entry_rspg{
    .name = "rspg",
    .title = "Randomized stochastic projected gradient, RSPG and 2-RSPG: rsg with prox",
    .rule = text_of(kRspgRule),
    .source = "Ghadimi, Lan & Zhang, Math. Prog. 155 (2016), arXiv:1308.6594",
    .cost = "b gradients; judge_batches b where a candidate of several is judged",
    .guarantee =
        "gradient of f L-Lipschitz, lr = 1/(2 L), batches of b: E|prox-gradient(x_R)|^2 of order L (F(x_0) - inf F) / N + "
        "sigma^2 / b: the noise is reduced by the batch, not by N",
    .make_method = make_randomized<Kind::rspg>,
};

extern const Entry entry_rsgf;
const Entry entry_rsgf{
    .name = "rsgf",
    .title = "Randomized stochastic gradient-free: rsg on differences of values",
    .rule = text_of(kRsgfRule),
    .source = "Ghadimi & Lan, SIAM J. Optim. 23 (2013), section 3",
    .cost = "2 b values",
    .guarantee =
        "gradient L-Lipschitz, lr = min(1 / (4 L sqrt(d + 4)), D / (sigma sqrt N)) / sqrt(d + 4), smoothing small enough: "
        "E|grad F(x_R)|^2 of order d L^2 D_F^2 / N + sqrt(d / N) sigma (corollary 3.3): d times what gradients need",
    .make_method = make_randomized<Kind::rsgf>,
};

}  // namespace talweg::optim
