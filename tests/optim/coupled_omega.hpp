// SPDX-License-Identifier: Apache-2.0
// Omega = its coupling alone.
#pragma once

#include "talweg/proximal.hpp"

namespace talweg::test {

class CoupledOmega final : public math::Proximal {
 public:
  explicit CoupledOmega(math::Coupling coupling) : coupling_(std::move(coupling)) {}
  void apply(const math::Block&, std::span<float>, std::span<const float>) const override {}
  void apply(const math::Block&, std::span<double>, std::span<const double>) const override {}
  [[nodiscard]] const math::Coupling* coupling() const override { return &coupling_; }

 private:
  math::Coupling coupling_;
};

}  // namespace talweg::test
