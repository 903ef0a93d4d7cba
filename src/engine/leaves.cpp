// SPDX-License-Identifier: Apache-2.0
#include "engine/leaves.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace talweg::engine {
namespace {

// Below this, waking a second thread and moving cache lines to it cost more than it saves; same bits either way.
constexpr double kSerialFlop = 1.6e7;
constexpr std::size_t kWave = 16;  // leaves with tapes in memory at a time

}  // namespace

std::uint32_t default_leaf(std::uint64_t batch) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(std::clamp<std::uint64_t>(batch / 8, 32, 64), batch));
}

template <class Real>
LeafWork<Real>::LeafWork(comm::Communicator& comm, const math::Threads& threads, const LocalSum<Real>& sum,
                         const data::Order& order, std::uint32_t leaf, std::uint64_t seed, VectorStore<Real>& store,
                         std::size_t per_example)
    : comm_(comm),
      threads_(threads),
      sum_(sum),
      order_(order),
      leaf_(leaf),
      seed_(seed),
      store_(store),
      memory_(per_example, sum.train.rows(), sum.objective->example_numbers()),
      wave_(std::max(kWave, static_cast<std::size_t>(threads.count()))),
      jobs_(wave_),
      scratch_(static_cast<std::size_t>(threads.count())),
      tile_maxima_(sum.objective->layout().tiles().size()),
      maxima_(sum.objective->layout().tensors().size()) {
  std::size_t largest = 0;
  for (const math::Tile& tile : sum.objective->layout().tiles()) largest = std::max(largest, tile.count);
  for (auto& buffer : scratch_) buffer.resize(math::TileSum<Real>::kTogether * largest);
}

template <class Real>
const data::Dataset<Real>& LeafWork<Real>::part(Part part) const {
  switch (part) {
    case Part::valid:
      return sum_.valid.value();
    case Part::test:
      return sum_.test.value();
    case Part::train:
      break;
  }
  return sum_.train;
}

template <class Real>
Leaves LeafWork<Real>::leaves_of(const Query& query) const {
  const data::Dataset<Real>& data = part(query.part);
  const std::uint64_t count = data.plan().count();
  Leaves leaves;
  if (!query.all) {
    leaves.mine = order_.leaves(query.ticket);
  } else if (query.part == Part::train) {
    leaves.mine = order_.all(std::max(leaf_, default_leaf(count)));
  } else {
    leaves.mine = data::Order(data.plan(), data::Sampling::cyclic, 0, count, default_leaf(count)).all(default_leaf(count));
  }
  leaves.total = leaves.mine.size();
  for (const data::Leaf& leaf : leaves.mine) leaves.examples += leaf.count;
  std::erase_if(leaves.mine, [&](const data::Leaf& leaf) { return !data.owns(leaf); });
  double flop = 0;  // of this rank; 0 when the objective does not say
  for (const data::Leaf& leaf : leaves.mine) flop += static_cast<double>(leaf.count) * sum_.objective->gradient_flop();
  leaves.one_thread = flop > 0 && flop < kSerialFlop;
  return leaves;
}

template <class Real>
void LeafWork<Real>::spread(bool one_thread, std::size_t count,
                            const std::function<void(std::size_t, std::size_t)>& body) const {
  if (!one_thread) return threads_.for_each_with_slot(count, body);
  for (std::size_t i = 0; i < count; ++i) body(i, 0);
}

template <class Real>
typename LeafWork<Real>::Points LeafWork<Real>::prepare(const Query& query, bool one_thread) {
  const auto& objective = *sum_.objective;
  const std::size_t extent = objective.prepared_extent();
  Points points;
  prepared_.next_request();
  for (std::size_t k = 0; k < query.points; ++k) {
    const auto found = prepared_.keep(query.at[k].slot, store_.version(query.at[k]));
    auto& place = prepared_[found.place];
    const std::span<const Real> x = store_.values(query.at[k]);
    if (extent > 0 && !place.is_prepared) {
      if (place.prepared.size() == 0) place.prepared.resize(extent);
      spread(one_thread, objective.prepared_parts(),
             [&](std::size_t part, std::size_t) { objective.prepare(x, part, place.prepared.span()); });
      place.is_prepared = true;
    }
    points.at.push_back({x, place.prepared.span()});
    if (k == 0) {
      points.place = found.place;
      points.fresh = found.fresh;
    }
  }
  return points;
}

