// SPDX-License-Identifier: Apache-2.0
// Sums whose bits depend on the data alone, in two ways: in sixteen lanes, where one thread has all terms, and on a grid, where
// leaves in any order, threads and ranks add up a gradient.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace talweg::math {

inline constexpr std::size_t kLanes = 16;

/// The sum in parts: each but the last adds a multiple of kLanes terms.
class LaneSum {
 public:
  /// Adds term(i) for i in [0, count).
  template <class Term>
  void add(std::size_t count, Term term) {
    std::array<double, kLanes> lanes = lanes_;
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      for (std::size_t k = 0; k < kLanes; ++k) lanes[k] += term(i + k);
    }
    for (std::size_t k = 0; i + k < count; ++k) lanes[k] += term(i + k);
    lanes_ = lanes;
  }
  [[nodiscard]] double total() const {
    std::array<double, kLanes> lanes = lanes_;
    for (std::size_t width = kLanes / 2; width > 0; width /= 2) {
      for (std::size_t i = 0; i < width; ++i) lanes[i] += lanes[i + width];
    }
    return lanes[0];
  }

 private:
  std::array<double, kLanes> lanes_{};
};

/// sum over i of term(i), i in [0, count).
template <class Term>
double lane_sum(std::size_t count, Term term) {
  LaneSum sum;
  sum.add(count, term);
  return sum.total();
}

template <class Real>
double dot(std::span<const Real> a, std::span<const Real> b) {
  return lane_sum(a.size(), [&](std::size_t i) { return static_cast<double>(a[i]) * static_cast<double>(b[i]); });
}

template <class Real>
double squared_norm(std::span<const Real> a) {
  return dot(a, a);
}

/// Magnitudes are sent as the high 32 bits of the double |v|, which MAX orders correctly. NaN, Inf and what is too large for
/// every grid (>= 2^895) are the largest.
inline constexpr std::uint32_t kNotFinite = 0x7ff00000u;
/// Grid exponents E stay within +-kGridLimit, so that every constant and sum is a normal double.
inline constexpr std::int32_t kGridLimit = 900;
/// How far E lies above the exponent of the largest element it was chosen for.
inline constexpr std::int32_t kGridMargin = 5;

/// The number whose addition rounds |v| < 2^exponent to the grid of `leaves` leaves.
[[nodiscard]] double rounding_constant(std::int32_t exponent, std::uint64_t leaves);

template <class Real>
class TileSum {
 public:
  static constexpr std::size_t kPiece = 1536;  // elements of a piece, at most
  static constexpr std::size_t kTogether = 4;  // shares of add_each() at a time

  /// Exact: shares are rounded with `constant` and added to `sums` [tile elements], which are overwritten if `first`. `scratch`
  /// has kTogether times as many elements.
  TileSum(double constant, bool first, std::span<double> sums, std::span<Real> scratch)
      : constant_(constant), first_(first), count_(sums.size()), exact_(sums.data()), scratch_(scratch) {}
  /// Without a grid, in the run's precision: the result depends on the order of additions.
  TileSum(bool first, std::span<Real> sums, std::span<Real> scratch)
      : first_(first), count_(sums.size()), plain_(sums.data()), scratch_(scratch) {}

  /// The simple way: share(leaf, out) is called once for each leaf 0, 1, ... and fills out [tile elements].
  template <class Share>
  void add_each(std::size_t leaves, Share share) {
    std::array<std::span<const Real>, kTogether> shares;
    std::size_t together = 0;
    for (std::size_t leaf = 0; leaf < leaves; ++leaf) {
      const std::span<Real> out = scratch_.subspan(together * count_, count_);
      share(leaf, out);
      shares[together++] = out;
      if (together < kTogether && leaf + 1 < leaves) continue;
      add_shares(std::span(shares).first(together));
      together = 0;
    }
    if (leaves == 0) add_shares({});
  }

  /// The fast way, for shares that are computed piece by piece: add each leaf's [rows, columns] of a piece, then say where in
  /// the tile their sum belongs: row r to elements [offset + r * tile_step, ... + columns). Pieces of at most kPiece elements
  /// cover the tile once; end() follows the last.
  void add(std::span<const Real> share);
  void finish(std::size_t rows, std::size_t columns, std::size_t offset, std::size_t tile_step);
  void end() { first_ = false; }

  /// Largest magnitude among the elements of all shares, as high bits (see kNotFinite).
  [[nodiscard]] std::uint32_t highest() const;

 private:
  using Bits = std::conditional_t<sizeof(Real) == 4, std::uint32_t, std::uint64_t>;
  void add_shares(std::span<const std::span<const Real>> shares);

  double constant_ = 0;
  bool first_;
  std::size_t count_;
  double* exact_ = nullptr;  // one of the two
  Real* plain_ = nullptr;
  std::span<Real> scratch_;
  std::uint64_t adds_ = 0;                              // to the current piece
  Bits highest_ = 0;                                    // the largest |element|, as Real's bits
  alignas(64) std::array<std::uint64_t, kPiece> bits_;  // exact: those of share + constant, added up
  alignas(64) std::array<Real, kPiece> values_;         // plain
};

}  // namespace talweg::math
