// SPDX-License-Identifier: Apache-2.0
// After its leaves every rank tells how they went, before anything is summed: one small MAX over all ranks.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "comm/agree.hpp"
#include "talweg/communicator.hpp"

namespace talweg::engine {

class Verdicts {
 public:
  explicit Verdicts(comm::Communicator& comm) : comm_(comm) {}

  /// Collective. Throws comm::AgreedFailure on all ranks when one has failed. `maxima` become the maxima over the ranks.
  void agree(const comm::Failure& mine, std::span<std::uint32_t> maxima);

  /// Asked at every verdict: the signals (base::Signal bits) that this rank has caught since.
  void watch_signals(std::function<std::uint32_t()> caught) { caught_ = std::move(caught); }
  /// What any rank has caught so far: the same on all ranks.
  [[nodiscard]] std::uint32_t signals() const { return signals_; }
  void forget_signals() { signals_ = 0; }

 private:
  comm::Communicator& comm_;
  std::function<std::uint32_t()> caught_;
  std::uint32_t signals_ = 0;
};

}  // namespace talweg::engine
