// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "optim/dialect.hpp"
#include "talweg/method.hpp"
#include "talweg/rule.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kYellowfinRule = R"(
h_t = |g_t|^2;  h_min, h_max: means of the least and the largest of the last `window` h;  C = 1'(mean g^2 - (mean g)^2)
D = mean of (mean |g|) / (mean |g|^2); every mean is exponential with beta, and corrected for its start at 0
mu, alpha = argmin mu D^2 + alpha^2 C with mu >= ((sqrt k - 1) / (sqrt k + 1))^2, k = h_max / h_min,
  alpha = (1 - sqrt mu)^2 / h_min: with x = sqrt mu the root in [0, 1] of p x = (1 - x)^3, p = D^2 h_min^2 / (2 C)
a_t = mu a_{t-1} + g_t          x_t = x_{t-1} - lr alpha a_t;  lr, 1, and the schedule are factors of the rate that is found
authors: the mean of log h_min; 1e-6 added to three sums; alpha min(1, t / (10 window)); lr and momentum 0 at the first step
authors: from the third step on |g| is clipped to sqrt(100 h_max) before it counts
authors: |g| is clipped to sqrt(h_max) in a step where log |g|^2 is at least the mean of log h_max
)";

struct YellowfinDefaults {
  bool authors = false;
};
constexpr Dialect<YellowfinDefaults> kYellowfinDialects[] = {{"paper", {}}, {"authors", {.authors = true}}};

constexpr double kEpsilon = 1e-6;  // of the authors' code

/// What the steps so far have told of F.
struct Curvature {
  double h_min = 0;
  double h_max = 0;
  double variance = 0;
  double distance = 0;
};

struct Yellowfin {
  static constexpr Grain grain = Grain::global;
  static constexpr std::array kMeans = {"h_min", "h_max", "log_h_max", "norm", "square", "distance"};
  Section method;
  double lr = method.number("lr", 1.0, Range::positive(), "factor of the rate that is found");
  bool authors = choose(method, kYellowfinDialects).values.authors;
  double beta = method.number("beta", 0.999, Range::decay(), "decay of the means");
  std::int64_t window = method.integer("window", 20, {.low = 1, .high = 1000}, "steps whose |g|^2 bound the curvature");

  void declare(math::StateLayout& slots) const {
    slots.vector("momentum");
    slots.vector("yellowfin.gradient");  // mean g, not corrected for its start at 0; nor are the numbers
    slots.array("yellowfin.window", static_cast<std::size_t>(window));
    for (const char* name : kMeans) slots.scalar(std::string("yellowfin.") + name);
  }

  Update begin(RuleStep& step) const {
    VectorSpace& space = step.space();
    math::State& state = step.state();
    const auto mean = [&](const char* name) -> double& { return state.scalar(std::string("yellowfin.") + name); };
    const double before = 1 - std::pow(beta, static_cast<double>(step.t - 1));  // corrects a mean for its start at 0
    const double now = 1 - std::pow(beta, static_cast<double>(step.t));

    double norm = space.norm(step.g);
    double scale = 1;
    double last_clip = 1;
    if (authors && step.t > 2) scale = clip(norm, std::sqrt(100 * mean("h_max") / before) + kEpsilon);
    norm *= scale;
    if (authors && step.t > 1 && norm * norm >= std::exp(mean("log_h_max") / before))
      last_clip = clip(norm, std::sqrt(mean("h_max") / before) + kEpsilon);

    const double h = norm * norm;
    const auto lengths = state.array("yellowfin.window");
    lengths[static_cast<std::size_t>((step.t - 1) % window)] = h;
    const auto seen = lengths.first(static_cast<std::size_t>(std::min(step.t, window)));
    const double least = *std::ranges::min_element(seen);
    const double largest = *std::ranges::max_element(seen);
    const auto into = [&](const char* name, double value) { mean(name) = beta * mean(name) + (1 - beta) * value; };
    into("h_min", authors ? std::log(least + kEpsilon) : least);
    into("h_max", largest);
    into("log_h_max", std::log(largest + kEpsilon));
    into("norm", norm);
    into("square", h);
    const double square = mean("square") + (authors ? kEpsilon : 0);
    into("distance", square > 0 ? mean("norm") / square : 0);

    const auto average = math::block_kernel([&]<class Real>(const math::Block&, math::Arrays<Real> v) {
      const auto [kept, rest] = RuleBlock<Real>::real(beta, (1 - beta) * scale);
      for (std::size_t i = 0; i < v.count; ++i) v[0][i] = kept * v[0][i] + rest * v[1][i];
      return math::Sums{math::squared_norm<Real>(v[0])};
    });
    const double mean_square = space.for_each_block({{state.vector("yellowfin.gradient")}}, {{step.g}}, average)[0];
    const Curvature found{.h_min = authors ? std::exp(mean("h_min") / now) : mean("h_min") / now,
                          .h_max = mean("h_max") / now,
                          .variance = mean("square") / now - mean_square / (now * now),
                          .distance = mean("distance") / now};
    const auto [mu, alpha] = authors ? authors_setting(found, step.t) : setting(found);
    return update_by([factor = scale * last_clip, momentum = mu, rate = step.lr * alpha]<class Real>(const RuleBlock<Real>& b) {
      const auto take_step = [factor = Real(factor), mu = Real(momentum), rate = Real(rate)](Real& x, Real g, Real& a) {
        a = mu * a + factor * g;
        x -= rate * a;
      };
      update_elements(take_step, b);
    });
  }

