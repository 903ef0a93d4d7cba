// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "base/random.hpp"
#include "math/buffer.hpp"
#include "math/gemm.hpp"
#include "math/parallel.hpp"
#include "math/transpose.hpp"
#include "math/tridiagonal.hpp"
#include "talweg/layout.hpp"
#include "talweg/state.hpp"
#include "talweg/sums.hpp"

namespace talweg::math {
namespace {

TEST(Layout, TensorsAreAlignedAndCutIntoTilesAndBlocks) {
  ParameterLayout layout;
  layout.add("w", {100, 700});
  layout.add("b", {100}, true);
  layout.add("huge_row", {2, 70000});
  EXPECT_EQ(layout.parameters(), 100U * 700 + 100 + 140000);
  for (const Tensor& t : layout.tensors()) EXPECT_EQ(t.offset % ParameterLayout::kAlign, 0U) << t.name;
  std::vector<int> by_tile(layout.extent()), by_block(layout.extent());
  std::uint32_t block = 0;
  for (const Tile& tile : layout.tiles()) {
    const Tensor& t = layout.tensors()[tile.tensor];
    EXPECT_EQ(tile.offset, t.offset + tile.first_row * t.row_size()) << "a tile holds whole rows";
    EXPECT_EQ(tile.count, tile.rows * t.row_size());
    EXPECT_EQ(tile.first_block, block) << "blocks divide tiles";
    block += tile.blocks;
    for (std::size_t j = 0; j < tile.count; ++j) ++by_tile[tile.offset + j];
  }
  for (const Block& b : layout.blocks()) {
    EXPECT_LE(b.count, ParameterLayout::kBlock);
    for (std::size_t j = 0; j < b.count; ++j) ++by_block[b.offset + j];
  }
  std::size_t covered = 0;
  for (std::size_t j = 0; j < layout.extent(); ++j) {
    EXPECT_LE(by_tile[j], 1);
    ASSERT_EQ(by_tile[j], by_block[j]) << j;
    covered += static_cast<std::size_t>(by_tile[j]);
  }
  EXPECT_EQ(covered, layout.parameters());
  EXPECT_THROW(layout.add("w", {1}), std::logic_error);
  EXPECT_THROW((void)layout.tensor("none"), std::logic_error);
}

TEST(State, IsFoundByNameAndNamesAreUnique) {
  StateLayout layout;
  const Vector x = layout.vector("x");
  layout.scalar("s", 2.5);
  layout.counter("c", -1);
  layout.array("a", 3, 0.5);
  EXPECT_THROW(layout.scalar("x"), std::logic_error);
  State state(layout);
  EXPECT_EQ(state.vector("x"), x);
  EXPECT_EQ(state.scalar("s"), 2.5);
  EXPECT_EQ(state.counter("c"), -1);
  EXPECT_EQ(state.array("a")[2], 0.5);
  state.scalar("s") = 4;
  EXPECT_EQ(state.scalar("s"), 4);
  EXPECT_THROW((void)state.scalar("c"), std::logic_error);
  EXPECT_THROW((void)state.vector("y"), std::logic_error);
}

TEST(Threads, RunEveryTaskOnce) {
  for (const int count : {1, 2, 4}) {
    const Threads threads(count);
    EXPECT_EQ(threads.count(), count);
    std::vector<std::atomic<int>> ran(1000);
    std::atomic<bool> slots_fit{true};
    threads.for_each_with_slot(ran.size(), [&](std::size_t i, std::size_t slot) {
      ++ran[i];
      if (slot >= static_cast<std::size_t>(count)) slots_fit = false;
    });
    for (const auto& r : ran) ASSERT_EQ(r, 1);
    EXPECT_TRUE(slots_fit);
    threads.for_each(0, [](std::size_t) { FAIL(); });
  }
}

TEST(Threads, RethrowWhatATaskThrew) {
  const Threads threads(2);
  EXPECT_THROW(threads.for_each(100,
                                [](std::size_t i) {
                                  if (i == 57) throw std::runtime_error("57");
                                }),
               std::runtime_error);
  int after = 0;
  threads.for_each(1, [&](std::size_t) { ++after; });
  EXPECT_EQ(after, 1) << "and go on working";
}

template <class Real>
void check_gemm(Real tolerance) {
  const base::Random random(5, base::Purpose::test);
  constexpr std::size_t m = 7, n = 5, k = 9, pad = 3;
  for (const Transpose ta : {Transpose::no, Transpose::yes}) {
    for (const Transpose tb : {Transpose::no, Transpose::yes}) {
      for (const Real beta : {Real(0), Real(1), Real(0.5)}) {
        const std::size_t lda = (ta == Transpose::yes ? m : k) + pad, ldb = (tb == Transpose::yes ? k : n) + pad, ldc = n + pad;
        std::vector<Real> a(lda * std::max(m, k)), b(ldb * std::max(n, k)), c(ldc * m);
        std::uint64_t draw = 0;
        for (auto* v : {&a, &b, &c})
          for (Real& e : *v) e = static_cast<Real>(random.normal(++draw));
        const std::vector<Real> before = c;
        if (beta == 0) c.assign(c.size(), std::numeric_limits<Real>::quiet_NaN());
        gemm(ta, tb, m, n, k, Real(1.5), a.data(), lda, b.data(), ldb, beta, c.data(), ldc);
        for (std::size_t i = 0; i < m; ++i) {
          for (std::size_t j = 0; j < n; ++j) {
            double sum = 0;
            for (std::size_t l = 0; l < k; ++l) {
              sum += static_cast<double>(ta == Transpose::yes ? a[l * lda + i] : a[i * lda + l]) *
                     static_cast<double>(tb == Transpose::yes ? b[j * ldb + l] : b[l * ldb + j]);
            }
            ASSERT_NEAR(c[i * ldc + j], 1.5 * sum + static_cast<double>(beta) * static_cast<double>(before[i * ldc + j]),
                        tolerance);
          }
        }
      }
    }
  }
}

TEST(Gemm, IsTheTextbookSumInBothPrecisions) {
  check_gemm<float>(1e-4F);
  check_gemm<double>(1e-12);
}

TEST(Transpose, EveryShape) {
  for (const auto& [rows, cols] : {std::pair{1, 1}, {16, 16}, {17, 33}, {3, 100}, {100, 3}, {32, 48}}) {
    const std::size_t stride = static_cast<std::size_t>(rows) + 5;
    std::vector<float> in(static_cast<std::size_t>(rows * cols)), out(static_cast<std::size_t>(cols) * stride, -1.0F);
    std::iota(in.begin(), in.end(), 0.0F);
    transpose<float>(static_cast<std::size_t>(rows), static_cast<std::size_t>(cols), in.data(), static_cast<std::size_t>(cols),
                     out.data(), stride);
    for (std::size_t c = 0; c < static_cast<std::size_t>(cols); ++c) {
      for (std::size_t r = 0; r < stride; ++r) {
        const bool inside = r < static_cast<std::size_t>(rows);
        ASSERT_EQ(out[c * stride + r], inside ? in[r * static_cast<std::size_t>(cols) + c] : -1.0F) << rows << " x " << cols;
      }
    }
  }
}

TEST(Sums, AddInAFixedOrderWhateverTheAlignment) {
  std::vector<float> values(5001);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i)) * 1e3F;
  const double reference = squared_norm(std::span<const float>(values).first(5000));
  for (std::size_t shift = 1; shift < 16; ++shift) {
    std::vector<float> moved(5016);
    std::copy_n(values.begin(), 5000, moved.begin() + static_cast<std::ptrdiff_t>(shift));
    EXPECT_EQ(squared_norm(std::span<const float>(moved).subspan(shift, 5000)), reference) << shift;
  }
  double plain = 0;
  for (std::size_t i = 0; i < 5000; ++i) plain += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  EXPECT_NEAR(reference, plain, 1e-9 * plain);
  const std::vector<double> few = {1, 2, 3};
  EXPECT_EQ(dot(std::span<const double>(few), std::span<const double>(few)), 14);
}

