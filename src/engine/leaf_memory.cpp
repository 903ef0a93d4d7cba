// SPDX-License-Identifier: Apache-2.0
// What leaves store of their examples, and which examples they leave out (Query::Memory).
#include <algorithm>

#include "engine/leaves.hpp"
#include "optim/skipping.hpp"

namespace talweg::engine {

template <class Real>
std::uint64_t LeafWork<Real>::row_of(const data::Leaf& leaf, std::uint32_t place) const {
  const data::ShardPlan& plan = sum_.train.plan();
  return plan.begin(leaf.shard) - plan.begin(sum_.train.owned().first) + place;
}

template <class Real>
void LeafWork<Real>::exchange(const Query& query, const data::Leaf& leaf, std::size_t first, Job& job) {
  const std::span<Real> numbers = sum_.objective->example_numbers(job.tape(*sum_.objective, 0));
  const std::size_t width = memory_.width();
  for (std::size_t i = 0; i < leaf.count; ++i) {
    const std::uint64_t row = row_of(leaf, job.places[i]);
    const std::span<Real> mine = numbers.subspan(i * width, width);
    if (query.memory == Query::Memory::begin) {
      memory_.begin(query.slot.slot, row, mine);
    } else {
      memory_.exchange(query.slot.slot, first + i, row, mine);
    }
  }
}

template <class Real>
void LeafWork<Real>::leave_out(const Query& query, const data::Leaf& leaf, std::size_t first, Job& job) {
  job.numbers.clear();
  for (std::size_t i = 0; i < leaf.count; ++i) {
    const std::uint64_t row = row_of(leaf, job.places[i]);
    const std::int64_t visits = memory_.count(query.slot.slot, row);
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
void LeafWork<Real>::note_visits(const Query& query, const data::Leaf& leaf, std::size_t first, Job& job) {
  const std::span<const Real> numbers = sum_.objective->example_numbers(job.tape(*sum_.objective, 0));
  const std::size_t width = memory_.width();
  for (std::size_t i = 0; i < job.numbers.size(); ++i) {
    const auto mine = numbers.subspan(i * width, width);
    const std::uint64_t row = row_of(leaf, job.places[i]);
    const bool none = std::ranges::all_of(mine, [](Real v) { return v == 0; });
    memory_.note_count(first + job.numbers[i], row, none ? optim::one_more(memory_.count(query.slot.slot, row)) : 0);
  }
}

#define TALWEG_LEAF_MEMORY(Real)                                                               \
  template std::uint64_t LeafWork<Real>::row_of(const data::Leaf&, std::uint32_t) const;       \
  template void LeafWork<Real>::exchange(const Query&, const data::Leaf&, std::size_t, Job&);  \
  template void LeafWork<Real>::leave_out(const Query&, const data::Leaf&, std::size_t, Job&); \
  template void LeafWork<Real>::note_visits(const Query&, const data::Leaf&, std::size_t, Job&);
TALWEG_LEAF_MEMORY(float)
TALWEG_LEAF_MEMORY(double)
#undef TALWEG_LEAF_MEMORY

}  // namespace talweg::engine
