// SPDX-License-Identifier: Apache-2.0
// Dense products against loops of std::fma: the same to the bit, in every shape.
#include "math/panels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/random.hpp"
#include "math/outer_products.hpp"
#include "math/simd.hpp"

namespace talweg::math {
namespace {

template <class Real>
std::vector<Real> noise(std::size_t size, std::uint64_t stream) {
  const base::Random random(5, base::Purpose::test);
  std::vector<Real> values(size);
  for (std::size_t i = 0; i < size; ++i) values[i] = static_cast<Real>(random.normal(stream, i));
  return values;
}

template <class Real>
class Panels : public ::testing::Test {};
using Precisions = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Panels, Precisions);

TYPED_TEST(Panels, ProductsAreChainsOfFusedMultiplyAdds) {
  using Real = TypeParam;
  constexpr Real kNone = std::numeric_limits<Real>::quiet_NaN();  // where nothing may be read or written
  for (const std::size_t count : {1U, 5U, 14U, 15U, 32U}) {
    for (const std::size_t inner : {1U, 7U, 16U, 40U}) {
      for (const std::size_t cols : {1U, 8U, 17U, 32U, 61U}) {
        const std::size_t step = inner + 3, out_step = cols + 2;
        const auto left = noise<Real>(count * step, 1), b = noise<Real>(inner * cols, 2), rows = noise<Real>(cols, 3);
        std::vector<Real> t(inner * cols);
        for (std::size_t i = 0; i < t.size(); ++i) t[i] = b[i % inner * cols + i / inner];
        std::vector<Real> packed(inner * cols, kNone), transposed(inner * cols, kNone);
        for (std::size_t p = panel_count<Real>(cols); p-- > 0;) {
          pack_panel<Real>(inner, cols, {b.data(), cols}, p, packed.data());
          pack_transposed_panel<Real>(inner, cols, {t.data(), inner}, p, transposed.data());
        }
        ASSERT_EQ(packed, transposed) << inner << " x " << cols;
        for (const char* start : {"zeros", "one row for all", "out"}) {
          std::vector<Real> out(count * out_step, kNone);
          for (std::size_t i = 0; i < count && start[1] == 'u'; ++i) std::copy_n(rows.data(), cols, &out[i * out_step]);
          const Rows<Real> from = *start == 'z'     ? Rows<Real>{}
                                  : start[1] == 'n' ? Rows<Real>{rows.data(), 0}
                                                    : Rows<Real>{out.data(), out_step};
          multiply<Real>(count, inner, cols, {left.data(), step}, packed.data(), from, out.data(), out_step);
          for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t c = 0; c < out_step; ++c) {
              if (c >= cols) {
                ASSERT_TRUE(std::isnan(out[i * out_step + c]));
                continue;
              }
              Real sum = *start == 'z' ? Real{0} : rows[c];
              for (std::size_t j = 0; j < inner; ++j) sum = std::fma(left[i * step + j], b[j * cols + c], sum);
              ASSERT_EQ(out[i * out_step + c], sum) << count << " x " << inner << " x " << cols << " from " << start;
            }
          }
        }
      }
    }
  }
}

#ifdef TALWEG_TEST_VECTOR_BYTES
TYPED_TEST(Panels, HaveVectorsOfTheWidthThatThisTestIsCompiledFor) {
  EXPECT_EQ(sizeof(typename Simd<TypeParam>::Vector), std::size_t{TALWEG_TEST_VECTOR_BYTES});
}
#endif

TYPED_TEST(Panels, AVectorTimesRowsIsTheTextbookSum) {
  using Real = TypeParam;
  for (const std::size_t cols : {1U, 31U, 32U, 33U, 100U}) {
    const auto a = noise<Real>(3 * cols, 1), x = noise<Real>(cols, 2);
    std::vector<Real> out(3);
    multiply_vector<Real>(3, cols, a.data(), x.data(), out.data());
    for (std::size_t i = 0; i < 3; ++i) {
      double sum = 0, size = 0;
      for (std::size_t j = 0; j < cols; ++j) {
        const double term = static_cast<double>(a[i * cols + j]) * static_cast<double>(x[j]);
        sum += term;
        size += std::abs(term);
      }
      EXPECT_NEAR(static_cast<double>(out[i]), sum, 1e2 * std::numeric_limits<Real>::epsilon() * size);
    }
  }
}

TYPED_TEST(Panels, OuterProductsAreRoundedLeafByLeaf) {
  using Real = TypeParam;
  for (const std::size_t rows : {1U, 14U, 43U}) {
    for (const std::size_t columns : {1U, 8U, 16U, 33U, 50U}) {
      const std::size_t count = 9, left_step = rows + 3, right_step = columns + 1;
      const auto left = noise<Real>(4 * count * left_step, 1), right = noise<Real>(4 * count * right_step, 2);
      std::vector<OuterProduct<Real>> products;  // two leaves of two
      for (std::size_t p = 0; p < 4; ++p)
        products.push_back(
            {{&left[p * count * left_step], left_step}, {&right[p * count * right_step], right_step}, count - p});
      const std::vector<std::span<const OuterProduct<Real>>> leaves = {{&products[0], 2}, {&products[2], 2}};
      const double constant = rounding_constant(8, 2);
      std::vector<double> sums(rows * columns, -1.0);
      TileSum<Real> sum(constant, true, sums, {});
      add_outer_products<Real>(rows, columns, leaves, sum);
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t c = 0; c < columns; ++c) {
          double expected = 0;
          for (const auto& leaf : leaves) {
            Real share = 0;
            for (const OuterProduct<Real>& p : leaf) {
              for (std::size_t i = 0; i < p.count; ++i)
                share = std::fma(p.left.first[i * left_step + r], p.right.first[i * right_step + c], share);
            }
            expected += (static_cast<double>(share) + constant) - constant;
          }
          ASSERT_EQ(sums[r * columns + c], expected) << rows << " x " << columns << " at " << r << ", " << c;
        }
      }
    }
  }
}

}  // namespace
}  // namespace talweg::math
