// SPDX-License-Identifier: Apache-2.0
// Where every line of the catalogue must arrive. A new line is tested automatically.
#include "tests/optim/conformance.hpp"

#include "tests/optim/coupled_omega.hpp"
#include "tests/optim/soft_threshold.hpp"

namespace talweg::test {
namespace {

/// [method] of the entry with every rate (lr, adam_lr, ...) `times` its default; nothing when it has none.
std::optional<std::string> at_rate(const optim::Entry& entry, double times) {
  std::string more;
  const Defaults defaults(entry);
  for (const base::Resolved& r : defaults.config.resolved()) {
    if (r.key != "lr" && !r.key.ends_with("_lr")) continue;
    if (r.value.starts_with('"')) {  // "c/L" or "c/L_max"
      more += fmt::format("{} = \"{:.17e}{}\n", r.key, std::stod(r.value.substr(1)) * times, r.value.substr(r.value.find('/')));
    } else {
      more += fmt::format("{} = {:.17e}\n", r.key, std::stod(r.value) * times);
    }
  }
  return more.empty() ? std::nullopt : std::optional(lines_of(entry, more));
}

/// The least `measure` over runs at {1/1000 ... 1000} x the default rate, held constant or falling to 0 over the steps.
template <class Measure>
double best_over_rates(const optim::Entry& entry, const FiniteSum& f, int steps, const math::Proximal* prox, Measure measure) {
  const Defaults defaults(entry);
  const std::size_t batch = f.n == 1 ? 0 : batch_of(defaults);
  const std::uint64_t seeds = defaults.method->needs().horizon() > 0 ? 8 : 1;  // some end early: at a step drawn by lot
  double best = std::numeric_limits<double>::infinity();
  const auto try_one = [&](const std::string& method, bool falls, std::uint64_t seed) {
    MethodRun<double> run(method, f, kStart, batch, prox);
    run.progress().seed = seed;
    try {
      for (int k = 0; k < steps; ++k) {
        if (falls) run.progress().factor = 1 - static_cast<double>(k) / steps;
        if (run.step().outcome != optim::Outcome::going_on) break;
      }
      const double now = measure(run);
      if (now < best) best = now;  // NaN is not
    } catch (const optim::Diverged&) {
    }
  };
  for (const double times : {1.0, 10.0, 100.0, 1e3, 0.1, 1e-2, 1e-3}) {
    const auto method = at_rate(entry, times);
    for (const bool falls : {true, false}) {
      for (std::uint64_t seed = 1; seed <= seeds; ++seed) try_one(method.value_or(lines_of(entry)), falls, seed);
    }
    if (!method) break;
  }
  return best;
}

constexpr int kSteps = 600;  // 80 passes

void expect_trains(const FiniteSum& f, std::optional<optim::Need> unless, double share, const char* what) {
  MethodRun<double> reference("name = \"lbfgs\"", f, kStart);
  const double start = reference.value();
  for (int k = 0; k < 100; ++k) {
    if (reference.step().outcome != optim::Outcome::going_on) break;
  }
  const double least = reference.value();
  for (const optim::Entry* entry : optim::catalogue()) {
    if (unless && Defaults(*entry).method->needs().has(*unless)) continue;
    const double gap = best_over_rates(*entry, f, kSteps, nullptr, [&](auto& run) { return run.value() - least; });
    EXPECT_LE(gap, share * (start - least)) << entry->name << " on " << what;
  }
}

TEST(Conformance, TrainsOnStronglyConvexSums) {
  expect_trains(in_tensors(least_squares(60, kSize)), std::nullopt, 0.01, "least squares");
}
TEST(Conformance, TrainsOnConvexSums) {
  expect_trains(logistic(), optim::Need::strongly_convex, 0.05, "logistic regression with twin columns");
}
TEST(Conformance, TrainsOnNonConvexSums) { expect_trains(sines(), optim::Need::convex, 0.01, "sines"); }

TEST(Conformance, FindsTheLassoSolutionWithExactZeros) {
  const SoftThreshold prox(1);
  for (const optim::Entry* entry : optim::catalogue()) {
    if (Defaults(*entry).method->needs().has(optim::Need::smooth_omega)) continue;
    const double away = best_over_rates(*entry, lasso(), 2000, &prox, [&](auto& run) {
      double worst = 0;
      for (std::size_t j = 0; j < kSize; ++j) {
        const double c = kCentre[j];
        const double expected = c > 1 ? c - 1 : c < -1 ? c + 1 : 0;
        worst = std::max(worst, expected == 0 && run.output()[j] != 0 ? 1.0 : std::abs(run.output()[j] - expected));
      }
      return worst;
    });
    EXPECT_LE(away, 0.02) << entry->name;
  }
}

/// Expects every method that accepts all of Omega to reach the minimum of |x - c|^2 / 2 + `omega`.
void expect_finds(const math::Coupling& coupling, const Point& least) {
  const CoupledOmega omega(coupling);
  int tried = 0;
  for (const optim::Entry* entry : optim::catalogue()) {
    const optim::Needs needs = Defaults(*entry).method->needs();
    using optim::Need;
    if (needs.has(Need::smooth_omega) || needs.has(Need::l1_omega) || needs.has(Need::separable_omega)) continue;
    ++tried;
    const double away = best_over_rates(*entry, lasso(), 2000, &omega, [&](auto& run) {
      double worst = 0;
      for (std::size_t j = 0; j < kSize; ++j)
        worst = std::max(worst, least[j] == 0 && run.output()[j] != 0 ? 1.0 : std::abs(run.output()[j] - least[j]));
      return worst;
    });
    EXPECT_LE(away, 0.02) << entry->name;
  }
  EXPECT_GT(tried, 5);
}

// The columns of the matrix [4, 2] have norms 7.07 and 2.66; what 1.5 sqrt(4) takes off leaves one of them at 0.
TEST(Conformance, FindsTheGroupLassoSolutionWithAGroupOfExactZeros) {
  Point least = kCentre;
  double norm = 0;
  for (std::size_t r = 0; r < 4; ++r) norm += kCentre[2 * r] * kCentre[2 * r];
  for (std::size_t r = 0; r < 4; ++r) {
    least[2 * r] *= 1 - 3 / std::sqrt(norm);
    least[2 * r + 1] = 0;
  }
  expect_finds({math::Coupling::Of::inputs, 1.5, {true, false}}, least);
}

TEST(Conformance, FindsTheNearestPointOfABall) {
  Point least = kCentre;
  double norm = 0;
  for (std::size_t j = 0; j < 8; ++j) norm += kCentre[j] * kCentre[j];
  for (std::size_t j = 0; j < 8; ++j) least[j] *= 3 / std::sqrt(norm);
  expect_finds({math::Coupling::Of::all, 3, {true, false}}, least);
}

// The momentum's buffer is (x_{t-1} - x_t) / lr whatever moved x: a group of one is l1.
TEST(Conformance, AGroupOfOneIsL1) {
  for (const char* method : {"name = \"sgd\"", "name = \"momentum\"", "name = \"momentum\"; dialect = \"paper\"",
                             "name = \"nesterov\"; form = \"look_ahead\"", "name = \"adagrad\"", "name = \"fista\"",
                             "name = \"svrg\"", "name = \"katyusha\"; lr = 0.01"}) {
    FiniteSum f = least_squares(60, kSize);
    f.shapes = {{kSize}};
    const SoftThreshold l1(0.3);
    const CoupledOmega groups({math::Coupling::Of::outputs, 0.3, {true}});
    const std::size_t batch = std::string(method).find("fista") != std::string::npos ? 0 : 8;
    MethodRun<double> one(method, f, kStart, batch, &l1), other(method, f, kStart, batch, &groups);
    for (int t = 0; t < 30; ++t) {
      const optim::StepReport a = one.step(), b = other.step();
      EXPECT_NEAR(a.update_norm, b.update_norm, 1e-9) << method;
      EXPECT_NEAR(a.parameter_norm, b.parameter_norm, 1e-9) << method;
    }
    for (std::size_t j = 0; j < kSize; ++j) EXPECT_NEAR(one.x()[j], other.x()[j], 1e-9) << method << ", " << j;
  }
}

}  // namespace
}  // namespace talweg::test
