// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.hpp"

#include <algorithm>

#include "engine/asker_oracle.hpp"

namespace talweg::engine {
namespace {

constexpr std::size_t kWave = 16;  // leaves with tapes in memory at a time; the sums do not know of waves

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
                     const EngineOptions& options, std::size_t declared, std::size_t per_example)
    : comm_(comm),
      threads_(threads),
      problem_(problem),
      options_(options),
      leaf_(leaf_of(options, problem.train.plan().count())),
      order_(problem.train.plan(), options.sampling, options.seed,
             options.batch > 0 ? options.batch : problem.train.plan().count(), leaf_, options.batches),
      grids_(problem.objective->layout().tensors().size()),
      pieces_(pieces_of(problem.objective->layout(), comm.node().place, comm.node().slices, comm.node().nodes)),
      store_(comm, problem.objective->layout().extent(), node_part(), declared, mirrored()),
      memory_(per_example, problem.train.rows(), problem.objective->example_numbers()),
      space_(problem.objective->layout(), threads, store_, meter_.phases.update, owned(), mirrored() ? &comm : nullptr,
             sharded() ? comm::Group::all : comm::Group::node),
      observers_space_(problem.objective->layout(), threads, store_, meter_.phases.update,
                       {0, problem.objective->layout().blocks().size()}, nullptr),
      wave_(std::max(kWave, static_cast<std::size_t>(threads.count()))),
      jobs_(wave_),
      scratch_(static_cast<std::size_t>(threads.count())),
      tile_maxima_(problem.objective->layout().tiles().size()),
      maxima_(problem.objective->layout().tensors().size()) {
  expect_pieces_to_travel();
  space_.complete_with([this](optim::Vector v) { complete(v); });
  observers_space_.complete_with([this](optim::Vector v) { complete_announced(v); });
  std::size_t largest = 0;
  for (const math::Tile& tile : problem.objective->layout().tiles()) largest = std::max(largest, tile.count);
  for (auto& buffer : scratch_) buffer.resize(math::TileSum<Real>::kTogether * largest);
  if (options.reduction == Reduction::exact) {
    sums_ = SharedArray<double>(comm, problem.objective->layout().extent());
  } else {
    fast_ = SharedArray<Real>(comm, problem.objective->layout().extent());
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
void Engine<Real>::hold(Request& request, std::span<const optim::Vector> points) {
  request.points = static_cast<std::uint32_t>(points.size());
  ++requests_;
  for (std::size_t k = 0; k < points.size(); ++k) {
    const auto found = held(request).hold(points[k].slot, store_.version(points[k]), requests_);
    request.place[k] = found.place;
    request.fresh[k] = found.fresh;
    request.stored[k] = store_.common(points[k]);
    request.slot[k] = points[k].slot;
    held(request)[found.place].x = store_.values(points[k]);
  }
}

template <class Real>
void Engine<Real>::announce(Request& request, std::span<const optim::Vector> points) {
  const Stopwatch watch(meter_.phases.broadcast);
  request.mirrored = stepping_ && mirrored();
  hold(request, points);
  if (request.mirrored) {
    for (const optim::Vector v : points) complete(v);
    return;
  }
  if (comm_.size() == 1) return;
  comm_.broadcast_values(std::span(&request, 1));
  for (std::size_t k = 0; k < points.size(); ++k) {
    if (request.stored[k]) {
      complete(points[k]);
    } else if (request.fresh[k]) {
      comm_.broadcast_values(store_.values(points[k]));
    }
  }
}

template <class Real>
void Engine<Real>::receive(Request& request) {
  comm_.broadcast_values(std::span(&request, 1));
  for (std::size_t k = 0; k < request.points; ++k) {
    auto& held = held_[request.place[k]];
    if (request.fresh[k]) held.is_prepared = false;
    if (request.stored[k]) {
      complete({request.slot[k]});
      held.x = store_.values({request.slot[k]});
    } else if (request.fresh[k]) {
      if (held.received.size() == 0) held.received.resize(problem_.objective->layout().extent());
      comm_.broadcast_values(held.received.span());
      held.x = held.received.span();
    }
  }
}

template <class Real>
base::ExitCode Engine<Real>::serve(const Mirror* mirror) try {
  while (true) {
    Request request;
    receive(request);
    switch (request.verb) {
      case Verb::stop:
        return static_cast<base::ExitCode>(request.stop_code);
      case Verb::state:
        comm_.broadcast_values(grids_.all());
        if (mirrored()) exchange_state(mirror->state);
        if (request.loaded) distribute_examples();
        break;
      case Verb::examples:
        collect_examples(request.memory, {});
        break;
      case Verb::copy:
        space_.copy({request.slot[0]}, {request.slot[1]});
        break;
      case Verb::complete:
        complete({request.slot[0]});
        break;
      case Verb::gather:
        gather({request.slot[0]});
        break;
      case Verb::step:
        stepping_ = true;
        step_ = request.step;
        try {
          mirror->step({.step = request.step, .left_out = request.left_out, .factor = request.factor, .seed = options_.seed});
        } catch (const optim::Diverged&) {  // the coordinator meets it too, and says so
        }
        stepping_ = false;
        break;
      default:
        answer(request);
    }
  }
} catch (const comm::AgreedFailure&) {
  throw;
} catch (...) {
  comm::abort_job(comm_, comm::current_failure());  // between verdicts: the coordinator waits in a collective, or will
}

template <class Real>
void Engine<Real>::stop(base::ExitCode code) {
  Request request{.verb = Verb::stop, .stop_code = static_cast<std::uint32_t>(code)};
  announce(request, {});
}

template <class Real>
void Engine<Real>::step(const optim::Progress& progress, const std::function<void()>& step) {
  step_ = progress.step;
  if (!mirrored()) return step();
  Request request{.verb = Verb::step, .step = progress.step, .left_out = progress.left_out, .factor = progress.factor};
  announce(request, {});
  stepping_ = true;
  try {
    step();
  } catch (const comm::AgreedFailure&) {
    throw;
  } catch (const optim::Diverged&) {
    stepping_ = false;
    throw;
  } catch (...) {
    comm::abort_job(comm_, comm::current_failure());  // the others are in the middle of their step
  }
  stepping_ = false;
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

template class Engine<float>;
template class Engine<double>;

}  // namespace talweg::engine
