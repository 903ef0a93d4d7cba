// SPDX-License-Identifier: Apache-2.0
// What every line of the catalogue must do; a new line is enrolled by being there. Parameters are a matrix [4, 2] and a bias
// [4].
#include <optional>

#include "tests/optim/coupled_omega.hpp"
#include "tests/optim/serial_oracle.hpp"
#include "tests/optim/soft_threshold.hpp"

namespace talweg::test {
namespace {

constexpr std::size_t kSize = 12;
const std::vector<std::vector<std::size_t>> kShapes = {{4, 2}, {4}};
const Point kStart = {2, -1, 4, 1, -3, 2, 0.5, -2, 1, 3, -1, 2};

FiniteSum in_tensors(FiniteSum f) {
  f.shapes = kShapes;
  return f;
}

/// Logistic regression on labels that a line does not part, the last column a copy of the first: convex, a whole line of
/// minima.
FiniteSum logistic() {
  const base::Random random(5, base::Purpose::test);
  optim::CurvatureBounds bounds{.over_zero = 1};
  for (std::size_t i = 0; i < 60; ++i) {
    double squared = 0;
    for (std::size_t j = 0; j < kSize; ++j) squared += std::pow(random.normal(i, j + 1 < kSize ? j : 0), 2);
    bounds.largest = std::max(bounds.largest, squared / 4);
    bounds.mean += squared / 240;
  }
  return {.n = 60,
          .dimension = kSize,
          .term =
              [random](std::size_t i, const Point& x, Point& g) {
                Point a(kSize);
                for (std::size_t j = 0; j + 1 < kSize; ++j) a[j] = random.normal(i, j);
                a.back() = a.front();
                double z = 0;
                for (std::size_t j = 0; j < kSize; ++j) z += a[j] * x[j];
                const double y = a[0] - a[3] + random.normal(i, kSize) > 0 ? 1 : -1;
                const double p = 1 / (1 + std::exp(y * z));
                for (std::size_t j = 0; j < kSize; ++j) g[j] -= y * p * a[j];
                return y * z > 0 ? std::log1p(std::exp(-y * z)) : -y * z + std::log1p(std::exp(y * z));
              },
          .hessian_vector =
              [random](const Point& x, const Point& v) {
                Point out(kSize);
                for (std::size_t i = 0; i < 60; ++i) {
                  Point a(kSize);
                  for (std::size_t j = 0; j + 1 < kSize; ++j) a[j] = random.normal(i, j);
                  a.back() = a.front();
                  double z = 0, along = 0;
                  for (std::size_t j = 0; j < kSize; ++j) z += a[j] * x[j], along += a[j] * v[j];
                  const double p = 1 / (1 + std::exp(z));
                  for (std::size_t j = 0; j < kSize; ++j) out[j] += p * (1 - p) * along * a[j] / 60;
                }
                return out;
              },
          .shapes = kShapes,
          .bounds = bounds};
}

/// sum_j x_j^2 + 3 sin^2 x_j, each term tilted by b_i with sum b = 0: not convex, gradient-dominated, F* = 0 at 0.
FiniteSum sines() {
  const base::Random random(6, base::Purpose::test);
  return {.n = 60,
          .dimension = kSize,
          .term =
              [random](std::size_t i, const Point& x, Point& g) {
                double value = 0;
                for (std::size_t j = 0; j < kSize; ++j) {
                  const double tilt = (i % 2 == 0 ? 1 : -1) * random.normal(i / 2, j);
                  value += x[j] * x[j] + 3 * std::sin(x[j]) * std::sin(x[j]) + tilt * x[j];
                  g[j] += 2 * x[j] + 3 * std::sin(2 * x[j]) + tilt;
                }
                return value;
              },
          .hessian_vector =
              [](const Point& x, const Point& v) {
                Point out(kSize);
                for (std::size_t j = 0; j < kSize; ++j) out[j] = (2 + 6 * std::cos(2 * x[j])) * v[j];
                return out;
              },
          .shapes = kShapes};
}

/// (x - c)^2 / 2 with c = (3, 0.5, -4, ...): with |x|_1 the minimum is at soft(c, 1).
const Point kCentre = {3, 0.5, -4, 2, -0.25, 1.5, 5, -0.75, -2, 0.1, 4, -3};
FiniteSum lasso() {
  return {.n = 1,
          .dimension = kSize,
          .term =
              [](std::size_t, const Point& x, Point& g) {
                double value = 0;
                for (std::size_t j = 0; j < kSize; ++j) {
                  value += 0.5 * (x[j] - kCentre[j]) * (x[j] - kCentre[j]);
                  g[j] += x[j] - kCentre[j];
                }
                return value;
              },
          .hessian_vector = [](const Point&, const Point& v) { return v; },
          .shapes = kShapes,
          .bounds = optim::CurvatureBounds{.largest = 1, .mean = 1, .over_zero = 1}};
}

std::string lines_of(const optim::Entry& entry, const std::string& more = "") {
  return "name = \"" + std::string(entry.name) + "\"\n" + more;
}

/// What a line's defaults make.
struct Defaults {
  base::Config config;
  std::unique_ptr<optim::Method> method;
  explicit Defaults(const optim::Entry& entry)
      : config(base::Config::parse("[method]\n" + lines_of(entry), "defaults.toml")),
        method(optim::build_method(config.section("method"))) {}
};

std::size_t batch_of(const Defaults& defaults) { return defaults.method->needs().full_batch ? 0 : 8; }

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
  const std::uint64_t seeds = defaults.method->needs().horizon > 0 ? 8 : 1;  // some end early: at a step drawn by lot
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

void expect_trains(const FiniteSum& f, bool optim::Needs::*unless, double share, const char* what) {
  MethodRun<double> reference("name = \"lbfgs\"", f, kStart);
  const double start = reference.value();
  for (int k = 0; k < 100; ++k) {
    if (reference.step().outcome != optim::Outcome::going_on) break;
  }
  const double least = reference.value();
  for (const optim::Entry* entry : optim::catalogue()) {
    if (unless != nullptr && Defaults(*entry).method->needs().*unless) continue;
    const double gap = best_over_rates(*entry, f, kSteps, nullptr, [&](auto& run) { return run.value() - least; });
    EXPECT_LE(gap, share * (start - least)) << entry->name << " on " << what;
  }
}

TEST(Conformance, TrainsOnStronglyConvexSums) {
  expect_trains(in_tensors(least_squares(60, kSize)), nullptr, 0.01, "least squares");
}
TEST(Conformance, TrainsOnConvexSums) {
  expect_trains(logistic(), &optim::Needs::strongly_convex, 0.05, "logistic regression with twin columns");
}
TEST(Conformance, TrainsOnNonConvexSums) { expect_trains(sines(), &optim::Needs::convex, 0.01, "sines"); }

TEST(Conformance, FindsTheLassoSolutionWithExactZeros) {
  const SoftThreshold prox(1);
  for (const optim::Entry* entry : optim::catalogue()) {
    if (Defaults(*entry).method->needs().smooth_omega) continue;
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

/// Whoever takes all of Omega, to where |x - c|^2 / 2 and `omega` are least.
void expect_finds(const math::Coupling& coupling, const Point& least) {
  const CoupledOmega omega(coupling);
  int tried = 0;
  for (const optim::Entry* entry : optim::catalogue()) {
    const optim::Needs needs = Defaults(*entry).method->needs();
    if (needs.smooth_omega || needs.l1_omega || needs.separable_omega) continue;
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

TEST(Conformance, ANonSmoothOmegaIsRefusedByWhoHasNoProx) {
  for (const optim::Entry* entry : optim::catalogue()) {
    const Defaults defaults(*entry);
    const optim::Offer offer{.full_batch = true, .smooth_omega = false};
    if (!defaults.method->needs().smooth_omega) {
      EXPECT_NO_THROW(optim::check_needs(defaults.config.section("method"), *defaults.method, offer)) << entry->name;
      continue;
    }
    try {
      optim::check_needs(defaults.config.section("method"), *defaults.method, offer);
      ADD_FAILURE() << entry->name << " has no prox, and takes a non-smooth Omega";
    } catch (const base::Error& e) {
      EXPECT_NE(std::string(e.what()).find("sgd"), std::string::npos) << "who takes it? " << e.what();
      EXPECT_NE(std::string(e.what()).find("smooth Omega"), std::string::npos) << e.what();
    }
  }
}

TEST(Conformance, ResumesBitForBit) {
  for (const optim::Entry* entry : optim::catalogue()) {
    const std::size_t batch = batch_of(Defaults(*entry));
    const auto begin = [&](const Point& start) {
      return MethodRun<float>(lines_of(*entry), in_tensors(least_squares(60, kSize)), start, batch);
    };
    auto whole = begin(kStart);
    whole.steps(23);
    auto first = begin(kStart);
    first.steps(11);
    auto resumed = begin(Point(kSize, 0.5));
    resumed.load(first.save());
    resumed.steps(12);
    const auto after = resumed.save();
    const auto expected = whole.save();
    EXPECT_EQ(after.vectors, expected.vectors) << entry->name << " keeps something it did not declare";
    EXPECT_EQ(after.scalars, expected.scalars) << entry->name;
    EXPECT_EQ(after.counters, expected.counters) << entry->name;
    EXPECT_EQ(after.arrays, expected.arrays) << entry->name;
  }
}

TEST(Conformance, CostsWhatItSays) {
  for (const optim::Entry* entry : optim::catalogue()) {
    const std::size_t batch = batch_of(Defaults(*entry));
    MethodRun<double> run(lines_of(*entry), logistic(), kStart, batch);
    optim::Cost before;
    for (int k = 0; k < 40; ++k) {
      const optim::Cost says =
          run.method().cost({.step = k,
                             .n = 60,
                             .batch = batch == 0 ? 60 : static_cast<std::int64_t>(batch),
                             .batches_per_epoch = static_cast<std::int64_t>(run.oracle().batches_per_epoch()),
                             .seed = run.progress().seed});
      if (run.step().outcome != optim::Outcome::going_on) break;
      const optim::Cost now{.gradients = static_cast<std::int64_t>(run.oracle().gradients),
                            .hvps = static_cast<std::int64_t>(run.oracle().hvps),
                            .values = static_cast<std::int64_t>(run.oracle().values)};
      const auto expect = [&](std::int64_t optim::Cost::*of, const char* what) {
        const std::int64_t took = now.*of - before.*of;
        if (says.bound) {
          EXPECT_LE(took, says.*of) << entry->name << ", step " << k << ", " << what;
        } else {
          EXPECT_EQ(took, says.*of) << entry->name << ", step " << k << ", " << what;
        }
      };
      expect(&optim::Cost::gradients, "gradients");
      expect(&optim::Cost::hvps, "Hessian-vector products");
      expect(&optim::Cost::values, "values");
      before = now;
    }
  }
}

TEST(Conformance, RefusesHyperparametersItDoesNotKnow) {
  for (const optim::Entry* entry : optim::catalogue()) {
    const auto config = base::Config::parse("[method]\n" + lines_of(*entry, "no_such_key = 1\n"), "run.toml");
    optim::build_method(config.section("method"));
    try {
      config.reject_unread();
      ADD_FAILURE() << entry->name << " took no_such_key";
    } catch (const base::Error& e) {
      EXPECT_NE(std::string(e.what()).find("run.toml:3:1: method.no_such_key"), std::string::npos) << e.what();
    }
  }
}

/// Coordinate j's gradient knows x_j alone; `first` and `count` pick coordinates.
FiniteSum apart(std::size_t first, std::size_t count, std::vector<std::vector<std::size_t>> shapes) {
  return {.n = 1000,
          .dimension = count,
          .term =
              [first](std::size_t t, const Point& x, Point& g) {
                for (std::size_t j = 0; j < x.size(); ++j) {
                  const auto place = static_cast<double>(first + j);
                  g[j] += (0.3 + 0.1 * place) * (x[j] - place / 3) + std::cos(static_cast<double>(t) + place);
                }
                return 0.0;
              },
          .hessian_vector =
              [first](const Point&, const Point& v) {
                Point out(v);
                for (std::size_t j = 0; j < v.size(); ++j) out[j] *= 0.3 + 0.1 * static_cast<double>(first + j);
                return out;
              },
          .shapes = std::move(shapes)};
}

template <class Real>
Point after_steps(const optim::Entry& entry, FiniteSum f, const Point& start) {
  MethodRun<Real> run(lines_of(entry), std::move(f), start, 1);
  run.steps(25);
  return run.output();
}

// How the parameters are cut into tensors shows only where the grain says so.
TEST(Conformance, SplitsThatRespectTheGrainGiveTheSameUpdate) {
  for (const optim::Entry* entry : optim::catalogue()) {
    if (entry->make_rule == nullptr) continue;
    const auto config = base::Config::parse("[method]\n" + lines_of(*entry), "test.toml");
    const optim::Grain grain = entry->make_rule(config.section("method"))->grain();
    const Point whole = after_steps<float>(*entry, apart(0, kSize, kShapes), kStart);
    if (grain == optim::Grain::element) {
      EXPECT_EQ(after_steps<float>(*entry, apart(0, kSize, {{kSize}}), kStart), whole) << entry->name;
    } else if (grain == optim::Grain::tensor) {
      Point parts = after_steps<float>(*entry, apart(0, 8, {{4, 2}}), Point(kStart.begin(), kStart.begin() + 8));
      const Point bias = after_steps<float>(*entry, apart(8, 4, {{4}}), Point(kStart.begin() + 8, kStart.end()));
      parts.insert(parts.end(), bias.begin(), bias.end());
      EXPECT_EQ(parts, whole) << entry->name;
    } else {
      const Point fine = after_steps<double>(*entry, apart(0, kSize, kShapes), kStart);
      const Point other = after_steps<double>(*entry, apart(0, kSize, {{5}, {7}}), kStart);
      for (std::size_t j = 0; j < kSize; ++j) EXPECT_NEAR(fine[j], other[j], 1e-9) << entry->name << ", element " << j;
    }
  }
}

TEST(Conformance, EveryLineIsComplete) {
  for (const optim::Entry* entry : optim::catalogue()) {
    EXPECT_FALSE(entry->title.empty() || entry->rule.empty() || entry->source.empty() || entry->cost.empty()) << entry->name;
    EXPECT_FALSE(entry->guarantee.empty()) << entry->name << ": what is proven of it, and what is not?";
    EXPECT_EQ((entry->make_rule != nullptr) + (entry->make_estimator != nullptr) + (entry->make_method != nullptr), 1)
        << entry->name;
    const Defaults defaults(*entry);
    for (const base::Resolved& key : defaults.config.resolved())
      EXPECT_FALSE(key.meaning.empty()) << entry->name << "." << key.key << " says nothing";
    for (const std::string_view dialect : entry->dialects) {
      const auto config =
          base::Config::parse("[method]\n" + lines_of(*entry, fmt::format("dialect = \"{}\"\n", dialect)), "test.toml");
      EXPECT_NO_THROW(optim::build_method(config.section("method"))) << entry->name << ": " << dialect;
    }
  }
}

}  // namespace
}  // namespace talweg::test
