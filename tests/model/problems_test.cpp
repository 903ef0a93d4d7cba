// SPDX-License-Identifier: Apache-2.0
// The known facts of each problem of the registry, checked with its derivatives: derivatives match differences, gradients
// vanish at the stated points, values and eigenvalues are as stated, and constants are bounds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "math/symmetric_eigen.hpp"
#include "model/problem.hpp"
#include "talweg/error.hpp"
#include "tests/model/finite_difference.hpp"

namespace talweg::test {
namespace {

using Point = std::vector<double>;

model::UserExample example(std::size_t record) { return {.features = {}, .target = 0, .record = record}; }

/// A problem with its Omega, F as a mean over its terms.
struct Made {
  model::Regularizer::Config omega;
  model::ProblemConfig config;
  model::Known known;

  explicit Made(const std::string& text) {
    const base::Config parsed = base::Config::parse(text, "test.toml");
    omega = model::parse_regularizer(parsed.section("regularizer"));
    config = model::parse_problem(parsed.section("problem"), omega);
    parsed.reject_unread();
    known = model::known_with(config, omega);
  }
  [[nodiscard]] const model::Problem& problem() const { return *config.problem; }
  [[nodiscard]] std::size_t dimension() const { return problem().dimension(); }
  /// Mean f_i, and its gradient; one term's where `only` is its number.
  double smooth(const Point& x, Point& g, std::int64_t only = -1) const {
    g.assign(x.size(), 0);
    double value = 0;
    const std::size_t n = only < 0 ? problem().terms() : 1;
    for (std::size_t i = 0; i < n; ++i)
      value += problem().value_and_gradient(x, example(only < 0 ? i : static_cast<std::size_t>(only)), g);
    for (double& v : g) v /= static_cast<double>(n);
    return value / static_cast<double>(n);
  }
  Point product(const Point& x, const Point& v, std::int64_t only = -1) const {
    Point out(x.size());
    const std::size_t n = only < 0 ? problem().terms() : 1;
    for (std::size_t i = 0; i < n; ++i)
      problem().hessian_vector(x, v, example(only < 0 ? i : static_cast<std::size_t>(only)), out);
    for (double& o : out) o /= static_cast<double>(n);
    return out;
  }
  double value(const Point& x) const {
    Point g;
    double sum = smooth(x, g);
    for (const double v : x) sum += omega.l1 * std::abs(v) + 0.5 * omega.l2 * v * v;
    return sum;
  }
  /// |x - prox(x - grad)|_inf.
  double prox_gradient(const Point& x) const {
    Point g;
    smooth(x, g);
    double largest = 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double forward = x[j] - g[j] - omega.l2 * x[j];
      const double shrunk = std::copysign(std::max(std::abs(forward) - omega.l1, 0.0), forward);
      largest = std::max(largest, std::abs(x[j] - std::clamp(shrunk, omega.low, omega.high)));
    }
    return largest;
  }
  Point somewhere(std::uint64_t stream, double scale) const {
    const base::Random random(5, base::Purpose::test);
    Point x;
    for (std::size_t j = 0; j < dimension(); ++j)
      x.push_back(std::clamp(scale * random.normal(stream, j), omega.low, omega.high));
    return x;
  }
};

double norm(const Point& v) { return std::sqrt(dot(v, v)); }

/// Every problem with its defaults, with Omega if it knows the answer, and with its own keys set.
std::vector<std::string> all() {
  std::vector<std::string> texts;
  for (const model::ProblemEntry* entry : model::problems()) {
    texts.push_back(fmt::format("[problem]\nname = \"{}\"\n", entry->name));
    if (!entry->own_terms)
      texts.push_back(texts.back() + "terms = 8\ngradient_spread = 0.7\ncurvature_spread = 0.3\nseed = 3\n");
  }
  for (const char* more :
       {"quadratic\"\ncurvatures = [-1.0, 2.0]\ncentre = [0.5, 3.0]\n",
        "quadratic\"\ncentre = [1.0, -1.0, 0.2, 0.0, 5.0]\n[regularizer]\nl1 = 0.1\nl2 = 0.2\n",
        "noisy_quadratic\"\nspread = 2.5\nterms = 7\nseed = 9\n", "nesterov_chain\"\ndimension = 1\n",
        "nesterov_chain\"\ndimension = 9\nsmoothness = 5.0\n",
        "lasso\"\nterms = 32\ndimension = 32\n[regularizer]\nl1 = 0.4\nl2 = 0.1\n",
        "lasso\"\n[regularizer]\nl1 = 0.2\nbox = [-0.5, 1.2]\n", "manufactured\"\n[regularizer]\nl1 = 0.05\nl2 = 0.01\n",
        "manufactured\"\nterms = 60\nseed = 4\n", "staircase\"\ndimension = 1\n",
        "staircase\"\ndimension = 7\ngap = 0.5\ncoupling = 0.9\n", "rank_one\"\neigenvalues = [5.0, 0.5]\n",
        "factorization\"\nrank = 3\n", "factorization\"\nrank = 1\nsingular_values = [4.0, 2.0, 1.0, 0.5]\n",
        "phase_retrieval\"\ndimension = 2\n", "wilson\"\nterms = 21\npositives = 12\n",
        "reddi\"\nlarge = 5.0\n[regularizer]\nbox = [-1, 1]\n"})
    texts.push_back(std::string("[problem]\nname = \"") + more);
  return texts;
}

TEST(Problems, DerivativesMatchDifferences) {
  for (const std::string& text : all()) {
    const Made made(text);
    const model::UserObjective<double> objective(made.config.problem);
    const std::size_t n = made.problem().terms();
    const Point zeros(n);
    std::vector<std::uint64_t> records(n);
    for (std::size_t i = 0; i < n; ++i) records[i] = i;
    const data::Examples<double> examples{
        .count = n, .features = 1, .dense = zeros.data(), .sparse = {}, .targets = zeros, .records = records};
    check_derivatives(objective, examples, random_vector(objective.layout(), 1, 0.8), text);
  }
}

// d saddles of d numbers each would be d^2.
TEST(Problems, ALongStaircaseListsWhatFits) {
  const Made made("[problem]\nname = \"staircase\"\ndimension = 1000000\n");
  EXPECT_EQ(made.known.points.size(), 2U);
  EXPECT_EQ(made.known.points[1].kind, "saddle");
}

TEST(Problems, GradientsVanishAtTheirPoints) {
  std::size_t points = 0;
  for (const std::string& text : all()) {
    const Made made(text);
    for (const model::CriticalPoint& p : made.known.points) {
      ++points;
      ASSERT_EQ(p.x.size(), made.dimension()) << text;
      EXPECT_LE(made.prox_gradient(p.x), 1e-12) << text << p.kind;
      EXPECT_NEAR(made.value(p.x), p.value, 1e-12 * (1 + std::abs(p.value))) << text << p.kind;
      if (p.kind == "minimum") {
        ASSERT_TRUE(made.known.least) << text;
        EXPECT_DOUBLE_EQ(p.value, *made.known.least) << text;
      }
    }
    if (made.known.least) {
      ASSERT_FALSE(made.known.points.empty()) << text;
      EXPECT_EQ(made.known.points.front().kind, "minimum") << text;
    }
  }
  EXPECT_GE(points, 70U);
}

TEST(Problems, SmallestEigenvaluesAreThoseStated) {
  for (const std::string& text : all()) {
    const Made made(text);
    const std::size_t d = made.dimension();
    for (const model::CriticalPoint& p : made.known.points) {
      Point hessian(d * d);
      for (std::size_t j = 0; j < d; ++j) {
        Point unit(d);
        unit[j] = 1;
        std::ranges::copy(made.product(p.x, unit), hessian.begin() + static_cast<std::ptrdiff_t>(j * d));
      }
      const Point values = math::symmetric_eigen(d, hessian).values;
      EXPECT_NEAR(values.front(), p.curvature, 1e-12 * (1 + std::abs(values.back()))) << text << p.kind << ", F = " << p.value;
      if (p.kind == "saddle") {
        EXPECT_LT(values.front(), 0) << text;
      }
      if (p.kind == "degenerate") {
        EXPECT_EQ(norm(hessian), 0) << text;
      }
    }
  }
}

TEST(Problems, NothingLiesBelowTheLeastValue) {
  for (const std::string& text : all()) {
    const Made made(text);
    if (!made.known.least) continue;
    for (std::uint64_t k = 0; k < 200; ++k) {
      const Point& from = made.known.points.front().x;
      Point x = made.somewhere(k, k % 2 == 0 ? 0.01 : 1);  // near the minimum, and anywhere
      for (std::size_t j = 0; k % 2 == 0 && j < x.size(); ++j)
        x[j] = std::clamp(x[j] + from[j], made.omega.low, made.omega.high);
      EXPECT_GE(made.value(x), *made.known.least - 1e-12 * (1 + std::abs(*made.known.least))) << text;
    }
  }
}

TEST(Problems, ConstantsBoundTheCurvature) {
  for (const std::string& text : all()) {
    const Made made(text);
    const model::Known& known = made.known;
    double largest = 0, largest_term = 0, smallest = std::numeric_limits<double>::infinity();
    for (std::uint64_t k = 0; k < 60; ++k) {
      const Point x = made.somewhere(k, k % 2 == 0 ? 1 : 0.1);
      const Point y = made.somewhere(1000 + k, 1);
      Point v = made.somewhere(2000 + k, 1);
      for (int power = 0; power < 20; ++power) {  // towards the largest eigenvalue
        const Point hv = made.product(x, v);
        largest = std::max(largest, norm(hv) / norm(v));
        smallest = std::min(smallest, dot(v, hv) / dot(v, v));
        if (norm(hv) == 0) break;
        v = hv;
      }
      const auto term = static_cast<std::int64_t>(k % made.problem().terms());
      for (int power = 0; power < 20; ++power) {
        const Point hv = made.product(x, v, term);
        largest_term = std::max(largest_term, norm(hv) / norm(v));
        if (norm(hv) == 0) break;
        v = hv;
      }
      if (known.convex) {
        EXPECT_GE(dot(v, made.product(x, v)), -1e-12 * dot(v, v)) << text;
      }
      if (known.hessian_lipschitz) {
        Point change = made.product(x, v), between = x;
        const Point there = made.product(y, v);
        for (std::size_t j = 0; j < v.size(); ++j) change[j] -= there[j], between[j] -= y[j];
        EXPECT_LE(norm(change), (*known.hessian_lipschitz * norm(between) + 1e-10) * norm(v)) << text;
      }
    }
    const double slack = 1 + 1e-12;
    if (known.smoothness) {
      EXPECT_LE(largest, *known.smoothness * slack) << text;
    }
    if (known.term_smoothness) {
      EXPECT_LE(largest_term, *known.term_smoothness * slack) << text;
    }
    if (known.strong_convexity) {
      EXPECT_GE(smallest * slack, *known.strong_convexity) << text;
    }
    // A constant that is far too large would also be a bound, but a useless one.
    if (known.smoothness && *known.smoothness > 0) {
      EXPECT_GE(largest, 0.49 * *known.smoothness) << text;
    }
  }
}

TEST(Problems, ASumOfTermsHasTheVarianceItSays) {
  const Made made(
      "[problem]\nname = \"staircase\"\ndimension = 5\nterms = 16\ngradient_spread = 0.7\ncurvature_spread = 0.3\n");
  const Made plain("[problem]\nname = \"staircase\"\ndimension = 5\n");
  for (std::uint64_t k = 0; k < 5; ++k) {
    const Point x = made.somewhere(k, 1);
    Point mean, g, one;
    EXPECT_NEAR(made.smooth(x, mean), plain.smooth(x, g), 1e-13);
    double variance = 0;
    for (std::int64_t i = 0; i < 16; ++i) {
      made.smooth(x, one, i);
      for (std::size_t j = 0; j < x.size(); ++j) variance += std::pow(one[j] - g[j], 2) / 16;
    }
    EXPECT_NEAR(variance, 0.49 + 0.09 * dot(x, x), 1e-12);
    for (std::size_t j = 0; j < x.size(); ++j) EXPECT_NEAR(mean[j], g[j], 1e-13);
  }
}

TEST(Problems, TheChainsBoundIsTheLeastOverWhatGradientsReach) {
  const Made made("[problem]\nname = \"nesterov_chain\"\ndimension = 12\nsmoothness = 2.0\n");
  for (std::int64_t k = 0; k <= 12; ++k) {
    Point x(12);  // the minimum over the first k coordinates
    for (std::int64_t i = 0; i < k; ++i)
      x[static_cast<std::size_t>(i)] = 1 - static_cast<double>(i + 1) / static_cast<double>(k + 1);
    EXPECT_NEAR(made.value(x) - *made.known.least, made.problem().lower_bound(k).value(), 1e-13) << k;
  }
}

TEST(Problems, AnswersAreForTheOmegaTheyAreOf) {
  const Made made("[problem]\nname = \"pl_sine\"\n[regularizer]\nl2 = 0.1\n");
  EXPECT_FALSE(made.known.least);
  EXPECT_TRUE(made.known.points.empty());
  EXPECT_EQ(made.known.smoothness, 8) << "of f alone: it stands";
}

TEST(Problems, BeginWhereAskedTo) {
  Made made("[problem]\nname = \"staircase\"\nstart = [1.0, 0.0, 0.0, 0.0]\n");
  EXPECT_EQ(model::first_point(made.config, 1), (Point{1, 0, 0, 0}));
  made.config.start_radius = 0.1;
  const Point one = model::first_point(made.config, 1), two = model::first_point(made.config, 2);
  EXPECT_NE(one, two);
  for (std::size_t j = 0; j < 4; ++j) EXPECT_LE(std::abs(one[j] - (j == 0 ? 1 : 0)), 0.1);
}

std::string refusal(const std::string& text) {
  try {
    Made made(text);
  } catch (const base::Error& e) {
    return e.what();
  }
  return "";
}

TEST(Problems, RefuseWhatTheyCannotBe) {
  const auto says = [](const std::string& keys, const char* expected) {
    const std::string said = refusal("[problem]\n" + keys);
    EXPECT_NE(said.find(expected), std::string::npos) << keys << ": " << said;
  };
  says("name = \"nesterov\"\n", "nesterov_chain");
  says("name = \"staircase\"\nstart = [1.0]\n", "test.toml:3:1: problem.start: found 1 numbers, expected 4");
  says("name = \"staircase\"\ncoupling = 0.5\n", "problem.coupling");
  says("name = \"staircase\"\nterms = 6\n", "multiple of 4");
  says("name = \"lasso\"\nterms = 12\n", "power of two");
  says("name = \"rank_one\"\neigenvalues = [1.0, 2.0]\n", "smaller than the one before");
  says("name = \"wilson\"\npositives = 4\n", "more than half");
  says("name = \"pl_sine\"\ndimension = 3\n", "unknown key");
}

}  // namespace
}  // namespace talweg::test
