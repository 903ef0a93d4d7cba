// SPDX-License-Identifier: Apache-2.0
#include "talweg/engine/engine.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/asker_oracle.hpp"

namespace talweg::engine {
namespace {

constexpr std::size_t kWave = 16;     // leaves with tapes in memory at a time; the sums do not know of waves
constexpr std::size_t kTogether = 4;  // leaves' shares of a tile computed before they are added

}  // namespace

std::uint32_t default_leaf(std::uint64_t batch) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(std::clamp<std::uint64_t>(batch / 8, 32, 64), batch));
}

std::uint32_t leaf_of(const EngineOptions& options, std::uint64_t count) {
  if (options.leaf > 0) return options.leaf;
  return default_leaf(options.batch > 0 ? std::min(options.batch, count) : count);
}

template <class Real>
Engine<Real>::Engine(comm::Communicator& comm, const math::Threads& threads, Problem<Real>& problem,
                     const EngineOptions& options, std::size_t declared)
    : comm_(comm),
      threads_(threads),
      problem_(problem),
      options_(options),
      leaf_(leaf_of(options, problem.train.plan().count())),
      order_(problem.train.plan(), options.sampling, options.seed,
             options.batch > 0 ? options.batch : problem.train.plan().count(), leaf_),
      grids_(problem.objective->layout().tensors().size()),
      store_(problem.objective->layout().extent(), declared),
      space_(problem.objective->layout(), threads, store_, meter_.phases.update),
      wave_(std::max(kWave, static_cast<std::size_t>(threads.count()))),
      jobs_(wave_),
      scratch_(static_cast<std::size_t>(threads.count())),
      tile_maxima_(problem.objective->layout().tiles().size()),
      maxima_(problem.objective->layout().tensors().size()) {
  std::size_t largest = 0;
  for (const math::Tile& tile : problem.objective->layout().tiles()) largest = std::max(largest, tile.count);
  for (auto& buffer : scratch_) buffer.resize(kTogether * largest);
  if (options.reduction == Reduction::exact) {
    sums_.resize(problem.objective->layout().extent());
  } else {
    fast_.resize(problem.objective->layout().extent());
  }
  for (const Asker asker : {Asker::method, Asker::observer}) {
    oracles_[static_cast<std::size_t>(asker)] = std::make_unique<AskerOracle>(*this, asker);
  }
}

template <class Real>
Engine<Real>::~Engine() = default;

template <class Real>
optim::Oracle& Engine<Real>::oracle(Asker asker) {
  return *oracles_[static_cast<std::size_t>(asker)];
}

template <class Real>
const data::Dataset<Real>& Engine<Real>::part(Part part) const {
  switch (part) {
    case Part::valid:
      return problem_.valid.value();
    case Part::test:
      return problem_.test.value();
    case Part::train:
      break;
  }
  return problem_.train;
}

template <class Real>
std::size_t Engine<Real>::bytes() const {
  std::size_t sum = sums_.size() * sizeof(double) + fast_.size() * sizeof(Real) + store_.bytes() + held_.bytes();
  for (const auto& buffer : scratch_) sum += buffer.size() * sizeof(Real);
  return sum;
}

// ------------------------------------------------------------------------------------------------ announcing and serving

template <class Real>
void Engine<Real>::announce(Request& request, std::span<const optim::Vector> points) {
  const Stopwatch watch(meter_.phases.broadcast);
  request.points = static_cast<std::uint32_t>(points.size());
  ++requests_;
  for (std::size_t k = 0; k < points.size(); ++k) {
    const auto found = held_.hold(points[k].slot, store_.version(points[k]), requests_);
    request.place[k] = found.place;
    request.sent[k] = found.fresh;
    held_[found.place].x = store_.values(points[k]);
  }
  if (comm_.size() == 1) return;
  comm_.broadcast_values(std::span(&request, 1));
  for (std::size_t k = 0; k < points.size(); ++k) {
    if (request.sent[k]) comm_.broadcast_values(store_.values(points[k]));
  }
}

template <class Real>
void Engine<Real>::receive(Request& request) {
  comm_.broadcast_values(std::span(&request, 1));
  for (std::size_t k = 0; k < request.points; ++k) {
    if (!request.sent[k]) continue;
    auto& held = held_[request.place[k]];
    if (held.received.size() == 0) held.received.resize(problem_.objective->layout().extent());
    comm_.broadcast_values(held.received.span());
    held.x = held.received.span();
    held.is_prepared = false;
  }
}

