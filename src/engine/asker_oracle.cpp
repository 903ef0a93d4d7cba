// SPDX-License-Identifier: Apache-2.0
#include "engine/asker_oracle.hpp"

#include <algorithm>
#include <stdexcept>

#include "optim/coupled_prox.hpp"
#include "talweg/sums.hpp"

namespace talweg::engine {

/// The reduced sums, block by block, as a gradient: sum / b + l2 * (the weighted points) + shifts, in double, then rounded.
template <class Real>
class Engine<Real>::AskerOracle::Finished final : public BlockSpace<Real>::Source {
 public:
  struct Vector {
    double weight;
    std::span<const Real> values;
  };
  Finished(Engine& engine, std::uint64_t count) : engine_(engine), scale_(1.0 / static_cast<double>(count)) {}
  void add_point(double weight, optim::Vector v) { points_.push_back({weight, engine_.store_.values(v)}); }
  void add_shift(double weight, optim::Vector v) { shifts_.push_back({weight, engine_.store_.values(v)}); }

  /// `average` is added, then follows what the batch's share of it changed.
  void remember(double share, bool begin, optim::Vector average) {
    share_ = share;
    begin_ = begin;
    average_ = engine_.store_.values(average);
  }

  void fill(const math::Block& block, std::span<Real> out) const override {
    for (std::size_t from = 0; from < block.count; from += kPiece) {
      const std::size_t count = std::min(kPiece, block.count - from);
      fill_piece({block.index, block.tensor, block.offset + from, count}, out.subspan(from, count));
    }
  }

 private:
  void fill_piece(const math::Block& piece, std::span<Real> out) const {
    const double l2 = engine_.problem_.regularizer.l2(piece);
    if (average_.empty() && l2 == 0 && shifts_.empty()) return engine_.summed(piece, scale_, out.data());
    alignas(64) std::array<double, kPiece> sum;
    engine_.summed(piece, scale_, sum.data());
    if (!average_.empty()) follow(average_.subspan(piece.offset, piece.count), sum.data());
    if (l2 != 0) {
      for (const Vector& p : points_) add(l2 * p.weight, p.values.subspan(piece.offset, piece.count), sum.data());
    }
    for (const Vector& s : shifts_) add(s.weight, s.values.subspan(piece.offset, piece.count), sum.data());
    for (std::size_t i = 0; i < piece.count; ++i) out[i] = static_cast<Real>(sum[i]);
  }

