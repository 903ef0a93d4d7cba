// SPDX-License-Identifier: Apache-2.0
// What was asked of the oracle, what was sent to other ranks, and where the time went. Counts and times are plain data, which
// every room may see.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace talweg::comm {

/// Messages and bytes that this rank passed to collectives. A gather counts with the bytes of its result.
struct Traffic {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};

}  // namespace talweg::comm

namespace talweg::engine {

/// Who asks: the method, or those who watch it (evaluation, stop criteria, certificate). Metered and rounded apart.
enum class Asker : std::uint8_t { method = 0, observer = 1 };

/// Oracle calls, each counted per example.
struct Costs {
  std::int64_t gradients = 0;
  std::int64_t hvps = 0;
  std::int64_t values = 0;
  std::int64_t redone = 0;  // example-gradients computed twice because a leaf outgrew its grid
};

/// Seconds of the coordinator in each phase of the requests so far.
struct Phases {
  double gradient = 0;   // local oracle work: gradients, values, Hessian-vector products
  double allreduce = 0;  // verdicts and sums, waiting for slower ranks included
  double update = 0;     // sinks and vector arithmetic
  double broadcast = 0;  // announcements and points

  Phases& operator+=(const Phases& o) {
    gradient += o.gradient;
    allreduce += o.allreduce;
    update += o.update;
    broadcast += o.broadcast;
    return *this;
  }
  friend Phases operator-(Phases a, const Phases& b) {
    return {a.gradient - b.gradient, a.allreduce - b.allreduce, a.update - b.update, a.broadcast - b.broadcast};
  }
};

struct Meter {
  std::array<Costs, 2> costs;  // by Asker
  Phases phases;
  [[nodiscard]] Costs& of(Asker asker) { return costs[static_cast<std::size_t>(asker)]; }
  [[nodiscard]] const Costs& of(Asker asker) const { return costs[static_cast<std::size_t>(asker)]; }
};

}  // namespace talweg::engine
