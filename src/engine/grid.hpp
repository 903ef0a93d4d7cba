// SPDX-License-Identifier: Apache-2.0
// The grids of exact sums (talweg/sums.hpp): per tensor an exponent E with every |leaf element| < 2^E.
//
// E is predicted from the method's last request of the same kind; all ranks hold it and it is checkpointed, since it decides
// the bits. An observer's full gradient uses the method's E too, so that its bits do not depend on when the last evaluation
// happened; other requests of observers use the E of their own last request. Before the big sum all ranks agree on max |v| per tensor: if it reached 2^E
// the leaves are redone once with a new E. After each request E = exponent(max) + 5, unless max = 0. What is below half the
// grid becomes 0: 2^-44 of the tensor's largest element in the last request with 8 leaves, 2^-39 with 256.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "talweg/meter.hpp"

namespace talweg::engine {

/// Requests of one kind by one asker have leaf elements of about one size.
enum class Kind : std::uint8_t { batch_gradient, batch_combination, full_gradient, batch_hvp, full_hvp };
inline constexpr std::size_t kKinds = 5;

class Grids {
 public:
  explicit Grids(std::size_t tensors) : tensors_(tensors), exponents_(2 * kKinds * tensors, kUnset) {}
  /// E of each tensor.
  [[nodiscard]] std::span<const std::int32_t> exponents(Asker asker, Kind kind) const {
    return std::span(exponents_).subspan(row(asker, kind), tensors_);
  }
  /// True when some tensor's maximum does not fit under its E (or there is no E yet).
  [[nodiscard]] bool outgrown(Asker asker, Kind kind, std::span<const std::uint32_t> maxima) const;
  /// E = exponent(max) + 5 where max is not 0.
  void follow(Asker asker, Kind kind, std::span<const std::uint32_t> maxima);
  /// E of the observers' full gradient := that of the method's gradients, of minibatches if it asks for those; none: no E.
  void observe_as_the_method_asks();
  /// All exponents, to checkpoint and to send.
  [[nodiscard]] std::span<std::int32_t> all() { return exponents_; }
  [[nodiscard]] std::span<const std::int32_t> all() const { return exponents_; }

  static constexpr std::int32_t kUnset = -2000;

 private:
  /// Where the exponents of such requests begin.
  [[nodiscard]] std::size_t row(Asker asker, Kind kind) const {
    return (static_cast<std::size_t>(asker) * kKinds + static_cast<std::size_t>(kind)) * tensors_;
  }
  std::size_t tensors_;
  std::vector<std::int32_t> exponents_;
};

}  // namespace talweg::engine
