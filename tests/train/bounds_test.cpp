// SPDX-License-Identifier: Apache-2.0
// Theorems executed on the problems of the registry, whose constants are exact: what optim/bounds.hpp says is never exceeded by
// what the methods do, and is not said of methods it does not hold for.
#include "optim/bounds.hpp"

#include "tests/train/problem_sum.hpp"

namespace talweg::test {
namespace {

base::Section section(const std::string& method) {
  std::string text = "[method]\n" + method + "\n";
  std::ranges::replace(text, ';', '\n');
  return base::Config::parse(text, "test.toml").section("method");
}

/// `steps` steps; after each, lower bound <= F - F* <= bound. `tight`: least share of the bound that is reached. `share`: of
/// mu, that a form for strongly convex F is told of.
void expect_bound(const std::string& method, const std::string& problem, double lr_times_l, int steps, double tight = 0,
                  double share = 0) {
  const KnownProblem p(problem);
  const SoftThreshold prox(p.omega.l1);
  const Point start = p.config.start;
  const double L = *p.known.smoothness + p.omega.l2;
  const double mu = p.known.strong_convexity.value_or(0) + p.omega.l2;
  std::string keys = fmt::format("{}; lr = {:.17e}", method, lr_times_l / L);
  if (share > 0) keys += fmt::format("; form = \"strongly_convex\"; strong_convexity = {:.17e}", share * mu);
  MethodRun<double> run(keys, p.sum(), start, 0, p.omega.l1 > 0 ? &prox : nullptr);
  run.oracle().l2 = p.omega.l2;
  const optim::BoundConstants constants{.smoothness = L,
                                        .strong_convexity = mu,
                                        .distance2 = p.distance2(start),
                                        .gap = p.value(start) - *p.known.least,
                                        .lr = lr_times_l / L,
                                        .assumed = share * mu};
  const optim::ProvenBound* bound = optim::proven_bound(section(keys), constants);
  ASSERT_NE(bound, nullptr) << keys;
  double reached = 0;
  for (int k = 1; k <= steps; ++k) {
    if (run.step().outcome != optim::Outcome::going_on) break;
    const double gap = p.value(run.output()) - *p.known.least;
    const double most = bound->after(constants, k);
    ASSERT_LE(gap, most * (1 + 1e-9) + 1e-13) << keys << " on " << problem << ", step " << k;
    if (const auto least = p.config.problem->lower_bound(k)) {
      ASSERT_GE(gap, *least - 1e-13) << keys << ", step " << k;
    }
    reached = std::max(reached, gap / most);
  }
  EXPECT_GE(reached, tight) << keys << " on " << problem;
}

constexpr const char* kChain = "name = \"nesterov_chain\"\nsmoothness = 3.0\n";
constexpr const char* kQuadratic = "name = \"quadratic\"\n";
constexpr const char* kLasso = "name = \"lasso\"\n[regularizer]\nl1 = 0.3\nl2 = 0.05\n";
constexpr const char* kManufactured = "name = \"manufactured\"\n[regularizer]\nl1 = 0.05\nl2 = 0.01\n";

TEST(Bounds, GradientDescent) {
  for (const double c : {0.3, 1.0}) {
    expect_bound("name = \"gd\"", kChain, c, 200, 0.05);
    expect_bound("name = \"gd\"", kQuadratic, c, 200);
    expect_bound("name = \"gd\"", "name = \"manufactured\"\n", c, 200);
  }
}
TEST(Bounds, AcceleratedMethods) {
  for (const char* name : {"agd", "fista", "apg"}) {
    expect_bound(fmt::format("name = \"{}\"", name), kChain, 1, 100, 0.05);
    expect_bound(fmt::format("name = \"{}\"", name), kQuadratic, 1, 200);
    expect_bound(fmt::format("name = \"{}\"", name), "name = \"manufactured\"\n", 0.7, 200);
  }
}
TEST(Bounds, AcceleratedMethodsThatKnowACurvature) {
  for (const double share : {0.3, 1.0}) {
    for (const char* name : {"agd", "fista"}) {
      expect_bound(fmt::format("name = \"{}\"", name), kQuadratic, 1, 200, 0, share);
      expect_bound(fmt::format("name = \"{}\"", name), kQuadratic, 0.6, 200, 0, share);
    }
    expect_bound("name = \"fista\"", kManufactured, 1, 300, 0, share);
  }
}
TEST(Bounds, ProximalMethods) {
  for (const char* name : {"proximal_gradient", "fista", "apg"}) {
    expect_bound(fmt::format("name = \"{}\"", name), kLasso, 0.4, 200);
    expect_bound(fmt::format("name = \"{}\"", name), kManufactured, 1, 300);
  }
}

// Nesterov's chain is slow for whoever stays in the span of its gradients, however clever: lbfgs, conjugate gradients...
TEST(Bounds, TheChainsLowerBoundHoldsForAllWhoStayInTheSpan) {
  const KnownProblem p(kChain);
  const double L = *p.known.smoothness;
  int methods = 0;
  for (const optim::Entry* entry : optim::catalogue()) {
    std::string keys = fmt::format("name = \"{}\"", entry->name);
    if (!optim::stays_in_span(section(keys))) continue;
    ++methods;
    if (entry->name != "lbfgs" && entry->name != "nonlinear_cg") keys += fmt::format("; lr = {:.17e}", 0.9 / L);
    MethodRun<double> run(keys, p.sum(), p.config.start);
    for (int k = 1; k <= 60; ++k) {
      if (run.step().outcome != optim::Outcome::going_on) break;
      const auto least = p.config.problem->lower_bound(k);
      if (!least) break;
      ASSERT_GE(p.value(run.output()) - *p.known.least, *least - 1e-13) << keys << ", step " << k;
    }
  }
  EXPECT_GE(methods, 10);
  EXPECT_FALSE(optim::stays_in_span(section("name = \"adam\"")));
  EXPECT_FALSE(optim::stays_in_span(section("name = \"sgd\"; noise = \"sphere\"; noise_scale = 1.0")));
}

TEST(Bounds, AreSaidOfNothingElse) {
  const optim::BoundConstants constants{.smoothness = 1, .strong_convexity = 0, .distance2 = 1, .gap = 1, .lr = 1};
  EXPECT_NE(optim::proven_bound(section("name = \"gd\""), constants), nullptr);
  EXPECT_EQ(optim::proven_bound(section("name = \"adam\""), constants), nullptr);
  EXPECT_EQ(optim::proven_bound(section("name = \"gd\"; search = \"armijo\""), constants), nullptr);
  EXPECT_EQ(optim::proven_bound(section("name = \"fista\"; restart = \"gradient\""), constants), nullptr);
  const std::string strong = "name = \"agd\"; form = \"strongly_convex\"; strong_convexity = 0.1";
  auto curved = constants;
  curved.assumed = 0.1;
  EXPECT_EQ(optim::proven_bound(section(strong), curved), nullptr) << "F is less curved than the method is told";
  curved.strong_convexity = 0.1;
  EXPECT_NE(optim::proven_bound(section(strong), curved), nullptr);
  auto longer = constants;
  longer.lr = 1.01;
  EXPECT_EQ(optim::proven_bound(section("name = \"gd\""), longer), nullptr) << "longer than 1 / L";
  longer.lr = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(optim::proven_bound(section("name = \"gd\""), longer), nullptr) << "not constant";
}

TEST(Bounds, PolyakLojasiewiczIsEnoughForALinearRate) {
  const KnownProblem p("name = \"pl_sine\"\n");
  MethodRun<double> run("name = \"gd\"; lr = 0.125", p.sum(), p.config.start);
  const double first = p.value(p.config.start);
  for (int k = 1; k <= 500; ++k) {
    if (run.step().outcome != optim::Outcome::going_on) break;
    ASSERT_LE(p.value(run.x()), std::pow(1 - 1.0 / 256, k) * first);
  }
}

// Of finite sums, in expectation, f_i convex and L_max-smooth, F mu-strongly convex.
// svrg with a random or average snapshot every m steps of batch 1 (Johnson & Zhang 2013, theorem 1): a factor of the gap.
double svrg_factor(double term_smoothness, double strong_convexity, double lr, double m) {
  const double kept = 1 - 2 * term_smoothness * lr;
  return 1 / (strong_convexity * lr * kept * m) + 2 * term_smoothness * lr / kept;
}

// saga with lr = 1/(3 L_max) (Defazio, Bach & Lacoste-Julien 2014, corollary 1): E |x_k - x*|^2 after k steps of batch 1.
// `bregman`: F(x_0) - F* - grad F(x*)'(x_0 - x*), which is the gap where Omega is smooth.
double saga_distance2(double term_smoothness, double strong_convexity, double n, double distance2, double bregman, double k) {
  const double rate = 1 - std::min(1 / (4 * n), strong_convexity / (3 * term_smoothness));
  return std::pow(rate, k) * (distance2 + 2 * n / (3 * term_smoothness) * bregman);
}

// Sums of convex quadratics with exact L_max and mu: means over draws stay below what is proven of the expectation.
constexpr const char* kSum =
    "name = \"quadratic\"\ncurvatures = [0.5, 1.0, 2.0]\nterms = 16\ngradient_spread = 1.0\ncurvature_spread = 0.4\n";

// The theorem is about a loop that begins at its snapshot: here the first one, since x then goes on from where it is.
TEST(Bounds, SvrgsFirstSnapshotIsAsNearAsItsTheoremSays) {
  const KnownProblem p(kSum);
  const double L = *p.known.term_smoothness, mu = *p.known.strong_convexity;
  const double lr = 0.1 / L;
  const int m = 320;
  const double factor = svrg_factor(L, mu, lr, m);
  ASSERT_LT(factor, 1) << "the theorem speaks of such steps";
  const double first = p.value(p.config.start) - *p.known.least;
  for (const char* snapshot : {"random", "average"}) {
    double gap = 0;
    constexpr int kRuns = 30;
    for (int seed = 0; seed < kRuns; ++seed) {
      MethodRun<double> run(
          fmt::format("name = \"svrg\"; snapshot = \"{}\"; snapshot_steps = {}; lr = {:.17e}", snapshot, m, lr), p.sum(),
          p.config.start, 1);
      run.oracle().independent = true;
      run.progress().seed = static_cast<std::uint64_t>(seed) + 1;
      run.oracle().draws = static_cast<std::uint64_t>(seed) + 1;
      run.steps(m + 1);  // the step after m takes the snapshot
      gap += (p.value(run.oracle().point(run.state().vector("svrg.snapshot"))) - *p.known.least) / kRuns;
    }
    EXPECT_LE(gap, factor * first) << snapshot;
    EXPECT_GT(gap, 0) << snapshot;
  }
}

TEST(Bounds, SagaComesNearer) {
  const KnownProblem p(kSum);
  const double L = *p.known.term_smoothness, mu = *p.known.strong_convexity;
  const auto n = static_cast<double>(p.config.problem->terms());
  const double first = p.value(p.config.start) - *p.known.least;
  MethodRun<double> run(fmt::format("name = \"saga\"; lr = {:.17e}", 1 / (3 * L)), p.sum(), p.config.start, 1);
  run.oracle().independent = true;
  run.step();  // remembers the gradients at x_0, and moves by the full one
  for (int k = 1; k <= 2500; ++k) {
    run.step();
    ASSERT_LE(p.distance2(run.x()), saga_distance2(L, mu, n, p.distance2(p.config.start), first, k)) << k;
  }
  EXPECT_LE(p.distance2(run.x()), 1e-12);
}

// Jin et al. 2017: a point is returned after at most so many gradient steps, by counting what each of its phases takes off F;
// it has a small gradient and no curvature below -sqrt(rho epsilon).
TEST(Bounds, PerturbedGradientDescentEscapesInTime) {
  // In the box where the iterates stay (|x_j| <= 1.2) of F = sum(-x^2/2 + x^4/4): L = 3.32, rho = 7.2.
  const double L = 3.4, rho = 7.2, epsilon = 0.1, c = 0.5, delta = 0.1, gap = 0.25;
  const KnownProblem p("name = \"staircase\"\ndimension = 1\n");
  const double chi = 3 * std::max(std::log(L * gap / (c * epsilon * epsilon * delta)), 4.0);
  const double least_gradient = std::sqrt(c) / (chi * chi) * epsilon;
  const double fall = c / (chi * chi * chi) * std::sqrt(std::pow(epsilon, 3) / rho);
  const double interval = chi / (c * c) * L / std::sqrt(rho * epsilon);
  const double most = gap / fall * (interval + 1) + 2 * gap / (c / L * least_gradient * least_gradient);
  for (int seed = 1; seed <= 20; ++seed) {
    MethodRun<double> run(
        fmt::format("name = \"pgd\"; mode = \"theory\"; smoothness = {}; hessian_lipschitz = {}; epsilon = {}; c = {}; "
                    "failure_probability = {}; objective_gap = {}",
                    L, rho, epsilon, c, delta, gap),
        p.sum(), {0.0});
    run.progress().seed = static_cast<std::uint64_t>(seed);
    double steps = 0;
    bool left = false;
    while (steps <= most) {
      ++steps;
      const bool over = run.step().outcome == optim::Outcome::converged;
      if (!left && p.value(run.x()) <= -fall) {
        left = true;
        EXPECT_LE(steps, interval + 1) << "the first noise was enough, seed " << seed;
      }
      if (over) break;
    }
    EXPECT_TRUE(left) << "seed " << seed;
    EXPECT_LE(steps, most) << "seed " << seed;
    const double x = run.x()[0];
    EXPECT_LE(std::abs(x * x * x - x), epsilon) << "seed " << seed;
    EXPECT_GE(3 * x * x - 1, -std::sqrt(rho * epsilon)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace talweg::test
