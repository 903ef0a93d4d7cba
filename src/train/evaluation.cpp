// SPDX-License-Identifier: Apache-2.0
#include "train/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "talweg/sums.hpp"

namespace talweg::train {

std::vector<std::string> figure_names(const engine::Problem& problem) {
  const bool classification = problem.facts().capabilities.classification;
  const std::vector<std::string> kinds =
      classification ? std::vector<std::string>{"loss", "accuracy"} : std::vector<std::string>{"loss", "rmse", "r2"};
  std::vector<std::string> names = {"train_objective"};
  const auto add = [&](const std::string& part) {
    for (const std::string& kind : kinds) names.push_back(part + "_" + kind);
  };
  add("train");
  names.emplace_back(gradient_figure(problem.regularizer().smooth()));
  if (problem.facts().valid) add("valid");
  if (problem.facts().test) add("test");
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

double full_gradient_norm(engine::Session& session, optim::Vector x) {
  optim::Oracle& oracle = session.oracle(engine::Asker::observer);
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

Figures evaluate(engine::Session& session, const engine::Problem& problem, optim::Vector x, bool train) {
  const bool classification = problem.facts().capabilities.classification;
  Figures figures;
  if (train) {
    add_part(figures, "train", session.evaluate(x, engine::Part::train), classification);
    optim::Oracle& oracle = session.oracle(engine::Asker::observer);
    figures.set("train_objective", figures.get("train_loss") + oracle.smooth_omega(x) + oracle.nonsmooth_omega(x));
  }
  if (problem.facts().valid) add_part(figures, "valid", session.evaluate(x, engine::Part::valid), classification);
  if (problem.facts().test) add_part(figures, "test", session.evaluate(x, engine::Part::test), classification);
  return figures;
}

}  // namespace talweg::train
