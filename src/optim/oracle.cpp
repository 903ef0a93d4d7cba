// SPDX-License-Identifier: Apache-2.0
#include "talweg/optim/oracle.hpp"

#include <algorithm>

#include "talweg/math/sums.hpp"

namespace talweg::optim {

GradientAnswer Oracle::gradient_into(const GradientRequest& request, Vector out) {
  const auto store = math::block_kernel([]<class Real>(const math::Block&, math::Arrays<Real> v) {
    std::ranges::copy(v[0], v[1].begin());
    return math::Sums{math::squared_norm<Real>(v[0])};
  });
  return gradient(request, {.kernel = store, .writes = {out}, .reads = {}});
}

}  // namespace talweg::optim
