// SPDX-License-Identifier: Apache-2.0
// One pass over examples, as every rank makes it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "talweg/meter.hpp"
#include "talweg/state.hpp"

namespace talweg::engine {

enum class Part : std::uint8_t { train, valid, test };

struct Query {
  enum class What : std::uint8_t { gradient, hessian_vector, along, evaluate };
  /// What a gradient does with a per-example slot.
  enum class Memory : std::uint8_t {
    none,
    begin,     // stores every example's numbers; nothing is stored yet
    exchange,  // takes off what is stored, then stores the numbers in its place
    skip,      // leaves out examples that had no gradient lately (optim/skipping.hpp); the slot counts their visits
  };
  static constexpr std::size_t kPoints = 4;

  What what = What::gradient;
  Asker asker = Asker::method;
  Part part = Part::train;
  bool all = true;  // else minibatch number `ticket`
  std::uint64_t ticket = 0;
  std::uint32_t points = 0;
  std::array<math::Vector, kPoints> at{};  // [points]; hessian_vector, along: the point, then the direction
  std::array<double, kPoints> weight{};    // [points] of a gradient
  std::span<const double> lengths{};       // along
  Memory memory = Memory::none;
  math::PerExample slot{};

  [[nodiscard]] bool is_gradient() const { return what == What::gradient; }
  [[nodiscard]] bool is_product() const { return what == What::hessian_vector; }
};

}  // namespace talweg::engine
