// SPDX-License-Identifier: Apache-2.0
// An Oracle over a function written out in the test: one process, no engine, every request answered by plain loops.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "optim/coupled_prox.hpp"
#include "optim/registry.hpp"
#include "talweg/config.hpp"
#include "talweg/error.hpp"
#include "tests/optim/serial_space.hpp"
#include "tests/optim/soft_threshold.hpp"

namespace talweg::test {

using Point = std::vector<double>;

/// F = mean of n terms. `term(i, x, g)` returns f_i and adds its gradient to g.
struct FiniteSum {
  std::size_t n = 1;
  std::size_t dimension = 1;
  std::function<double(std::size_t i, const Point& x, Point& g)> term;
  std::function<Point(const Point& x, const Point& v)> hessian_vector;  // of F
  std::vector<std::vector<std::size_t>> shapes{};  // of the tensors x is; none: one of `dimension` elements
  std::optional<optim::CurvatureBounds> bounds{};  // where the terms are a linear model's
};

inline math::ParameterLayout layout_of(const FiniteSum& f) {
  math::ParameterLayout layout;
  if (f.shapes.empty()) layout.add("x", {f.dimension});
  for (std::size_t t = 0; t < f.shapes.size(); ++t) layout.add("x" + std::to_string(t), f.shapes[t], f.shapes[t].size() == 1);
  return layout;
}

template <class Real>
class SerialOracle final : public optim::Oracle {
 public:
  SerialOracle(FiniteSum f, std::size_t batch, std::size_t declared, const math::Proximal* proximal = nullptr)
      : bounds(f.bounds), f_(std::move(f)), batch_(batch), space_(layout_of(f_), declared), proximal_(proximal) {}
  SerialSpace<Real>& space() override { return space_; }
  optim::Batch draw(std::uint64_t ticket) const override {
    if (batch_ == 0) return all();
    const std::size_t left = f_.n - ticket % batches_per_epoch() * batch_;  // the last of a pass may be short
    return {.all = false, .ticket = ticket, .size = independent ? batch_ : std::min(batch_, left)};
  }
  optim::Batch all() const override { return {.all = true, .ticket = 0, .size = f_.n}; }
  std::uint64_t batches_per_epoch() const override { return batch_ == 0 ? 1 : (f_.n + batch_ - 1) / batch_; }

  optim::GradientAnswer gradient(const optim::GradientRequest& request, const optim::Sink& sink) override {
    if (on_request) on_request();
    Point sum(f_.dimension);
    double value = 0;
    const std::vector<std::size_t> examples = request.skips ? looked_at(request) : of(request.batch);
    for (std::size_t k = 0; k < request.terms.size(); ++k) {
      const Point at = point(request.terms[k].at);
      Point g(f_.dimension);
      const double v = mean(at, examples, request.batch.size, g);
      if (k == 0) value = v;
      for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += request.terms[k].weight * (g[j] + l2 * at[j]);
      gradients += examples.size();
    }
    if (request.memory) remember(request, sum);
    for (const optim::Term& shift : request.shifts) {
      const Point s = point(shift.at);
      for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += shift.weight * s[j];
    }
    if (!std::isfinite(value)) throw optim::Diverged("not finite");
    std::vector<Real> g(space_.layout().extent());
    scatter(sum, g);
    return {.value = value, .sums = space_.run(&g, sink.writes, sink.reads, sink.kernel)};
  }
  std::vector<optim::LinePoint> along(optim::Vector x, optim::Vector d, std::span<const double> lengths,
                                      const optim::Batch& batch) override {
    if (on_request) on_request();
    ++line_requests;
    std::vector<optim::LinePoint> line;
    const Point start = point(x);
    const Point direction = point(d);
    for (const double t : lengths) {
      Point at = start;
      for (std::size_t j = 0; j < at.size(); ++j) at[j] += t * direction[j];
      Point g(f_.dimension);
      optim::LinePoint p{.length = t, .value = mean(at, batch, g) + omega(at), .slope = 0};
      for (std::size_t j = 0; j < at.size(); ++j) p.slope += (g[j] + l2 * at[j]) * direction[j];
      line.push_back(p);
      values += batch.size;
    }
    return line;
  }
  void hessian_vector(optim::Vector x, optim::Vector v, const optim::Batch& batch, optim::Vector out) override {
    if (on_request) on_request();
    hvps += batch.size;
    const Point direction = point(v);
    const Point product = f_.hessian_vector(point(x), direction);
    Point sum(product.size());
    for (std::size_t j = 0; j < product.size(); ++j) sum[j] = product[j] + l2 * direction[j];
    scatter(sum, space_.at(out));
  }
  double smooth_omega(optim::Vector x) override { return omega(point(x)); }
  double nonsmooth_omega(optim::Vector x) override {
    const auto* l1 = dynamic_cast<const SoftThreshold*>(proximal_);
    double sum = 0;
    if (l1 != nullptr) {
      for (const double v : point(x)) sum += l1->l1() * std::abs(v);
    }
    if (proximal_ != nullptr && proximal_->coupling() != nullptr)
      sum += optim::coupled_value(space_, *proximal_->coupling(), x);
    return sum;
  }
  const math::Proximal* proximal() const override { return proximal_; }
  std::optional<optim::CurvatureBounds> curvature_bounds() const override { return bounds; }
  double omega_curvature() const override { return l2; }

