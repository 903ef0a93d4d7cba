// SPDX-License-Identifier: Apache-2.0
// Heavy-ball momentum (Polyak 1964).
//   torch, tf1     lr outside the buffer:  a_1 = g_1,  a_t = momentum a_{t-1} + (1 - dampening) g_t,  x_t = x_{t-1} - lr a_t
//   paper, keras   lr inside:              v_t = momentum v_{t-1} - lr g_t,                           x_t = x_{t-1} + v_t
// The iterates are the same while lr is constant; outside, a new lr acts at once on all that was gathered.
// nesterov: x_t = x_{t-1} - lr (g_t + momentum a_t), or x_{t-1} + momentum v_t - lr g_t. Smooth Omega only.
// Non-smooth Omega: x_t = prox_s(x_{t-1} - lr a_t) with s = lr (1 - dampening), the share of a_t that is new, and the buffer
// becomes the step that was in fact taken, a_t = (x_{t-1} - x_t) / lr (v_t = x_t - x_{t-1}). That is iPiano (Ochs, Chen, Brox &
// Pock 2014): x stands still just where 0 is in g + the subgradients of Omega, and momentum does not push against the box.
#include "optim/dialect.hpp"
#include "optim/momentum_schedule.hpp"
#include "optim/registry.hpp"
#include "talweg/error.hpp"

namespace talweg::optim {
namespace {

struct Defaults {
  bool inside = false;
};
constexpr Dialect<Defaults> kDialects[] = {
    {"torch", {}}, {"tf1", {}}, {"paper", {.inside = true}}, {"keras", {.inside = true}}};

class Momentum final : public UpdateRule {
 public:
  explicit Momentum(const base::Section& s)
      : UpdateRule(s.number("lr", 0.01, base::Range::positive(), "learning rate")),
        inside_(choose(s, kDialects).values.inside),
        momentum_(s, 0.9),
        dampening_(s.number("dampening", 0.0, base::Range::unit(), "share of each new gradient left out, the first excepted")),
        nesterov_(s.flag("nesterov", false, "look ahead, as the method of that name does; wants no dampening")) {
    if (nesterov_ && dampening_ != 0)
      s.fail("dampening", fmt::format("{} beside nesterov = true", dampening_),
             "0: the look-ahead is defined without dampening");
    if (inside_ && dampening_ != 0)
      s.fail("dampening", fmt::format("{} in a dialect without it", dampening_), "0, or dialect = \"torch\"");
  }
  void declare(math::StateLayout& slots, const math::ParameterLayout&) const override { slots.vector("momentum"); }
  Needs needs() const override { return Needs::when(nesterov_, Need::smooth_omega); }

  Update begin(RuleStep& step) const override {
    const double share = step.t == 1 ? 1 : 1 - dampening_;
    // a <- momentum a + fresh g, x <- x - out a: outside and inside differ in where lr is.
    const double fresh = inside_ ? -step.lr : share;
    const double out = inside_ ? -1 : step.lr;
    const double own = nesterov_ ? (inside_ ? -step.lr : 1) : 0;  // of g in what x takes, times out
    Update update = update_by([=, this, mu = momentum_.at(step.t), lr = step.lr]<class Real>(const RuleBlock<Real>& b) {
      const auto [momentum, add, rate, ahead] = b.real(mu, fresh, out, own);
      Real* __restrict a = b.slots[0];
      Real* __restrict x = b.x;
      const Real* __restrict g = b.g;
      if (nesterov_) {
        for (std::size_t i = 0; i < b.count; ++i) {
          a[i] = momentum * a[i] + add * g[i];
          x[i] -= rate * (ahead * g[i] + momentum * a[i]);
        }
        return;
      }
      for (std::size_t i = 0; i < b.count; ++i) {
        a[i] = momentum * a[i] + add * g[i];
        x[i] -= rate * a[i];
      }
      if (b.proximal == nullptr) return;
      alignas(64) std::array<Real, math::ParameterLayout::kBlock> free;
      std::copy_n(x, b.count, free.begin());
      b.prox([&](std::size_t) { return static_cast<Real>(lr * share); });
      follow<Real>(b, free.data(), rate);
    });
    update.after =
        block_update([out]<class Real>(const RuleBlock<Real>& b) { follow<Real>(b, b.before, static_cast<Real>(out)); });
    return update;
  }

 private:
  /// The buffer takes what prox has made of the step: x stands where a step by it alone, from `free`, would have led.
  template <class Real>
  static void follow(const RuleBlock<Real>& b, const Real* free, Real rate) {
    if (rate == 0) return;  // nothing has moved
    for (std::size_t i = 0; i < b.count; ++i) b.slots[0][i] += (free[i] - b.x[i]) / rate;
  }

  bool inside_;
  MomentumSchedule momentum_;
  double dampening_;
  bool nesterov_;
};

constexpr DialectMap kMaps[] = {
    {"tf1", "torch", "the same recurrence, except that torch takes dampening", "dampening = 0.0"},
    {"paper", "torch",
     "v_t = -lr a_t: the same steps while lr does not change; when lr falls paper goes on with the speed it has"},
    {"keras", "torch",
     "v_t = -lr a_t: the same steps while lr does not change; when lr falls keras goes on with the speed it has"},
    {"paper", "tf1",
     "v_t = -lr a_t: the same steps while lr does not change; when lr falls paper goes on with the speed it has"},
    {"keras", "tf1",
     "v_t = -lr a_t: the same steps while lr does not change; when lr falls keras goes on with the speed it has"},
    {"paper", "keras", "the same recurrence", "momentum = 0.9"},
};

}  // namespace

extern const Entry entry_momentum;
const Entry entry_momentum{
    .name = "momentum",
    .title = "Heavy-ball momentum",
    .rule =
        "torch, tf1: a_1 = g_1, a_t = momentum a_{t-1} + (1 - dampening) g_t; x_t = x_{t-1} - lr a_t\n"
        "paper, keras: v_t = momentum v_{t-1} - lr g_t; x_t = x_{t-1} + v_t\n"
        "nesterov = true: x_t = x_{t-1} - lr (g_t + momentum a_t), or x_{t-1} + momentum v_t - lr g_t\n"
        "non-smooth Omega: x_t = prox(x_{t-1} - lr a_t), a_t = (x_{t-1} - x_t) / lr",
    .source =
        "Polyak, USSR Comp. Math. 4 (1964); lr outside as in TensorFlow's ApplyMomentum and torch.optim.SGD, inside as in "
        "Keras; prox: iPiano, Ochs, Chen, Brox & Pock, SIAM J. Imaging Sci. 7 (2014)",
    .cost = "b gradients",
    .guarantee =
        "quadratic F with curvature in [mu, L], full gradients: linear, factor (sqrt k - 1) / (sqrt k + 1), k = L / mu, with "
        "the optimal lr and momentum, near the minimum only for other F (Polyak 1964). Stochastic: as sgd's, no better in "
        "general (Yan et al. 2018). With prox: every limit point is critical, non-convex f included (Ochs et al. 2014)",
    .dialects = dialect_names<kDialects>,
    .maps = kMaps,
    .make_rule = make<Momentum, UpdateRule>,
};

}  // namespace talweg::optim
