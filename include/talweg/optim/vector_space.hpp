// SPDX-License-Identifier: Apache-2.0
// The only arithmetic on whole vectors. Everything is one verb, for_each_block; the rest is written on top of it, so a new
// placement implements one function. Bits do not depend on ranks or threads.
#pragma once

#include <span>

#include "talweg/math/block_kernel.hpp"
#include "talweg/math/layout.hpp"
#include "talweg/math/state.hpp"

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
  /// A vector that lives until it is released; its values are unspecified at first.
  virtual Vector acquire() = 0;
  virtual void release(Vector) = 0;

  void zero(Vector out);
  void copy(Vector from, Vector to);
  void scale(double a, Vector x);                                    // x = a x
  void axpy(double a, Vector x, Vector y);                           // y = y + a x
  void combine(double a, Vector x, double b, Vector y, Vector out);  // out = a x + b y; out may be x or y
  double dot(Vector x, Vector y);
  double norm(Vector x);
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
