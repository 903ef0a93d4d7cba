// SPDX-License-Identifier: Apache-2.0
// A program's own Objective, on the two-phase seam that fast networks use: least squares f_i(w) = (w . a_i - y_i)^2 / 2. Phase one
// keeps the residuals of a leaf on its tape, phase two turns them into the leaf's share of a tile of the gradient.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <talweg/objective.hpp>
#include <talweg/train.hpp>

namespace {

namespace data = talweg::data;
namespace math = talweg::math;
namespace model = talweg::model;

class Line final : public model::Objective<double> {
 public:
  explicit Line(std::size_t features) { layout_.add("weight", {1, features}); }

  const math::ParameterLayout& layout() const override { return layout_; }
  model::Capabilities capabilities() const override { return {.hvp = true, .classification = false, .smooth = true}; }
  std::size_t outputs() const override { return 1; }
  std::string describe() const override { return "a line"; }
  std::unique_ptr<model::Tape<double>> make_tape() const override { return std::make_unique<Residuals>(); }

  double forward_backward(model::Point<double> w, const data::Examples<double>& a, double weight,
                          model::Tape<double>& tape) const override {
    auto& leaf = static_cast<Residuals&>(tape);
    leaf.examples = &a;
    leaf.factors.resize(a.count);
    double sum = 0;
    for (std::size_t i = 0; i < a.count; ++i) {
      const double r = product(w, a, i) - a.targets[i];
      sum += r * r / 2;
      leaf.factors[i] = weight * r;
    }
    return sum;
  }
  void tile(std::span<const model::LeafTapes<double>> leaves, const math::Tile& tile,
            math::TileSum<double>& sum) const override {
    sum.add_each(leaves.size(), [&](std::size_t k, std::span<double> out) {
      std::ranges::fill(out, 0);
      for (const auto& tape : leaves[k]) {
        const auto& leaf = static_cast<const Residuals&>(*tape);
        const data::Examples<double>& a = *leaf.examples;
        for (std::size_t i = 0; i < a.count; ++i) {
          for (std::size_t j = 0; j < tile.count; ++j) out[j] += leaf.factors[i] * a.dense[i * a.features + tile.offset + j];
        }
      }
    });
  }
  void tangent(model::Point<double>, model::Point<double> v, model::Tape<double>& tape) const override {
    auto& leaf = static_cast<Residuals&>(tape);
    for (std::size_t i = 0; i < leaf.factors.size(); ++i) leaf.factors[i] = product(v, *leaf.examples, i);
  }
  void tangent_tile(std::span<const model::LeafTapes<double>> leaves, const math::Tile& t,
                    math::TileSum<double>& sum) const override {
    tile(leaves, t, sum);
  }
  model::Evaluation evaluate(model::Point<double> w, const data::Examples<double>& a,
                             model::Tape<double>& tape) const override {
    model::Evaluation e{.loss = forward_backward(w, a, 1, tape)};
    e.squared_error = 2 * e.loss;
    for (const double y : a.targets) {
      e.target += y;
      e.target_squared += y * y;
    }
    return e;
  }
  void along(model::Point<double> w, model::Point<double> d, std::span<const double> lengths, const data::Examples<double>& a,
             model::Tape<double>&, std::span<model::ValueAndSlope> out) const override {
    std::ranges::fill(out, model::ValueAndSlope{});
    for (std::size_t i = 0; i < a.count; ++i) {
      const double r = product(w, a, i) - a.targets[i];
      const double s = product(d, a, i);
      for (std::size_t k = 0; k < lengths.size(); ++k) {
        const double at = r + lengths[k] * s;
        out[k].value += at * at / 2;
        out[k].slope += at * s;
      }
    }
  }
  void predict(model::Point<double> w, const data::Examples<double>& a, model::Tape<double>&,
               std::span<double> out) const override {
    for (std::size_t i = 0; i < a.count; ++i) out[i] = product(w, a, i);
  }

 private:
  struct Residuals final : model::Tape<double> {
    const data::Examples<double>* examples = nullptr;
    std::vector<double> factors;  // [count] dl/dz of each example, or its derivative along a direction
  };
  static double product(model::Point<double> w, const data::Examples<double>& a, std::size_t i) {
    double sum = 0;
    for (std::size_t j = 0; j < a.features; ++j) sum += w.x[j] * a.dense[i * a.features + j];
    return sum;
  }
  math::ParameterLayout layout_;
};

bool finds_the_line(const char* method) {
  model::UserRows rows{.count = 200, .features = 3, .rows = {}, .targets = {}};
  for (int i = 0; i < 200; ++i) {
    const double a[] = {std::sin(1.0 * i), std::cos(2.0 * i), std::sin(0.5 * i)};
    rows.rows.insert(rows.rows.end(), a, a + 3);
    rows.targets.push_back(1 * a[0] - 2 * a[1] + 0.5 * a[2]);
  }
  talweg::train::TrainOptions options;
  options.rows = rows;
  options.objective = model::OwnObjective{
      .in_float32 = {}, .in_float64 = [](const data::Shape& shape) { return std::make_unique<Line>(shape.features); }};
  const auto config = talweg::base::Config::parse(method, "embedded");
  const auto world = talweg::comm::alone();
  const auto result = talweg::train::train(config, options, *world, {});
  const auto& w = result.parameters.at(0).values;
  std::printf("%s: w = (%.6f, %.6f, %.6f)\n", result.summary.method.c_str(), w[0], w[1], w[2]);
  return std::abs(w[0] - 1) < 1e-6 && std::abs(w[1] + 2) < 1e-6 && std::abs(w[2] - 0.5) < 1e-6;
}

}  // namespace

int main() {
  const char* lbfgs = "[method]\nname = \"lbfgs\"\n[run]\nsteps = 30\nbatch = \"full\"\nprecision = \"float64\"\n";
  const char* momentum = "[method]\nname = \"momentum\"\nlr = 0.1\n[run]\nepochs = 200\nbatch = 40\nprecision = \"float64\"\n";
  const bool found = finds_the_line(lbfgs) && finds_the_line(momentum);
  try {
    finds_the_line("[run]\nprecision = \"float32\"\n");
  } catch (const talweg::base::Error& e) {  // an objective that is not given in a precision is refused
    return found && e.code() == talweg::base::ExitCode::bad_config ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  return EXIT_FAILURE;
}
