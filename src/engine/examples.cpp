// SPDX-License-Identifier: Apache-2.0
// Per-example slots over ranks: what a request remembers, and the way to and from rank 0, where they are saved and loaded.
#include <algorithm>

#include "engine/engine.hpp"
#include "optim/skipping.hpp"

namespace talweg::engine {

template <class Real>
std::uint64_t Engine<Real>::row_of(const data::Leaf& leaf, std::uint32_t place) const {
  const data::ShardPlan& plan = problem_.train.plan();
  return plan.begin(leaf.shard) - plan.begin(problem_.train.owned().first) + place;
}

template <class Real>
void Engine<Real>::remember(const Request& request, const data::Leaf& leaf, std::size_t first, LeafJob<Real>& job) {
  const std::span<Real> numbers = problem_.objective->example_numbers(job.tape(*problem_.objective, 0));
  const std::size_t width = memory_.width();
  for (std::size_t i = 0; i < leaf.count; ++i) {
    const std::uint64_t row = row_of(leaf, job.places[i]);
    const std::span<Real> mine = numbers.subspan(i * width, width);
    request.begins ? memory_.begin(request.memory, row, mine) : memory_.exchange(request.memory, first + i, row, mine);
  }
}

template <class Real>
void Engine<Real>::leave_out(const Request& request, const data::Leaf& leaf, std::size_t first, LeafJob<Real>& job) {
  job.numbers.clear();
  for (std::size_t i = 0; i < leaf.count; ++i) {
    const std::uint64_t row = row_of(leaf, job.places[i]);
    const std::int64_t visits = memory_.count(request.memory, row);
    if (optim::looked_at(visits)) {
      job.places[job.numbers.size()] = job.places[i];
      job.numbers.push_back(i);
    } else {
      memory_.note_count(first + i, row, optim::one_more(visits));
    }
  }
  job.places.resize(job.numbers.size());
}

template <class Real>
void Engine<Real>::note_visits(const Request& request, const data::Leaf& leaf, std::size_t first, LeafJob<Real>& job) {
  const std::span<const Real> numbers = problem_.objective->example_numbers(job.tape(*problem_.objective, 0));
  const std::size_t width = memory_.width();
  for (std::size_t i = 0; i < job.numbers.size(); ++i) {
    const auto mine = numbers.subspan(i * width, width);
    const std::uint64_t row = row_of(leaf, job.places[i]);
    const bool none = std::ranges::all_of(mine, [](Real v) { return v == 0; });
    memory_.note_count(first + job.numbers[i], row, none ? optim::one_more(memory_.count(request.memory, row)) : 0);
  }
}

/// What the ranks but the first own, piece by piece, from the rank that `from` names for an owner to all. `place` says where a
/// rank has it, or wants it; nothing: it goes by.
template <class Real>
template <class From, class Place>
void Engine<Real>::pass_examples(From from, Place place) {
  const data::ShardPlan& plan = problem_.train.plan();
  constexpr std::size_t kPiece = 1U << 17;  // numbers on their way at a time
  std::vector<Real> scratch;
  for (int owner = 1; owner < comm_.size(); ++owner) {
    const data::ShardPlan::Owned owned = plan.owned(owner, comm_.size());
    const std::uint64_t first = plan.begin(owned.first) * memory_.width();
    const std::uint64_t count = plan.begin(owned.last) * memory_.width() - first;
    for (std::uint64_t at = 0; at < count; at += kPiece) {
      const std::size_t size = std::min<std::uint64_t>(kPiece, count - at);
      std::span<Real> piece = place(owner, first, at, size);
      if (piece.empty()) {
        scratch.resize(kPiece);
        piece = std::span(scratch).first(size);
      }
      comm_.broadcast_values(piece, from(owner));
    }
  }
}

template <class Real>
void Engine<Real>::collect_examples(std::uint32_t slot, std::span<Real> all) {
  const std::span<Real> mine = memory_.values(slot);
  if (comm_.coordinator()) std::ranges::copy(mine, all.begin());  // its rows are the first
  pass_examples([](int owner) { return owner; },
                [&](int owner, std::uint64_t first, std::uint64_t at, std::size_t size) -> std::span<Real> {
                  if (owner == comm_.rank()) return mine.subspan(at, size);
                  if (comm_.coordinator()) return all.subspan(first + at, size);
                  return {};
                });
}

template <class Real>
void Engine<Real>::distribute_examples() {
  for (std::uint32_t slot = 0; slot < memory_.slots(); ++slot) {
    const std::span<Real> mine = memory_.values(slot);
    if (comm_.coordinator()) std::copy_n(loaded_.at(slot).begin(), mine.size(), mine.begin());
    pass_examples([](int) { return 0; },
                  [&](int owner, std::uint64_t first, std::uint64_t at, std::size_t size) -> std::span<Real> {
                    if (comm_.coordinator()) return std::span(loaded_[slot]).subspan(first + at, size);
                    if (owner == comm_.rank()) return mine.subspan(at, size);
                    return {};
                  });
  }
  loaded_ = {};
}

template <class Real>
std::vector<Real> Engine<Real>::read_examples(math::PerExample slot) {
  std::vector<Real> all(problem_.train.plan().count() * memory_.width());
  Request request{.verb = Verb::examples, .memory = slot.slot};
  announce(request, {});
  collect_examples(slot.slot, all);
  return all;
}

template <class Real>
void Engine<Real>::load_examples(math::PerExample slot, std::vector<Real> all) {
  loaded_.resize(memory_.slots());
  loaded_.at(slot.slot) = std::move(all);
}

#define TALWEG_EXAMPLES(Real)                                                                              \
  template void Engine<Real>::remember(const Request&, const data::Leaf&, std::size_t, LeafJob<Real>&);    \
  template void Engine<Real>::leave_out(const Request&, const data::Leaf&, std::size_t, LeafJob<Real>&);   \
  template void Engine<Real>::note_visits(const Request&, const data::Leaf&, std::size_t, LeafJob<Real>&); \
  template void Engine<Real>::collect_examples(std::uint32_t, std::span<Real>);                            \
  template void Engine<Real>::distribute_examples();                                                       \
  template std::vector<Real> Engine<Real>::read_examples(math::PerExample);                                \
  template void Engine<Real>::load_examples(math::PerExample, std::vector<Real>);
TALWEG_EXAMPLES(float)
TALWEG_EXAMPLES(double)
#undef TALWEG_EXAMPLES

}  // namespace talweg::engine
