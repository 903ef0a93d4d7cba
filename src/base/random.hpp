// SPDX-License-Identifier: Apache-2.0
// Counter-based randomness (Philox4x32-10, Salmon et al., SC 2011, by Random123): a draw is a pure function of
// (seed, purpose, counters), so there is no generator state to save and every rank can make the same draw.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace talweg::base {

/// The purpose of a stream; two purposes never share draws. No file stores these values, but they determine the bits: never
/// renumber.
enum class Purpose : std::uint32_t {
  split = 1,
  order = 2,
  replacement = 3,
  initial = 4,
  noise = 5,
  lanczos = 6,
  test = 7,
  curvature = 8,
  dropout = 9,
  problem = 10,
  output = 11
};

class Random {
 public:
  Random(std::uint64_t seed, Purpose purpose);

  /// 128 random bits for the counter pair (a, b).
  [[nodiscard]] std::array<std::uint32_t, 4> bits(std::uint64_t a, std::uint64_t b = 0) const;
  /// Uniform in [0, 1) with 53 bits.
  [[nodiscard]] double uniform(std::uint64_t a, std::uint64_t b = 0) const;
  /// Standard normal (Box-Muller on the 128 bits of one counter pair).
  [[nodiscard]] double normal(std::uint64_t a, std::uint64_t b = 0) const;
  /// Uniform integer in [0, bound), bound >= 1 (multiply-shift on 64 bits; bias below bound / 2^64).
  [[nodiscard]] std::uint64_t below(std::uint64_t bound, std::uint64_t a, std::uint64_t b = 0) const;

 private:
  std::array<std::uint32_t, 2> key_;
};

/// A keyed bijection of [0, size): a Feistel network of six rounds with cycle walking (Luby and Rackoff 1988; Black and Rogaway
/// 2002), its round keys by Philox. Stateless and O(1), because every example of every step is looked up.
class Permutation {
 public:
  Permutation() = default;  // the identity on [0, 0)
  Permutation(std::uint64_t size, std::uint64_t seed, Purpose purpose, std::uint64_t stream = 0);
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t operator()(std::uint64_t i) const;  // i in [0, size)
  /// The images of first, first + 1, ..., many at once in vector registers. size <= 2^32.
  void operator()(std::uint64_t first, std::span<std::uint32_t> images) const;

 private:
  static constexpr int kRounds = 6;
  template <class Word>
  [[nodiscard]] Word network(Word i) const;
  std::uint64_t size_ = 0;
  int high_bits_ = 0;
  int low_bits_ = 0;
  std::array<std::uint32_t, kRounds> keys_{};
};

}  // namespace talweg::base
