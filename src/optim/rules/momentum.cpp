// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "optim/dialect.hpp"
#include "optim/momentum_schedule.hpp"
#include "talweg/error.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kMomentumRule = R"(
torch, tf1: a_1 = g_1, a_t = momentum a_{t-1} + (1 - dampening) g_t;  x_t = x_{t-1} - lr a_t
paper, keras: a_t = momentum a_{t-1} - lr g_t;  x_t = x_{t-1} + a_t
The iterates are the same while lr is constant; in torch and tf1 a new lr acts at once on all that a has gathered.
nesterov, for a smooth Omega:
torch, tf1: x_t = x_{t-1} - lr (g_t + momentum a_t)
paper, keras: x_t = x_{t-1} + momentum a_t - lr g_t
With a non-smooth Omega (iPiano): x_t = prox_s(x_{t-1} - lr a_t) with s = lr (1 - dampening), the share of a_t that is new.
Then a becomes the step that was in fact taken, a_t = (x_{t-1} - x_t) / lr, or x_t - x_{t-1}: x stands still exactly where 0 is
in g + the subgradients of Omega, and momentum does not push against the box.
)";

struct MomentumDefaults {
  bool inside = false;  // lr is in the buffer
};
constexpr Dialect<MomentumDefaults> kMomentumDialects[] = {
    {"torch", {}}, {"tf1", {}}, {"paper", {.inside = true}}, {"keras", {.inside = true}}};

struct Momentum {
  Section method;
  double lr = method.number("lr", 0.01, Range::positive(), "learning rate");
  bool inside = choose(method, kMomentumDialects).values.inside;
  MomentumSchedule momentum{method, 0.9};
  double dampening = method.number("dampening", 0.0, Range::unit(), "share of each new gradient left out, the first excepted");
  bool nesterov = method.flag("nesterov", false, "look ahead, as the method of that name does; wants no dampening");

  void check() const {
    if (nesterov && dampening != 0)
      method.fail("dampening", fmt::format("{} beside nesterov = true", dampening),
                  "0: the look-ahead is defined without dampening");
    if (inside && dampening != 0)
      method.fail("dampening", fmt::format("{} in a dialect without it", dampening), "0, or dialect = \"torch\"");
  }
  void declare(math::StateLayout& slots) const { slots.vector("momentum"); }
  Needs needs() const { return Needs::when(nesterov, Need::smooth_omega); }

  Update begin(RuleStep& step) const {
    // a = mu a + fresh g, x = x - out a: the two forms differ in where lr stands.
    const double mu = momentum.at(step.t);
    const double share = step.t == 1 ? 1 : 1 - dampening;
    const double fresh = inside ? -step.lr : share;
    const double out = inside ? -1 : step.lr;
    if (nesterov) {
      return update_by([mu, fresh, out, own = inside ? -step.lr : 1]<class Real>(const RuleBlock<Real>& b) {
        const auto look_ahead = [mu = Real(mu), fresh = Real(fresh), out = Real(out), own = Real(own)](Real& x, Real g,
                                                                                                       Real& a) {
          a = mu * a + fresh * g;
          x -= out * (own * g + mu * a);
        };
        update_elements(look_ahead, b);
      });
    }
    Update update = update_by([mu, fresh, out, length = step.lr * share]<class Real>(const RuleBlock<Real>& b) {
      const auto heavy_ball = [mu = Real(mu), fresh = Real(fresh), out = Real(out)](Real& x, Real g, Real& a) {
        a = mu * a + fresh * g;
        x -= out * a;
      };
      update_elements(heavy_ball, b);
      if (b.proximal == nullptr) return;
      alignas(64) std::array<Real, math::ParameterLayout::kBlock> free;
      std::copy_n(b.x, b.count, free.begin());
      b.prox([length = Real(length)](std::size_t) { return length; });
      follow<Real>(b, free.data(), Real(out));
    });
    update.after = block_update([out]<class Real>(const RuleBlock<Real>& b) { follow<Real>(b, b.before, Real(out)); });
    return update;
  }

  /// The buffer takes what the prox has made of the step: a step by it alone, from `free`, would lead to x.
  template <class Real>
  static void follow(const RuleBlock<Real>& b, const Real* free, Real rate) {
    if (rate == 0) return;  // nothing has moved
    for (std::size_t i = 0; i < b.count; ++i) b.slots[0][i] += (free[i] - b.x[i]) / rate;
  }
};

constexpr DialectMap kMomentumMaps[] = {
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
    .rule = text_of(kMomentumRule),
    .source =
        "Polyak, USSR Comp. Math. 4 (1964); lr outside as in TensorFlow's ApplyMomentum and torch.optim.SGD, inside as in "
        "Keras; prox: iPiano, Ochs, Chen, Brox & Pock, SIAM J. Imaging Sci. 7 (2014)",
    .cost = "b gradients",
    .guarantee =
        "quadratic F with curvature in [mu, L], full gradients: linear, factor (sqrt k - 1) / (sqrt k + 1), k = L / mu, with "
        "the optimal lr and momentum, near the minimum only for other F (Polyak 1964). Stochastic: as sgd's, no better in "
        "general (Yan et al. 2018). With prox: every limit point is critical, non-convex f included (Ochs et al. 2014)",
    .dialects = dialect_names<kMomentumDialects>,
    .maps = kMomentumMaps,
    .make_rule = make_rule<Momentum>,
};

}  // namespace talweg::optim
