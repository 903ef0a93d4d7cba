// SPDX-License-Identifier: Apache-2.0
// The only arithmetic on whole vectors. Everything is one verb, for_each_block, and for what needs a tensor as a matrix
// for_each_tensor; the rest is written on top of them. Bits do not depend on ranks or threads.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "talweg/layout.hpp"
#include "talweg/state.hpp"

namespace talweg::math {

/// Up to four sums over the elements of a block (dots, squared norms), in double. Block sums are added in block order.
using Sums = std::array<double, 4>;

/// The largest number of vectors of a kernel.
inline constexpr std::size_t kMostArrays = 40;

/// The same block of several vectors. arrays[k][i] is element i of the k-th named vector's block.
template <class Real>
struct Arrays {
  std::span<Real* const> data;
  std::size_t count = 0;
  [[nodiscard]] std::span<Real> operator[](std::size_t k) const { return {data[k], count}; }
};

class BlockKernel {
 public:
  virtual ~BlockKernel() = default;
  virtual Sums run(const Block&, Arrays<float>) const = 0;
  virtual Sums run(const Block&, Arrays<double>) const = 0;
  /// False if it has no sums; then the ranks need no collective for them.
  [[nodiscard]] virtual bool sums() const { return true; }
};

/// A BlockKernel from a generic callable `Sums f(const Block&, Arrays<Real>)` (or one returning void: no sums).
template <class F>
class GenericKernel final : public BlockKernel {
 public:
  explicit GenericKernel(F f) : f_(std::move(f)) {}
  Sums run(const Block& block, Arrays<float> arrays) const override { return call(block, arrays); }
  Sums run(const Block& block, Arrays<double> arrays) const override { return call(block, arrays); }
  [[nodiscard]] bool sums() const override {
    return !std::is_void_v<std::invoke_result_t<const F&, const Block&, Arrays<double>>>;
  }

 private:
  template <class Real>
  Sums call(const Block& block, Arrays<Real> arrays) const {
    if constexpr (std::is_void_v<decltype(f_(block, arrays))>) {
      f_(block, arrays);
      return {};
    } else {
      return f_(block, arrays);
    }
  }
  F f_;
};

template <class F>
GenericKernel<F> block_kernel(F f) {
  return GenericKernel<F>(std::move(f));
}

}  // namespace talweg::math

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
