// SPDX-License-Identifier: Apache-2.0
#include "optim/ball_noise.hpp"

#include <cmath>

#include "base/random.hpp"

namespace talweg::optim {
namespace {

constexpr std::uint64_t kLength = ~0ULL;  // counter of the draw that gives the length

}  // namespace

void add_ball_noise(VectorSpace& space, std::uint64_t seed, std::uint64_t step, double radius, Vector out) {
  const base::Random random(seed, base::Purpose::noise);
  const Temporary noise(space);
  space.for_each_block({{noise}}, {},
                       math::block_kernel([&random, step]<class Real>(const math::Block& block, math::Arrays<Real> v) {
                         for (std::size_t i = 0; i < v.count; ++i)
                           v[0][i] = static_cast<Real>(random.normal(step, block.offset + i));
                       }));
  const auto d = static_cast<double>(space.layout().parameters());
  space.axpy(radius * std::pow(random.uniform(step, kLength), 1 / d) / space.norm(noise), noise, out);
}

}  // namespace talweg::optim
