// SPDX-License-Identifier: Apache-2.0
// The gradient of a large batch that is made of minibatches no other request has: used by SCSG, by practical SVRG (whose mixed
// steps take one of them) and RSAG with growing batches, and by 2-RSG to judge its candidates.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "talweg/method.hpp"

namespace talweg::optim {

class LargeBatch {
 public:
  /// `minibatches` of them; as many as a pass has, or more, are all examples.
  LargeBatch(std::int64_t minibatches, std::int64_t batches_per_epoch)
      : minibatches_(minibatches), all_(minibatches >= batches_per_epoch) {}

  [[nodiscard]] bool all() const { return all_; }
  [[nodiscard]] std::int64_t minibatches() const { return minibatches_; }
  /// The ticket of its minibatch number k.
  [[nodiscard]] std::uint64_t ticket(std::int64_t step, std::int64_t k) const {
    return kTickets + static_cast<std::uint64_t>(step * minibatches_ + k);
  }
  /// out = its gradient at `at`, one request for each minibatch; returns the loss there. Different steps have different
  /// minibatches, as long as their number does not fall from step to step.
  double gradient(Oracle& oracle, std::int64_t step, Vector at, Vector out,
                  std::optional<math::PerExample> skips = std::nullopt) const {
    if (all_)
      return oracle.gradient_into({.terms = {{1.0, at}}, .shifts = {}, .batch = oracle.all(), .skips = skips}, out).value;
    std::vector<Batch> batches;
    double examples = 0;
    for (std::int64_t k = 0; k < minibatches_; ++k) {
      batches.push_back(oracle.draw(ticket(step, k)));
      examples += static_cast<double>(batches.back().size);
    }
    double loss = 0;
    for (const Batch& batch : batches) {
      const double share = static_cast<double>(batch.size) / examples;
      GradientRequest request{.terms = {{share, at}}, .shifts = {}, .batch = batch, .skips = skips};
      if (&batch != &batches.front()) request.shifts.push_back({1.0, out});
      loss += share * oracle.gradient_into(request, out).value;
    }
    return loss;
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
