// SPDX-License-Identifier: Apache-2.0
#include "talweg/math/tile_sum.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>

namespace talweg::math {
namespace {

constexpr std::uint32_t kTooLarge = static_cast<std::uint32_t>(kGridLimit - kGridMargin + 1 + 1022) << 20;  // of 2^895

std::uint32_t magnitude_bits(float v) { return std::bit_cast<std::uint32_t>(v) & ~(std::uint32_t{1} << 31); }
std::uint64_t magnitude_bits(double v) { return std::bit_cast<std::uint64_t>(v) & ~(std::uint64_t{1} << 63); }

std::uint32_t high_word(std::uint32_t float_bits) {
  if (float_bits >= 0x7f800000u) return kNotFinite;
  return static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(static_cast<double>(std::bit_cast<float>(float_bits))) >> 32);
}
std::uint32_t high_word(std::uint64_t double_bits) {
  // A magnitude whose high word alone would read as 0 must not look like "all zero".
  const auto high = std::max(static_cast<std::uint32_t>(double_bits >> 32), double_bits != 0 ? 1u : 0u);
  return high < kTooLarge ? high : kNotFinite;  // no grid is that coarse
}

}  // namespace

double rounding_constant(std::int32_t exponent, std::uint64_t leaves) {
  const int k = std::max(exponent, -kGridLimit) + (leaves > 1 ? std::bit_width(leaves - 1) : 0);
  return std::ldexp(3.0, k);  // in [2^(k+1), 2^(k+2)): one ulp is 2^(k-51), and adding |v| <= 2^k stays in the binade
}

template <class Real>
void TileSum<Real>::start(std::size_t count) {
  in_piece_ = count;
  if (exact_ != nullptr) {
    std::fill_n(bits_.begin(), count, std::bit_cast<std::uint64_t>(constant_));
  } else {
    std::fill_n(values_.begin(), count, Real{0});
  }
}

template <class Real>
void TileSum<Real>::add(std::span<const Real> share) {
  Bits highest = 0;  // an integer MAX vectorises and keeps NaN
  if (exact_ != nullptr) {
    const double constant = constant_;
    const auto base = std::bit_cast<std::uint64_t>(constant);
    for (std::size_t i = 0; i < share.size(); ++i) {
      highest = std::max(highest, magnitude_bits(share[i]));
      bits_[i] += std::bit_cast<std::uint64_t>(static_cast<double>(share[i]) + constant) - base;
    }
  } else {
    for (std::size_t i = 0; i < share.size(); ++i) {
      highest = std::max(highest, magnitude_bits(share[i]));
      values_[i] += share[i];
    }
  }
  highest_ = std::max(highest_, highest);
}

template <class Real>
void TileSum<Real>::finish(std::size_t step, std::size_t columns, std::size_t offset, std::size_t tile_step) {
  for (std::size_t from = 0; from < in_piece_; from += step, offset += tile_step) {
    if (exact_ != nullptr) {
      double* to = exact_ + offset;
      for (std::size_t j = 0; j < columns; ++j) {
        const double sum = std::bit_cast<double>(bits_[from + j]) - constant_;
        to[j] = first_ ? sum : to[j] + sum;
      }
    } else {
      Real* to = plain_ + offset;
      for (std::size_t j = 0; j < columns; ++j) to[j] = first_ ? values_[from + j] : to[j] + values_[from + j];
    }
  }
}

template <class Real>
void TileSum<Real>::add_shares(std::span<const std::span<const Real>> shares) {
  for (std::size_t at = 0; at < count_; at += kPiece) {
    const std::size_t count = std::min(kPiece, count_ - at);
    start(count);
    for (const std::span<const Real> share : shares) add(share.subspan(at, count));
    finish(count, count, at, 0);
  }
  end();
}

template <class Real>
std::uint32_t TileSum<Real>::highest() const {
  return high_word(highest_);
}

template class TileSum<float>;
template class TileSum<double>;

}  // namespace talweg::math
