// SPDX-License-Identifier: Apache-2.0
#include "base/random.hpp"

#include <Random123/philox.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <numbers>
#include <numeric>

namespace talweg::base {
namespace {

std::uint32_t low(std::uint64_t v) { return static_cast<std::uint32_t>(v); }
std::uint32_t high(std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); }

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  const r123::Philox4x32::ctr_type c = {{counter[0], counter[1], counter[2], counter[3]}};
  const r123::Philox4x32::key_type k = {{key[0], key[1]}};
  const r123::Philox4x32::ctr_type r = r123::Philox4x32()(c, k);
  return {r[0], r[1], r[2], r[3]};
}

/// The key of (seed, purpose): one Philox call mixes all 96 bits, so that purposes never share streams.
std::array<std::uint32_t, 2> key_of(std::uint64_t seed, std::uint32_t purpose) {
  const auto mixed = philox({low(seed), high(seed), purpose, 0x7a1e3eedu}, {purpose, 0x54616c77u});
  return {mixed[0], mixed[1]};
}

double unit(std::uint32_t a, std::uint32_t b) {  // 53 bits -> [0, 1)
  const std::uint64_t bits = (std::uint64_t{a} << 32 | b) >> 11;
  return static_cast<double>(bits) * 0x1.0p-53;
}

std::uint32_t ones(int bits) { return low((std::uint64_t{1} << bits) - 1); }

/// MurmurHash3's finalizer (Appleby): every bit of x reaches every bit of the result.
std::uint32_t mixed(std::uint32_t x) {
  x = (x ^ x >> 16) * 0x85ebca6bU;
  x = (x ^ x >> 13) * 0xc2b2ae35U;
  return x ^ x >> 16;
}

}  // namespace

Random::Random(std::uint64_t seed, Purpose purpose) : key_(key_of(seed, static_cast<std::uint32_t>(purpose))) {}

std::array<std::uint32_t, 4> Random::bits(std::uint64_t a, std::uint64_t b) const {
  return philox({low(a), high(a), low(b), high(b)}, key_);
}

double Random::uniform(std::uint64_t a, std::uint64_t b) const {
  const auto r = bits(a, b);
  return unit(r[0], r[1]);
}

double Random::normal(std::uint64_t a, std::uint64_t b) const {
  const auto r = bits(a, b);
  const double u = 1.0 - unit(r[0], r[1]);  // (0, 1]: the logarithm is finite
  const double v = unit(r[2], r[3]);
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

std::uint64_t Random::below(std::uint64_t bound, std::uint64_t a, std::uint64_t b) const {
  assert(bound >= 1);
  const auto r = bits(a, b);
  const std::uint64_t word = std::uint64_t{r[0]} << 32 | r[1];
  // 64 x 64 -> high 64 bits, in halves: no extension type needed.
  const std::uint64_t p0 = (word & 0xffffffffu) * (bound & 0xffffffffu);
  const std::uint64_t p1 = (word >> 32) * (bound & 0xffffffffu);
  const std::uint64_t p2 = (word & 0xffffffffu) * (bound >> 32);
  const std::uint64_t middle = (p0 >> 32) + (p1 & 0xffffffffu) + (p2 & 0xffffffffu);
  return (word >> 32) * (bound >> 32) + (p1 >> 32) + (p2 >> 32) + (middle >> 32);
}

Permutation::Permutation(std::uint64_t size, std::uint64_t seed, Purpose purpose, std::uint64_t stream) : size_(size) {
  const int bits = size <= 4 ? 2 : std::bit_width(size - 1);  // the network permutes [0, 2^bits): less than 2 x size points
  high_bits_ = bits / 2;
  low_bits_ = bits - high_bits_;
  const auto purpose_word = static_cast<std::uint32_t>(purpose);
  auto key = keys_.begin();
  for (std::uint32_t half = 0; half < 2; ++half) {
    const auto words = philox({half, 0, low(stream), high(stream)}, key_of(seed, purpose_word));
    key = std::copy_n(words.begin(), kRounds / 2, key);
  }
}

/// Of [0, 2^bits).
template <class Word>
Word Permutation::network(Word i) const {
  const std::uint32_t low_mask = ones(low_bits_);
  const std::uint32_t high_mask = ones(high_bits_);
  auto left = static_cast<std::uint32_t>(i >> low_bits_);
  auto right = static_cast<std::uint32_t>(i) & low_mask;
  for (std::size_t round = 0; round < kRounds; round += 2) {  // the halves are swapped twice, and so are their widths
    left ^= mixed(right ^ keys_[round]) & high_mask;
    right ^= mixed(left ^ keys_[round + 1]) & low_mask;
  }
  return Word{left} << low_bits_ | right;
}

// Cycle walking: an image outside of the range is permuted again until it is inside.
std::uint64_t Permutation::operator()(std::uint64_t i) const {
  assert(i < size_);
  if (size_ < 2) return i;
  do i = network(i);
  while (i >= size_);
  return i;
}

void Permutation::operator()(std::uint64_t first, std::span<std::uint32_t> images) const {
  assert(first + images.size() <= size_ && size_ <= std::uint64_t{1} << 32);
  std::iota(images.begin(), images.end(), low(first));
  if (size_ < 2) return;
  constexpr std::size_t kTogether = 64;
  const std::uint32_t last = low(size_ - 1);
  const Permutation mine = *this;  // a copy that no store to `images` can alias: its keys stay in registers
  for (std::size_t at = 0; at < images.size(); at += kTogether) {
    const std::span<std::uint32_t> some = images.subspan(at, std::min(kTogether, images.size() - at));
    for (std::uint32_t& i : some) i = mine.network(i);
    for (std::uint32_t farthest = ~0U; farthest > last;) {
      farthest = 0;
      for (std::uint32_t& i : some) {
        const std::uint32_t next = mine.network(i);
        i = i > last ? next : i;
        farthest = std::max(farthest, i);
      }
    }
  }
}

}  // namespace talweg::base
