// SPDX-License-Identifier: Apache-2.0
// Per-example slots on one rank: `width` numbers for each row it holds, in the rows' order. Rows lie by position, and a rank's
// are contiguous, so all ranks' one after another are the slot as a checkpoint holds it, whatever their number.
//
// A request remembers in two steps: its leaves, in parallel, take off what was remembered and note the new numbers; these go in
// when the request has succeeded on every rank, so that leaves can be done again, and nothing changes when it fails.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "talweg/state.hpp"

namespace talweg::engine {

template <class Real>
class ExampleMemory {
 public:
  ExampleMemory() = default;
  ExampleMemory(std::size_t slots, std::size_t rows, std::size_t width)
      : width_(width), slots_(slots, std::vector<Real>(rows * width)) {}

  [[nodiscard]] std::size_t slots() const { return slots_.size(); }
  [[nodiscard]] std::size_t width() const { return width_; }
  [[nodiscard]] std::span<Real> values(std::size_t slot) { return slots_.at(slot); }  // [rows, width]

  /// Before the leaves: room for `examples` rows.
  void expect(std::size_t examples) {
    rows_.resize(examples);
    noted_.resize(examples * width_);
  }
  /// Example number `at` of the request lies in row `row`: notes `numbers`, and takes off them what is remembered.
  void exchange(std::size_t slot, std::size_t at, std::uint64_t row, std::span<Real> numbers) {
    const Real* const old = slots_[slot].data() + row * width_;
    Real* const noted = noted_.data() + at * width_;
    rows_[at] = row;
    for (std::size_t k = 0; k < width_; ++k) {
      noted[k] = numbers[k];
      numbers[k] -= old[k];
    }
  }
  /// The first number of a row, as a count; and the same noted for example number `at` of the request.
  [[nodiscard]] std::int64_t count(std::size_t slot, std::uint64_t row) const {
    return static_cast<std::int64_t>(slots_[slot][row * width_]);
  }
  void note_count(std::size_t at, std::uint64_t row, std::int64_t count) {
    rows_[at] = row;
    noted_[at * width_] = static_cast<Real>(count);
  }
  /// With nothing remembered there is nothing to take off, and `numbers` may go in at once: doing it again is no different.
  void begin(std::size_t slot, std::uint64_t row, std::span<const Real> numbers) {
    std::copy(numbers.begin(), numbers.end(), slots_[slot].begin() + static_cast<std::ptrdiff_t>(row * width_));
  }
  /// What was noted is remembered.
  void commit(std::size_t slot) {
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const Real* const noted = noted_.data() + i * width_;
      std::copy(noted, noted + width_, slots_[slot].begin() + static_cast<std::ptrdiff_t>(rows_[i] * width_));
    }
  }

 private:
  std::size_t width_ = 0;
  std::vector<std::vector<Real>> slots_;
  std::vector<std::uint64_t> rows_;  // of the request's examples on this rank, in the order of its leaves
  std::vector<Real> noted_;          // [rows_, width]
};

}  // namespace talweg::engine