  /// A vector without its padding, and the way back.
  Point point(optim::Vector v) {
    const auto& from = space_.at(v);
    Point values;
    for (const math::Tensor& t : space_.layout().tensors()) {
      for (std::size_t i = 0; i < t.size; ++i) values.push_back(static_cast<double>(from[t.offset + i]));
    }
    return values;
  }
  void scatter(const Point& values, std::vector<Real>& to) const {
    std::size_t j = 0;
    for (const math::Tensor& t : space_.layout().tensors()) {
      for (std::size_t i = 0; i < t.size; ++i) to[t.offset + i] = static_cast<Real>(values[j++]);
    }
  }
  double mean(const Point& x, const optim::Batch& batch, Point& g) const { return mean(x, of(batch), batch.size, g); }
  /// (l2 / 2) |x|^2.
  double omega(const Point& x) const {
    double sum = 0;
    for (const double v : x) sum += v * v;
    return 0.5 * l2 * sum;
  }
  /// What is remembered: of each per-example slot the gradients, one after the other. No linear model is asked for here.
  std::vector<Point>& memories() { return memories_; }

  double l2 = 0;                                 // Omega's smooth part
  std::optional<optim::CurvatureBounds> bounds;  // those of the FiniteSum at first
  bool independent = false;                      // each example of a minibatch is drawn from all, instead of in turn
  std::uint64_t draws = 3;                       // the seed of these
  std::function<void()> on_request;              // before an oracle request is answered; may throw
  std::size_t gradients = 0;
  std::size_t values = 0;
  std::size_t hvps = 0;
  std::size_t line_requests = 0;

