// SPDX-License-Identifier: Apache-2.0
// The only arithmetic on whole vectors. Everything is one verb, for_each_block, and for what needs a tensor as a matrix
// for_each_tensor; the rest is written on top of them. Bits do not depend on ranks or threads.
#pragma once

#include <span>
#include <vector>

#include "talweg/block_kernel.hpp"
#include "talweg/layout.hpp"
#include "talweg/state.hpp"

namespace talweg::optim {

using math::Vector;

class VectorSpace {
 public:
  virtual ~VectorSpace() = default;
  [[nodiscard]] virtual const math::ParameterLayout& layout() const = 0;
  /// Runs the kernel on every block; its arrays are the blocks of `writes`, then those of `reads`. Written vectors count as
  /// changed. Returns the block sums added in block order.
  virtual math::Sums for_each_block(std::span<const Vector> writes, std::span<const Vector> reads,
                                    const math::BlockKernel&) = 0;
  /// The block sums of the last for_each_block or gradient, one for each block of the layout.
  [[nodiscard]] virtual std::span<const math::Sums> block_sums() const = 0;
  /// Runs the kernel once for each tensor, whole: its Block spans the tensor (index counts for nothing), its arrays are the
  /// tensor in `writes`, then in `reads`, row-major. One rank of a node, one thread does a tensor; the kernel's sums are not
  /// used. tables[t], when given, are numbers of the state that the run for tensor t may write; every rank has them after.
  virtual void for_each_tensor(std::span<const Vector> writes, std::span<const Vector> reads, const math::BlockKernel&,
                               std::span<const std::span<double>> tables = {}) = 0;
  /// A vector that lives until it is released; its values are unspecified at first.
  virtual Vector acquire() = 0;
  virtual void release(Vector) = 0;

  /// for_each_block, its block sums added up for each tensor.
  std::vector<math::Sums> per_tensor(std::span<const Vector> writes, std::span<const Vector> reads, const math::BlockKernel&);
  /// The block sums of the last for_each_block or gradient, for each tensor.
  [[nodiscard]] std::vector<math::Sums> tensor_sums() const;
  void zero(Vector out);
  void copy(Vector from, Vector to);
  void scale(double a, Vector x);                                    // x = a x
  void axpy(double a, Vector x, Vector y);                           // y = y + a x
  void combine(double a, Vector x, double b, Vector y, Vector out);  // out = a x + b y; out may be x or y
  double dot(Vector x, Vector y);
  double norm(Vector x);
  double distance(Vector x, Vector y);  // |x - y|
};

/// A vector returned to the space when it goes out of scope.
class Temporary {
 public:
  explicit Temporary(VectorSpace& space) : space_(&space), vector_(space.acquire()) {}
  ~Temporary() {
    if (space_ != nullptr) space_->release(vector_);
  }
  Temporary(Temporary&& other) noexcept : space_(other.space_), vector_(other.vector_) { other.space_ = nullptr; }
  Temporary& operator=(Temporary&&) = delete;
  operator Vector() const { return vector_; }  // NOLINT(google-explicit-constructor): it stands for its handle

 private:
  VectorSpace* space_;
  Vector vector_;
};

}  // namespace talweg::optim
