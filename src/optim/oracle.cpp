// SPDX-License-Identifier: Apache-2.0
#include "talweg/oracle.hpp"

#include <algorithm>
#include <array>

#include "optim/coupled_prox.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {

GradientAnswer Oracle::gradient_into(const GradientRequest& request, Vector out) {
  const auto store = math::block_kernel([]<class Real>(const math::Block&, math::Arrays<Real> v) {
    std::ranges::copy(v[0], v[1].begin());
    return math::Sums{math::squared_norm<Real>(v[0])};
  });
  return gradient(request, {.kernel = store, .writes = {out}, .reads = {}});
}

void Oracle::prox(Vector x, double step) {
  const math::Proximal* omega = proximal();
  if (omega == nullptr) return;
  space().for_each_block({{x}}, {}, math::block_kernel([&]<class Real>(const math::Block& block, math::Arrays<Real> v) {
                           alignas(64) std::array<Real, math::ParameterLayout::kBlock> steps;
                           steps.fill(static_cast<Real>(step));
                           omega->apply(block, v[0], std::span<const Real>(steps).first(v.count));
                         }));
  if (omega->coupling() != nullptr) prox_coupled(space(), *omega->coupling(), x, step);
}

}  // namespace talweg::optim
