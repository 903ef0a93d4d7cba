// SPDX-License-Identifier: Apache-2.0
#include "talweg/vector_space.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

template <class Real>
std::span<const Real> read(math::Arrays<Real> arrays, std::size_t k) {
  return arrays[k];
}

}  // namespace

std::vector<math::Sums> VectorSpace::tensor_sums() const {
  std::vector<math::Sums> sums(layout().tensors().size());
  const std::span<const math::Sums> of_blocks = block_sums();
  for (const math::Block& block : layout().blocks()) {
    for (std::size_t k = 0; k < sums[block.tensor].size(); ++k) sums[block.tensor][k] += of_blocks[block.index][k];
  }
  return sums;
}

std::vector<math::Sums> VectorSpace::per_tensor(std::span<const Vector> writes, std::span<const Vector> reads,
                                                const math::BlockKernel& kernel) {
  for_each_block(writes, reads, kernel);
  return tensor_sums();
}

void VectorSpace::zero(Vector out) {
  for_each_block({{out}}, {}, math::block_kernel([]<class Real>(const math::Block&, math::Arrays<Real> v) {
                   std::ranges::fill(v[0], Real{0});
                 }));
}

void VectorSpace::copy(Vector from, Vector to) {
  if (from == to) return;
  for_each_block({{to}}, {{from}}, math::block_kernel([]<class Real>(const math::Block&, math::Arrays<Real> v) {
                   std::ranges::copy(v[1], v[0].begin());
                 }));
}

void VectorSpace::scale(double a, Vector x) {
  for_each_block({{x}}, {}, math::block_kernel([a]<class Real>(const math::Block&, math::Arrays<Real> v) {
                   for (Real& value : v[0]) value *= static_cast<Real>(a);
                 }));
}

void VectorSpace::axpy(double a, Vector x, Vector y) { combine(1, y, a, x, y); }

void VectorSpace::combine(double a, Vector x, double b, Vector y, Vector out) {
  for_each_block({{out}}, {{x, y}}, math::block_kernel([a, b]<class Real>(const math::Block&, math::Arrays<Real> v) {
                   const auto ra = static_cast<Real>(a);
                   const auto rb = static_cast<Real>(b);
                   for (std::size_t i = 0; i < v.count; ++i) v[0][i] = ra * v[1][i] + rb * v[2][i];
                 }));
}

double VectorSpace::dot(Vector x, Vector y) {
  const auto kernel = math::block_kernel(
      []<class Real>(const math::Block&, math::Arrays<Real> v) { return math::Sums{math::dot<Real>(read(v, 0), read(v, 1))}; });
  return for_each_block({}, {{x, y}}, kernel)[0];
}

double VectorSpace::norm(Vector x) { return std::sqrt(dot(x, x)); }

double VectorSpace::distance(Vector x, Vector y) {
  const Temporary difference(*this);
  combine(1, x, -1, y, difference);
  return norm(difference);
}

}  // namespace talweg::optim