  struct Setting {
    double momentum;
    double rate;
  };

  /// Factor that brings a gradient of this norm to `limit`, as torch.nn.utils.clip_grad_norm has it.
  static double clip(double norm, double limit) { return std::min(1.0, limit / (norm + 1e-6)); }

  /// ((sqrt k - 1) / (sqrt k + 1))^2.
  static double least_momentum(double k) {
    const double root = std::sqrt(k);
    return (root - 1) / (root + 1) * ((root - 1) / (root + 1));
  }

  /// The root of p x = (1 - x)^3 in [0, 1], by bisection to the last bit.
  static double root_of(double p) {
    double low = 0;
    double high = 1;
    for (double middle = 0.5; middle > low && middle < high; middle = low + (high - low) / 2) {
      const double rest = 1 - middle;
      (rest * rest * rest > p * middle ? low : high) = middle;
    }
    return low;
  }

  static Setting setting(const Curvature& c) {
    if (!(c.h_min > 0)) return {0, 0};  // a gradient was exactly zero: nothing is known of the curvature
    const double p = c.variance > 0 ? c.distance * c.distance * c.h_min * c.h_min / (2 * c.variance) : HUGE_VAL;
    const double x = std::isinf(p) ? 0 : root_of(p);
    const double mu = std::max(x * x, least_momentum(std::max(1.0, c.h_max / c.h_min)));
    const double rest = 1 - std::sqrt(mu);
    return {mu, rest * rest / c.h_min};
  }

  Setting authors_setting(const Curvature& c, std::int64_t t) const {
    if (t == 1) return {0, 1};
    const double far = c.distance + kEpsilon;
    const double low = c.h_min + kEpsilon;
    const double p = far * far * low * low / 2 / (std::max(c.variance, kEpsilon) + kEpsilon);
    const double w = -std::cbrt((std::sqrt(p * p + 4.0 / 27.0 * p * p * p) + p) / 2);  // Vieta's substitution
    const double x = w - p / 3 / (w + kEpsilon) + 1;
    const double mu = std::max(x * x, least_momentum(std::max((c.h_max + kEpsilon) / low, 1 + kEpsilon)));
    const double rest = 1 - std::sqrt(mu);
    const double slow = std::min(1.0, static_cast<double>(t) / (10.0 * static_cast<double>(window)));
    return {mu, rest * rest / low * slow};
  }
};

constexpr DialectMap kYellowfinMaps[] = {
    {"authors", "paper",
     "none: authors clips gradients before they count and once more before they move x, takes the mean of log h_min, adds 1e-6 "
     "to three of its sums, and warms the rate up over 10 window steps"}};

}  // namespace

extern const Entry entry_yellowfin;
const Entry entry_yellowfin{
    .name = "yellowfin",
    .title = "YellowFin: momentum that tunes itself",
    .rule = text_of(kYellowfinRule),
    .source =
        "Zhang & Mitliagkas, arXiv:1706.03471, algorithms 1 to 4 (paper); the authors' tuner_utils/yellowfin.py (authors)",
    .cost = "b gradients",
    .guarantee =
        "none in general: the setting is the optimum of a noisy quadratic whose curvature lies in [h_min, h_max] (section 2); "
        "with a fixed setting heavy ball's rate sqrt mu there",
    .dialects = dialect_names<kYellowfinDialects>,
    .maps = kYellowfinMaps,
    .make_rule = make_rule<Yellowfin>,
};

}  // namespace talweg::optim
