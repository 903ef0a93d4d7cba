// SPDX-License-Identifier: Apache-2.0
#include "talweg/optim/method.hpp"

#include <algorithm>

namespace talweg::optim {

void fill_initial(VectorSpace& space, math::State& state) {
  const Vector x = state.vector("x");
  for (const std::string& name : state.layout().vectors()) {
    const Vector v = state.vector(name);
    const math::Initial initial = state.layout().initial(v);
    if (v == x) continue;
    if (initial.point) space.copy(x, v);
    if (!initial.point && initial.value != 0) {
      space.for_each_block({{v}}, {}, math::block_kernel([&]<class Real>(const math::Block&, math::Arrays<Real> arrays) {
                             std::ranges::fill(arrays[0], static_cast<Real>(initial.value));
                           }));
    }
  }
}

}  // namespace talweg::optim
