// SPDX-License-Identifier: Apache-2.0
// The local mathematics of F: sums of f_i over the examples it is given. Knows no ranks, threads or files; the one division by
// n is the oracle's. Const and re-entrant: the point, the examples and the tape are arguments.
//
// A gradient has two phases, so that no thread needs a parameter-sized buffer:
//   1. forward_backward(point, examples) -> value, and a tape of activations and deltas        one task per leaf
//   2. add_tile(tape, tile, weight, out): out += weight * this leaf's gradient on one tile      one task per tile, leaves
//   inside
// A Hessian-vector product is tangent(direction) on a kept tape, then add_tangent_tile the same way.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "talweg/data/examples.hpp"
#include "talweg/math/layout.hpp"

namespace talweg::model {

/// Value and slope of sum_i f_i at point + t * direction.
struct ValueAndSlope {
  double value = 0;
  double slope = 0;
};

/// What evaluation counts, each a sum over examples.
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
};

/// Activations and deltas of one leaf at one point. What is inside is the objective's affair; reused between leaves.
template <class Real>
class Tape {
 public:
  virtual ~Tape() = default;
};

template <class Real>
class Objective {
 public:
  virtual ~Objective() = default;

  virtual const math::ParameterLayout& layout() const = 0;
  virtual Capabilities capabilities() const { return {}; }
  /// Numbers predict() gives per example.
  virtual std::size_t outputs() const = 0;
  /// One line for people: "mlp 64-128-10, relu, cross_entropy".
  virtual std::string describe() const = 0;
  /// Gradient cost of one example, for reports: flop of phase one and two together; 0 when unknown.
  virtual double gradient_flop() const { return 0; }

  virtual std::unique_ptr<Tape<Real>> make_tape() const = 0;
  /// Phase one at `point` [extent]. Returns sum_i f_i. `examples` must outlive the use of the tape.
  virtual double forward_backward(std::span<const Real> point, const data::Examples<Real>& examples,
                                  Tape<Real>& tape) const = 0;
  /// Phase two: out[j] += weight * d(sum_i f_i)/d(parameter tile.offset + j); out has tile.count entries.
  virtual void add_tile(const Tape<Real>& tape, const math::Tile& tile, Real weight, std::span<Real> out) const = 0;
  /// Derivative of phase one along `direction` [extent], on a tape from forward_backward(point).
  virtual void tangent(std::span<const Real> point, std::span<const Real> direction, Tape<Real>& tape) const = 0;
  /// Phase two of the Hessian-vector product.
  virtual void add_tangent_tile(const Tape<Real>& tape, const math::Tile& tile, Real weight, std::span<Real> out) const = 0;

  virtual Evaluation evaluate(std::span<const Real> point, const data::Examples<Real>& examples, Tape<Real>& tape) const = 0;
  /// out[k] = value and slope of sum_i f_i at point + lengths[k] * direction.
  virtual void along(std::span<const Real> point, std::span<const Real> direction, std::span<const double> lengths,
                     const data::Examples<Real>& examples, Tape<Real>& tape, std::span<ValueAndSlope> out) const = 0;
  /// Outputs [count, outputs()]: scores (classification: before softmax or sigmoid).
  virtual void predict(std::span<const Real> point, const data::Examples<Real>& examples, Tape<Real>& tape,
                       std::span<Real> out) const = 0;
};

}  // namespace talweg::model