template <class Real>
base::ExitCode Engine<Real>::serve() try {
  while (true) {
    Request request;
    receive(request);
    if (request.verb == Verb::stop) return static_cast<base::ExitCode>(request.stop_code);
    if (request.verb == Verb::grids) {
      comm_.broadcast_values(grids_.all());
    } else {
      answer(request);
    }
  }
} catch (const AgreedFailure&) {
  throw;
} catch (...) {
  comm::abandon(comm_, comm::current_failure());  // between verdicts: the coordinator waits in a collective, or will
}

template <class Real>
void Engine<Real>::stop(base::ExitCode code) {
  Request request{.verb = Verb::stop, .stop_code = static_cast<std::uint32_t>(code)};
  announce(request, {});
}

template <class Real>
void Engine<Real>::publish_grids() {
  Request request{.verb = Verb::grids};
  announce(request, {});
  comm_.broadcast_values(grids_.all());
}

template <class Real>
PartEvaluation Engine<Real>::evaluate(optim::Vector at, Part which) {
  Request request{.verb = Verb::evaluate, .asker = Asker::observer, .part = which};
  announce(request, {{at}});
  const Answer a = answer(request);
  return {
      {.loss = a.sums[0], .correct = a.sums[1], .squared_error = a.sums[2], .target = a.sums[3], .target_squared = a.sums[4]},
      a.count};
}

// ------------------------------------------------------------------------------------------------------------- answering

template <class Real>
typename Engine<Real>::Leaves Engine<Real>::leaves_of(const Request& request) const {
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
  return leaves;
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
    case Verb::stop:
    case Verb::grids:
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
  if (words[0] != 0) {
    try {
      comm::agree(comm_, mine);
    } catch (const base::Error& e) {
      throw AgreedFailure(e.code(), e.what());
    }
  }
  std::copy(words.begin() + kFixed, words.end(), maxima.begin());
}

template <class Real>
const data::Examples<Real>& Engine<Real>::gather(const Request& request, const data::Leaf& leaf, LeafJob<Real>& job) const {
  job.places.resize(leaf.count);
  if (request.all) {
    std::iota(job.places.begin(), job.places.end(), static_cast<std::uint32_t>(leaf.first));
  } else {
    order_.places(request.ticket, leaf, job.places);
  }
  return job.gathered.gather(part(request.part), leaf.shard, job.places);
}

template <class Real>
std::vector<model::Point<Real>> Engine<Real>::points_of(const Request& request) {
  const auto& objective = *problem_.objective;
  const std::size_t extent = objective.prepared_extent();
  Points points;
  for (std::size_t k = 0; k < request.points; ++k) {
    auto& held = held_[request.place[k]];
    if (extent > 0 && !held.is_prepared) {
      if (held.prepared.size() == 0) held.prepared.resize(extent);
      const auto tiles = objective.layout().tiles();
      threads_.for_each(tiles.size(), [&](std::size_t t) { objective.prepare_tile(held.x, tiles[t], held.prepared.span()); });
      held.is_prepared = true;
    }
    points.emplace_back(held.x, held.prepared.span());
  }
  return points;
}

template <class Real>
void Engine<Real>::phase_one(const Request& request, const Points& points, std::span<const data::Leaf> leaves) {
  const auto& objective = *problem_.objective;
  const bool hvp = request.verb == Verb::hessian_vector;
  values_.assign(leaves.size(), 0);
  threads_.for_each(leaves.size(), [&](std::size_t j) {
    LeafJob<Real>& job = jobs_[j];
    const auto& examples = gather(request, leaves[j], job);
    values_[j] = objective.forward_backward(points[0], examples, job.tape(objective, 0));
    if (hvp) {
      objective.tangent(points[0], points[1], job.tape(objective, 0));
    } else {
      for (std::size_t k = 1; k < request.points; ++k) objective.forward_backward(points[k], examples, job.tape(objective, k));
    }
  });
}

