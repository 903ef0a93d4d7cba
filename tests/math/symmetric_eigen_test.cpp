// SPDX-License-Identifier: Apache-2.0
#include "math/symmetric_eigen.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.hpp"

namespace talweg::test {
namespace {

using Matrix = std::vector<double>;

/// Random and symmetric; of the given rank when `rank` < n, then without negative eigenvalues.
Matrix symmetric(std::size_t n, std::size_t rank, double size) {
  const base::Random random(n, base::Purpose::test);
  Matrix a(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      if (rank == n) a[i * n + j] = size * random.normal(std::min(i, j), std::max(i, j));
      for (std::size_t k = 0; rank < n && k < rank; ++k) a[i * n + j] += size * random.normal(i, k) * random.normal(j, k);
    }
  }
  return a;
}

TEST(SymmetricEigen, PairsAreEigenpairsAndOrthonormal) {
  for (const double size : {1.0, 1e-200, 1e200}) {
    for (const std::size_t n : {1UL, 2UL, 3UL, 7UL, 40UL, 123UL}) {
      for (const std::size_t rank : {n, n / 2, std::min(n, 1UL)}) {
        const Matrix a = symmetric(n, rank, size);
        const math::SymmetricEigen e = math::symmetric_eigen(n, a);
        ASSERT_TRUE(std::ranges::is_sorted(e.values));
        double norm = 0;
        for (const double v : a) norm = std::max(norm, std::abs(v));
        const double tolerance = 1e-13 * static_cast<double>(n);
        for (std::size_t k = 0; k < n; ++k) {
          const double* v = &e.vectors[k * n];
          for (std::size_t i = 0; i < n; ++i) {
            double av = 0;
            for (std::size_t j = 0; j < n; ++j) av += a[i * n + j] * v[j];
            EXPECT_NEAR(av, e.values[k] * v[i], tolerance * norm) << n << ", pair " << k;
          }
          for (std::size_t l = 0; l <= k; ++l) {
            double product = 0;
            for (std::size_t i = 0; i < n; ++i) product += v[i] * e.vectors[l * n + i];
            EXPECT_NEAR(product, k == l ? 1 : 0, tolerance) << n << ", vectors " << k << ", " << l;
          }
        }
      }
    }
  }
}

TEST(SymmetricEigen, KnownMatrices) {
  EXPECT_EQ(math::symmetric_eigen(3, Matrix(9)).values, Matrix(3)) << "zero";
  EXPECT_EQ(math::symmetric_eigen(3, Matrix{5, 0, 0, 0, -1, 0, 0, 0, 2}).values, (Matrix{-1, 2, 5})) << "diagonal";
  const Matrix values = math::symmetric_eigen(3, Matrix{2, -1, 0, -1, 2, -1, 0, -1, 2}).values;  // 2 - 2 cos(k pi / 4)
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(values[k], 2 - 2 * std::cos(static_cast<double>(k + 1) * M_PI / 4), 1e-15);
}

// After the first column only rounding is left, and after a few more it underflows, as in AdaGrad's first step on a9a.
TEST(SymmetricEigen, OuterProductOfAVector) {
  Matrix g{2, 0, 0, 0, 3, 1, 0, 0, 1, 1, 0, 1, 1, 0, 3, 0, 2, 0, 0, 1, 0, 2, 2, 1, 2, 486};  // counts of 1000 examples / 2
  double squares = 0;
  for (double& v : g) {
    v = static_cast<float>(v / 2000);
    squares += v * v;
  }
  const std::size_t n = g.size();
  Matrix a(n * n);
  for (std::size_t i = 0; i < n * n; ++i) a[i] = g[i / n] * g[i % n];
  const math::SymmetricEigen e = math::symmetric_eigen(n, a);
  EXPECT_NEAR(e.values.back(), squares, 1e-14 * squares);
  for (std::size_t k = 0; k + 1 < n; ++k) EXPECT_NEAR(e.values[k], 0, 1e-14 * squares) << k;
}

TEST(SymmetricEigen, WhatIsNotFiniteGivesNothingButNaN) {
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    const math::SymmetricEigen e = math::symmetric_eigen(3, Matrix{1, 0, bad, 0, 1, 0, bad, 0, 1});
    EXPECT_TRUE(std::ranges::all_of(e.values, [](double v) { return std::isnan(v); }));
    EXPECT_TRUE(std::ranges::all_of(e.vectors, [](double v) { return std::isnan(v); }));
  }
}

TEST(MatrixFunction, RootsGiveTheMatrixBack) {
  constexpr std::size_t n = 20;
  Matrix a = symmetric(n, n - 1, 1);
  for (std::size_t i = 0; i < n; ++i) a[i * n + i] += 0.1;
  Matrix root(n * n);
  math::matrix_function(
      math::symmetric_eigen(n, a), [](double v) { return std::sqrt(v); }, root);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      double square = 0;
      for (std::size_t k = 0; k < n; ++k) square += root[i * n + k] * root[k * n + j];
      EXPECT_NEAR(square, a[i * n + j], 1e-12);
    }
  }
}

}  // namespace
}  // namespace talweg::test
