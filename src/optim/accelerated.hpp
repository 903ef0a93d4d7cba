// SPDX-License-Identifier: Apache-2.0
// Nesterov's accelerated gradient (methods/agd.cpp) and FISTA (methods/fista.cpp), which are one loop.
#pragma once

#include <string>

#include "optim/composite.hpp"
#include "optim/searches.hpp"
#include "optim/step_size.hpp"

namespace talweg::optim {

class Accelerated final : public Method {
 public:
  enum class Restart { none, gradient, function };
  /// `name`: of its slots. `smooth`: without prox.
  Accelerated(const base::Section&, std::string name, bool smooth);

  [[nodiscard]] Needs needs() const override {
    return lr_.needs() | finds_its_lengths(search_) | Needs{Need::full_batch, Need::convex} |
           Needs::when(smooth_, Need::smooth_omega) |
           Needs::when(strongly_convex_, Need::strongly_convex, "form = \"convex\" asks for none");
  }
  void declare(math::StateLayout&, const math::ParameterLayout&) const override;
  [[nodiscard]] Grain grain() const override { return search_ || restart_ != Restart::none ? Grain::global : Grain::element; }
  [[nodiscard]] Cost cost(const CostPoint&) const override;
  StepReport advance(StepContext&) const override;

 private:
  std::string name_;
  bool smooth_;
  StepSize lr_;
  bool search_;
  bool strongly_convex_;
  double mu_ = 0;
  Restart restart_;
  Backtracking backtracking_;
};

}  // namespace talweg::optim