template <class Real>
const data::Examples<Real>& LeafWork<Real>::gather(const Query& query, const data::Leaf& leaf, std::size_t first, Job& job) {
  job.places.resize(leaf.count);
  if (query.all) {
    std::iota(job.places.begin(), job.places.end(), static_cast<std::uint32_t>(leaf.first));
  } else {
    order_.places(query.ticket, leaf, job.places);
  }
  if (query.memory == Query::Memory::skip) leave_out(query, leaf, first, job);
  // Steps on minibatches have dropout, where the model has any; full gradients, evaluations and lines are of F itself.
  const bool random = query.is_gradient() && query.asker == Asker::method && !query.all;
  const auto draw = random ? std::optional(data::Draw{.seed = seed_, .ticket = query.ticket}) : std::nullopt;
  return job.gathered.gather(part(query.part), leaf.shard, job.places, draw);
}

template <class Real>
void LeafWork<Real>::phase_one(const Query& query, const Points& points, std::span<const data::Leaf> leaves, std::size_t first,
                               bool one_thread) {
  const auto& objective = *sum_.objective;
  const bool product = query.is_product();
  // CG and Lanczos ask for one product after the other at a point: its tapes may still be there.
  const bool kept = product && !points.fresh && taped_ == Taped{query.part, query.all, query.ticket, points.place};
  taped_.reset();  // until all are done
  if (!kept) values_.assign(leaves.size(), 0);
  std::vector<std::size_t> before(leaves.size(), first);  // number of a leaf's first example
  for (std::size_t j = 1; j < leaves.size(); ++j) before[j] = before[j - 1] + leaves[j - 1].count;
  spread(one_thread, leaves.size(), [&](std::size_t j, std::size_t) {
    Job& job = jobs_[j];
    if (kept) return objective.tangent(points.at[0], points.at[1], job.tape(objective, 0));
    const auto& examples = gather(query, leaves[j], before[j], job);
    const auto weight = [&](std::size_t k) { return product ? Real{1} : static_cast<Real>(query.weight[k]); };
    values_[j] = objective.forward_backward(points.at[0], examples, weight(0), job.tape(objective, 0));
    comm_.worked();
    if (query.memory == Query::Memory::begin || query.memory == Query::Memory::exchange) {
      exchange(query, leaves[j], before[j], job);
    } else if (query.memory == Query::Memory::skip) {
      note_visits(query, leaves[j], before[j], job);
    }
    if (product) {
      objective.tangent(points.at[0], points.at[1], job.tape(objective, 0));
    } else {
      for (std::size_t k = 1; k < query.points; ++k)
        objective.forward_backward(points.at[k], examples, weight(k), job.tape(objective, k));
    }
  });
}

template <class Real>
void LeafWork<Real>::phase_two(const Query& query, std::size_t jobs, const Leaves& leaves, bool first,
                               std::span<const std::int32_t> exponents, NodeSums<Real>& sums) {
  const auto& objective = *sum_.objective;
  const auto tiles = objective.layout().tiles();
  tapes_.clear();
  for (const Job& job : std::span(jobs_).first(jobs))
    tapes_.push_back(model::LeafTapes<Real>(job.tapes).first(query.is_product() ? 1 : query.points));
  spread(leaves.one_thread, tiles.size(), [&](std::size_t t, std::size_t slot) {
    const math::Tile& tile = tiles[t];
    math::TileSum<Real> sum = sums.tile(tile, exponents[tile.tensor], leaves.total, first, scratch_[slot].span());
    query.is_product() ? objective.tangent_tile(tapes_, tile, sum) : objective.tile(tapes_, tile, sum);
    tile_maxima_[t] = first ? sum.highest() : std::max(tile_maxima_[t], sum.highest());
  });
}

