// SPDX-License-Identifier: Apache-2.0
#include "train/snapshot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>

#include "base/stopwatch.hpp"
#include "io/npz.hpp"
#include "optim/registry.hpp"

namespace talweg::train {
namespace {

using base::ExitCode;

constexpr const char* kExamples = "examples";  // the one tensor of a per-example slot

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

/// A run goes on in its own precision only.
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

/// One vector as named tensors, in memory that is there already.
void copy_tensors(const math::ParameterLayout& layout, engine::ConstValues values, std::vector<io::StoredTensor>& to) {
  std::visit([&]<class Real>(std::span<const Real> all) { copy_tensors<Real>(layout, all, to); }, values);
}

/// Copies everything declared into `to`, whose memory is used again. Collective; only rank 0 copies, into its own `to`. What
/// rank 0 cannot do is returned: it must not leave the others alone in what follows.
comm::Failure capture(Run& run, io::Checkpoint* to) {
  comm::Failure failure;
  const auto keep = [&](const auto& copy) {
    if (to == nullptr || failure.failed()) return;
    try {
      copy();
    } catch (...) {
      failure = comm::current_failure();
    }
  };
  math::State& state = run.state;
  const engine::ProblemFacts& facts = run.problem.facts();
  run.session.save_to(state);
  for (const std::string& name : state.layout().vectors()) {
    const math::Vector v = state.vector(name);
    run.session.read(v, [&](engine::ConstValues values) {
      keep([&] { copy_tensors(run.problem.layout(), values, v == run.output ? to->parameters : to->state[name]); });
    });
  }
  for (const std::string& name : state.layout().per_example()) {
    run.session.read_examples(state.per_example(name), [&](engine::ConstValues values) {
      keep([&] {
        const std::vector<std::size_t> shape = {facts.plan.count(), facts.example_numbers};
        std::visit(
            [&]<class Real>(std::span<const Real> all) {
              to->state[name] = {{.name = kExamples, .shape = shape, .values = std::vector<Real>(all.begin(), all.end())}};
            },
            values);
      });
    });
  }
  keep([&] {
    state.scalar("trainer.seconds") = run.clock.seconds();
    for (const auto& s : state.layout().scalars()) to->scalars[s.name] = state.scalar(s.name);
    for (const auto& c : state.layout().counters()) to->counters[c.name] = state.counter(c.name);
    for (const auto& a : state.layout().arrays()) {
      const auto values = state.array(a.name);
      to->arrays[a.name].assign(values.begin(), values.end());
    }
    to->step = run.done();
    to->config = run.config.resolved_toml();
    to->fingerprint = facts.fingerprint;
    to->features = facts.shape.features;
    to->classes = facts.shape.classes;
    to->transform = {.kind = facts.transform.kind, .shift = facts.transform.shift, .scale = facts.transform.scale};
    to->model = facts.describe;
  });
  return failure;
}

}  // namespace

void values_from(const std::vector<io::StoredTensor>& tensors, const std::string& file, const math::ParameterLayout& layout,
                 engine::Values values) {
  std::visit(
      [&]<class Real>(std::span<Real> all) {
        for (const math::Tensor& t : layout.tensors())
          copy_values<Real>(tensors, file, t.name, t.shape, all.subspan(t.offset, t.size));
      },
      values);
}

namespace {

template <class Real>
void initial_point_as(const RunConfig& run, const math::ParameterLayout& layout, std::span<Real> x,
                      const math::Threads& threads) {
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
  values_from(run.init.path.extension() == ".npz" ? io::read_npz(run.init.path) : io::load(run.init.path).parameters, file,
              layout, x);
  for (const math::Tensor& t : layout.tensors()) {
    const auto values = x.subspan(t.offset, t.size);
    const auto bad = std::ranges::find_if(values, [](Real v) { return !std::isfinite(v); });
    if (bad != values.end()) {
      base::fail(ExitCode::bad_data, "{}: tensor '{}', element {}: found {}, expected a finite {}", file, t.name,
                 bad - values.begin(), *bad, type_name<Real>());
    }
  }
}

}  // namespace

void initial_point(const RunConfig& run, const math::ParameterLayout& layout, const math::Threads& threads, engine::Values x) {
  std::visit([&]<class Real>(std::span<Real> values) { initial_point_as<Real>(run, layout, values, threads); }, x);
}

void fill_initial(Run& run) {
  const engine::Values x = run.session.values(run.x);
  initial_point(run.settings, run.problem.layout(), run.threads, x);
  std::visit(
      [&]<class Real>(std::span<Real>) {
        optim::fill_initial(run.problem.layout(), run.state,
                            [&](math::Vector v) { return std::get<std::span<Real>>(run.session.values(v)); });
      },
      x);
}

void save_checkpoint(Run& run, const Ending* ending) {
  const base::Stopwatch watch(run.clock.checkpoint);
  if (run.done() > run.rolled_back_to) run.counter("trainer.rollbacks_here") = 0;
  run.comm.set_activity(comm::Activity::saving);
  io::Checkpoint* const next = run.archive->next();
  const comm::Failure failure = capture(run, next);
  run.on_rank_0([&] {
    if (failure.failed()) throw base::Error(failure.code, failure.message);
    if (next == nullptr) return;
    next->attributes["ending"] = ending != nullptr && ending->code == ExitCode::finished ? ending->reason : "";
    run.archive->save(ending != nullptr);
  });
  run.comm.set_activity(comm::Activity::updating);
}

void save_best(Run& run) {
  if (!run.decide(run.archive->open() && run.archive->best_is_unsaved())) return;
  run.archive->wait();
  io::Checkpoint* const next = run.archive->next();
  const comm::Failure failure = capture(run, next);
  run.on_rank_0([&] {
    if (failure.failed()) throw base::Error(failure.code, failure.message);
    next->attributes["ending"] = "";
    run.archive->save_best();
  });
}

void restore(const io::Checkpoint& checkpoint, const std::string& file, Run& run) {
  math::State& state = run.state;
  const engine::ProblemFacts& facts = run.problem.facts();
  const auto expect_precision = [&](const std::vector<io::StoredTensor>& tensors, const engine::Values& values) {
    std::visit(
        [&]<class Real>(std::span<Real>) {
          for (const io::StoredTensor& tensor : tensors) expect_own<Real>(tensor, file);
        },
        values);
  };
  for (const std::string& name : state.layout().vectors()) {
    const math::Vector v = state.vector(name);
    const auto& tensors = v == run.output ? checkpoint.parameters : entry(checkpoint.state, name, file, "state vector");
    expect_precision(tensors, run.session.values(v));
    values_from(tensors, file, run.problem.layout(), run.session.values(v));
  }
  for (const std::string& name : state.layout().per_example()) {
    const std::vector<std::size_t> shape = {facts.plan.count(), facts.example_numbers};
    const engine::Values to = run.session.stage_examples(state.per_example(name));
    const auto& tensors = entry(checkpoint.state, name, file, "per-example state");
    expect_precision(tensors, to);
    std::visit([&]<class Real>(std::span<Real> all) { copy_values<Real>(tensors, file, kExamples, shape, all); }, to);
  }
  // Slots of the trainer that older checkpoints lack begin as at the start, and so do those of another schedule than before.
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
  if (run.done() != checkpoint.step) {
    base::fail(ExitCode::bad_data, "{}: counter 'trainer.step': found {}, expected {}, the step of the checkpoint", file,
               run.done(), checkpoint.step);
  }
  run.session.load_from(state, file);
}

void expect_data_of(const io::Checkpoint& checkpoint, const std::string& file, const engine::Problem& problem) {
  if (checkpoint.fingerprint == problem.facts().fingerprint) return;
  base::fail(ExitCode::bad_data, "{}: made from other data: fingerprint {}, the data now given has {}", file,
             checkpoint.fingerprint, problem.facts().fingerprint);
}

}  // namespace talweg::train
