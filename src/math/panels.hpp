// SPDX-License-Identifier: Apache-2.0
// Products of a leaf's examples, a row each, with a matrix that is packed once and serves many leaves; on one thread.
//
//   panels   B [inner, cols] cut into panels of a few columns, each stored row after row
//
// Every element of a product is one chain of fused multiply-adds in the order of the summed index. Its bits follow from that
// alone: not from the number of examples, from alignment, threads or the width of this CPU's vectors.
#pragma once

#include <cstddef>

#include "math/rows.hpp"

namespace talweg::math {

/// Panels of a matrix with so many columns, in this build. All of B takes inner * cols elements.
template <class Real>
std::size_t panel_count(std::size_t cols);

/// Writes panel number `panel` of b [inner, cols] to its place in `packed`. Panels may be packed in parallel.
template <class Real>
void pack_panel(std::size_t inner, std::size_t cols, Rows<Real> b, std::size_t panel, Real* packed);
/// The same for B = t^T, t [cols, inner].
template <class Real>
void pack_transposed_panel(std::size_t inner, std::size_t cols, Rows<Real> t, std::size_t panel, Real* packed);

/// out [count, cols] = start + left [count, inner] B, rows of out `out_step` apart. No `start.first`: zeros; a start of step 0
/// is one row for all; out itself adds to it.
template <class Real>
void multiply(std::size_t count, std::size_t inner, std::size_t cols, Rows<Real> left, const Real* packed, Rows<Real> start,
              Real* out, std::size_t out_step);

/// out[i] = sum_j a[i, j] x[j] for the rows of `a` [rows, cols], not packed: 32 chains, added pairwise at the end.
template <class Real>
void multiply_vector(std::size_t rows, std::size_t cols, const Real* a, const Real* x, Real* out);

}  // namespace talweg::math