 private:
  [[nodiscard]] std::size_t example(const optim::Batch& batch, std::size_t i) const {
    if (batch.all) return i;
    if (!independent) return batch.ticket % batches_per_epoch() * batch_ + i;
    return base::Random(draws, base::Purpose::test).below(f_.n, batch.ticket, i);
  }
  [[nodiscard]] std::vector<std::size_t> of(const optim::Batch& batch) const {
    std::vector<std::size_t> examples(batch.size);
    for (std::size_t i = 0; i < batch.size; ++i) examples[i] = example(batch, i);
    return examples;
  }
  /// The sums of these over `size`.
  double mean(const Point& x, const std::vector<std::size_t>& examples, std::size_t size, Point& g) const {
    double value = 0;
    for (const std::size_t i : examples) value += f_.term(i, x, g);
    for (double& v : g) v /= static_cast<double>(size);
    return value / static_cast<double>(size);
  }
  /// Those of the batch that are not skipped, by the paper's two numbers: how often in a row an example had no gradient, and
  /// how often it is still to be left out.
  std::vector<std::size_t> looked_at(const optim::GradientRequest& request) {
    const std::size_t slot = request.skips->slot;
    if (memories_.size() <= slot) memories_.resize(slot + 1);
    memories_[slot].resize(2 * f_.n);
    const Point at = point(request.terms.at(0).at);
    std::vector<std::size_t> examples;
    for (const std::size_t i : of(request.batch)) {
      double& zeros = memories_[slot][2 * i];
      double& left = memories_[slot][2 * i + 1];
      if (left > 0) {
        --left;
        continue;
      }
      examples.push_back(i);
      Point g(f_.dimension);
      f_.term(i, at, g);
      const bool none = std::ranges::all_of(g, [](double v) { return v == 0; });
      zeros = none ? zeros + 1 : 0;
      left = none ? std::pow(2, std::max(0.0, zeros - 2)) : 0;
    }
    return examples;
  }
  /// Subtracts the remembered gradients of the batch from `sum`, adds their average, and remembers the new ones.
  void remember(const optim::GradientRequest& request, Point& sum) {
    const optim::Memory& memory = *request.memory;
    const std::size_t d = f_.dimension;
    if (memories_.size() <= memory.gradients.slot) memories_.resize(memory.gradients.slot + 1);
    Point& kept = memories_[memory.gradients.slot];
    kept.resize(f_.n * d);
    if (memory.begin) std::ranges::fill(kept, 0);
    const Point at = point(request.terms.at(0).at);
    Point average = memory.begin ? Point(d) : point(memory.average);
    const Point before = average;
    for (std::size_t i = 0; i < request.batch.size; ++i) {
      Point g(d);
      const std::size_t k = example(request.batch, i);
      f_.term(k, at, g);
      for (std::size_t j = 0; j < d; ++j) {
        double& old = kept[k * d + j];
        sum[j] -= old / static_cast<double>(request.batch.size);
        average[j] += (g[j] - old) / static_cast<double>(f_.n);
        old = g[j];
      }
    }
    for (std::size_t j = 0; j < d; ++j) sum[j] += before[j];
    scatter(average, space_.at(memory.average));
  }

