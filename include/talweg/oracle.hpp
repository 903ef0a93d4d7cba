// SPDX-License-Identifier: Apache-2.0
// Everything a method may ask. All ranks answer a request together: a verdict, then one exact sum. Methods name points by
// handle, so a point that has not changed is not sent again.
//
// The smooth part of Omega (l2) is added to every gradient, value along a line and Hessian-vector product here, once; its
// non-smooth part only acts through prox().
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "talweg/proximal.hpp"
#include "talweg/state.hpp"
#include "talweg/vector_space.hpp"

namespace talweg::optim {

/// A reduced number was NaN or infinite. Thrown by the oracle before anything was written; the trainer ends the run with
/// ExitCode::diverged, unless [run] nonfinite says otherwise.
class Diverged : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Which examples: minibatch number `ticket` of the run's order, or all.
struct Batch {
  bool all = false;
  std::uint64_t ticket = 0;
  std::uint64_t size = 0;  // examples
};

/// weight * gradient at a point.
struct Term {
  double weight = 1;
  Vector at;
};

/// Where the finished gradient goes, block by block: kernel arrays are [0] the gradient's block (scratch the kernel may
/// alter), then the blocks of `writes`, then those of `reads`.
struct Sink {
  const math::BlockKernel& kernel;
  std::vector<Vector> writes;
  std::vector<Vector> reads;
};

/// The gradient of every example at the point where it was last asked for, kept as the numbers that, times its features, are
/// the gradient: dl/dz of a linear model, [n, outputs] in all. The oracle keeps `average` up to date.
struct Memory {
  math::PerExample gradients;
  Vector average;      // (1/n) sum_i of the remembered gradients, Omega not included
  bool begin = false;  // nothing is remembered yet: the request must be for all examples
};

/// sum_k terms_k.weight * grad F_batch(terms_k.at) + sum_j shifts_j.weight * shifts_j.at
/// (terms ask for gradients of one batch at up to four points: one collective; shifts are vectors added as they are).
/// With a memory (one term, of weight 1) the batch's remembered gradients are taken off and the average of all is added; then
/// those at the term's point are remembered in their place. An example may not be in the batch twice.
/// With `skips` an example may be left out of the request, as if its f_i and their gradients were zero: one that had no
/// gradient at terms[0].at the last times it was asked for (skipping.hpp). The slot counts these times.
struct GradientRequest {
  std::vector<Term> terms;
  std::vector<Term> shifts;
  Batch batch;
  std::optional<Memory> memory{};
  std::optional<math::PerExample> skips{};
};

struct GradientAnswer {
  double value = 0;   // mean of f_i over the batch at terms[0].at, Omega not included
  math::Sums sums{};  // the sink kernel's
};

/// Bounds on the curvature of the f_i that hold at every x, Omega left out: known for linear models.
struct CurvatureBounds {
  double largest = 0;    // of one term: max_i L_i
  double mean = 0;       // mean of the L_i: no less than the curvature of their mean
  double over_zero = 0;  // the Hessian anywhere is at most so many times the one at x = 0; 0: no such number
};

/// F (with the smooth part of Omega) and its derivative along a line.
struct LinePoint {
  double length = 0;
  double value = 0;
  double slope = 0;
};

class Oracle {
 public:
  virtual ~Oracle() = default;
  [[nodiscard]] virtual VectorSpace& space() = 0;

  /// Minibatch number `ticket`; tickets are counted by the caller, usually the step.
  [[nodiscard]] virtual Batch draw(std::uint64_t ticket) const = 0;
  [[nodiscard]] virtual Batch all() const = 0;
  /// ceil(n / batch): tickets in one pass.
  [[nodiscard]] virtual std::uint64_t batches_per_epoch() const = 0;

  virtual GradientAnswer gradient(const GradientRequest&, const Sink&) = 0;
  /// Values and slopes at x + length * direction for several lengths: one pass, one collective.
  virtual std::vector<LinePoint> along(Vector x, Vector direction, std::span<const double> lengths, const Batch&) = 0;
  /// out = Hessian of F (smooth part) at x, times v.
  virtual void hessian_vector(Vector x, Vector v, const Batch&, Vector out) = 0;
  /// Smooth and non-smooth part of Omega at x.
  virtual double smooth_omega(Vector x) = 0;
  virtual double nonsmooth_omega(Vector x) = 0;
  /// The non-smooth part's prox, or null when Omega is smooth.
  [[nodiscard]] virtual const math::Proximal* proximal() const = 0;
  /// Nothing unless the run's method asked for it (Needs::smoothness) and the model is linear.
  [[nodiscard]] virtual std::optional<CurvatureBounds> curvature_bounds() const = 0;
  /// The largest curvature of Omega's smooth part.
  [[nodiscard]] virtual double omega_curvature() const = 0;

  // On top of the verbs above.
  /// x = prox of step times Omega's non-smooth part, at x. Nothing to do when Omega is smooth.
  void prox(Vector x, double step);
  /// The gradient stored into `out`; sums[0] is its squared norm.
  GradientAnswer gradient_into(const GradientRequest&, Vector out);
  GradientAnswer gradient_into(Vector x, const Batch& batch, Vector out) {
    return gradient_into({.terms = {{1.0, x}}, .shifts = {}, .batch = batch}, out);
  }
};

}  // namespace talweg::optim
