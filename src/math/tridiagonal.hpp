// SPDX-License-Identifier: Apache-2.0
// Eigenvalues and eigenvectors of a small symmetric tridiagonal matrix (by Eigen).
#pragma once

#include <span>
#include <vector>

namespace talweg::math {

struct TridiagonalEigen {
  std::vector<double> values;   // [n], ascending
  std::vector<double> vectors;  // [n, n], column k belongs to values[k]: element i at [k * n + i]
};

/// `diagonal` [n], `off_diagonal` [n - 1], n >= 1. Throws std::runtime_error when the iteration does not converge.
TridiagonalEigen tridiagonal_eigen(std::span<const double> diagonal, std::span<const double> off_diagonal);

}  // namespace talweg::math
