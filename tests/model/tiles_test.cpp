// SPDX-License-Identifier: Apache-2.0
// Phase two may be cut into any rows in any order, for dense and sparse examples, gradients and Hessian-vector products. And
// leaves without examples add nothing.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "model/prepared_point.hpp"
#include "tests/model/examples.hpp"
#include "tests/model/finite_difference.hpp"

namespace talweg::test {
namespace {

constexpr std::size_t kFeatures = 9;

std::unique_ptr<model::Objective<double>> small_network(bool sparse = false) {
  data::Shape shape = shape_of(kFeatures, 4);
  shape.sparse = sparse;
  return model::build_objective<double>({.kind = "mlp", .hidden = {11, 6}, .activation = "tanh", .loss = "cross_entropy"},
                                        shape);
}

/// Every tensor whole (rows_per_tile 0), or cut into so many rows with a shorter last tile.
std::vector<math::Tile> cut(const math::ParameterLayout& layout, std::size_t rows_per_tile) {
  std::vector<math::Tile> tiles;
  for (std::uint32_t number = 0; number < layout.tensors().size(); ++number) {
    const math::Tensor& tensor = layout.tensors()[number];
    const std::size_t step = rows_per_tile == 0 ? tensor.rows() : rows_per_tile;
    for (std::size_t first = 0; first < tensor.rows(); first += step) {
      const std::size_t rows = std::min(step, tensor.rows() - first);
      tiles.push_back({.tensor = number,
                       .first_row = first,
                       .rows = rows,
                       .offset = tensor.offset + first * tensor.row_size(),
                       .count = rows * tensor.row_size()});
    }
  }
  return tiles;
}

TEST(Tiles, AnyCutGivesTheWholeGradient) {
  const auto rows = make_rows<double>(8, kFeatures, 4);
  for (const bool sparse : {false, true}) {
    const auto objective = small_network(sparse);
    const auto point = random_vector(objective->layout(), 1, 0.5);
    const auto v = random_vector(objective->layout(), 2, 1);
    const auto examples = rows.view(sparse);
    std::vector<double> whole, product;
    gradient<double>(*objective, point, examples, whole);
    gradient<double>(*objective, point, examples, product, &v);
    const auto tape = objective->make_tape();
    const model::PreparedPoint<double> here(*objective, point);
    objective->forward_backward(here, examples, 1.0, *tape);
    objective->tangent(here, model::PreparedPoint<double>(*objective, v), *tape);
    for (const std::size_t rows_per_tile : {0U, 1U, 2U, 3U, 5U, 7U}) {
      for (const math::Tile& tile : cut(objective->layout(), rows_per_tile)) {
        const auto g = share_of<double>(*objective, {&tape, 1}, tile);
        const auto h = share_of<double>(*objective, {&tape, 1}, tile, true);
        for (std::size_t j = 0; j < tile.count; ++j) {  // equal to the bit: the chain of an element does not depend on tiles
          ASSERT_EQ(g[j], whole[tile.offset + j]) << rows_per_tile << " rows, gradient element " << tile.offset + j;
          ASSERT_EQ(h[j], product[tile.offset + j]) << rows_per_tile << " rows, product element " << tile.offset + j;
        }
      }
    }
  }
}

TEST(Tiles, TapesOfALeafAddUpWithTheirWeights) {
  const auto rows = make_rows<double>(8, kFeatures, 4);
  for (const bool sparse : {false, true}) {
    const auto objective = small_network(sparse);
    const auto x = random_vector(objective->layout(), 1, 0.5);
    const auto y = random_vector(objective->layout(), 2, 0.5);
    const auto examples = rows.view(sparse);
    std::vector<double> at_x, at_y;
    gradient<double>(*objective, x, examples, at_x);
    gradient<double>(*objective, y, examples, at_y);
    std::array tapes = {objective->make_tape(), objective->make_tape()};
    const double value = objective->forward_backward(model::PreparedPoint<double>(*objective, x), examples, -2.0, *tapes[0]);
    EXPECT_EQ(value, objective->forward_backward(model::PreparedPoint<double>(*objective, x), examples, 1.0, *tapes[1]))
        << "values have no weight";
    objective->forward_backward(model::PreparedPoint<double>(*objective, y), examples, 3.0, *tapes[1]);
    for (const math::Tile& tile : objective->layout().tiles()) {
      const auto share = share_of<double>(*objective, tapes, tile);
      for (std::size_t j = 0; j < tile.count; ++j)
        ASSERT_NEAR(share[j], -2 * at_x[tile.offset + j] + 3 * at_y[tile.offset + j], 1e-12) << (sparse ? "sparse" : "dense");
    }
  }
}

TEST(Tiles, SparseRowsGiveWhatDenseOnesDo) {
  const auto dense = small_network(false);
  const auto sparse = small_network(true);
  const auto rows = make_rows<double>(8, kFeatures, 4);
  const auto point = random_vector(dense->layout(), 1, 0.5);
  const auto v = random_vector(dense->layout(), 2, 1);
  std::vector<double> g, h, sparse_g, sparse_h;
  const double value = gradient<double>(*dense, point, rows.view(false), g);
  EXPECT_NEAR(gradient<double>(*sparse, point, rows.view(true), sparse_g), value, 1e-12 * (1 + value));
  gradient<double>(*dense, point, rows.view(false), h, &v);
  gradient<double>(*sparse, point, rows.view(true), sparse_h, &v);
  for (std::size_t j = 0; j < g.size(); ++j) {
    ASSERT_NEAR(sparse_g[j], g[j], 1e-12);
    ASSERT_NEAR(sparse_h[j], h[j], 1e-11);
  }
}

/// Values, gradients and deltas of the same examples, however many share their leaf: exact to the bit.
TEST(Tiles, BitsDoNotFollowTheSizeOfALeaf) {
  const auto objective = model::build_objective<float>(
      {.kind = "mlp", .hidden = {37, 18}, .activation = "relu", .loss = "cross_entropy"}, shape_of(45, 4));
  const auto rows = make_rows<float>(50, 45, 4);
  std::vector<float> x;
  for (const double value : random_vector(objective->layout(), 1, 0.3)) x.push_back(static_cast<float>(value));
  const model::PreparedPoint<float> point(*objective, x);
  const auto tape = objective->make_tape();
  std::vector<float> all(50 * 4), some(50 * 4);
  objective->predict(point, rows.view(false), *tape, all);
  for (const std::size_t count : {1U, 2U, 15U, 16U, 17U, 33U, 49U}) {
    auto head = rows.view(false);
    head.count = count;
    head.targets = head.targets.first(count);
    objective->predict(point, head, *tape, some);
    for (std::size_t i = 0; i < 4 * count; ++i) ASSERT_EQ(some[i], all[i]) << count;
  }
}

TEST(Tiles, LeavesOfOneTapeAddUpToTheirExamplesTogether) {
  const auto objective = small_network();
  const auto rows = make_rows<double>(8, kFeatures, 4);
  const auto point = random_vector(objective->layout(), 1, 0.5);
  std::vector<double> together, first, second;
  const double value = gradient<double>(*objective, point, rows.view(false), together);
  auto head = rows.view(false);
  head.count = 3;
  auto tail = rows.view(false);
  tail.count = 5;
  tail.dense += 3 * kFeatures;
  tail.targets = tail.targets.subspan(3);
  const double parts = gradient<double>(*objective, point, head, first) + gradient<double>(*objective, point, tail, second);
  EXPECT_NEAR(parts, value, 1e-12 * (1 + value)) << "objectives return sums";
  for (std::size_t j = 0; j < together.size(); ++j) ASSERT_NEAR(first[j] + second[j], together[j], 1e-13);
}

template <class Real>
void expect_nothing_from_no_examples(const char* activation) {
  const auto objective = model::build_objective<Real>(
      {.kind = "mlp", .hidden = {5}, .activation = activation, .loss = "cross_entropy"}, shape_of(kFeatures, 4));
  const auto rows = make_rows<Real>(8, kFeatures, 4);
  const std::vector<Real> point(objective->layout().extent(), Real{0.25});
  const auto tape = objective->make_tape();
  const model::PreparedPoint<Real> here(*objective, point);
  const auto before = rows.view(false);
  objective->forward_backward(here, before, Real{1}, *tape);  // buffers from a leaf before
  const data::Examples<Real> none{
      .count = 0, .features = kFeatures, .dense = nullptr, .sparse = {}, .targets = {}, .records = {}};
  EXPECT_EQ(objective->forward_backward(here, none, Real{1}, *tape), 0);
  objective->tangent(here, here, *tape);
  for (const math::Tile& tile : objective->layout().tiles()) {
    EXPECT_EQ(share_of<Real>(*objective, {&tape, 1}, tile), std::vector<Real>(tile.count, Real{0}));
    EXPECT_EQ(share_of<Real>(*objective, {&tape, 1}, tile, true), std::vector<Real>(tile.count, Real{0}));
  }
  EXPECT_EQ(objective->evaluate(here, none, *tape).loss, 0);
  const std::vector<double> lengths = {0.5};
  std::vector<model::ValueAndSlope> line(1);
  objective->along(here, here, lengths, none, *tape, line);
  EXPECT_EQ(line[0].value, 0);
  EXPECT_EQ(line[0].slope, 0);
}

TEST(Tiles, ALeafOfNoExamplesAddsNothing) {
  expect_nothing_from_no_examples<float>("relu");
  expect_nothing_from_no_examples<double>("gelu");
}

/// Gradient and product of rows that begin `shift` elements after a 64-byte boundary.
template <class Real>
std::vector<Real> shifted(const model::Objective<Real>& objective, std::span<const Real> point, const Rows<Real>& rows,
                          std::size_t shift) {
  math::Buffer<Real> storage(rows.dense.size() + shift);
  std::copy(rows.dense.begin(), rows.dense.end(), storage.data() + shift);
  auto examples = rows.view(false);
  examples.dense = storage.data() + shift;
  const std::vector<Real> v(objective.layout().extent(), Real{0.5});
  std::vector<Real> g, product;
  gradient<Real>(objective, point, examples, g);
  gradient<Real>(objective, point, examples, product, &v);
  g.insert(g.end(), product.begin(), product.end());
  return g;
}

template <class Real>
void expect_bits_without_alignment() {
  for (const std::size_t count : {1U, 2U, 7U, 64U}) {
    for (const std::size_t features : {1U, 13U, 100U}) {
      const auto rows = make_rows<Real>(count, features, 0);
      const auto objective = model::build_objective<Real>(
          {.kind = "mlp", .hidden = {17, 1}, .activation = "sigmoid", .loss = "squared"}, shape_of(features, 0));
      std::vector<Real> point;
      for (const double x : random_vector(objective->layout(), 1, 0.3)) point.push_back(static_cast<Real>(x));
      const auto expected = shifted<Real>(*objective, point, rows, 0);
      for (const std::size_t shift : {1U, 2U, 5U, 11U})
        ASSERT_EQ(shifted<Real>(*objective, point, rows, shift), expected) << count << " x " << features << ", shift " << shift;
    }
  }
}

TEST(Tiles, BitsDoNotFollowWhereRowsLieInMemory) {
  expect_bits_without_alignment<float>();
  expect_bits_without_alignment<double>();
}

}  // namespace
}  // namespace talweg::test