TEST(Buffer, IsAlignedZeroAndKeepsItsMemory) {
  Buffer<float> buffer(100);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0U);
  for (const float v : buffer.span()) EXPECT_EQ(v, 0);
  const float* before = buffer.data();
  buffer.resize(10);
  EXPECT_EQ(buffer.size(), 10U);
  buffer.resize(100);
  EXPECT_EQ(buffer.data(), before);
}

TEST(Tridiagonal, HasTheKnownSpectrum) {
  // The second difference matrix: 2 - 2 cos(k pi / (n + 1)).
  const std::vector<double> diagonal(6, 2.0), off(5, -1.0);
  const auto eigen = tridiagonal_eigen(diagonal, off);
  for (std::size_t k = 0; k < 6; ++k) {
    EXPECT_NEAR(eigen.values[k], 2 - 2 * std::cos(static_cast<double>(k + 1) * M_PI / 7), 1e-14);
    double residual = 0;
    for (std::size_t i = 0; i < 6; ++i) {
      const auto v = [&](std::size_t at) { return eigen.vectors[k * 6 + at]; };
      const double product = 2 * v(i) - (i > 0 ? v(i - 1) : 0) - (i < 5 ? v(i + 1) : 0);
      residual = std::max(residual, std::abs(product - eigen.values[k] * v(i)));
    }
    EXPECT_LT(residual, 1e-14);
  }
  EXPECT_EQ(tridiagonal_eigen(std::vector<double>{-3}, {}).values, std::vector<double>{-3});
}

}  // namespace
}  // namespace talweg::math
