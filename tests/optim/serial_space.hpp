// SPDX-License-Identifier: Apache-2.0
// Vectors in one process, block after block: the space of SerialOracle.
#pragma once

#include <array>
#include <deque>
#include <span>
#include <vector>

#include "talweg/vector_space.hpp"

namespace talweg::test {

template <class Real>
class SerialSpace final : public optim::VectorSpace {
 public:
  SerialSpace(const math::ParameterLayout& layout, std::size_t declared) : layout_(layout), slots_(declared) {
    for (auto& s : slots_) s.assign(layout_.extent(), Real{0});
  }
  const math::ParameterLayout& layout() const override { return layout_; }
  std::vector<Real>& at(optim::Vector v) { return slots_.at(v.slot); }
  math::Sums for_each_block(std::span<const optim::Vector> writes, std::span<const optim::Vector> reads,
                            const math::BlockKernel& kernel) override {
    return run(nullptr, writes, reads, kernel);
  }
  math::Sums run(std::vector<Real>* first, std::span<const optim::Vector> writes, std::span<const optim::Vector> reads,
                 const math::BlockKernel& kernel) {
    math::Sums sums{};
    block_sums_.clear();
    for (const math::Block& block : layout_.blocks()) {
      std::vector<Real*> arrays;
      if (first != nullptr) arrays.push_back(first->data() + block.offset);
      for (const auto v : writes) arrays.push_back(at(v).data() + block.offset);
      for (const auto v : reads) arrays.push_back(at(v).data() + block.offset);
      const math::Sums part = kernel.run(block, math::Arrays<Real>{arrays, block.count});
      for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += part[k];
      block_sums_.push_back(part);
    }
    return sums;
  }
  std::span<const math::Sums> block_sums() const override { return block_sums_; }
  void for_each_tensor(std::span<const optim::Vector> writes, std::span<const optim::Vector> reads,
                       const math::BlockKernel& kernel, std::span<const std::span<double>>) override {
    for (std::uint32_t t = 0; t < layout_.tensors().size(); ++t) {
      const math::Tensor& tensor = layout_.tensors()[t];
      std::vector<Real*> arrays;
      for (const auto v : writes) arrays.push_back(at(v).data() + tensor.offset);
      for (const auto v : reads) arrays.push_back(at(v).data() + tensor.offset);
      kernel.run({.index = 0, .tensor = t, .offset = tensor.offset, .count = tensor.size},
                 math::Arrays<Real>{arrays, tensor.size});
    }
  }
  optim::Vector acquire() override {
    if (free_.empty()) {
      slots_.emplace_back(layout_.extent(),
                          std::numeric_limits<Real>::quiet_NaN());  // unspecified: reading it before writing is a mistake
      return {static_cast<std::uint32_t>(slots_.size() - 1)};
    }
    const optim::Vector v = free_.back();
    free_.pop_back();
    std::fill(at(v).begin(), at(v).end(), std::numeric_limits<Real>::quiet_NaN());
    return v;
  }
  void release(optim::Vector v) override { free_.push_back(v); }

 private:
  math::ParameterLayout layout_;
  std::deque<std::vector<Real>> slots_;
  std::vector<optim::Vector> free_;
  std::vector<math::Sums> block_sums_;
};

}  // namespace talweg::test
