// SPDX-License-Identifier: Apache-2.0
// The local mathematics of F: sums of f_i over the examples it is given. It knows no ranks, threads or files; the oracle
// divides by n, once. Const and re-entrant: the point, the examples and the tape are arguments.
//
// A gradient has two phases, so that no thread needs a parameter-sized buffer:
//   1. forward_backward(point, examples) -> value, and a tape of activations and deltas          one task per leaf
//   2. tile(leaves' tapes, tile, sum): every leaf's share of one tile of the gradient, summed     one task per tile
// A Hessian-vector product is tangent(direction) on a kept tape, then tangent_tile the same way. What all leaves of a request
// share at one point (a network's packed weights) is prepared once before them, part by part.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "talweg/examples.hpp"
#include "talweg/layout.hpp"
#include "talweg/sums.hpp"

namespace talweg::model {

/// Value and slope of sum_i f_i at point + t * direction.
struct ValueAndSlope {
  double value = 0;
  double slope = 0;
};

/// The sums over examples that evaluation needs.
struct Evaluation {
  double loss = 0;           // sum of f_i
  double correct = 0;        // classification: examples whose largest output is the target
  double squared_error = 0;  // regression
  double target = 0;         // sum of targets, and of their squares: for r2
  double target_squared = 0;
};

struct Capabilities {
  bool hvp = true;              // tangent() works
  bool classification = false;  // Evaluation::correct is meaningful (else squared_error and targets)
  bool smooth = true;           // f_i has continuous derivatives (false: relu; its HVP is that of the active pieces)
  int numbers_per_unit = 4;     // numbers that a tape holds per unit of an example, to estimate memory
};

/// For terms f_i(x) = l(W a_i + b, y_i), where the data alone bound the curvature at every x.
struct LinearCurvature {
  double loss = 0;       // largest eigenvalue of d2l/dz2: f_i's largest curvature is at most loss * (|a_i|^2 + bias)
  double bias = 0;       // 1 with a bias
  double over_zero = 0;  // the Hessian anywhere is at most so many times the one at x = 0; 0: no such number
};

/// Activations and deltas of one leaf at one point. Its content belongs to the objective; reused between leaves.
template <class Real>
class Tape {
 public:
  virtual ~Tape() = default;
};

/// A leaf's tapes, one for each point that the request names.
template <class Real>
using LeafTapes = std::span<const std::unique_ptr<Tape<Real>>>;

/// A point: parameters x [extent], and what prepare() has computed from them [prepared_extent()].
template <class Real>
struct Point {
  std::span<const Real> x;
  std::span<const Real> prepared;
};

template <class Real>
class Objective {
 public:
  virtual ~Objective() = default;

  virtual const math::ParameterLayout& layout() const = 0;
  virtual Capabilities capabilities() const { return {}; }
  /// Nothing unless the outputs are a linear function of x.
  virtual std::optional<LinearCurvature> linear_curvature() const { return std::nullopt; }
  /// Numbers predict() gives per example.
  virtual std::size_t outputs() const = 0;
  /// One line for people: "mlp 64-128-10, relu, cross_entropy".
  virtual std::string describe() const = 0;
  /// Gradient cost of one example, for reports: flop of phase one and two together; 0 when unknown.
  virtual double gradient_flop() const { return 0; }

  /// Elements that prepare() computes for a point; 0: nothing to prepare.
  virtual std::size_t prepared_extent() const { return 0; }
  /// The parts prepare() is asked for, each once, in any order, in parallel.
  virtual std::size_t prepared_parts() const { return 0; }
  virtual void prepare(std::span<const Real> /*x*/, std::size_t /*part*/, std::span<Real> /*prepared*/) const {}

  virtual std::unique_ptr<Tape<Real>> make_tape() const = 0;
  /// Phase one. Returns sum_i f_i; the tape is that of `weight` times the sum. `examples` must outlive the use of the tape.
  virtual double forward_backward(Point<Real> point, const data::Examples<Real>& examples, Real weight,
                                  Tape<Real>& tape) const = 0;
  /// Phase two: adds to `sum` each leaf's share of the tile, d(weight * sum_i f_i)/d(its parameters) summed over its tapes.
  virtual void tile(std::span<const LeafTapes<Real>> leaves, const math::Tile& tile, math::TileSum<Real>& sum) const = 0;
  /// Derivative of phase one along `direction`, on a tape from forward_backward(point, ..., weight 1); may be called again on
  /// the same tape with other directions.
  virtual void tangent(Point<Real> point, Point<Real> direction, Tape<Real>& tape) const = 0;
  /// Phase two of the Hessian-vector product: each leaf has one tape.
  virtual void tangent_tile(std::span<const LeafTapes<Real>> leaves, const math::Tile& tile,
                            math::TileSum<Real>& sum) const = 0;

  /// Numbers per example that, times its features, are its gradient: dl/dz of a linear model [outputs()]. 0: there are none.
  virtual std::size_t example_numbers() const { return 0; }
  /// Those of a leaf, [count, example_numbers()], on its tape from forward_backward(weight 1); tile() uses what is written
  /// here.
  virtual std::span<Real> example_numbers(Tape<Real>& /*tape*/) const { return {}; }

  virtual Evaluation evaluate(Point<Real> point, const data::Examples<Real>& examples, Tape<Real>& tape) const = 0;
  /// out[k] = value and slope of sum_i f_i at point + lengths[k] * direction.
  virtual void along(Point<Real> point, Point<Real> direction, std::span<const double> lengths,
                     const data::Examples<Real>& examples, Tape<Real>& tape, std::span<ValueAndSlope> out) const = 0;
  /// Outputs [count, outputs()]: scores (classification: before softmax or sigmoid).
  virtual void predict(Point<Real> point, const data::Examples<Real>& examples, Tape<Real>& tape,
                       std::span<Real> out) const = 0;
};

/// Makes an embedding program's own Objective for the training data, in the precision of the run. An empty function: that
/// precision is not offered.
struct OwnObjective {
  std::function<std::unique_ptr<Objective<float>>(const data::Shape&)> in_float32;
  std::function<std::unique_ptr<Objective<double>>(const data::Shape&)> in_float64;
  bool classes = false;  // targets are class indices; else numbers
};

}  // namespace talweg::model
