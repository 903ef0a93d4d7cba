// SPDX-License-Identifier: Apache-2.0
#include "train/snapshot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>

#include "io/npz.hpp"

namespace talweg::train {
namespace {

using base::ExitCode;

constexpr const char* kExamples = "examples";  // the one tensor of a per-example slot

struct MeterSlot {
  const char* name;
  engine::Asker asker;
  std::int64_t engine::Costs::*field;
};
constexpr std::array kMeter = {
    MeterSlot{"meter.gradients", engine::Asker::method, &engine::Costs::gradients},
    MeterSlot{"meter.hvps", engine::Asker::method, &engine::Costs::hvps},
    MeterSlot{"meter.values", engine::Asker::method, &engine::Costs::values},
    MeterSlot{"meter.redone", engine::Asker::method, &engine::Costs::redone},
    MeterSlot{"meter.evaluation_gradients", engine::Asker::observer, &engine::Costs::gradients},
    MeterSlot{"meter.evaluation_hvps", engine::Asker::observer, &engine::Costs::hvps},
    MeterSlot{"meter.evaluation_values", engine::Asker::observer, &engine::Costs::values},
    MeterSlot{"meter.evaluation_redone", engine::Asker::observer, &engine::Costs::redone},
};

std::string shape_text(const std::vector<std::size_t>& shape) {
  std::string text = "[";
  for (const std::size_t n : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(n);
  return text + "]";
}

template <class Map>
const typename Map::mapped_type& entry(const Map& map, const std::string& name, const std::string& file, const char* kind) {
  const auto found = map.find(name);
  if (found == map.end()) {
    base::fail(ExitCode::bad_data, "{}: {} '{}' is missing: the checkpoint of another method or version", file, kind, name);
  }
  return found->second;
}

template <class Real>
const char* type_name() {
  return sizeof(Real) == sizeof(float) ? "float32" : "float64";
}

/// What a run goes on from is of its precision.
template <class Real>
void expect_own(const io::StoredTensor& tensor, const std::string& file) {
  const auto* values = std::get_if<std::vector<Real>>(&tensor.values);
  if (values == nullptr) {
    base::fail(ExitCode::bad_data, "{}: tensor '{}': found {}, expected {}, the run's precision", file, tensor.name,
               type_name<std::conditional_t<sizeof(Real) == sizeof(float), double, float>>(), type_name<Real>());
  }
}

/// One vector as named tensors, in the memory that is there.
template <class Real>
void copy_tensors(const math::ParameterLayout& layout, std::span<const Real> values, std::vector<io::StoredTensor>& to) {
  to.resize(layout.tensors().size());
  for (std::size_t i = 0; i < to.size(); ++i) {
    const math::Tensor& t = layout.tensors()[i];
    const auto part = values.subspan(t.offset, t.size);
    to[i].name = t.name;
    to[i].shape = t.shape;
    if (auto* there = std::get_if<std::vector<Real>>(&to[i].values)) {
      there->assign(part.begin(), part.end());
    } else {
      to[i].values = std::vector<Real>(part.begin(), part.end());
    }
  }
}

/// The tensor `name`, which must have this shape.
template <class Real>
void copy_values(const std::vector<io::StoredTensor>& tensors, const std::string& file, const std::string& name,
                 const std::vector<std::size_t>& shape, std::span<Real> to) {
  const auto found = std::ranges::find(tensors, name, &io::StoredTensor::name);
  if (found == tensors.end()) base::fail(ExitCode::bad_data, "{}: tensor '{}' {} is missing", file, name, shape_text(shape));
  if (found->shape != shape) {
    base::fail(ExitCode::bad_data, "{}: tensor '{}': found shape {}, expected {}", file, name, shape_text(found->shape),
               shape_text(shape));
  }
  std::visit([&](const auto& from) { std::ranges::transform(from, to.begin(), [](auto v) { return static_cast<Real>(v); }); },
             found->values);
}

}  // namespace

template <class Real>
void values_from(const std::vector<io::StoredTensor>& tensors, const std::string& file, const math::ParameterLayout& layout,
                 std::span<Real> values) {
  for (const math::Tensor& t : layout.tensors()) copy_values(tensors, file, t.name, t.shape, values.subspan(t.offset, t.size));
}

template <class Real>
void initial_point(const RunConfig& run, const engine::Problem<Real>& problem, const math::Threads& threads,
                   std::span<Real> x) {
  const math::ParameterLayout& layout = problem.objective->layout();
  if (run.problem) {
    const std::vector<double> first = model::first_point(*run.problem, run.run.engine.seed);
    std::size_t next = 0;
    for (const math::Tensor& t : layout.tensors()) {
      for (std::size_t j = 0; j < t.size; ++j) x[t.offset + j] = static_cast<Real>(first[next++]);
    }
    return;
  }
  if (run.init.kind != "file") {
    model::fill_initial<Real>(run.init, layout, run.run.engine.seed, threads, x);
    return;
  }
  const std::string file = run.init.path.string();
  values_from<Real>(run.init.path.extension() == ".npz" ? io::read_npz(run.init.path) : io::load(run.init.path).parameters,
                    file, layout, x);
  for (const math::Tensor& t : layout.tensors()) {
    const auto values = x.subspan(t.offset, t.size);
    const auto bad = std::ranges::find_if(values, [](Real v) { return !std::isfinite(v); });
    if (bad != values.end()) {
      base::fail(ExitCode::bad_data, "{}: tensor '{}', element {}: found {}, expected a finite {}", file, t.name,
                 bad - values.begin(), *bad, type_name<Real>());
    }
  }
}

void declare_engine_slots(math::StateLayout& layout, std::size_t tensors) {
  for (const MeterSlot& m : kMeter) layout.counter(m.name);
  layout.array("engine.grids", 2 * engine::kKinds * tensors, engine::Grids::kUnset);
}

template <class Real>
void capture(const engine::Problem<Real>& problem, math::State& state, engine::Engine<Real>& engine, std::string_view output,
             io::Checkpoint& to) {
  for (const MeterSlot& m : kMeter) state.counter(m.name) = engine.meter().of(m.asker).*m.field;
  std::ranges::copy(engine.grids().all(), state.array("engine.grids").begin());
  const math::ParameterLayout& layout = problem.objective->layout();
  for (const std::string& name : state.layout().vectors()) {
    const math::Vector v = state.vector(name);
    auto& tensors = name == output ? to.parameters : to.state[name];
    engine.read(v, [&](std::span<const Real> values) { copy_tensors<Real>(layout, values, tensors); });
  }
  for (const std::string& name : state.layout().per_example()) {
    const std::vector<std::size_t> shape = {problem.train.plan().count(), problem.objective->example_numbers()};
    to.state[name] = {{.name = kExamples, .shape = shape, .values = engine.read_examples(state.per_example(name))}};
  }
  for (const auto& s : state.layout().scalars()) to.scalars[s.name] = state.scalar(s.name);
  for (const auto& c : state.layout().counters()) to.counters[c.name] = state.counter(c.name);
  for (const auto& a : state.layout().arrays()) {
    const auto values = state.array(a.name);
    to.arrays[a.name].assign(values.begin(), values.end());
  }
}

template <class Real>
void restore(const io::Checkpoint& checkpoint, const std::string& file, const engine::Problem<Real>& problem,
             math::State& state, std::string_view output, engine::Engine<Real>& engine) {
  const math::ParameterLayout& layout = problem.objective->layout();
  for (const std::string& name : state.layout().vectors()) {
    const math::Vector v = state.vector(name);
    const auto& tensors = name == output ? checkpoint.parameters : entry(checkpoint.state, name, file, "state vector");
    for (const io::StoredTensor& tensor : tensors) expect_own<Real>(tensor, file);
    values_from<Real>(tensors, file, layout, engine.store().values(v));
    engine.store().touch(v);
  }
  for (const std::string& name : state.layout().per_example()) {
    const std::vector<std::size_t> shape = {problem.train.plan().count(), problem.objective->example_numbers()};
    std::vector<Real> all(io::elements(shape));
    const auto& tensors = entry(checkpoint.state, name, file, "per-example state");
    for (const io::StoredTensor& tensor : tensors) expect_own<Real>(tensor, file);
    copy_values<Real>(tensors, file, kExamples, shape, all);
    engine.load_examples(state.per_example(name), std::move(all));
  }
  // The trainer's own, which older checkpoints may not have, and those of a schedule, which may be another than before: as at
  // the start.
  const auto number = [&](const auto& slot, const auto& map, const char* kind) {
    const bool may_begin = slot.name.starts_with("trainer.") || slot.name.starts_with("schedule.");
    return may_begin && !map.contains(slot.name) ? slot.initial : entry(map, slot.name, file, kind);
  };
  for (const auto& s : state.layout().scalars()) state.scalar(s.name) = number(s, checkpoint.scalars, "scalar");
  for (const auto& c : state.layout().counters()) state.counter(c.name) = number(c, checkpoint.counters, "counter");
  for (const auto& a : state.layout().arrays()) {
    const auto& from = entry(checkpoint.arrays, a.name, file, "array");
    if (from.size() != a.size) {
      base::fail(ExitCode::bad_data, "{}: array '{}': found {} values, expected {}", file, a.name, from.size(), a.size);
    }
    std::ranges::copy(from, state.array(a.name).begin());
  }
  if (state.counter("trainer.step") != checkpoint.step) {
    base::fail(ExitCode::bad_data, "{}: counter 'trainer.step': found {}, expected {}, the step of the checkpoint", file,
               state.counter("trainer.step"), checkpoint.step);
  }
  for (const MeterSlot& m : kMeter) engine.meter().of(m.asker).*m.field = state.counter(m.name);
  std::ranges::transform(state.array("engine.grids"), engine.grids().all().begin(), [&](double e) {
    if (!(std::abs(e) <= math::kGridLimit && e == std::trunc(e)) && e != engine::Grids::kUnset)
      base::fail(ExitCode::bad_data, "{}: array 'engine.grids': found {}, expected exponents up to {}", file, e,
                 math::kGridLimit);
    return static_cast<std::int32_t>(e);
  });
}

template <class Real>
void describe_data(io::Checkpoint& checkpoint, const RunFacts& facts, const engine::Problem<Real>& problem) {
  checkpoint.features = problem.train.shape().features;
  checkpoint.classes = problem.train.shape().classes;
  checkpoint.transform = {.kind = facts.transform.kind, .shift = facts.transform.shift, .scale = facts.transform.scale};
  checkpoint.model = problem.objective->describe();
}

#define TALWEG_SNAPSHOT(Real)                                                                                               \
  template void values_from<Real>(const std::vector<io::StoredTensor>&, const std::string&, const math::ParameterLayout&,   \
                                  std::span<Real>);                                                                         \
  template void initial_point<Real>(const RunConfig&, const engine::Problem<Real>&, const math::Threads&, std::span<Real>); \
  template void capture<Real>(const engine::Problem<Real>&, math::State&, engine::Engine<Real>&, std::string_view,          \
                              io::Checkpoint&);                                                                             \
  template void restore<Real>(const io::Checkpoint&, const std::string&, const engine::Problem<Real>&, math::State&,        \
                              std::string_view, engine::Engine<Real>&);                                                     \
  template void describe_data<Real>(io::Checkpoint&, const RunFacts&, const engine::Problem<Real>&);
TALWEG_SNAPSHOT(float)
TALWEG_SNAPSHOT(double)
#undef TALWEG_SNAPSHOT

}  // namespace talweg::train
