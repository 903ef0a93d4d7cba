// SPDX-License-Identifier: Apache-2.0
#include "engine/verdicts.hpp"

#include <algorithm>
#include <vector>

namespace talweg::engine {

void Verdicts::agree(const comm::Failure& mine, std::span<std::uint32_t> maxima) {
  constexpr std::uint32_t kSignals = 3;
  constexpr std::size_t kFixed = 1 + kSignals;
  const std::uint32_t caught = caught_ ? caught_() : 0;
  std::vector<std::uint32_t> words(kFixed + maxima.size());
  words[0] = mine.failed() ? 1 : 0;
  for (std::uint32_t bit = 0; bit < kSignals; ++bit) words[1 + bit] = caught >> bit & 1;
  std::ranges::copy(maxima, words.begin() + kFixed);
  comm_.max(words);
  for (std::uint32_t bit = 0; bit < kSignals; ++bit) signals_ |= words[1 + bit] << bit;
  if (words[0] != 0) comm::agree(comm_, mine);
  std::copy(words.begin() + kFixed, words.end(), maxima.begin());
}

}  // namespace talweg::engine
