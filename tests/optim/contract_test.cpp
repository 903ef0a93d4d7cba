// SPDX-License-Identifier: Apache-2.0
// What every line of the catalogue promises the engine, in each of its modes: all state is declared, costs are true, unknown
// keys and unsupported settings are refused. A new line is tested automatically.
#include "tests/optim/conformance.hpp"

namespace talweg::test {
namespace {

/// body(lines of [method], batch). The last of 8 minibatches in a pass over 60 examples has 4, not 8.
template <class Body>
void for_every_mode(Body body) {
  for (const optim::Entry* entry : optim::catalogue()) {
    for (const std::string& method : modes_of(*entry)) {
      const auto config = base::Config::parse("[method]\n" + method, "modes.toml");
      body(method, optim::build_method(config.section("method"))->needs().has(optim::Need::full_batch) ? 0 : 8);
    }
  }
}

TEST(Contract, ANonSmoothOmegaIsRefusedByWhoHasNoProx) {
  for (const optim::Entry* entry : optim::catalogue()) {
    const Defaults defaults(*entry);
    const optim::Offer offer = offer_without({optim::Need::smooth_omega});
    if (!defaults.method->needs().has(optim::Need::smooth_omega)) {
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

TEST(Contract, ResumesBitForBit) {
  for_every_mode([](const std::string& method, std::size_t batch) {
    const auto begin = [&](const Point& start) {
      return MethodRun<float>(method, in_tensors(least_squares(60, kSize)), start, batch);
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
    EXPECT_EQ(after.vectors, expected.vectors) << method << " keeps something it did not declare";
    EXPECT_EQ(after.scalars, expected.scalars) << method;
    EXPECT_EQ(after.counters, expected.counters) << method;
    EXPECT_EQ(after.arrays, expected.arrays) << method;
  });
}

TEST(Contract, CostsWhatItSays) {
  for_every_mode([](const std::string& method, std::size_t batch) {
    MethodRun<double> run(method, logistic(), kStart, batch);
    optim::Cost before;
    for (int k = 0; k < 40; ++k) {
      const optim::Cost says =
          run.method().cost({.step = k,
                             .n = 60,
                             .batch = static_cast<std::int64_t>(run.oracle().draw(static_cast<std::uint64_t>(k)).size),
                             .batches_per_epoch = static_cast<std::int64_t>(run.oracle().batches_per_epoch()),
                             .seed = run.progress().seed});
      if (run.step().outcome != optim::Outcome::going_on) break;
      const optim::Cost now{.gradients = static_cast<std::int64_t>(run.oracle().gradients),
                            .hvps = static_cast<std::int64_t>(run.oracle().hvps),
                            .values = static_cast<std::int64_t>(run.oracle().values)};
      const auto expect = [&](std::int64_t optim::Cost::*of, const char* what) {
        const std::int64_t took = now.*of - before.*of;
        if (says.bound) {
          EXPECT_LE(took, says.*of) << method << ", step " << k << ", " << what;
        } else {
          EXPECT_EQ(took, says.*of) << method << ", step " << k << ", " << what;
        }
      };
      expect(&optim::Cost::gradients, "gradients");
      expect(&optim::Cost::hvps, "Hessian-vector products");
      expect(&optim::Cost::values, "values");
      before = now;
    }
  });
}

TEST(Contract, RefusesHyperparametersItDoesNotKnow) {
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
  const Defaults defaults(entry);
  const bool full = defaults.method->needs().has(optim::Need::full_batch);
  const auto keys = defaults.config.resolved();
  // An L that is found by products goes by sums over all of them.
  const bool finds =
      std::ranges::any_of(keys, [](const base::Resolved& r) { return r.key == "lr" && r.value.starts_with('"'); });
  MethodRun<Real> run(lines_of(entry, finds ? "lr = 0.05\n" : ""), std::move(f), start, full ? 0 : 1);
  run.steps(full ? 10 : 25);
  return run.output();
}

// The division of the parameters into tensors changes a result only if the grain says so.
TEST(Contract, SplitsThatRespectTheGrainGiveTheSameUpdate) {
  std::array<int, 3> seen{};
  for (const optim::Entry* entry : optim::catalogue()) {
    // The noise of an element depends on its index among the parameters.
    if (entry->name == "psgd" || entry->name == "rsgf") continue;
    const optim::Grain grain = Defaults(*entry).method->grain();
    ++seen.at(static_cast<std::size_t>(grain));
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
  EXPECT_GE(seen[0], 30);
  EXPECT_GE(seen[1], 4);
  EXPECT_GE(seen[2], 8);
}

TEST(Contract, EveryLineIsComplete) {
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
