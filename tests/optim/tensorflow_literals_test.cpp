// SPDX-License-Identifier: Apache-2.0
// The numbers written into TensorFlow's own optimizer tests: tensorflow/python/training/*_test.py of TensorFlow 1 and, for
// ftrl's beta, tensorflow/python/keras/optimizer_v2/ftrl_test.py. Steps by a gradient that stays the same, in float64 and
// float32, compared as assertAllClose does: |found - expected| <= atol + rtol |expected|, both 1e-6 unless a test says other.
// Left out: adam_test, adadelta_test and testDense of rmsprop_test compare with NumPy code and not with numbers;
// proximal_gradient_descent_test: l1 and l2 are the optimizer's own there, and Omega's here; sparse gradients that leave rows
// out: such a row stands still there, and takes a gradient of 0 here.
#include "tests/optim/serial_oracle.hpp"

namespace talweg::test {
namespace {

struct Literal {
  const char* test;  // without the "test", "testFtrl", "testAdagradDA" or "testProximalAdagrad" before it
  const char* method;
  std::string keys;
  Point start;
  Point gradient;
  int steps;
  Point expected;
  double atol = 1e-6;
  double rtol = 1e-6;
};

// Of a test's two variables the elements one after the other.
const Point kZero = {0, 0, 0, 0};
const Point kStart = {1, 2, 4, 3};
const Point kSlope = {0.1, 0.2, 0.01, 0.02};
const Point kNext = {1, 2, 3, 4};
const Point kEven = {0.1, 0.1, 0.01, 0.01};
const Point kSteep = {112, 140};  // of (4 x_0 + 5 x_1)^2 at (1, 2)

constexpr const char* kFtrl = "name = \"ftrl\"; ";
constexpr const char* kDa = "name = \"adagrad_da\"; ";
constexpr const char* kProximal = "name = \"proximal_adagrad\"; ";
constexpr const char* kGrad = "name = \"adagrad\"; dialect = \"tf1\"; ";
constexpr const char* kRmsprop = "name = \"rmsprop\"; dialect = \"tf1\"; lr = 2.0; rho = 0.9; ";
constexpr const char* kMomentum = "name = \"momentum\"; dialect = \"tf1\"; lr = 2.0; momentum = 0.9; ";
const std::string kRate = "lr = 3.0; initial_accumulator = 0.1; ";
constexpr const char* kBoth = "l1 = 0.001; l2 = 2.0";
constexpr const char* kAll = "l1 = 0.001; l2 = 2.0; l2_shrinkage = 0.1";
constexpr const char* kBeta = "dialect = \"keras\"; beta = 0.1; ";

/// What two steps by kEven leave of kNext, one after the other as momentum_test and rmsprop_test write them out.
Point moved(double a, double b) { return {1 - a, 2 - a, 3 - b, 4 - b}; }
double by(double g, double square) { return g * 2.0 / std::sqrt(square); }
const Point kRolled = moved(0.1 * 2.0 + (0.9 * 0.1 + 0.1) * 2.0, 0.02 + (0.9 * 0.01 + 0.01) * 2.0);
const Point kPlain = moved(by(0.1, 0.901 + 1.0) + by(0.1, 0.901 * 0.9 + 0.001 + 1.0),
                           by(0.01, 0.90001 + 1.0) + by(0.01, 0.90001 * 0.9 + 1e-5 + 1.0));
const Point kHeavy = moved(by(0.1, 0.901 + 1e-5) + (0.5 * by(0.1, 0.901 + 1e-5) + by(0.1, 0.901 * 0.9 + 0.001 + 1e-5)),
                           by(0.01, 0.90001 + 1e-5) + (0.5 * by(0.01, 0.90001 + 1e-5) + by(0.01, 0.90001 * 0.9 + 2e-5)));
// testSparseStability of adagrad_test.
const Point kSmall = {0.00872496, -0.106952, 0.110467, 0.226505, -0.0147257, -0.0105945};
const Point kFlat = {-5.91278e-05, 5.31673e-05, -2.5779e-06, 4.29153e-05, -8.4877e-05, -9.48906e-05};
const Point kStable = {0.00891194, -0.10712013, 0.11047515, 0.22636929, -0.0144573, -0.01029443};

const std::vector<Literal> kLiterals = {
    {"WithoutRegularization", kFtrl, kRate, kZero, kSlope, 3, {-2.60260963, -4.29698515, -0.28432083, -0.56694895}},
    {"withoutRegularization2", kFtrl, kRate, kStart, kSlope, 3, {-2.55607247, -3.98729396, -0.28232238, -0.56096673}},
    {"WithL1", kFtrl, kRate + "l1 = 0.001", kStart, kSlope, 10, {-7.66718769, -10.91273689, -0.93460727, -1.86147261}},
    {"WithL1_L2", kFtrl, kRate + kBoth, kStart, kSlope, 10, {-0.24059935, -0.46829352, -0.02406147, -0.04830509}},
    {"WithL1_L2_L2Shrinkage", kFtrl, kRate + kAll, kStart, kSlope, 10, {-0.22578995, -0.44345796, -0.14378493, -0.13229476}},
    {"MinimizeSparseResourceVariable", kFtrl, "lr = 1.0", {1, 2}, kSteep, 1, {0, 1}, 0.01},
    {"WithBeta", kFtrl, kRate + kBeta, kStart, kSlope, 10, {-6.096838, -9.162214, -0.717741, -1.425132}},
    {"WithL2_Beta", kFtrl, kRate + kBeta + "l2 = 0.1", kStart, kSlope, 10, {-2.735487, -4.704625, -0.294335, -0.586556}},
    {"WithoutRegularizationBasic1", kDa, kRate, kZero, kSlope, 1, {-0.904534, -1.603567, -0.094821, -0.189358}},
    {"withoutRegularizationBasic2", kDa, kRate, kStart, kSlope, 1, {-0.904534, -1.603567, -0.094821, -0.189358}},
    {"WithL1", kDa, kRate + "l1 = 0.001", kStart, kSlope, 1, {-0.895489, -1.59555, -0.085339, -0.17989}},
    {"WithL1_L2", kDa, kRate + kBoth, kStart, kSlope, 1, {-0.046907, -0.093659, -0.004275, -0.009023}},
    {"MinimizeSparseResourceVariable", kDa, "lr = 1.0", {1, 2}, kSteep, 1, {-1, -1}, 1e-6, 0.01},
    {"withoutRegularization", kProximal, kRate, kZero, kSlope, 3, {-2.60260963, -4.29698515, -0.28432083, -0.56694895}},
    {"withoutRegularization2", kProximal, kRate, kStart, kSlope, 3, {-1.60261, -2.296985, 3.715679, 2.433051}},
    {"WithL1", kProximal, kRate + "l1 = 0.001", kStart, kSlope, 10, {-6.663634, -9.190331, 2.959304, 1.029232}},
    {"WithL1_L2", kProximal, kRate + kBoth, kStart, kSlope, 10, {-0.0495, -0.0995, -0.0045, -0.0095}},
    {"MinimizeSparseResourceVariable", kProximal, "lr = 1.0", {1, 2}, kSteep, 1, {0, 1}, 0.01},
    {"Basic", kGrad, kRate, kNext, kEven, 3, {-1.6026098728179932, -0.6026098728179932, 2.715679168701172, 3.715679168701172}},
    {"SparseStability", kGrad, "lr = 1.0; initial_accumulator = 0.1", kSmall, kFlat, 1, kStable},
    {"MinimizeSparseResourceVariable", kGrad, "lr = 1.0", {1, 2}, kSteep, 1, {0, 1}, 0.01},
    {"WithoutMomentum", kRmsprop, "epsilon = 1.0", kNext, kEven, 2, kPlain},
    {"WithMomentum", kRmsprop, "momentum = 0.5; epsilon = 1e-5", kNext, kEven, 2, kHeavy},
    {"Basic", kMomentum, "", kNext, kEven, 2, kRolled},
};

/// f(x) = g . x
FiniteSum slope(const Point& gradient) {
  return {.n = 1,
          .dimension = gradient.size(),
          .term =
              [gradient](std::size_t, const Point& x, Point& g) {
                double value = 0;
                for (std::size_t j = 0; j < x.size(); ++j) g[j] += gradient[j], value += gradient[j] * x[j];
                return value;
              },
          .hessian_vector = {}};
}

template <class Real>
void expect_literal(const Literal& l) {
  MethodRun<Real> run(l.method + l.keys, slope(l.gradient), l.start);
  run.steps(l.steps);
  const Point x = run.x();
  ASSERT_EQ(x.size(), l.expected.size()) << l.method << l.test;
  for (std::size_t j = 0; j < x.size(); ++j)
    EXPECT_NEAR(x[j], l.expected[j], l.atol + l.rtol * std::abs(l.expected[j])) << l.method << l.test << ", element " << j;
}

TEST(TensorflowLiterals, AreMet) {
  for (const Literal& l : kLiterals) {
    expect_literal<double>(l);
    expect_literal<float>(l);
  }
}

}  // namespace
}  // namespace talweg::test
