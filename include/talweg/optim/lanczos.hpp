// SPDX-License-Identifier: Apache-2.0
// Smallest eigenvalue of the Hessian of F by Lanczos with full reorthogonalisation, on metered Hessian-vector products.
#pragma once

#include <cstdint>

#include "talweg/optim/oracle.hpp"

namespace talweg::optim {

struct LanczosOptions {
  int iterations = 100;     // at most; never more than the number of parameters
  double tolerance = 1e-6;  // stop when the residual bound <= tolerance * (largest |Ritz value|)
  std::uint64_t seed = 1;   // of the starting vector
};

struct Eigenpair {
  double value = 0;        // smallest Ritz value: an upper bound of the smallest eigenvalue
  double residual = 0;     // |H v - value v|, |v| = 1: an eigenvalue lies within it
  double largest = 0;      // largest Ritz value
  int iterations = 0;      // Hessian-vector products used, the residual's included
  bool exhausted = false;  // the whole Krylov space was spanned
};

/// The smallest eigenpair of the Hessian at x over `batch`; the vector (unit length) goes to `eigenvector`.
Eigenpair smallest_eigenpair(Oracle& oracle, Vector x, const Batch& batch, const LanczosOptions& options, Vector eigenvector);

}  // namespace talweg::optim