  FiniteSum f_;
  std::size_t batch_;
  SerialSpace<Real> space_;
  const math::Proximal* proximal_;
  std::vector<Point> memories_;
};

/// A method on a SerialOracle, step by step.
template <class Real = double>
class MethodRun {
 public:
  /// `method`: the lines of [method], separated by ';' or newlines.
  MethodRun(std::string method, FiniteSum f, const Point& start, std::size_t batch = 0,
            const math::Proximal* proximal = nullptr)
      : method_(build(std::move(method))),
        state_(declare(layout_of(f))),
        oracle_(std::move(f), batch, state_.layout().vectors().size(), proximal) {
    oracle_.scatter(start, oracle_.space().at(state_.vector("x")));
    optim::fill_initial(oracle_.space().layout(), state_, [this](optim::Vector v) { return std::span(oracle_.space().at(v)); });
  }
  const optim::Method& method() const { return *method_; }
  /// The point that the method names as its output.
  Point output() { return oracle_.point(state_.vector(method_->output())); }
  optim::StepReport step() {
    optim::StepContext context{oracle_, state_, progress_};
    const auto report = method_->step(context);
    ++progress_.step;
    return report;
  }
  void steps(int count) {
    for (int k = 0; k < count; ++k) step();
  }
  Point x() { return oracle_.point(state_.vector("x")); }
  /// F, its smooth Omega included.
  double value() {
    const Point at = output();
    Point g(at.size());
    return oracle_.mean(at, oracle_.all(), g) + oracle_.omega(at);
  }
  SerialOracle<Real>& oracle() { return oracle_; }
  math::State& state() { return state_; }
  optim::Progress& progress() { return progress_; }
  /// Copies everything that is declared out and back: the content of a checkpoint.
  struct Saved {
    std::vector<std::vector<Real>> vectors;
    std::vector<double> scalars;
    std::vector<std::int64_t> counters;
    std::vector<std::vector<double>> arrays;
    std::vector<Point> memories;
    std::int64_t step = 0;
  };
  Saved save() {
    Saved saved;
    for (const auto& name : state_.layout().vectors()) saved.vectors.push_back(oracle_.space().at(state_.vector(name)));
    for (const auto& s : state_.layout().scalars()) saved.scalars.push_back(state_.scalar(s.name));
    for (const auto& c : state_.layout().counters()) saved.counters.push_back(state_.counter(c.name));
    for (const auto& a : state_.layout().arrays())
      saved.arrays.emplace_back(state_.array(a.name).begin(), state_.array(a.name).end());
    saved.memories = oracle_.memories();
    saved.step = progress_.step;
    return saved;
  }
  void load(const Saved& saved) {
    for (std::size_t k = 0; k < saved.vectors.size(); ++k)
      oracle_.space().at(state_.vector(state_.layout().vectors()[k])) = saved.vectors[k];
    for (std::size_t k = 0; k < saved.scalars.size(); ++k) state_.scalar(state_.layout().scalars()[k].name) = saved.scalars[k];
    for (std::size_t k = 0; k < saved.counters.size(); ++k)
      state_.counter(state_.layout().counters()[k].name) = saved.counters[k];
    for (std::size_t k = 0; k < saved.arrays.size(); ++k)
      std::ranges::copy(saved.arrays[k], state_.array(state_.layout().arrays()[k].name).begin());
    oracle_.memories() = saved.memories;
    progress_.step = saved.step;
  }

 private:
  static std::unique_ptr<optim::Method> build(std::string text) {
    std::ranges::replace(text, ';', '\n');
    return optim::build_method(base::Config::parse("[method]\n" + text + "\n", "test.toml").section("method"));
  }
  math::State declare(const math::ParameterLayout& parameters) const {
    math::StateLayout layout;
    layout.vector("x");
    method_->declare(layout, parameters);
    return math::State(std::move(layout));
  }
  std::unique_ptr<optim::Method> method_;
  math::State state_;
  SerialOracle<Real> oracle_;
  optim::Progress progress_{.step = 0, .factor = 1, .seed = 1};
};

/// A run that offers everything but these needs, and so many steps.
inline optim::Offer offer_without(std::vector<optim::Need> lacking,
                                  std::int64_t steps = std::numeric_limits<std::int64_t>::max()) {
  return [lacking = std::move(lacking), steps](optim::Need need, const optim::Needs& needs) {
    return optim::Offered{.met = std::ranges::find(lacking, need) == lacking.end() && needs.horizon() <= steps};
  };
}

/// F(x) = sum_j a_j x_j^2 / 2.
inline FiniteSum quadratic(Point a) {
  const std::size_t d = a.size();
  return {.n = 1,
          .dimension = d,
          .term =
              [a](std::size_t, const Point& x, Point& g) {
                double value = 0;
                for (std::size_t j = 0; j < a.size(); ++j) {
                  value += 0.5 * a[j] * x[j] * x[j];
                  g[j] += a[j] * x[j];
                }
                return value;
              },
          .hessian_vector =
              [a](const Point&, const Point& v) {
                Point out(v.size());
                for (std::size_t j = 0; j < a.size(); ++j) out[j] = a[j] * v[j];
                return out;
              }};
}

/// f_i = (a_i . x - y_i)^2 / 2 with random rows and noisy targets: n terms that do not agree.
FiniteSum least_squares(std::size_t n, std::size_t d);

}  // namespace talweg::test
