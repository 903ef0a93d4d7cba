// SPDX-License-Identifier: Apache-2.0
// What the coordinator announces: one fixed-size header to all ranks, then the points they do not hold yet. Where every rank
// runs the step (Placement) its requests need no announcement: each rank makes them itself.
#pragma once

#include <array>
#include <cstdint>

#include "talweg/meter.hpp"

namespace talweg::engine {

enum class Verb : std::uint8_t {
  stop,
  gradient,
  hessian_vector,
  along,
  evaluate,
  state,
  step,
  copy,
  complete,
  gather,
  examples
};
enum class Part : std::uint8_t { train, valid, test };

struct Request {
  static constexpr std::size_t kPoints = 4;
  static constexpr std::size_t kLengths = 16;

  Verb verb = Verb::stop;
  Asker asker = Asker::method;
  Part part = Part::train;
  bool mirrored = false;  // made by every rank itself
  bool all = true;        // else minibatch number `ticket`
  std::uint64_t ticket = 0;
  std::uint32_t points = 0;
  std::uint32_t lengths = 0;
  std::uint32_t stop_code = 0;                // verb stop
  std::int64_t step = 0;                      // steps done before the one that asks
  std::int64_t left_out = 0;                  // verb step: of them
  double factor = 1;                          // verb step: the schedule's
  bool remembers = false;                     // verb gradient: with the per-example slot `memory`
  bool begins = false;                        // and nothing is in it yet
  bool skips = false;                         // verb gradient: leaves out what the per-example slot `memory` says
  std::uint32_t memory = 0;                   // also of verb examples
  bool loaded = false;                        // verb state: the per-example slots follow
  std::array<std::uint32_t, kPoints> slot{};  // of points that every rank finds in its own store; of what the last verbs move
  std::array<bool, kPoints> stored{};
  std::array<std::uint32_t, kPoints> place{};  // of the points among the held ones (HeldPoints)
  std::array<bool, kPoints> fresh{};           // not what was last in this place: it follows the header, unless stored
  std::array<double, kPoints> weight{};        // verb gradient
  std::array<double, kLengths> length{};       // verb along
};

}  // namespace talweg::engine
