// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>

#include "control/dialects.hpp"
#include "data/load.hpp"
#include "engine/engine.hpp"
#include "model/user_objective.hpp"

namespace talweg::control {
namespace {

constexpr std::size_t kSize = 12;
constexpr std::size_t kSteps = 40;
constexpr std::array<double, kSize> kStart = {1.0, -2.0, 0.5, 3.0, -0.25, 1.5, -1.0, 0.0, 2.0, -0.75, 4.0, -3.0};

/// Term t is that of step t: its feature.
class ClosedLoop final : public model::UserTerms {
 public:
  std::vector<model::UserTensor> tensors() const override { return {{"weight", {4, 2}}, {"bias", {4}, true}}; }
  double value_and_gradient(std::span<const double> x, const model::UserExample& e, std::span<double> g) const override {
    for (std::size_t j = 0; j < kSize; ++j) {
      const auto place = static_cast<double>(j);
      const double centre = std::cos(1.7 * place) * (1 + 0.2 * place);
      g[j] += (0.2 + 0.31 * place) * (x[j] - centre) + 0.3 * x[(j + 1) % kSize] * x[j] / (1 + std::abs(x[j])) +
              0.5 * std::cos(e.features[0] + 2.7 * place);
    }
    return 0;  // the loop is no gradient of anything: rules ask for no values
  }
  bool has_hessian_vector() const override { return true; }
  void hessian_vector(std::span<const double> x, std::span<const double> v, const model::UserExample&,
                      std::span<double> out) const override {
    for (std::size_t j = 0; j < kSize; ++j) {
      const std::size_t next = (j + 1) % kSize;
      const double size = 1 + std::abs(x[j]);
      out[j] += (0.2 + 0.31 * static_cast<double>(j)) * v[j] + 0.3 * (v[next] * x[j] / size + x[next] * v[j] / (size * size));
    }
  }
};

/// Rows whose order under "cyclic" is that of their features.
data::Dataset<double> rows_in_order() {
  const data::Shape shape{.count = kSteps, .features = 1, .sparse = false, .classes = {}};
  std::vector<double> steps(kSteps);
  const std::vector<double> targets(kSteps);
  const data::Dataset<double> shuffled = data::in_memory<double>(shape, steps, targets, 0, 1);
  for (std::size_t position = 0; position < kSteps; ++position)
    steps[shuffled.records[position]] = static_cast<double>(position);
  return data::in_memory<double>(shape, steps, targets, 0, 1);
}

}  // namespace

std::vector<std::vector<double>> golden_trajectory(const std::string& text) {
  const auto method = optim::build_method(base::Config::parse("[method]\n" + text + "\n", "method").section("method"));
  const auto comm = comm::alone();
  const math::Threads threads(1);
  auto objective = std::make_unique<model::UserObjective<double>>(std::make_shared<ClosedLoop>());
  model::Regularizer omega({}, objective->layout());
  const engine::LocalSum<double> problem{
      .objective = std::move(objective), .regularizer = std::move(omega), .train = rows_in_order(), .valid = {}, .test = {}};
  const math::ParameterLayout& layout = problem.objective->layout();
  math::StateLayout slots;
  slots.vector("x");
  method->declare(slots, layout);
  math::State state(std::move(slots));
  engine::Engine<double> engine(
      *comm, threads, problem,
      {.sampling = data::Sampling::cyclic, .seed = 1, .batch = 1, .leaf = 1, .reduction = engine::Reduction::fast},
      state.layout().vectors().size());
  const auto values = [&](math::Vector v) { return engine.store().values(v); };
  const auto x = values(state.vector("x"));
  std::size_t next = 0;
  for (const math::Tensor& t : layout.tensors()) {
    for (std::size_t j = 0; j < t.size; ++j) x[t.offset + j] = kStart[next++];
  }
  optim::fill_initial(layout, state, values);
  engine.distribute(state);

  std::vector<std::vector<double>> points;
  for (std::size_t t = 0; t < kSteps; ++t) {
    const optim::Progress progress{
        .step = static_cast<std::int64_t>(t), .factor = 1 / (1 + static_cast<double>(t) / 10), .seed = 1};
    optim::StepContext context{engine.oracle(engine::Asker::method), state, progress};
    engine.at_step(progress.step);
    method->step(context);
    engine.read(state.vector(method->output()), [&](engine::ConstValues output) {
      const auto all = std::get<std::span<const double>>(output);
      auto& point = points.emplace_back();
      for (const math::Tensor& tensor : layout.tensors())
        point.insert(point.end(), all.begin() + static_cast<std::ptrdiff_t>(tensor.offset),
                     all.begin() + static_cast<std::ptrdiff_t>(tensor.offset + tensor.size));
    });
  }
  return points;
}

}  // namespace talweg::control
