// SPDX-License-Identifier: Apache-2.0
// Lanczos (1950) with full reorthogonalisation (twice, Parlett's "twice is enough"):
//   w = H v_j - beta_{j-1} v_{j-1} - alpha_j v_j,  alpha_j = v_j' H v_j,  beta_j = |w|,  v_{j+1} = w / beta_j
// The Ritz pairs of T = tridiag(beta, alpha, beta) have the residual beta_j |last component|; the pair that is returned has its
// residual measured with one product more.
#include "optim/lanczos.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.hpp"
#include "math/tridiagonal.hpp"

namespace talweg::optim {
namespace {

/// The recursion: a basis of the Krylov space of H and a random vector, and T = its projection of H.
struct Krylov {
  std::vector<Temporary> basis;
  std::vector<double> alpha;
  std::vector<double> beta;
  double next = 0;         // |w|: beta to come
  bool exhausted = false;  // the whole space is spanned
};

constexpr int kCheckEvery = 5;        // iterations between looks at the Ritz values
constexpr double kBreakdown = 1e-12;  // beta below this times the largest |T| entry: the Krylov space is spanned

void random_direction(VectorSpace& space, std::uint64_t seed, Vector out) {
  const base::Random random(seed, base::Purpose::lanczos);
  space.for_each_block({{out}}, {}, math::block_kernel([&random]<class Real>(const math::Block& block, math::Arrays<Real> v) {
                         for (std::size_t i = 0; i < v.count; ++i) v[0][i] = static_cast<Real>(random.normal(block.offset + i));
                       }));
}

/// Begins the recursion, or continues it by one product; w is the remainder of the last product.
void extend(Krylov& krylov, Oracle& oracle, Vector x, const Batch& batch, std::uint64_t seed, Vector w) {
  VectorSpace& space = oracle.space();
  auto& [basis, alpha, beta, next, exhausted] = krylov;
  basis.emplace_back(space);
  if (alpha.empty()) {
    random_direction(space, seed, basis[0]);
    space.scale(1 / space.norm(basis[0]), basis[0]);
  } else {
    beta.push_back(next);
    space.copy(w, basis.back());
    space.scale(1 / next, basis.back());
  }
  const std::size_t j = alpha.size();
  oracle.hessian_vector(x, basis[j], batch, w);
  alpha.push_back(space.dot(basis[j], w));
  for (int pass = 0; pass < 2; ++pass) {
    for (const Temporary& v : basis) space.axpy(-space.dot(v, w), v, w);
  }
  next = space.norm(w);
  const double scale = std::max(std::abs(*std::ranges::max_element(alpha, {}, [](double a) { return std::abs(a); })),
                                beta.empty() ? 0.0 : *std::ranges::max_element(beta));
  exhausted = next <= kBreakdown * scale || j + 1 == space.layout().parameters();
}

}  // namespace

double chance_of_missing(double threshold, double value, double largest, int products, std::size_t dimension) {
  if (!(value > threshold)) return 1;
  // The missed eigenvalue is below the threshold: with relative error e or more in largest - H's largest eigenvalue.
  const double e = (value - threshold) / (std::max(largest, value) - threshold);
  const double bound = 1.648 * std::sqrt(static_cast<double>(dimension)) * std::exp(-std::sqrt(e) * (2 * products - 1));
  return std::min(1.0, bound);
}

Eigenpair smallest_eigenpair(Oracle& oracle, Vector x, const Batch& batch, const LanczosOptions& options, Vector eigenvector) {
  VectorSpace& space = oracle.space();
  const auto limit =
      std::min<std::size_t>(static_cast<std::size_t>(std::max(options.iterations, 1)), space.layout().parameters());
  const Temporary w(space);
  Krylov krylov;
  const auto& [basis, alpha, beta, next, exhausted] = krylov;
  Eigenpair pair;
  math::TridiagonalEigen ritz;
  while (true) {
    extend(krylov, oracle, x, batch, options.seed, w);
    ++pair.iterations;
    const std::size_t n = alpha.size();
    pair.exhausted = exhausted;
    const bool last = exhausted || n == limit;
    if (!last && n % kCheckEvery != 0) continue;
    ritz = math::tridiagonal_eigen(alpha, beta);
    const double bound = next * std::abs(ritz.vectors[n - 1]);
    const double largest = std::max(std::abs(ritz.values.front()), std::abs(ritz.values.back()));
    if (last || (bound <= options.tolerance * largest && ritz.values.front() < options.stop_below)) break;
  }

  space.zero(eigenvector);
  for (std::size_t k = 0; k < alpha.size(); ++k) space.axpy(ritz.vectors[k], basis[k], eigenvector);
  space.scale(1 / space.norm(eigenvector), eigenvector);
  oracle.hessian_vector(x, eigenvector, batch, w);
  ++pair.iterations;
  pair.value = space.dot(eigenvector, w);
  space.axpy(-pair.value, eigenvector, w);
  pair.residual = space.norm(w);
  pair.largest = ritz.values.back();
  return pair;
}

SpectralNorm spectral_norm(Oracle& oracle, Vector x, const Batch& batch, const LanczosOptions& options) {
  const auto limit =
      std::min<std::size_t>(static_cast<std::size_t>(std::max(options.iterations, 1)), oracle.space().layout().parameters());
  const Temporary w(oracle.space());
  Krylov krylov;
  SpectralNorm norm;
  while (true) {
    extend(krylov, oracle, x, batch, options.seed, w);
    const std::size_t n = krylov.alpha.size();
    const bool last = krylov.exhausted || n == limit;
    if (!last && n % kCheckEvery != 0) continue;
    const math::TridiagonalEigen ritz = math::tridiagonal_eigen(krylov.alpha, krylov.beta);
    const std::size_t k = std::abs(ritz.values.front()) > std::abs(ritz.values.back()) ? 0 : n - 1;
    norm = {.value = std::abs(ritz.values[k]),
            .residual = krylov.exhausted ? 0 : krylov.next * std::abs(ritz.vectors[k * n + n - 1]),
            .iterations = static_cast<int>(n)};
    if (last || norm.residual <= options.tolerance * norm.value) return norm;
  }
}

}  // namespace talweg::optim
