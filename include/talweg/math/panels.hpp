// SPDX-License-Identifier: Apache-2.0
// Products of a matrix with a leaf's examples, on one thread. The matrix is packed once and serves many leaves:
//
//   lanes    a leaf's examples side by side, padded to a multiple of kLaneStep: feature-major arrays are [features, lanes]
//   panels   A [rows, cols] in panels of panel_rows() rows, each stored column after column; the last is padded with zeros
//
// Every element of a product is one chain of fused multiply-adds in the order of the summed index. Its bits follow from that
// alone: not from the number of lanes, from alignment, threads or the width of this CPU's vectors.
#pragma once

#include <cstddef>

namespace talweg::math {

inline constexpr std::size_t kLaneStep = 16;
inline std::size_t padded_lanes(std::size_t examples) { return (examples + kLaneStep - 1) / kLaneStep * kLaneStep; }

/// Rows of a panel in this build.
template <class Real>
std::size_t panel_rows();
template <class Real>
std::size_t panel_count(std::size_t rows) {
  return (rows + panel_rows<Real>() - 1) / panel_rows<Real>();
}
/// Elements of A [rows, cols] packed.
template <class Real>
std::size_t packed_extent(std::size_t rows, std::size_t cols) {
  return panel_count<Real>(rows) * panel_rows<Real>() * cols;
}

/// Writes panel number `panel` of `a` [rows, cols] to its place in `packed` [packed_extent]. Panels may be packed in parallel.
template <class Real>
void pack_panel(std::size_t rows, std::size_t cols, const Real* a, std::size_t panel, Real* packed);

/// out [rows, lanes] = (add ? out : 0) + A b, b [cols, lanes], lanes a multiple of kLaneStep.
template <class Real>
void multiply(std::size_t rows, std::size_t cols, const Real* packed, std::size_t lanes, const Real* b, bool add, Real* out);
/// out [cols, lanes] = (add ? out : 0) + A^T b, b [rows, lanes].
template <class Real>
void multiply_transposed(std::size_t rows, std::size_t cols, const Real* packed, std::size_t lanes, const Real* b, bool add,
                         Real* out);

/// out[i] = sum_j a[i, j] x[j] for the rows of `a` [rows, cols] as it lies: 32 chains, added pairwise at the end.
template <class Real>
void multiply_vector(std::size_t rows, std::size_t cols, const Real* a, const Real* x, Real* out);

}  // namespace talweg::math