  void follow(std::span<Real> average, double* sum) const {
    for (std::size_t i = 0; i < average.size(); ++i) {
      const double before = begin_ ? 0 : static_cast<double>(average[i]);
      average[i] = static_cast<Real>(before + share_ * sum[i]);
      sum[i] += before;
    }
  }
  static void add(double weight, std::span<const Real> values, double* sum) {
    for (std::size_t i = 0; i < values.size(); ++i) sum[i] += weight * static_cast<double>(values[i]);
  }
  Engine& engine_;
  double scale_;
  std::vector<Vector> points_;
  std::vector<Vector> shifts_;
  std::span<Real> average_;
  double share_ = 0;
  bool begin_ = false;
};

template <class Real>
optim::GradientAnswer Engine<Real>::AskerOracle::gradient(const optim::GradientRequest& request, const optim::Sink& sink) {
  if (request.terms.empty() || request.terms.size() > Request::kPoints) {
    throw std::logic_error("a gradient request has one to four terms");
  }
  Request r = header(Verb::gradient, request.batch);
  std::array<optim::Vector, Request::kPoints> points;
  for (std::size_t k = 0; k < request.terms.size(); ++k) {
    points[k] = request.terms[k].at;
    r.weight[k] = request.terms[k].weight;
  }
  if (request.memory) {
    const optim::Memory& memory = *request.memory;
    if (request.terms.size() != 1 || r.weight[0] != 1 || (memory.begin && !r.all) || asker_ != Asker::method)
      throw std::logic_error("a request with a memory is the method's, for one term of weight 1, and begins with all examples");
    r.remembers = true;
    r.begins = memory.begin;
    r.memory = memory.gradients.slot;
  }
  if (request.skips) {
    if (request.memory || asker_ != Asker::method)
      throw std::logic_error("a request that skips is the method's, and remembers nothing");
    r.skips = true;
    r.memory = request.skips->slot;
  }
  if (asker_ == Asker::observer) {
    for (const optim::Term& shift : request.shifts) engine_.complete_announced(shift.at);
  }
  engine_.announce(r, std::span(points).first(request.terms.size()));
  const Answer a = engine_.answer(r);
  if (!a.finite) throw optim::Diverged("the loss or a gradient element is not finite");
  const Stopwatch watch(engine_.meter_.phases.update);
  Finished finished(engine_, a.count);
  for (const optim::Term& term : request.terms) finished.add_point(term.weight, term.at);
  for (const optim::Term& shift : request.shifts) finished.add_shift(shift.weight, shift.at);
  if (request.memory) {
    const auto n = static_cast<double>(engine_.problem_.train.plan().count());
    finished.remember(static_cast<double>(a.count) / n, request.memory->begin, request.memory->average);
  }
  BlockSpace<Real>& space = engine_.space(asker_);
  const math::Sums sums = space.run(&finished, sink.writes, sink.reads, sink.kernel);
  if (request.memory) space.written(request.memory->average);
  return {.value = a.value, .sums = sums};
}

template <class Real>
void Engine<Real>::AskerOracle::hessian_vector(optim::Vector x, optim::Vector v, const optim::Batch& batch, optim::Vector out) {
  Request r = header(Verb::hessian_vector, batch);
  engine_.announce(r, std::array{x, v});
  const Answer a = engine_.answer(r);
  if (!a.finite) throw optim::Diverged("an element of a Hessian-vector product is not finite");
  const Stopwatch watch(engine_.meter_.phases.update);
  Finished finished(engine_, a.count);
  finished.add_point(1, v);  // the l2 term's Hessian is l2 on the elements it acts on
  const auto store = math::block_kernel(
      []<class T>(const math::Block&, math::Arrays<T> block) { std::ranges::copy(block[0], block[1].begin()); });
  engine_.space(asker_).run(&finished, {{out}}, {}, store);
}

template <class Real>
std::vector<optim::LinePoint> Engine<Real>::AskerOracle::along(optim::Vector x, optim::Vector direction,
                                                               std::span<const double> lengths, const optim::Batch& batch) {
  if (lengths.empty() || lengths.size() > Request::kLengths)
    throw std::logic_error("a line request has one to sixteen lengths");
  Request r = header(Verb::along, batch);
  r.lengths = static_cast<std::uint32_t>(lengths.size());
  std::ranges::copy(lengths, r.length.begin());
  engine_.announce(r, std::array{x, direction});
  const Answer a = engine_.answer(r);
  // Omega's smooth part on the line: (A + 2 t B + t^2 C) / 2 with A = l2 x'x, B = l2 x'd, C = l2 d'd.
  const model::Regularizer& omega = engine_.problem_.regularizer;
  math::Sums l2{};
  if (omega.config().l2 != 0) {
    const auto kernel = math::block_kernel([&omega]<class T>(const math::Block& block, math::Arrays<T> v) {
      const double weight = omega.l2(block);
      const std::span<const T> at = v[0];
      const std::span<const T> d = v[1];
      return math::Sums{weight * math::dot<T>(at, at), weight * math::dot<T>(at, d), weight * math::dot<T>(d, d)};
    });
    l2 = engine_.space(asker_).for_each_block({}, std::array{x, direction}, kernel);
  }
  std::vector<optim::LinePoint> line;
  for (std::size_t k = 0; k < lengths.size(); ++k) {
    const double t = lengths[k];
    const auto n = static_cast<double>(a.count);
    line.push_back({.length = t,
                    .value = a.sums[2 * k] / n + 0.5 * (l2[0] + 2 * t * l2[1] + t * t * l2[2]),
                    .slope = a.sums[2 * k + 1] / n + l2[1] + t * l2[2]});
  }
  return line;
}

template <class Real>
double Engine<Real>::AskerOracle::smooth_omega(optim::Vector x) {
  const auto kernel = math::block_kernel([this]<class T>(const math::Block& block, math::Arrays<T> v) {
    return math::Sums{engine_.problem_.regularizer.template smooth_value<T>(block, v[0])};
  });
  return engine_.space(asker_).for_each_block({}, std::array{x}, kernel)[0];
}

template <class Real>
double Engine<Real>::AskerOracle::nonsmooth_omega(optim::Vector x) {
  const auto kernel = math::block_kernel([this]<class T>(const math::Block& block, math::Arrays<T> v) {
    return math::Sums{engine_.problem_.regularizer.template nonsmooth_value<T>(block, v[0])};
  });
  BlockSpace<Real>& space = engine_.space(asker_);
  const double separable = space.for_each_block({}, std::array{x}, kernel)[0];
  const math::Coupling* coupling = engine_.problem_.regularizer.coupling();
  return coupling == nullptr ? separable : separable + optim::coupled_value(space, *coupling, x);
}

template class Engine<float>::AskerOracle;
template class Engine<double>::AskerOracle;

}  // namespace talweg::engine
