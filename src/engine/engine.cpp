// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.hpp"

#include <algorithm>
#include <array>

namespace talweg::engine {

template <class Real>
Machinery<Real>::Machinery(Session& run, comm::Communicator& communicator, const math::Threads& threads,
                           const LocalSum<Real>& local, std::size_t declared, std::size_t per_example)
    : session(run),
      comm(communicator),
      sum(local),
      owners(layout(), run.options().placement, comm),
      store(comm, layout().extent(), owners.elements_of_node(), declared),
      space(
          layout(), threads, comm, owners, store, [this](optim::Vector v) { complete(v); }, run.meter().phases.update),
      leaves(comm, threads, local, run.order(), run.leaf(), run.options().seed, store, per_example),
      sums(comm, layout(), owners, run.options().reduction) {}

template <class Real>
void Machinery<Real>::wait_for_node() {
  std::array<double, 1> done = {};
  comm.sum(done, comm::Group::node);
}

template <class Real>
void Machinery<Real>::complete(optim::Vector v) {
  if (!store.spread(v)) return;
  space.settle();
  const comm::Node node = comm.node();
  if (node.place < node.slices) {
    const ElementRange slice = owners.slice(node.place);
    const auto values = store.values(v).subspan(slice.first, slice.count);
    if (owners.one_rank()) {
      comm.broadcast_values(values, 0, comm::Group::across);
    } else {
      comm.allgather(values, owners.pieces(node.place));
    }
  }
  wait_for_node();
  store.completed(v);
}

template <class Real>
Engine<Real>::Engine(comm::Communicator& comm, const math::Threads& threads, const LocalSum<Real>& sum,
                     const EngineOptions& options, std::size_t declared, std::size_t per_example)
    : Session(comm, sum.train.plan(), sum.objective->layout().tensors().size(), options),
      m_(*this, comm, threads, sum, declared, per_example),
      oracles_{DistributedOracle<Real>(m_, Asker::method), DistributedOracle<Real>(m_, Asker::observer)} {}

template <class Real>
void Engine<Real>::broadcast_numbers(math::State& state) {
  for (const auto& s : state.layout().scalars()) comm_.broadcast_values(std::span(&state.scalar(s.name), 1));
  for (const auto& c : state.layout().counters()) comm_.broadcast_values(std::span(&state.counter(c.name), 1));
  for (const auto& a : state.layout().arrays()) comm_.broadcast_values(state.array(a.name));
}

template <class Real>
void Engine<Real>::distribute(math::State& state) {
  broadcast_numbers(state);
  for (const std::string& name : state.layout().vectors()) {
    const optim::Vector v = state.vector(name);
    if (m_.owners.spreads()) {
      send_pieces(v, false);
    } else if (comm_.node().nodes > 1 && comm_.node().place == 0) {
      comm_.broadcast_values(m_.store.values(v), 0, comm::Group::across);
    }
  }
  m_.wait_for_node();
  for (const std::string& name : state.layout().vectors()) {
    const optim::Vector v = state.vector(name);
    m_.space.written(v);
    if (m_.owners.spreads()) forget_others_pieces(v);
  }
  if (m_.leaves.memory().slots() > 0) distribute_examples();
}

template <class Real>
void Engine<Real>::read(optim::Vector v, const std::function<void(ConstValues)>& use) {
  m_.space.settle();
  const bool gathers = m_.store.spread(v);
  if (gathers && m_.store.everywhere(v)) {
    m_.complete(v);  // the next request about it will find it whole
  } else if (gathers) {
    send_pieces(v, true);
    m_.wait_for_node();
  }
  if (comm_.coordinator()) use(std::span<const Real>(m_.store.values(v)));
  if (m_.store.spread(v)) forget_others_pieces(v);
}

template <class Real>
void Engine<Real>::send_pieces(optim::Vector v, bool to_first_node) {
  const comm::Node node = comm_.node();
  if (node.place >= node.slices) return;
  const std::vector<std::size_t>& pieces = m_.owners.pieces(node.place);
  std::size_t first = m_.owners.slice(node.place).first + pieces.front();
  for (int j = 1; j < node.nodes; ++j) {
    const std::size_t count = pieces[static_cast<std::size_t>(j)];
    const auto bytes = std::as_writable_bytes(m_.store.values(v).subspan(first, count));
    to_first_node ? comm_.send(bytes, j, 0) : comm_.send(bytes, 0, j);
    first += count;
  }
}

template <class Real>
void Engine<Real>::forget_others_pieces(optim::Vector v) {
  if (!comm_.coordinator()) return;  // rank 0 does it for its node
  for (int k = 0; k < comm_.node().slices; ++k) {
    const ElementRange slice = m_.owners.slice(k);
    const std::size_t ours = m_.owners.pieces(k).front();
    m_.store.forget(v, {slice.first + ours, slice.count - ours});
  }
}

template <class Real>
template <class From, class Place>
void Engine<Real>::pass_examples(From from, Place place) {
  const data::ShardPlan& plan = m_.sum.train.plan();
  const std::size_t width = m_.leaves.memory().width();
  constexpr std::size_t kPiece = 1U << 17;  // numbers on their way at a time
  std::vector<Real> scratch;
  for (int owner = 1; owner < comm_.size(); ++owner) {
    const data::ShardPlan::Owned owned = plan.owned(owner, comm_.size());
    const std::uint64_t first = plan.begin(owned.first) * width;
    const std::uint64_t count = plan.begin(owned.last) * width - first;
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
void Engine<Real>::read_examples(math::PerExample slot, const std::function<void(ConstValues)>& use) {
  const std::span<Real> mine = m_.leaves.memory().values(slot.slot);
  std::vector<Real> all(comm_.coordinator() ? m_.sum.train.plan().count() * m_.leaves.memory().width() : 0);
  if (comm_.coordinator()) std::ranges::copy(mine, all.begin());  // its rows are the first
  pass_examples([](int owner) { return owner; },
                [&](int owner, std::uint64_t first, std::uint64_t at, std::size_t size) -> std::span<Real> {
                  if (owner == comm_.rank()) return mine.subspan(at, size);
                  if (comm_.coordinator()) return std::span(all).subspan(first + at, size);
                  return {};
                });
  if (comm_.coordinator()) use(std::span<const Real>(all));
}

template <class Real>
Values Engine<Real>::stage_examples(math::PerExample slot) {
  staged_.resize(m_.leaves.memory().slots());
  std::vector<Real>& all = staged_.at(slot.slot);
  all.resize(m_.sum.train.plan().count() * m_.leaves.memory().width());
  return std::span<Real>(all);
}

template <class Real>
void Engine<Real>::distribute_examples() {
  std::array<std::uint32_t, 1> staged = {staged_.empty() ? 0U : 1U};
  comm_.broadcast_values(std::span<std::uint32_t>(staged));
  if (staged[0] == 0) return;
  staged_.resize(m_.leaves.memory().slots());
  for (std::uint32_t slot = 0; slot < m_.leaves.memory().slots(); ++slot) {
    const std::span<Real> mine = m_.leaves.memory().values(slot);
    if (comm_.coordinator()) std::copy_n(staged_[slot].begin(), mine.size(), mine.begin());
    pass_examples([](int) { return 0; },
                  [&](int owner, std::uint64_t first, std::uint64_t at, std::size_t size) -> std::span<Real> {
                    if (comm_.coordinator()) return std::span(staged_[slot]).subspan(first + at, size);
                    if (owner == comm_.rank()) return mine.subspan(at, size);
                    return {};
                  });
  }
  staged_ = {};
}

template struct Machinery<float>;
template struct Machinery<double>;
template class Engine<float>;
template class Engine<double>;

}  // namespace talweg::engine
