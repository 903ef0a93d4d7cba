// SPDX-License-Identifier: Apache-2.0
// A whole config, read and checked before any data is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "data/load.hpp"
#include "engine/options.hpp"
#include "model/build.hpp"
#include "model/problem.hpp"
#include "model/regularizer.hpp"
#include "optim/registry.hpp"
#include "run/archive.hpp"
#include "talweg/config.hpp"

namespace talweg::train {

/// What becomes of a step whose loss, gradient or parameters are not finite. Every rank does the same at the same step.
struct NonFinite {
  enum class Policy { stop, skip, rollback };
  Policy policy = Policy::stop;
  std::int64_t limit = 5;  // of steps left out in a row; of returns to one checkpoint
  double lr_factor = 0.5;  // rollback: what learning rates are multiplied by, each time
};

struct RunSection {
  std::optional<double> epochs;  // one of epochs, steps
  std::optional<std::int64_t> steps;
  engine::EngineOptions engine;  // batch, leaf, seed, sampling, reduction
  math::Precision precision = math::Precision::float32;
  NonFinite nonfinite;
  double deadline = 60;  // seconds without anybody moving while ranks wait; 0: off
  [[nodiscard]] std::int64_t planned_steps(const data::Order& order) const;
};

struct StopSection {
  double gradient_norm = 0;  // 0: off. Full gradient of the smooth part
  double check_every = 1;    // passes between such checks
  double target_loss = -std::numeric_limits<double>::infinity();
  std::int64_t patience = 0;  // evaluations without a new best; 0: off
  std::string metric;         // what best means: valid_loss | valid_accuracy | train_objective
  double wall_seconds = 0;    // 0: off
};

struct TraceSection {
  std::int64_t every = 1;      // steps per row
  double evaluate_every = 1;   // epochs per evaluation; 0: only at the end
  bool evaluate_train = true;  // the training set too
  bool full_gradient = false;  // and its full gradient norm
};

struct RunConfig {
  std::optional<model::ProblemConfig> problem;  // in the place of data, model and init
  data::DataConfig data;
  model::ModelConfig model;
  model::InitConfig init;
  model::Regularizer::Config regularizer;
  std::string method_name;
  std::shared_ptr<const optim::Method> method;
  std::shared_ptr<const optim::Schedule> schedule;
  RunSection run;
  StopSection stop;
  run::CheckpointSection checkpoint;
  TraceSection trace;
};

/// What is given by an embedding program instead of by the config.
struct Given {
  bool objective = false;                      // [model] and [init] are then not read
  bool data = false;                           // [data] is then not read
  std::span<const optim::Entry> methods = {};  // that [method] may name too
};

/// [run] deadline, seconds.
double parse_deadline(const base::Section& run);

/// Reads every section; throws Error(bad_config) for the first thing wrong, unknown keys included, and for methods whose needs
/// the run does not meet.
RunConfig parse_run(const base::Config& config, const Given& given = {});

}  // namespace talweg::train
