// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>

#include "talweg/sums.hpp"

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
  return high < kTooLarge ? high : kNotFinite;  // too large for every grid
}

}  // namespace

double rounding_constant(std::int32_t exponent, std::uint64_t leaves) {
  const int k = std::max(exponent, -kGridLimit) + (leaves > 1 ? std::bit_width(leaves - 1) : 0);
  return std::ldexp(3.0, k);  // in [2^(k+1), 2^(k+2)): one ulp is 2^(k-51), and adding |v| <= 2^k stays in the binade
}

template <class Real>
void TileSum<Real>::add(std::span<const Real> share) {
  Bits highest = 0;  // an integer MAX vectorises and keeps NaN
  const auto each = [&](auto* sums, auto summand) {
    if (adds_ == 0) {
      for (std::size_t i = 0; i < share.size(); ++i) {
        highest = std::max(highest, magnitude_bits(share[i]));
        sums[i] = summand(share[i]);
      }
    } else {
      for (std::size_t i = 0; i < share.size(); ++i) {
        highest = std::max(highest, magnitude_bits(share[i]));
        sums[i] += summand(share[i]);
      }
    }
  };
  if (exact_ != nullptr) {
    each(bits_.data(), [c = constant_](Real v) { return std::bit_cast<std::uint64_t>(static_cast<double>(v) + c); });
  } else {
    each(values_.data(), [](Real v) { return v; });
  }
  highest_ = std::max(highest_, highest);
  ++adds_;
}

template <class Real>
void TileSum<Real>::finish(std::size_t rows, std::size_t columns, std::size_t offset, std::size_t tile_step) {
  const auto write = [&](auto* to, auto sum) {
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t j = 0; j < columns; ++j) {
        const auto value = sum(r * columns + j);
        auto& at = to[offset + r * tile_step + j];
        at = first_ ? value : at + value;
      }
    }
  };
  if (adds_ == 0) {
    exact_ != nullptr ? write(exact_, [](std::size_t) { return 0.0; }) : write(plain_, [](std::size_t) { return Real{0}; });
  } else if (exact_ != nullptr) {
    // Each share has added the bits of the constant; all but one are taken away, and the subtraction of the constant then
    // leaves the sum.
    const std::uint64_t others = (adds_ - 1) * std::bit_cast<std::uint64_t>(constant_);
    write(exact_, [&](std::size_t i) { return std::bit_cast<double>(bits_[i] - others) - constant_; });
  } else {
    write(plain_, [&](std::size_t i) { return values_[i]; });
  }
  adds_ = 0;
}

template <class Real>
void TileSum<Real>::add_shares(std::span<const std::span<const Real>> shares) {
  for (std::size_t at = 0; at < count_; at += kPiece) {
    const std::size_t count = std::min(kPiece, count_ - at);
    for (const std::span<const Real> share : shares) add(share.subspan(at, count));
    finish(1, count, at, 0);
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