template <class Real>
math::ExactSum LeafWork<Real>::add_up(const Query& query, const Leaves& leaves, bool again,
                                      std::span<const std::int32_t> exponents, NodeSums<Real>& sums) {
  const std::span<const data::Leaf> mine(leaves.mine);
  // A single wave's tapes and values are still there when its leaves must be done again: only phase two runs.
  const bool kept = again && mine.size() <= wave_;
  const bool remembers = query.memory != Query::Memory::none;
  const Points points = prepare(query, leaves.one_thread);
  if (mine.empty()) taped_.reset();  // the place of the taped point may become another's
  math::ExactSum value;
  std::size_t done = 0;  // examples
  if (remembers && !kept) {
    std::size_t examples = 0;
    for (const data::Leaf& leaf : mine) examples += leaf.count;
    memory_.expect(query.memory == Query::Memory::begin ? 0 : examples);
    looked_at_ = 0;
  }
  for (std::size_t at = 0; at < mine.size(); at += wave_) {
    const auto wave = mine.subspan(at, std::min(wave_, mine.size() - at));
    if (!kept) {
      phase_one(query, points, wave, done, leaves.one_thread);
      if (query.memory == Query::Memory::skip) {
        for (std::size_t j = 0; j < wave.size(); ++j) looked_at_ += std::ssize(jobs_[j].places);
      }
    }
    comm_.worked();
    for (const data::Leaf& leaf : wave) done += leaf.count;
    // The tapes stand for the whole gradient at the request's first point.
    if (mine.size() <= wave_ && !remembers && (query.is_product() || query.weight[0] == 1))
      taped_ = Taped{query.part, query.all, query.ticket, points.place};
    phase_two(query, wave.size(), leaves, at == 0, exponents, sums);
    for (const double v : values_) value.add(v);
  }
  if (mine.empty()) phase_two(query, 0, leaves, true, exponents, sums);  // nothing of ours: zero sums
  const auto tiles = sum_.objective->layout().tiles();
  std::ranges::fill(maxima_, 0U);
  for (std::size_t t = 0; t < tiles.size(); ++t) maxima_[tiles[t].tensor] = std::max(maxima_[tiles[t].tensor], tile_maxima_[t]);
  return value;
}

template <class Real>
std::vector<math::ExactSum> LeafWork<Real>::scalars(const Query& query, const Leaves& leaves) {
  const auto& objective = *sum_.objective;
  const bool along = query.what == Query::What::along;
  const std::size_t fields = along ? 2 * query.lengths.size() : 5;
  std::vector<math::ExactSum> sums(fields);
  taped_.reset();
  const Points points = prepare(query, leaves.one_thread);
  std::vector<double> each(wave_ * fields);  // [leaf of the wave][field]
  for (std::size_t at = 0; at < leaves.mine.size(); at += wave_) {
    const std::size_t jobs = std::min(wave_, leaves.mine.size() - at);
    spread(leaves.one_thread, jobs, [&](std::size_t j, std::size_t) {
      Job& job = jobs_[j];
      const auto& examples = gather(query, leaves.mine[at + j], 0, job);
      double* out = each.data() + j * fields;
      comm_.worked();
      if (along) {
        std::vector<model::ValueAndSlope> line(query.lengths.size());
        objective.along(points.at[0], points.at[1], query.lengths, examples, job.tape(objective, 0), line);
        for (const auto& [value, slope] : line) {
          *out++ = value;
          *out++ = slope;
        }
      } else {
        const model::Evaluation e = objective.evaluate(points.at[0], examples, job.tape(objective, 0));
        std::ranges::copy(std::array{e.loss, e.correct, e.squared_error, e.target, e.target_squared}, out);
      }
    });
    for (std::size_t i = 0; i < jobs * fields; ++i) sums[i % fields].add(each[i]);
  }
  return sums;
}

template class LeafWork<float>;
template class LeafWork<double>;

}  // namespace talweg::engine
