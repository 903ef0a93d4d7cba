// SPDX-License-Identifier: Apache-2.0
// Phase two is free to be cut anywhere: any rows, any order, dense or sparse, gradients and Hessian-vector products; and leaves
// of no examples add nothing.
#include <gtest/gtest.h>

#include <cstdint>

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
  const auto objective = small_network();
  const auto rows = make_rows<double>(8, kFeatures, 4);
  const auto point = random_vector(objective->layout(), 1, 0.5);
  const auto v = random_vector(objective->layout(), 2, 1);
  for (const bool sparse : {false, true}) {
    const auto examples = rows.view(sparse);
    std::vector<double> whole, product;
    gradient<double>(*objective, point, examples, whole);
    gradient<double>(*objective, point, examples, product, &v);
    const auto tape = objective->make_tape();
    objective->forward_backward(point, examples, *tape);
    objective->tangent(point, v, *tape);
    for (const std::size_t rows_per_tile : {0U, 1U, 2U, 3U, 5U, 7U}) {
      std::vector<double> g(whole.size()), h(whole.size());
      for (const math::Tile& tile : cut(objective->layout(), rows_per_tile)) {
        objective->tile(*tape, tile, 1.0, 1.0, std::span(g).subspan(tile.offset, tile.count));
        objective->tangent_tile(*tape, tile, 1.0, 1.0, std::span(h).subspan(tile.offset, tile.count));
      }
      for (std::size_t j = 0; j < whole.size(); ++j) {
        ASSERT_NEAR(g[j], whole[j], 1e-13) << rows_per_tile << " rows, gradient element " << j;
        ASSERT_NEAR(h[j], product[j], 1e-12) << rows_per_tile << " rows, Hessian-vector product element " << j;
      }
    }
  }
}

TEST(Tiles, AddTheirWeightTimesTheShare) {
  const auto objective = small_network();
  const auto rows = make_rows<double>(8, kFeatures, 4);
  const auto point = random_vector(objective->layout(), 1, 0.5);
  const auto v = random_vector(objective->layout(), 2, 1);
  for (const bool sparse : {false, true}) {
    const auto examples = rows.view(sparse);
    std::vector<double> g, h;
    gradient<double>(*objective, point, examples, g);
    gradient<double>(*objective, point, examples, h, &v);
    const auto tape = objective->make_tape();
    objective->forward_backward(point, examples, *tape);
    objective->tangent(point, v, *tape);
    for (const math::Tile& tile : cut(objective->layout(), 0)) {
      std::vector<double> out(tile.count, 1.0), tangent(tile.count, 1.0);
      objective->tile(*tape, tile, -2.0, 1.0, out);
      objective->tangent_tile(*tape, tile, 3.0, 1.0, tangent);
      for (std::size_t j = 0; j < tile.count; ++j) {
        ASSERT_NEAR(out[j], 1 - 2 * g[tile.offset + j], 1e-12) << (sparse ? "sparse" : "dense");
        ASSERT_NEAR(tangent[j], 1 + 3 * h[tile.offset + j], 1e-12) << (sparse ? "sparse" : "dense");
      }
    }
  }
}

TEST(Tiles, APreparedPointChangesSpeedAndNotTheFigures) {
  const auto objective = small_network(true);  // for sparse rows the first layer's W^T is made on any CPU
  const auto rows = make_rows<double>(8, kFeatures, 4);
  const auto point = random_vector(objective->layout(), 1, 0.5);
  const auto made = prepared<double>(*objective, point);
  ASSERT_GT(made.size(), 0u);
  const auto tape = objective->make_tape();
  for (const bool sparse : {false, true}) {
    const double plain = objective->forward_backward(point, rows.view(sparse), *tape);
    EXPECT_NEAR(objective->forward_backward({point, made}, rows.view(sparse), *tape), plain, 1e-12 * (1 + plain));
  }
  std::vector<double> other = made;
  other[0] += 1;
  EXPECT_NE(objective->forward_backward({point, other}, rows.view(true), *tape),
            objective->forward_backward({point, made}, rows.view(true), *tape))
      << "what was prepared is what is used";
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
  objective->forward_backward(point, rows.view(false), *tape);  // buffers from a leaf before
  const data::Examples<Real> none{
      .count = 0, .features = kFeatures, .dense = nullptr, .sparse = {}, .targets = {}, .records = {}};
  EXPECT_EQ(objective->forward_backward(point, none, *tape), 0);
  objective->tangent(point, point, *tape);
  for (const math::Tile& tile : objective->layout().tiles()) {
    std::vector<Real> out(tile.count, Real{2});
    objective->tile(*tape, tile, Real{1}, Real{1}, out);
    objective->tangent_tile(*tape, tile, Real{1}, Real{1}, out);
    EXPECT_EQ(out, std::vector<Real>(tile.count, Real{2}));
  }
  EXPECT_EQ(objective->evaluate(point, none, *tape).loss, 0);
  const std::vector<double> lengths = {0.5};
  std::vector<model::ValueAndSlope> line(1);
  objective->along(point, point, lengths, none, *tape, line);
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
