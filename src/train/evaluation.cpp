// SPDX-License-Identifier: Apache-2.0
#include "train/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "talweg/sums.hpp"

namespace talweg::train {

template <class Real>
std::vector<std::string> figure_names(const engine::Problem<Real>& problem) {
  const bool classification = problem.objective->capabilities().classification;
  const std::vector<std::string> kinds =
      classification ? std::vector<std::string>{"loss", "accuracy"} : std::vector<std::string>{"loss", "rmse", "r2"};
  std::vector<std::string> names = {"train_objective"};
  const auto add = [&](const std::string& part) {
    for (const std::string& kind : kinds) names.push_back(part + "_" + kind);
  };
  add("train");
  names.emplace_back(gradient_figure(problem.regularizer.smooth()));
  if (problem.valid) add("valid");
  if (problem.test) add("test");
  return names;
}

void add_part(Figures& figures, std::string_view part, const engine::PartEvaluation& evaluation, bool classification) {
  const auto n = static_cast<double>(evaluation.count);
  const auto& sums = evaluation.sums;
  const std::string prefix = std::string(part) + "_";
  figures.set(prefix + "loss", sums.loss / n);
  if (classification) {
    figures.set(prefix + "accuracy", sums.correct / n);
    return;
  }
  figures.set(prefix + "rmse", std::sqrt(sums.squared_error / n));
  const double spread = sums.target_squared - sums.target * sums.target / n;  // sum of (y - mean)^2
  figures.set(prefix + "r2", spread > 0 ? 1 - sums.squared_error / spread : std::numeric_limits<double>::quiet_NaN());
}

template <class Real>
double full_gradient_norm(engine::Engine<Real>& engine, optim::Vector x) {
  optim::Oracle& oracle = engine.oracle(engine::Asker::observer);
  const optim::Temporary gradient(oracle.space());
  const double norm = std::sqrt(oracle.gradient_into(x, oracle.all(), gradient).sums[0]);
  if (oracle.proximal() == nullptr) return norm;
  optim::VectorSpace& space = oracle.space();
  space.combine(1, x, -1, gradient, gradient);
  oracle.prox(gradient, 1);
  const auto moved = math::block_kernel([]<class T>(const math::Block&, math::Arrays<T> v) {
    return math::Sums{math::lane_sum(v.count, [&](std::size_t i) {
      const T d = v[1][i] - v[0][i];
      return static_cast<double>(d) * static_cast<double>(d);
    })};
  });
  return std::sqrt(space.for_each_block({}, std::array<optim::Vector, 2>{x, gradient}, moved)[0]);
}

template <class Real>
Figures evaluate(engine::Engine<Real>& engine, const engine::Problem<Real>& problem, optim::Vector x, bool train) {
  const bool classification = problem.objective->capabilities().classification;
  Figures figures;
  if (train) {
    add_part(figures, "train", engine.evaluate(x, engine::Part::train), classification);
    optim::Oracle& oracle = engine.oracle(engine::Asker::observer);
    figures.set("train_objective", figures.get("train_loss") + oracle.smooth_omega(x) + oracle.nonsmooth_omega(x));
  }
  if (problem.valid) add_part(figures, "valid", engine.evaluate(x, engine::Part::valid), classification);
  if (problem.test) add_part(figures, "test", engine.evaluate(x, engine::Part::test), classification);
  return figures;
}

template Figures evaluate<float>(engine::Engine<float>&, const engine::Problem<float>&, optim::Vector, bool);
template Figures evaluate<double>(engine::Engine<double>&, const engine::Problem<double>&, optim::Vector, bool);
template std::vector<std::string> figure_names<float>(const engine::Problem<float>&);
template std::vector<std::string> figure_names<double>(const engine::Problem<double>&);
template double full_gradient_norm<float>(engine::Engine<float>&, optim::Vector);
template double full_gradient_norm<double>(engine::Engine<double>&, optim::Vector);

}  // namespace talweg::train
