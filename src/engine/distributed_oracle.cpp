// SPDX-License-Identifier: Apache-2.0
#include "engine/distributed_oracle.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "base/stopwatch.hpp"
#include "comm/agree.hpp"
#include "optim/coupled_prox.hpp"
#include "talweg/sums.hpp"

namespace talweg::engine {

/// The reduced sums, block by block, as a gradient: sum / b + l2 * (the weighted points) + shifts, in double, then rounded.
template <class Real>
class DistributedOracle<Real>::Finished final : public BlockSpace<Real>::Source {
 public:
  Finished(Machinery<Real>& machinery, std::uint64_t count) : m_(machinery), scale_(1.0 / static_cast<double>(count)) {}
  void add_point(double weight, optim::Vector v) { points_.push_back({weight, m_.store.values(v)}); }
  void add_shift(double weight, optim::Vector v) { shifts_.push_back({weight, m_.store.values(v)}); }

  /// `average` is added, and then moved by `share` of what was summed. `begin`: it holds nothing yet.
  void add_average(double share, bool begin, optim::Vector average) {
    share_ = share;
    begin_ = begin;
    average_ = m_.store.values(average);
  }

  void fill(const math::Block& block, std::span<Real> out) const override {
    for (std::size_t from = 0; from < block.count; from += kPiece) {
      const std::size_t count = std::min(kPiece, block.count - from);
      fill_piece({block.index, block.tensor, block.offset + from, count}, out.subspan(from, count));
    }
  }

 private:
  static constexpr std::size_t kPiece = NodeSums<Real>::kPiece;
  struct Weighted {
    double weight;
    std::span<const Real> values;
  };

  void fill_piece(const math::Block& piece, std::span<Real> out) const {
    const double l2 = m_.sum.regularizer.l2(piece);
    if (average_.empty() && l2 == 0 && shifts_.empty()) return m_.sums.read(piece, scale_, out.data());
    alignas(64) std::array<double, kPiece> sum;
    m_.sums.read(piece, scale_, sum.data());
    if (!average_.empty()) move_average(average_.subspan(piece.offset, piece.count), sum.data());
    if (l2 != 0) {
      for (const Weighted& p : points_) add(l2 * p.weight, p.values.subspan(piece.offset, piece.count), sum.data());
    }
    for (const Weighted& s : shifts_) add(s.weight, s.values.subspan(piece.offset, piece.count), sum.data());
    for (std::size_t i = 0; i < piece.count; ++i) out[i] = static_cast<Real>(sum[i]);
  }

  void move_average(std::span<Real> average, double* sum) const {
    for (std::size_t i = 0; i < average.size(); ++i) {
      const double before = begin_ ? 0 : static_cast<double>(average[i]);
      average[i] = static_cast<Real>(before + share_ * sum[i]);
      sum[i] += before;
    }
  }
  static void add(double weight, std::span<const Real> values, double* sum) {
    for (std::size_t i = 0; i < values.size(); ++i) sum[i] += weight * static_cast<double>(values[i]);
  }

  Machinery<Real>& m_;
  double scale_;
  std::vector<Weighted> points_;
  std::vector<Weighted> shifts_;
  std::span<Real> average_;
  double share_ = 0;
  bool begin_ = false;
};

/// This rank's leaves of a request: metered, and shown to the ranks that wait for it. These allow for twenty times as long.
template <class Real>
class DistributedOracle<Real>::RequestScope {
 public:
  RequestScope(Machinery<Real>& machinery, comm::Activity activity)
      : m_(machinery), before_(seconds()), watch_(std::in_place, seconds()) {
    m_.comm.at_step(m_.session.step() + 1);
    m_.comm.allow(0);  // forget what the previous request was allowed
    m_.comm.set_activity(activity);
  }
  ~RequestScope() {
    watch_.reset();
    m_.comm.allow(kPatience * (seconds() - before_));
    m_.comm.set_activity(comm::Activity::updating);
  }
  RequestScope(const RequestScope&) = delete;
  RequestScope& operator=(const RequestScope&) = delete;

