// SPDX-License-Identifier: Apache-2.0
// What the ranks send each other of vectors: the state they start from, and with placement "sharded" the parts of nodes.
#include <limits>

#include "engine/engine.hpp"

namespace talweg::engine {

template <class Real>
BlockRange Engine<Real>::owned() const {
  const math::ParameterLayout& layout = problem_.objective->layout();
  const comm::Node node = comm_.node();
  if (!mirrored()) return {0, layout.blocks().size()};
  return sharded() ? piece_of(layout, node.place, node.slices, node.index, node.nodes)
                   : slice_of(layout, node.place, node.slices);
}

template <class Real>
std::size_t Engine<Real>::node_part() const {
  const math::ParameterLayout& layout = problem_.objective->layout();
  if (!sharded()) return layout.extent();
  const comm::Node node = comm_.node();
  std::size_t sum = 0;
  for (int k = 0; k < node.slices; ++k) {
    sum += pieces_of(layout, k, node.slices, node.nodes)[static_cast<std::size_t>(node.index)];
  }
  return sum;
}

template <class Real>
void Engine<Real>::expect_pieces_to_travel() const {
  constexpr std::size_t kMost = std::numeric_limits<std::int32_t>::max();
  const comm::Node node = comm_.node();
  const std::size_t largest =
      elements_of(problem_.objective->layout(), slice_of(problem_.objective->layout(), 0, node.slices)).count;
  if (sharded() && largest > kMost) {
    base::fail(
        base::ExitCode::bad_config,
        "run.placement = \"sharded\": found {} parameters for each of a node's {} ranks, expected at most {} (MPI counts in "
        "int); give every node more ranks",
        largest, node.slices, kMost);
  }
}

template <class Real>
void Engine<Real>::wait_for_node() {
  std::array<double, 1> done = {};
  comm_.sum(done, comm::Group::node);
}

template <class Real>
void Engine<Real>::publish(math::State& state) {
  Request request{.verb = Verb::state, .loaded = !loaded_.empty()};
  announce(request, {});
  comm_.broadcast_values(grids_.all());
  if (mirrored()) exchange_state(state);
  if (request.loaded) distribute_examples();
}

/// From rank 0: small slots to every rank; vectors to every node, all of them or its part.
template <class Real>
void Engine<Real>::exchange_state(math::State& state) {
  for (const auto& s : state.layout().scalars()) comm_.broadcast_values(std::span(&state.scalar(s.name), 1));
  for (const auto& c : state.layout().counters()) comm_.broadcast_values(std::span(&state.counter(c.name), 1));
  for (const auto& a : state.layout().arrays()) comm_.broadcast_values(state.array(a.name));
  for (const std::string& name : state.layout().vectors()) {
    const optim::Vector v = state.vector(name);
    if (sharded()) {
      send_parts(v, false);
    } else if (comm_.node().nodes > 1 && comm_.node().place == 0) {
      comm_.broadcast_values(store_.values(v), 0, comm::Group::across);
    }
  }
  wait_for_node();
  for (const std::string& name : state.layout().vectors()) {
    const optim::Vector v = state.vector(name);
    if (sharded()) {
      store_.touch_part(v);
      forget_others_parts(v);
    } else {
      store_.touch(v);
    }
  }
}

template <class Real>
void Engine<Real>::complete(optim::Vector v) {
  if (!store_.spread(v)) return;
  const comm::Node node = comm_.node();
  const math::ParameterLayout& layout = problem_.objective->layout();
  if (node.place < node.slices) {
    const ElementRange slice = elements_of(layout, slice_of(layout, node.place, node.slices));
    comm_.allgather(store_.values(v).subspan(slice.first, slice.count), pieces_);
  }
  wait_for_node();
  store_.completed(v);
}

template <class Real>
void Engine<Real>::complete_announced(optim::Vector v) {
  if (!store_.spread(v)) return;
  Request request{.verb = Verb::complete};
  request.slot[0] = v.slot;
  announce(request, {});
  complete(v);
}

template <class Real>
void Engine<Real>::gather(optim::Vector v) {
  if (store_.everywhere(v)) return complete(v);  // the next request about it will find it whole
  send_parts(v, true);
  wait_for_node();
}

template <class Real>
void Engine<Real>::send_parts(optim::Vector v, bool to_coordinator) {
  const comm::Node node = comm_.node();
  if (node.place >= node.slices) return;
  const math::ParameterLayout& layout = problem_.objective->layout();
  for (int j = 1; j < node.nodes; ++j) {
    const ElementRange part = elements_of(layout, piece_of(layout, node.place, node.slices, j, node.nodes));
    const auto bytes = std::as_writable_bytes(store_.values(v).subspan(part.first, part.count));
    to_coordinator ? comm_.send(bytes, j, 0) : comm_.send(bytes, 0, j);
  }
}

template <class Real>
void Engine<Real>::forget_others_parts(optim::Vector v) {
  if (!comm_.coordinator()) return;  // for its node
  const comm::Node node = comm_.node();
  const math::ParameterLayout& layout = problem_.objective->layout();
  for (int k = 0; k < node.slices; ++k) {
    const BlockRange others = {piece_of(layout, k, node.slices, 1, node.nodes).first, slice_of(layout, k, node.slices).last};
    store_.forget(v, elements_of(layout, others));
  }
}

template <class Real>
void Engine<Real>::copy(optim::Vector from, optim::Vector to) {
  if (!mirrored()) return observers_space_.copy(from, to);
  Request request{.verb = Verb::copy};
  request.slot = {from.slot, to.slot};
  announce(request, {});
  space_.copy(from, to);
}

template <class Real>
void Engine<Real>::read(optim::Vector v, const std::function<void(std::span<const Real>)>& use) {
  if (store_.spread(v)) {
    Request request{.verb = Verb::gather};
    request.slot[0] = v.slot;
    announce(request, {});
    gather(v);
  }
  use(store_.values(v));
  if (store_.spread(v)) forget_others_parts(v);
}

template class Engine<float>;
template class Engine<double>;

}  // namespace talweg::engine
