// SPDX-License-Identifier: Apache-2.0
// How a rank answers a request: leaves, verdict, sums. Who makes requests is in engine.cpp.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <tuple>

#include "engine/engine.hpp"

namespace talweg::engine {
namespace {

// Below this, waking a second thread and moving cache lines to it cost more than it saves; same bits either way.
constexpr double kSerialFlop = 1.6e7;

}  // namespace

/// This rank's leaves of a request: metered, shown to those who wait for it, and what they take allowed twenty times over.
template <class Real>
class Engine<Real>::Working {
 public:
  Working(Engine& engine, const Request& request)
      : engine_(engine), before_(engine.meter_.phases.gradient), watch_(std::in_place, engine.meter_.phases.gradient) {
    engine.comm_.at_step(request.step + 1);
    engine.comm_.allow(0);  // what the request before took is no reason to wait for this one
    engine.comm_.set_activity(request.verb == Verb::evaluate ? comm::Activity::evaluating : comm::Activity::computing);
  }
  ~Working() {
    watch_.reset();
    engine_.comm_.allow(kPatience * (engine_.meter_.phases.gradient - before_));
    engine_.comm_.set_activity(comm::Activity::updating);
  }
  Working(const Working&) = delete;
  Working& operator=(const Working&) = delete;

 private:
  static constexpr double kPatience = 20;
  Engine& engine_;
  double before_;
  std::optional<Stopwatch> watch_;
};

template <class Real>
typename Engine<Real>::Leaves Engine<Real>::leaves_of(const Request& request) {
  const data::Dataset<Real>& data = part(request.part);
  Leaves leaves;
  if (!request.all) {
    leaves.mine = order_.leaves(request.ticket);
  } else if (request.part == Part::train) {
    leaves.mine = order_.all(std::max(leaf_, default_leaf(data.plan().count())));
  } else {
    const std::uint64_t count = data.plan().count();
    leaves.mine = data::Order(data.plan(), data::Sampling::cyclic, 0, count, default_leaf(count)).all(default_leaf(count));
  }
  leaves.total = leaves.mine.size();
  for (const data::Leaf& leaf : leaves.mine) leaves.examples += leaf.count;
  std::erase_if(leaves.mine, [&](const data::Leaf& leaf) { return !data.owns(leaf); });
  double flop = 0;  // of this rank; 0 when the objective does not say
  for (const data::Leaf& leaf : leaves.mine) flop += static_cast<double>(leaf.count) * problem_.objective->gradient_flop();
  few_ = flop > 0 && flop < kSerialFlop;
  space_.stay_on_one_thread(few_);
  return leaves;
}

template <class Real>
void Engine<Real>::spread(std::size_t count, const std::function<void(std::size_t, std::size_t)>& body) const {
  if (!few_) return threads_.for_each_with_slot(count, body);
  for (std::size_t i = 0; i < count; ++i) body(i, 0);
}

template <class Real>
Kind Engine<Real>::kind_of(const Request& request) const {
  if (request.verb == Verb::hessian_vector) return request.all ? Kind::full_hvp : Kind::batch_hvp;
  if (request.points > 1) return Kind::batch_combination;
  return request.all ? Kind::full_gradient : Kind::batch_gradient;
}

template <class Real>
typename Engine<Real>::Answer Engine<Real>::answer(const Request& request) {
  Answer result;
  switch (request.verb) {
    case Verb::gradient:
    case Verb::hessian_vector:
      answer_tiles(request, result);
      break;
    case Verb::along:
    case Verb::evaluate:
      answer_scalars(request, result);
      break;
    default:
      break;
  }
  return result;
}

template <class Real>
void Engine<Real>::verdict(const comm::Failure& mine, std::span<std::uint32_t> maxima) {
  const Stopwatch watch(meter_.phases.allreduce);
  constexpr std::size_t kFixed = 4;
  const std::uint32_t caught = caught_ ? caught_() : 0;
  std::vector<std::uint32_t> words(kFixed + maxima.size());
  words[0] = mine.failed() ? 1 : 0;
  for (std::uint32_t bit = 0; bit < 3; ++bit) words[1 + bit] = caught >> bit & 1;
  std::ranges::copy(maxima, words.begin() + kFixed);
  comm_.max(words);
  for (std::uint32_t bit = 0; bit < 3; ++bit) signals_ |= words[1 + bit] << bit;
  if (words[0] != 0) comm::agree(comm_, mine);
  std::copy(words.begin() + kFixed, words.end(), maxima.begin());
}

template <class Real>
const data::Examples<Real>& Engine<Real>::gather(const Request& request, const data::Leaf& leaf, std::size_t first,
                                                 LeafJob<Real>& job) {
  job.places.resize(leaf.count);
  if (request.all) {
    std::iota(job.places.begin(), job.places.end(), static_cast<std::uint32_t>(leaf.first));
  } else {
    order_.places(request.ticket, leaf, job.places);
  }
  if (request.skips) leave_out(request, leaf, first, job);
  // Steps on minibatches have dropout, where the model has any; full gradients, evaluations and lines are of F itself.
  const bool random = request.verb == Verb::gradient && request.asker == Asker::method && !request.all;
  const auto draw = random ? std::optional(data::Draw{.seed = options_.seed, .ticket = request.ticket}) : std::nullopt;
  return job.gathered.gather(part(request.part), leaf.shard, job.places, draw);
}

template <class Real>
std::vector<model::Point<Real>> Engine<Real>::points_of(const Request& request) {
  const auto& objective = *problem_.objective;
  const std::size_t extent = objective.prepared_extent();
  Points points;
  for (std::size_t k = 0; k < request.points; ++k) {
    auto& held = this->held(request)[request.place[k]];
    if (extent > 0 && !held.is_prepared) {
      if (held.prepared.size() == 0) held.prepared.resize(extent);
      spread(objective.prepared_parts(),
             [&](std::size_t part, std::size_t) { objective.prepare(held.x, part, held.prepared.span()); });
      held.is_prepared = true;
    }
    points.push_back({held.x, held.prepared.span()});
  }
  return points;
}

template <class Real>
bool Engine<Real>::taped(const Request& request) const {
  const auto batch = [](const Request& r) { return std::tuple(r.mirrored, r.part, r.all, r.ticket); };
  return taped_ && batch(*taped_) == batch(request) && taped_->place[0] == request.place[0] && !request.fresh[0];
}

template <class Real>
void Engine<Real>::phase_one(const Request& request, const Points& points, std::span<const data::Leaf> leaves,
                             std::size_t first) {
  const auto& objective = *problem_.objective;
  const bool hvp = request.verb == Verb::hessian_vector;
  const bool kept = hvp && taped(request);
  taped_.reset();  // until all are done
  if (!kept) values_.assign(leaves.size(), 0);
  std::vector<std::size_t> before(leaves.size(), first);  // number of a leaf's first example
  for (std::size_t j = 1; j < leaves.size(); ++j) before[j] = before[j - 1] + leaves[j - 1].count;
  spread(leaves.size(), [&](std::size_t j, std::size_t) {
    LeafJob<Real>& job = jobs_[j];
    if (kept) return objective.tangent(points[0], points[1], job.tape(objective, 0));
    const auto& examples = gather(request, leaves[j], before[j], job);
    const auto weight = [&](std::size_t k) { return hvp ? Real{1} : static_cast<Real>(request.weight[k]); };
    values_[j] = objective.forward_backward(points[0], examples, weight(0), job.tape(objective, 0));
    comm_.worked();
    if (request.remembers) remember(request, leaves[j], before[j], job);
    if (request.skips) note_visits(request, leaves[j], before[j], job);
    if (hvp) {
      objective.tangent(points[0], points[1], job.tape(objective, 0));
    } else {
      for (std::size_t k = 1; k < request.points; ++k)
        objective.forward_backward(points[k], examples, weight(k), job.tape(objective, k));
    }
  });
}

template <class Real>
void Engine<Real>::phase_two(const Request& request, std::size_t jobs, std::uint64_t total, bool first) {
  const auto& objective = *problem_.objective;
  const auto tiles = objective.layout().tiles();
  const auto exponents = grids_.exponents(request.asker, kind_of(request));
  const bool hvp = request.verb == Verb::hessian_vector;
  tapes_.clear();
  for (const LeafJob<Real>& job : std::span(jobs_).first(jobs))
    tapes_.push_back(model::LeafTapes<Real>(job.tapes).first(hvp ? 1 : request.points));
  spread(tiles.size(), [&](std::size_t t, std::size_t slot) {
    const math::Tile& tile = tiles[t];
    const std::span<Real> scratch = scratch_[slot].span();
    const auto add = [&](math::TileSum<Real> sum) {
      hvp ? objective.tangent_tile(tapes_, tile, sum) : objective.tile(tapes_, tile, sum);
      tile_maxima_[t] = first ? sum.highest() : std::max(tile_maxima_[t], sum.highest());
    };
    if (options_.reduction == Reduction::exact) {
      add({math::rounding_constant(exponents[tile.tensor], total), first, sums_.mine().subspan(tile.offset, tile.count),
           scratch});
    } else {
      add({first, fast_.mine().subspan(tile.offset, tile.count), scratch});
    }
  });
}

template <class Real>
math::ExactSum Engine<Real>::run_leaves(const Request& request, const Leaves& leaves, bool again) {
  const std::span<const data::Leaf> mine(leaves.mine);
  if (mine.empty()) taped_.reset();  // the place of the taped point may be another's without phase one having run here
  // A single wave's tapes and values are still there when its leaves must be redone: only phase two runs again.
  const bool kept = again && mine.size() <= wave_;
  const Points points = points_of(request);
  math::ExactSum value;
  std::size_t done = 0;  // examples
  if ((request.remembers || request.skips) && !kept) {
    std::size_t examples = 0;
    for (const data::Leaf& leaf : mine) examples += leaf.count;
    memory_.expect(request.begins ? 0 : examples);
    looked_at_ = 0;
  }
  for (std::size_t at = 0; at < mine.size(); at += wave_) {
    const auto wave = mine.subspan(at, std::min(wave_, mine.size() - at));
    if (!kept) {
      phase_one(request, points, wave, done);
      for (std::size_t j = 0; request.skips && j < wave.size(); ++j) looked_at_ += std::ssize(jobs_[j].places);
    }
    comm_.worked();
    for (const data::Leaf& leaf : wave) done += leaf.count;
    // Tapes that stand for the gradient at the request's point, whole.
    if (mine.size() <= wave_ && !request.remembers && !request.skips &&
        (request.verb == Verb::hessian_vector || request.weight[0] == 1))
      taped_ = request;
    phase_two(request, wave.size(), leaves.total, at == 0);
    for (const double v : values_) value.add(v);
  }
  if (mine.empty()) phase_two(request, 0, leaves.total, true);  // nothing of ours: zero sums
  const auto tiles = problem_.objective->layout().tiles();
  std::ranges::fill(maxima_, 0u);
  for (std::size_t t = 0; t < tiles.size(); ++t) maxima_[tiles[t].tensor] = std::max(maxima_[tiles[t].tensor], tile_maxima_[t]);
  return value;
}

template <class Real>
void Engine<Real>::strike(const Request& request, math::ExactSum& value) {
  const std::int64_t step = request.step + 1;
  if (!fault_->due(comm_.rank(), step)) return;
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  switch (fault_->kind()) {
    case Fault::Kind::nan:
      maxima_[0] = math::kNotFinite;
      if (options_.reduction == Reduction::exact) {
        sums_.mine()[0] = kNan;
      } else {
        fast_.mine()[0] = static_cast<Real>(kNan);
      }
      break;
    case Fault::Kind::nan_loss:
      value.add(kNan);
      break;
    case Fault::Kind::exception:
      throw std::runtime_error(fmt::format("thrown on rank {} in step {}, as TALWEG_FAULT asks", comm_.rank(), step));
    case Fault::Kind::hang:
      while (true) pause();
    case Fault::Kind::kill:
      std::raise(SIGKILL);
  }
}

template <class Real>
void Engine<Real>::answer_tiles(const Request& request, Answer& result) {
  const Kind kind = kind_of(request);
  const bool exact = options_.reduction == Reduction::exact;
  const std::int64_t points = request.verb == Verb::gradient ? request.points : 1;
  Costs& costs = meter_.of(request.asker);
  if (request.asker == Asker::observer && kind == Kind::full_gradient) grids_.observe_as_the_method_asks();

  Leaves leaves;
  math::ExactSum value;
  for (bool again = false, fits = false; !fits; again = true) {
    comm::Failure failure;
    try {
      const Working working(*this, request);
      if (!again) leaves = leaves_of(request);
      value = run_leaves(request, leaves, again);
      if (fault_ && request.asker == Asker::method) strike(request, value);
    } catch (...) {
      failure = comm::current_failure();
    }
    verdict(failure, maxima_);
    auto examples = static_cast<std::int64_t>(leaves.examples);
    if (request.skips) {
      examples = looked_at_;
      comm_.sum(std::span(&examples, 1));
    }
    (again ? costs.redone : request.verb == Verb::gradient ? costs.gradients : costs.hvps) += examples * points;
    result.finite = std::ranges::max(maxima_) < math::kNotFinite;
    if (!result.finite) return;
    fits = !exact || !grids_.outgrown(request.asker, kind, maxima_);
    grids_.follow(request.asker, kind, maxima_);
  }
  const Stopwatch watch(meter_.phases.allreduce);
  exact ? sum_nodes(sums_) : sum_nodes(fast_);
  comm_.sum(value.digits());  // and from here on every rank may read what its node's ranks have
  result.count = leaves.examples;
  result.value = value.value() / static_cast<double>(leaves.examples);
  result.finite = std::isfinite(result.value);
  if ((request.remembers || request.skips) && result.finite) memory_.commit(request.memory);
}

template <class Real>
void Engine<Real>::answer_scalars(const Request& request, Answer& result) {
  const auto& objective = *problem_.objective;
  const bool along = request.verb == Verb::along;
  const std::size_t fields = along ? 2 * request.lengths : 5;

  Leaves leaves;
  std::vector<math::ExactSum> sums(fields);
  comm::Failure failure;
  try {
    const Working working(*this, request);
    leaves = leaves_of(request);
    taped_.reset();
    meter_.of(request.asker).values += static_cast<std::int64_t>(leaves.examples * (along ? request.lengths : 1));
    const Points points = points_of(request);
    std::vector<double> each(wave_ * fields);  // [leaf of the wave][field]
    for (std::size_t at = 0; at < leaves.mine.size(); at += wave_) {
      const std::size_t jobs = std::min(wave_, leaves.mine.size() - at);
      spread(jobs, [&](std::size_t j, std::size_t) {
        LeafJob<Real>& job = jobs_[j];
        const auto& examples = gather(request, leaves.mine[at + j], 0, job);
        double* out = each.data() + j * fields;
        comm_.worked();
        if (along) {
          std::array<model::ValueAndSlope, Request::kLengths> line;
          objective.along(points[0], points[1], std::span(request.length).first(request.lengths), examples,
                          job.tape(objective, 0), std::span(line).first(request.lengths));
          for (std::size_t k = 0; k < request.lengths; ++k) {
            out[2 * k] = line[k].value;
            out[2 * k + 1] = line[k].slope;
          }
        } else {
          const model::Evaluation e = objective.evaluate(points[0], examples, job.tape(objective, 0));
          std::ranges::copy(std::array{e.loss, e.correct, e.squared_error, e.target, e.target_squared}, out);
        }
      });
      for (std::size_t i = 0; i < jobs * fields; ++i) sums[i % fields].add(each[i]);
    }
  } catch (...) {
    failure = comm::current_failure();
  }
  verdict(failure, {});
  const Stopwatch watch(meter_.phases.allreduce);
  std::vector<std::int64_t> digits;  // all sums' in one message
  for (math::ExactSum& s : sums) digits.insert(digits.end(), s.digits().begin(), s.digits().end());
  comm_.sum(digits);
  auto from = digits.begin();
  for (math::ExactSum& s : sums) {
    std::ranges::copy_n(from, std::ssize(s.digits()), s.digits().begin());
    from += std::ssize(s.digits());
  }
  result.count = leaves.examples;
  for (const math::ExactSum& s : sums) result.sums.push_back(s.value());
}

template class Engine<float>;
template class Engine<double>;

}  // namespace talweg::engine
