// SPDX-License-Identifier: Apache-2.0
// Ends of the spectrum of the Hessian of F by Lanczos with full reorthogonalisation, on metered Hessian-vector products.
#pragma once

#include <cstdint>
#include <limits>

#include "talweg/oracle.hpp"

namespace talweg::optim {

struct LanczosOptions {
  int iterations = 100;  // at most; never more than the number of parameters
  // Stops before that when the residual bound is <= tolerance * (largest |Ritz value|) and the smallest Ritz value is below
  // stop_below. A small residual alone says that some eigenvalue is near, not that a smaller one was not missed.
  double tolerance = 1e-6;
  double stop_below = std::numeric_limits<double>::infinity();
  std::uint64_t seed = 1;  // of the starting vector
};

struct Eigenpair {
  double value = 0;        // smallest Ritz value: an upper bound of the smallest eigenvalue
  double residual = 0;     // |H v - value v|, |v| = 1: an eigenvalue lies within it
  double largest = 0;      // largest Ritz value
  int iterations = 0;      // Hessian-vector products used, the residual's included
  bool exhausted = false;  // the whole Krylov space was spanned
};

/// Bound of the probability, over the random start, that `products` steps leave an eigenvalue below `threshold` unseen when
/// their smallest Ritz value is `value` > threshold and the spectrum of `dimension` eigenvalues ends at `largest`:
///   1.648 sqrt(n) exp(-sqrt(e) (2 k - 1)),  e = (value - threshold) / (largest - threshold)
/// Kuczynski and Wozniakowski, SIAM J. Matrix Anal. Appl. 13 (1992), Theorem 4.2, for the matrix largest - H; at most 1.
double chance_of_missing(double threshold, double value, double largest, int products, std::size_t dimension);

/// The smallest eigenpair of the Hessian at x over `batch`; the vector (unit length) goes to `eigenvector`.
Eigenpair smallest_eigenpair(Oracle& oracle, Vector x, const Batch& batch, const LanczosOptions& options, Vector eigenvector);

struct SpectralNorm {
  double value = 0;     // largest |Ritz value|: no more than the largest |eigenvalue|
  double residual = 0;  // an eigenvalue lies within it
  int iterations = 0;   // Hessian-vector products used
};

/// The largest |eigenvalue| of the Hessian at x over `batch`; stops when the residual is <= tolerance * value.
SpectralNorm spectral_norm(Oracle& oracle, Vector x, const Batch& batch, const LanczosOptions& options);

}  // namespace talweg::optim
