// SPDX-License-Identifier: Apache-2.0
// A view of some examples, as an objective sees them: dense rows or sparse rows, and one target each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace talweg::data {

/// Facts about a data set that all ranks share.
struct Shape {
  std::uint64_t count = 0;  // examples over all ranks
  std::size_t features = 0;
  bool sparse = false;
  std::vector<std::string> classes;  // class names in index order; empty: targets are numbers
};

/// One sparse row: `count` pairs (column, value), columns ascending.
template <class Real>
struct SparseRow {
  const std::int32_t* column = nullptr;
  const Real* value = nullptr;
  std::size_t count = 0;
};

/// The key of randomness inside a term (dropout), together with the example's record: the run's seed and the minibatch's
/// number.
struct Draw {
  std::uint64_t seed = 0;
  std::uint64_t ticket = 0;
};

/// `count` examples of `features` features. Exactly one of dense and sparse is set (neither when count is 0).
/// targets[i]: the class index for classification, the number for regression, exact in Real either way.
template <class Real>
struct Examples {
  std::size_t count = 0;
  std::size_t features = 0;
  const Real* dense = nullptr;              // [count, features], row-major, 64-byte aligned when gathered
  std::span<const SparseRow<Real>> sparse;  // [count]
  std::span<const Real> targets;            // [count]
  std::span<const std::uint64_t> records;   // [count], position in the file, for messages and user-written terms
  std::optional<Draw> draw{};               // empty: the terms without randomness
  [[nodiscard]] bool is_sparse() const { return dense == nullptr; }
};

}  // namespace talweg::data
