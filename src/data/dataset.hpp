// SPDX-License-Identifier: Apache-2.0
// One rank's share of a data set: the rows of the shards it owns, dense or CSR, in the run's precision.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/shards.hpp"
#include "math/buffer.hpp"
#include "talweg/examples.hpp"

namespace talweg::data {

/// Rows in the order of positions: shard after shard, each in the order of its positions.
template <class Real>
class Dataset {
 public:
  Dataset() = default;
  Dataset(Shape shape, ShardPlan plan, ShardPlan::Owned owned) : shape_(std::move(shape)), plan_(plan), owned_(owned) {}

  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] const ShardPlan& plan() const { return plan_; }
  [[nodiscard]] const ShardPlan::Owned& owned() const { return owned_; }
  [[nodiscard]] bool owns(const Leaf& leaf) const { return owned_.contains(leaf.shard); }
  [[nodiscard]] std::size_t rows() const { return targets.size(); }  // held by this rank
  [[nodiscard]] std::size_t bytes() const;                           // memory held

  // Storage, dense or CSR. The loader fills it.
  math::Buffer<Real> dense;              // [rows, features]
  std::vector<std::uint64_t> row_begin;  // CSR: [rows + 1]
  std::vector<std::int32_t> column;
  std::vector<Real> value;
  std::vector<Real> targets;           // [rows]
  std::vector<std::uint64_t> records;  // [rows] record number in the file, 0-based

 private:
  Shape shape_;
  ShardPlan plan_;
  ShardPlan::Owned owned_;
};

/// A leaf's examples, ready for an objective. Dense rows are copied together (or used in place when contiguous); sparse rows
/// are referred to by pointers. Reused from request to request: allocates nothing after its largest leaf.
template <class Real>
class Gathered {
 public:
  /// `places` [leaf.count]: places within the leaf's shard, which the data set must own. The view lives until the next call.
  const Examples<Real>& gather(const Dataset<Real>& data, std::uint32_t shard, std::span<const std::uint32_t> places,
                               const std::optional<Draw>& draw = std::nullopt);
  [[nodiscard]] const Examples<Real>& examples() const { return view_; }

 private:
  Examples<Real> view_;
  math::Buffer<Real> dense_;
  std::vector<SparseRow<Real>> sparse_;
  std::vector<Real> targets_;
  std::vector<std::uint64_t> records_;
};

}  // namespace talweg::data
