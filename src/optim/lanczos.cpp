// SPDX-License-Identifier: Apache-2.0
// Lanczos (1950) with full reorthogonalisation (twice, Parlett's "twice is enough"):
//   w = H v_j - beta_{j-1} v_{j-1} - alpha_j v_j,  alpha_j = v_j' H v_j,  beta_j = |w|,  v_{j+1} = w / beta_j
// The Ritz pairs of T = tridiag(beta, alpha, beta) have the residual beta_j |last component|; the pair that is returned has its
// residual measured with one product more.
#include "talweg/optim/lanczos.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "talweg/base/random.hpp"
#include "talweg/math/tridiagonal.hpp"

namespace talweg::optim {
namespace {

constexpr int kCheckEvery = 5;        // iterations between looks at the Ritz values
constexpr double kBreakdown = 1e-12;  // beta below this times the largest |T| entry: the Krylov space is spanned

void random_direction(VectorSpace& space, std::uint64_t seed, Vector out) {
  const base::Random random(seed, base::Purpose::lanczos);
  space.for_each_block({{out}}, {}, math::block_kernel([&random]<class Real>(const math::Block& block, math::Arrays<Real> v) {
                         for (std::size_t i = 0; i < v.count; ++i) v[0][i] = static_cast<Real>(random.normal(block.offset + i));
                       }));
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
  std::vector<Temporary> basis;
  std::vector<double> alpha;
  std::vector<double> beta;
  const Temporary w(space);
  basis.emplace_back(space);
  random_direction(space, options.seed, basis[0]);
  space.scale(1 / space.norm(basis[0]), basis[0]);

  Eigenpair pair;
  math::TridiagonalEigen ritz;
  while (true) {
    const std::size_t j = alpha.size();
    oracle.hessian_vector(x, basis[j], batch, w);
    ++pair.iterations;
    alpha.push_back(space.dot(basis[j], w));
    for (int pass = 0; pass < 2; ++pass) {
      for (const Temporary& v : basis) space.axpy(-space.dot(v, w), v, w);
    }
    const double next = space.norm(w);
    const double scale = std::max(std::abs(*std::ranges::max_element(alpha, {}, [](double a) { return std::abs(a); })),
                                  beta.empty() ? 0.0 : *std::ranges::max_element(beta));
    pair.exhausted = next <= kBreakdown * scale || j + 1 == space.layout().parameters();
    const bool last = pair.exhausted || j + 1 == limit;
    if (last || (j + 1) % kCheckEvery == 0) {
      ritz = math::tridiagonal_eigen(alpha, beta);
      const std::size_t n = alpha.size();
      const double bound = next * std::abs(ritz.vectors[n - 1]);
      const double largest = std::max(std::abs(ritz.values.front()), std::abs(ritz.values.back()));
      if (last || (bound <= options.tolerance * largest && ritz.values.front() < options.stop_below)) break;
    }
    beta.push_back(next);
    basis.emplace_back(space);
    space.copy(w, basis.back());
    space.scale(1 / next, basis.back());
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

}  // namespace talweg::optim
