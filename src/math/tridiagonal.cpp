// SPDX-License-Identifier: Apache-2.0
#include "math/tridiagonal.hpp"

#include <Eigen/Eigenvalues>
#include <stdexcept>

namespace talweg::math {

TridiagonalEigen tridiagonal_eigen(std::span<const double> diagonal, std::span<const double> off_diagonal) {
  const auto n = static_cast<Eigen::Index>(diagonal.size());
  const Eigen::Map<const Eigen::VectorXd> d(diagonal.data(), n);
  const Eigen::Map<const Eigen::VectorXd> e(off_diagonal.data(), n - 1);
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
  solver.computeFromTridiagonal(d, e);
  if (solver.info() != Eigen::Success) throw std::runtime_error("the eigenvalues of a tridiagonal matrix did not converge");
  TridiagonalEigen result;
  result.values.assign(solver.eigenvalues().data(), solver.eigenvalues().data() + n);
  result.vectors.assign(solver.eigenvectors().data(), solver.eigenvectors().data() + n * n);  // Eigen stores columns
  return result;
}

}  // namespace talweg::math