 private:
  static constexpr double kPatience = 20;
  double& seconds() { return m_.session.meter().phases.gradient; }
  Machinery<Real>& m_;
  double before_;
  std::optional<base::Stopwatch> watch_;
};

template <class Real>
optim::GradientAnswer DistributedOracle<Real>::gradient(const optim::GradientRequest& request, const optim::Sink& sink) {
  if (request.terms.empty() || request.terms.size() > Query::kPoints) {
    throw std::logic_error("a gradient request has one to four terms");
  }
  Query q = query(Query::What::gradient, request.batch, {});
  for (const optim::Term& term : request.terms) {
    q.at[q.points] = term.at;
    q.weight[q.points++] = term.weight;
  }
  if (request.memory) {
    if (q.points != 1 || q.weight[0] != 1 || (request.memory->begin && !q.all) || asker_ != Asker::method)
      throw std::logic_error("a request with a memory is the method's, for one term of weight 1, and begins with all examples");
    q.memory = request.memory->begin ? Query::Memory::begin : Query::Memory::exchange;
    q.slot = request.memory->gradients;
  }
  if (request.skips) {
    if (request.memory || asker_ != Asker::method)
      throw std::logic_error("a request that skips is the method's, and has no memory");
    q.memory = Query::Memory::skip;
    q.slot = *request.skips;
  }
  const Reduced reduced = reduce(q);
  if (!reduced.finite) throw optim::Diverged("the loss or a gradient element is not finite");
  const base::Stopwatch watch(m_.session.meter().phases.update);
  Finished finished(m_, reduced.count);
  for (const optim::Term& term : request.terms) finished.add_point(term.weight, term.at);
  for (const optim::Term& shift : request.shifts) finished.add_shift(shift.weight, shift.at);
  if (request.memory) {
    const auto n = static_cast<double>(m_.sum.train.plan().count());
    finished.add_average(static_cast<double>(reduced.count) / n, request.memory->begin, request.memory->average);
  }
  const math::Sums sums = m_.space.run(&finished, sink.writes, sink.reads, sink.kernel);
  if (request.memory) m_.space.written(request.memory->average);
  return {.value = reduced.value, .sums = sums};
}

template <class Real>
void DistributedOracle<Real>::hessian_vector(optim::Vector x, optim::Vector v, const optim::Batch& batch, optim::Vector out) {
  const Reduced reduced = reduce(query(Query::What::hessian_vector, batch, std::array{x, v}));
  if (!reduced.finite) throw optim::Diverged("an element of a Hessian-vector product is not finite");
  const base::Stopwatch watch(m_.session.meter().phases.update);
  Finished finished(m_, reduced.count);
  finished.add_point(1, v);  // the l2 term's Hessian is l2 on the elements it acts on
  const auto store = math::block_kernel(
      []<class T>(const math::Block&, math::Arrays<T> block) { std::ranges::copy(block[0], block[1].begin()); });
  m_.space.run(&finished, {{out}}, {}, store);
}

template <class Real>
std::vector<optim::LinePoint> DistributedOracle<Real>::along(optim::Vector x, optim::Vector direction,
                                                             std::span<const double> lengths, const optim::Batch& batch) {
  if (lengths.empty() || lengths.size() > kMostLengths) throw std::logic_error("a line request has one to sixteen lengths");
  Query q = query(Query::What::along, batch, std::array{x, direction});
  q.lengths = lengths;
  const auto [sums, count] = reduce_scalars(q);
  // Omega's smooth part on the line: (A + 2 t B + t^2 C) / 2 with A = l2 x'x, B = l2 x'd, C = l2 d'd.
  const model::Regularizer& omega = m_.sum.regularizer;
  math::Sums l2{};
  if (omega.config().l2 != 0) {
    const auto kernel = math::block_kernel([&omega]<class T>(const math::Block& block, math::Arrays<T> v) {
      const double weight = omega.l2(block);
      const std::span<const T> at = v[0];
      const std::span<const T> d = v[1];
      return math::Sums{weight * math::dot<T>(at, at), weight * math::dot<T>(at, d), weight * math::dot<T>(d, d)};
    });
    l2 = m_.space.for_each_block({}, std::array{x, direction}, kernel);
  }
  std::vector<optim::LinePoint> line;
  for (std::size_t k = 0; k < lengths.size(); ++k) {
    const double t = lengths[k];
    const auto n = static_cast<double>(count);
    line.push_back({.length = t,
                    .value = sums[2 * k] / n + 0.5 * (l2[0] + 2 * t * l2[1] + t * t * l2[2]),
                    .slope = sums[2 * k + 1] / n + l2[1] + t * l2[2]});
  }
  return line;
}

template <class Real>
PartEvaluation DistributedOracle<Real>::evaluate(optim::Vector at, Part part) {
  Query q = query(Query::What::evaluate, all(), std::array{at});
  q.part = part;
  const auto [sums, count] = reduce_scalars(q);
  return {{.loss = sums[0], .correct = sums[1], .squared_error = sums[2], .target = sums[3], .target_squared = sums[4]}, count};
}

template <class Real>
Query DistributedOracle<Real>::query(Query::What what, const optim::Batch& batch, std::span<const optim::Vector> points) const {
  Query q{.what = what, .asker = asker_, .all = batch.all, .ticket = batch.ticket};
  for (const optim::Vector v : points) q.at[q.points++] = v;
  return q;
}

template <class Real>
Kind DistributedOracle<Real>::kind_of(const Query& q) const {
  if (q.is_product()) return q.all ? Kind::full_hvp : Kind::batch_hvp;
  if (q.points > 1) return Kind::batch_combination;
  return q.all ? Kind::full_gradient : Kind::batch_gradient;
}

template <class Real>
void DistributedOracle<Real>::complete_points(const Query& q) {
  const base::Stopwatch watch(m_.session.meter().phases.broadcast);
  for (std::size_t k = 0; k < q.points; ++k) m_.complete(q.at[k]);
  m_.space.settle();
}

template <class Real>
typename DistributedOracle<Real>::Reduced DistributedOracle<Real>::reduce(const Query& q) {
  complete_points(q);
  const Kind kind = kind_of(q);
  Grids& grids = m_.session.grids();
  if (asker_ == Asker::observer && kind == Kind::full_gradient) grids.observe_as_the_method_asks();

  Reduced result;
  Leaves leaves;
  math::ExactSum value;
  const std::span<std::uint32_t> maxima = m_.leaves.maxima();
  for (bool again = false, fits = false; !fits; again = true) {
    comm::Failure failure;
    try {
      const RequestScope scope(m_, comm::Activity::computing);
      if (!again) leaves = m_.leaves.leaves_of(q);
      value = m_.leaves.add_up(q, leaves, again, grids.exponents(asker_, kind), m_.sums);
      if (m_.session.fault() && asker_ == Asker::method) inject_fault(value);
    } catch (...) {
      failure = comm::current_failure();
    }
    base::Stopwatch watch(m_.session.meter().phases.allreduce);
    m_.session.verdicts().agree(failure, maxima);
    auto examples = static_cast<std::int64_t>(leaves.examples);
    if (q.memory == Query::Memory::skip) {
      examples = m_.leaves.looked_at();
      m_.comm.sum(std::span(&examples, 1));
    }
    (again             ? costs().redone
     : q.is_gradient() ? costs().gradients
                       : costs().hvps) += examples * (q.is_gradient() ? static_cast<std::int64_t>(q.points) : 1);
    result.finite = std::ranges::max(maxima) < math::kNotFinite;
    if (!result.finite) return result;
    fits = !m_.sums.exact() || !grids.outgrown(asker_, kind, maxima);
    grids.follow(asker_, kind, maxima);
  }
  m_.space.stay_on_one_thread(leaves.one_thread);
  const base::Stopwatch watch(m_.session.meter().phases.allreduce);
  m_.sums.add_nodes();
  m_.comm.sum(value.digits());  // from here on every rank may read what its node's ranks have added up
  result.count = leaves.examples;
  result.value = value.value() / static_cast<double>(leaves.examples);
  result.finite = std::isfinite(result.value);
  if (q.memory != Query::Memory::none && result.finite) m_.leaves.memory().commit(q.slot.slot);
  return result;
}

template <class Real>
std::pair<std::vector<double>, std::uint64_t> DistributedOracle<Real>::reduce_scalars(const Query& q) {
  complete_points(q);
  const bool along = q.what == Query::What::along;
  const std::size_t fields = along ? 2 * q.lengths.size() : 5;
  Leaves leaves;
  std::vector<math::ExactSum> sums(fields);
  comm::Failure failure;
  try {
    const RequestScope scope(m_, along ? comm::Activity::computing : comm::Activity::evaluating);
    leaves = m_.leaves.leaves_of(q);
    costs().values += static_cast<std::int64_t>(leaves.examples * (along ? q.lengths.size() : 1));
    sums = m_.leaves.scalars(q, leaves);
  } catch (...) {
    failure = comm::current_failure();
  }
  const base::Stopwatch watch(m_.session.meter().phases.allreduce);
  m_.session.verdicts().agree(failure, {});
  m_.space.stay_on_one_thread(leaves.one_thread);
  std::vector<std::int64_t> digits;  // all sums' in one message
  for (math::ExactSum& s : sums) digits.insert(digits.end(), s.digits().begin(), s.digits().end());
  m_.comm.sum(digits);
  std::vector<double> values;
  auto from = digits.begin();
  for (math::ExactSum& s : sums) {
    std::ranges::copy_n(from, std::ssize(s.digits()), s.digits().begin());
    from += std::ssize(s.digits());
    values.push_back(s.value());
  }
  return {values, leaves.examples};
}

template <class Real>
void DistributedOracle<Real>::inject_fault(math::ExactSum& value) {
  Fault& fault = *m_.session.fault();
  const std::int64_t step = m_.session.step() + 1;
  if (!fault.due(m_.comm.rank(), step)) return;
  switch (fault.kind()) {
    case Fault::Kind::nan:
      m_.leaves.maxima()[0] = math::kNotFinite;
      m_.sums.spoil();
      break;
    case Fault::Kind::nan_loss:
      value.add(std::numeric_limits<double>::quiet_NaN());
      break;
    case Fault::Kind::exception:
    case Fault::Kind::hang:
    case Fault::Kind::kill:
      fault.happen(m_.comm.rank(), step);
  }
}

template <class Real>
double DistributedOracle<Real>::smooth_omega(optim::Vector x) {
  if (m_.sum.regularizer.config().l2 == 0) return 0;
  const auto kernel = math::block_kernel([this]<class T>(const math::Block& block, math::Arrays<T> v) {
    return math::Sums{m_.sum.regularizer.template smooth_value<T>(block, v[0])};
  });
  return m_.space.for_each_block({}, std::array{x}, kernel)[0];
}

template <class Real>
double DistributedOracle<Real>::nonsmooth_omega(optim::Vector x) {
  if (m_.sum.regularizer.smooth()) return 0;
  const auto kernel = math::block_kernel([this]<class T>(const math::Block& block, math::Arrays<T> v) {
    return math::Sums{m_.sum.regularizer.template nonsmooth_value<T>(block, v[0])};
  });
  const double separable = m_.space.for_each_block({}, std::array{x}, kernel)[0];
  const math::Coupling* coupling = m_.sum.regularizer.coupling();
  return coupling == nullptr ? separable : separable + optim::coupled_value(m_.space, *coupling, x);
}

template class DistributedOracle<float>;
template class DistributedOracle<double>;

}  // namespace talweg::engine
