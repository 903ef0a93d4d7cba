// SPDX-License-Identifier: Apache-2.0
#include "math/transpose.hpp"

#include <algorithm>

#include "math/square.hpp"

namespace talweg::math {

template <class Real>
void transpose(std::size_t rows, std::size_t cols, const Real* in, std::size_t in_step, Real* out, std::size_t out_step) {
  constexpr std::size_t kSide = Simd<Real>::kWidth;
  for (std::size_t r = 0; r < rows; r += kSide) {
    for (std::size_t c = 0; c < cols; c += kSide) {
      transpose_piece(std::min(kSide, rows - r), std::min(kSide, cols - c), in + r * in_step + c, in_step,
                      out + c * out_step + r, out_step);
    }
  }
}

template void transpose(std::size_t, std::size_t, const float*, std::size_t, float*, std::size_t);
template void transpose(std::size_t, std::size_t, const double*, std::size_t, double*, std::size_t);

}  // namespace talweg::math
