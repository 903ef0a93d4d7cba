// SPDX-License-Identifier: Apache-2.0
// The gradient of a large batch, put together from minibatches that no step has: SCSG's, and the growing one of practical SVRG.
#pragma once

#include <algorithm>
#include <vector>

#include "talweg/optim/method.hpp"

namespace talweg::optim {

class LargeBatch {
 public:
  /// `minibatches` of them; as many as a pass has, or more, are all examples.
  LargeBatch(std::int64_t minibatches, std::int64_t batches_per_epoch)
      : minibatches_(minibatches), all_(minibatches >= batches_per_epoch) {}

  /// out = its gradient at `at`, in one request after the other. `step` makes its minibatches other than another step's.
  void gradient(Oracle& oracle, std::int64_t step, Vector at, Vector out) const {
    if (all_) {
      oracle.gradient_into(at, oracle.all(), out);
      return;
    }
    std::vector<Batch> batches;
    double examples = 0;
    for (std::int64_t k = 0; k < minibatches_; ++k) {
      batches.push_back(oracle.draw(kTickets + static_cast<std::uint64_t>(step * minibatches_ + k)));
      examples += static_cast<double>(batches.back().size);
    }
    for (const Batch& batch : batches) {
      GradientRequest request{.terms = {{static_cast<double>(batch.size) / examples, at}}, .shifts = {}, .batch = batch};
      if (&batch != &batches.front()) request.shifts.push_back({1.0, out});
      oracle.gradient_into(request, out);
    }
  }

  /// A bound where b does not divide n: some minibatch may be short.
  [[nodiscard]] Cost cost(const CostPoint& p) const {
    if (all_) return {.gradients = p.n};
    const bool even = p.batch * p.batches_per_epoch == p.n;
    // The largest b that n takes batches_per_epoch of.
    const std::int64_t most = even ? p.batch : std::max(p.batch, (p.n - 1) / (p.batches_per_epoch - 1));
    return {.gradients = minibatches_ * most, .bound = !even};
  }

 private:
  static constexpr std::uint64_t kTickets = 1ULL << 40;  // from here on; steps take those before
  std::int64_t minibatches_;
  bool all_;
};

}  // namespace talweg::optim