template <class Real>
void Engine<Real>::phase_two(const Request& request, std::size_t jobs, std::uint64_t total, bool first) {
  const auto& objective = *problem_.objective;
  const auto tiles = objective.layout().tiles();
  const auto exponents = grids_.exponents(request.asker, kind_of(request));
  const bool hvp = request.verb == Verb::hessian_vector;
  threads_.for_each_with_slot(tiles.size(), [&](std::size_t t, std::size_t slot) {
    const math::Tile& tile = tiles[t];
    const double constant = rounding_constant(exponents[tile.tensor], total);
    std::uint32_t highest = first ? 0 : tile_maxima_[t];
    if (first && jobs == 0 && sums_.size() > 0) std::ranges::fill(sums_.span().subspan(tile.offset, tile.count), 0.0);
    if (first && jobs == 0 && fast_.size() > 0) std::ranges::fill(fast_.span().subspan(tile.offset, tile.count), Real{0});
    std::array<std::span<const Real>, kTogether> shares;
    for (std::size_t j = 0; j < jobs; j += kTogether) {
      const std::size_t together = std::min(kTogether, jobs - j);
      for (std::size_t i = 0; i < together; ++i) {
        const std::span<Real> share = scratch_[slot].span().subspan(i * tile.count, tile.count);
        const LeafJob<Real>& job = jobs_[j + i];
        if (hvp) objective.tangent_tile(*job.tapes[0], tile, Real{1}, Real{0}, share);
        for (std::size_t k = 0; !hvp && k < request.points; ++k) {
          objective.tile(*job.tapes[k], tile, static_cast<Real>(request.weight[k]), k == 0 ? Real{0} : Real{1}, share);
        }
        shares[i] = share;
      }
      const auto now = std::span(shares).first(together);
      const std::uint32_t magnitude =
          options_.reduction == Reduction::exact
              ? add_rounded<Real>(now, constant, first && j == 0, sums_.span().subspan(tile.offset, tile.count))
              : add_plain<Real>(now, first && j == 0, fast_.span().subspan(tile.offset, tile.count));
      highest = std::max(highest, magnitude);
    }
    tile_maxima_[t] = highest;
  });
}

template <class Real>
math::ExactSum Engine<Real>::run_leaves(const Request& request, const Leaves& leaves, bool again) {
  const std::span<const data::Leaf> mine(leaves.mine);
  // A single wave's tapes and values are still there when its leaves must be redone: only phase two runs again.
  const bool kept = again && mine.size() <= wave_;
  const Points points = points_of(request);
  math::ExactSum value;
  for (std::size_t at = 0; at < mine.size(); at += wave_) {
    const auto wave = mine.subspan(at, std::min(wave_, mine.size() - at));
    if (!kept) phase_one(request, points, wave);
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
void Engine<Real>::answer_tiles(const Request& request, Answer& result) {
  const Kind kind = kind_of(request);
  const bool exact = options_.reduction == Reduction::exact;
  const std::uint32_t points = request.verb == Verb::gradient ? request.points : 1;
  Costs& costs = meter_.of(request.asker);

  Leaves leaves;
  math::ExactSum value;
  for (bool again = false, fits = false; !fits; again = true) {
    comm::Failure failure;
    try {
      const Stopwatch watch(meter_.phases.gradient);
      if (!again) leaves = leaves_of(request);
      value = run_leaves(request, leaves, again);
    } catch (...) {
      failure = comm::current_failure();
    }
    const auto evaluations = static_cast<std::int64_t>(leaves.examples * points);
    (again ? costs.redone : request.verb == Verb::gradient ? costs.gradients : costs.hvps) += evaluations;
    verdict(failure, maxima_);
    result.finite = std::ranges::max(maxima_) < kNotFinite;
    if (!result.finite) return;
    fits = !exact || !grids_.outgrown(request.asker, kind, maxima_);
    grids_.follow(request.asker, kind, maxima_);
  }
  const Stopwatch watch(meter_.phases.allreduce);
  comm_.sum(value.digits());
  if (exact) {
    comm_.sum(sums_.span());
  } else {
    comm_.sum(fast_.span());
  }
  result.count = leaves.examples;
  result.value = value.value() / static_cast<double>(leaves.examples);
  result.finite = std::isfinite(result.value);
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
    const Stopwatch watch(meter_.phases.gradient);
    leaves = leaves_of(request);
    meter_.of(request.asker).values += static_cast<std::int64_t>(leaves.examples * (along ? request.lengths : 1));
    const Points points = points_of(request);
    std::vector<double> each(wave_ * fields);  // [leaf of the wave][field]
    for (std::size_t at = 0; at < leaves.mine.size(); at += wave_) {
      const std::size_t jobs = std::min(wave_, leaves.mine.size() - at);
      threads_.for_each(jobs, [&](std::size_t j) {
        LeafJob<Real>& job = jobs_[j];
        const auto& examples = gather(request, leaves.mine[at + j], job);
        double* out = each.data() + j * fields;
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
