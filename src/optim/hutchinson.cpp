// SPDX-License-Identifier: Apache-2.0
#include "optim/hutchinson.hpp"

#include "base/random.hpp"

namespace talweg::optim {

Temporary hessian_diagonal(const StepContext& context, std::int64_t probes, Probe probe) {
  VectorSpace& space = context.space();
  const auto step = static_cast<std::uint64_t>(context.progress.step);
  const Batch batch = context.oracle.draw(step);
  const base::Random random(context.progress.seed, base::Purpose::curvature);
  Temporary diagonal(space);
  const Temporary z(space);
  const Temporary product(space);
  space.zero(diagonal);
  for (std::int64_t k = 0; k < probes; ++k) {
    const std::uint64_t draw = step * static_cast<std::uint64_t>(probes) + static_cast<std::uint64_t>(k);
    space.for_each_block({{z}}, {}, math::block_kernel([&]<class Real>(const math::Block& block, math::Arrays<Real> v) {
                           for (std::size_t i = 0; i < v.count; ++i) {
                             const std::uint64_t element = block.offset + i;
                             v[0][i] = probe == Probe::sign ? static_cast<Real>(random.uniform(draw, element) < 0.5 ? -1 : 1)
                                                            : static_cast<Real>(random.normal(draw, element));
                           }
                         }));
    context.oracle.hessian_vector(context.x(), z, batch, product);
    space.for_each_block(
        {{diagonal}}, {{z, product}},
        math::block_kernel([share = 1 / static_cast<double>(probes)]<class Real>(const math::Block&, math::Arrays<Real> v) {
          const Real part = static_cast<Real>(share);
          for (std::size_t i = 0; i < v.count; ++i) v[0][i] += part * v[1][i] * v[2][i];
        }));
  }
  return diagonal;
}

}  // namespace talweg::optim
