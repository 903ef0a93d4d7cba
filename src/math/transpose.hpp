// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace talweg::math {

/// out[c * out_step + r] = in[r * in_step + c] for r in [0, rows), c in [0, cols).
template <class Real>
void transpose(std::size_t rows, std::size_t cols, const Real* in, std::size_t in_step, Real* out, std::size_t out_step);

}  // namespace talweg::math
