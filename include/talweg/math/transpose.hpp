// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace talweg::math {

/// out[c * out_step + r] = in[r * in_step + c] for r in [0, rows), c in [0, cols).
template <class Real>
void transpose(std::size_t rows, std::size_t cols, const Real* in, std::size_t in_step, Real* out, std::size_t out_step) {
  constexpr std::size_t kSide = 16;  // a square of in and of out both stay in cache
  for (std::size_t r = 0; r < rows; r += kSide) {
    const std::size_t height = rows - r < kSide ? rows - r : kSide;
    for (std::size_t c = 0; c < cols; c += kSide) {
      const std::size_t width = cols - c < kSide ? cols - c : kSide;
      if (height == kSide && width == kSide) {  // fixed bounds: the compiler makes shuffles of it
        for (std::size_t j = 0; j < kSide; ++j) {
          for (std::size_t i = 0; i < kSide; ++i) out[(c + j) * out_step + r + i] = in[(r + i) * in_step + c + j];
        }
      } else {
        for (std::size_t j = 0; j < width; ++j) {
          for (std::size_t i = 0; i < height; ++i) out[(c + j) * out_step + r + i] = in[(r + i) * in_step + c + j];
        }
      }
    }
  }
}

}  // namespace talweg::math
