// SPDX-License-Identifier: Apache-2.0
// Eigenvalues, eigenvectors and functions of small symmetric matrices, on one thread, every sum in a fixed order: for methods
// that take roots of matrices.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "math/tridiagonal.hpp"

namespace talweg::math {

using SymmetricEigen = TridiagonalEigen;

/// Of the symmetric `a` [n, n], n >= 1: Householder's reduction to tridiagonal form (Golub & Van Loan, algorithm 8.3.1), then
/// math/tridiagonal.hpp. About 7 n^3 multiplications. Never throws because of a matrix, so that a rank may call it between
/// collectives: if an element is not finite, or the iteration does not converge, the whole result is NaN.
SymmetricEigen symmetric_eigen(std::size_t n, std::span<const double> a);

/// out [n, n] = f(A) = sum_k f(lambda_k) v_k v_k'.
void matrix_function(const SymmetricEigen&, const std::function<double(double)>& f, std::span<double> out);

}  // namespace talweg::math
