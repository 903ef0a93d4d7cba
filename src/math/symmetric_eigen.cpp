// SPDX-License-Identifier: Apache-2.0
#include "math/symmetric_eigen.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "math/buffer.hpp"
#include "math/gemm.hpp"
#include "talweg/sums.hpp"

namespace talweg::math {
namespace {

/// I - scale v v', v of n - 1 - column elements, acts on the rows and columns after `column`.
struct Reflection {
  std::vector<double> v;
  double scale = 0;
};

/// Norms up to this count as zero, in a matrix whose largest element is between 1 and 2. Of a matrix of low rank only rounding
/// errors are left, smaller by 1e-16 with each column. Below 1e-154 squares underflow, and the iteration for the eigenvalues
/// does not converge.
constexpr double kNothing = 1e-100;

/// The reflection that maps x [n] to a multiple of its first unit vector, and that multiple.
Reflection reflection_of(std::span<const double> x, double& left) {
  const double norm = std::sqrt(squared_norm(x));
  Reflection h{.v = {x.begin(), x.end()}, .scale = 0};
  left = x[0];
  if (squared_norm(x.subspan(1)) <= kNothing * kNothing) return h;
  left = x[0] > 0 ? -norm : norm;  // this sign avoids cancellation
  h.v[0] -= left;
  h.scale = 2 / squared_norm<double>(h.v);
  return h;
}

/// a [n, n], whose rows and columns from `first` count, becomes H a H:  a - v w' - w v',  w = p - (scale / 2) (p'v) v,
/// p = scale a v.
void reflect(std::size_t n, std::size_t first, const Reflection& h, std::span<double> a) {
  const std::size_t count = n - first;
  const auto row = [&](std::size_t i) { return a.subspan((first + i) * n + first, count); };
  std::vector<double> w(count);
  for (std::size_t i = 0; i < count; ++i) w[i] = h.scale * dot<double>(row(i), h.v);
  const double along = 0.5 * h.scale * dot<double>(w, h.v);
  for (std::size_t i = 0; i < count; ++i) w[i] -= along * h.v[i];
  for (std::size_t i = 0; i < count; ++i) {
    const double vi = h.v[i];
    const double wi = w[i];
    double* __restrict at = row(i).data();
    for (std::size_t j = 0; j < count; ++j) at[j] -= vi * w[j] + wi * h.v[j];
  }
}

SymmetricEigen not_a_number(std::size_t n) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  return {.values = std::vector<double>(n, nan), .vectors = std::vector<double>(n * n, nan)};
}

}  // namespace

SymmetricEigen symmetric_eigen(std::size_t n, std::span<const double> a) {
  double largest = 0;
  for (const double v : a) {
    if (!std::isfinite(v)) return not_a_number(n);
    largest = std::max(largest, std::abs(v));
  }
  // Scaled by a power of two, which loses nothing, so that squares neither overflow nor all vanish.
  const int exponent = largest > 0 ? std::ilogb(largest) : 0;
  std::vector<double> b(a.begin(), a.end());
  for (double& v : b) v = std::ldexp(v, -exponent);

  std::vector<Reflection> reflections;
  std::vector<double> diagonal(n);
  std::vector<double> off_diagonal(n - 1);
  for (std::size_t k = 0; k + 1 < n; ++k) {
    diagonal[k] = b[k * n + k];
    const auto column = std::span<const double>(b).subspan(k * n + k + 1, n - k - 1);  // as row k: b is symmetric
    const Reflection& h = reflections.emplace_back(reflection_of(column, off_diagonal[k]));
    if (h.scale != 0) reflect(n, k + 1, h, b);
  }
  diagonal[n - 1] = b.back();

  SymmetricEigen result;
  try {
    result = tridiagonal_eigen(diagonal, off_diagonal);
  } catch (const std::runtime_error&) {
    return not_a_number(n);
  }
  for (double& v : result.values) v = std::ldexp(v, exponent);
  for (std::size_t k = n - 1; k-- > 0;) {
    const Reflection& h = reflections[k];
    if (h.scale == 0) continue;
    for (std::size_t column = 0; column < n; ++column) {
      const auto y = std::span(result.vectors).subspan(column * n + k + 1, n - k - 1);
      const double along = h.scale * dot<double>(y, h.v);
      for (std::size_t i = 0; i < y.size(); ++i) y[i] -= along * h.v[i];
    }
  }
  return result;
}

void matrix_function(const SymmetricEigen& eigen, const std::function<double(double)>& f, std::span<double> out) {
  const std::size_t n = eigen.values.size();
  Buffer<double> scaled(n * n);
  for (std::size_t k = 0; k < n; ++k) {
    const double factor = f(eigen.values[k]);
    for (std::size_t i = 0; i < n; ++i) scaled[k * n + i] = factor * eigen.vectors[k * n + i];
  }
  gemm(Transpose::yes, Transpose::no, n, n, n, 1.0, eigen.vectors.data(), n, scaled.data(), n, 0.0, out.data(), n);
}

}  // namespace talweg::math
