// SPDX-License-Identifier: Apache-2.0
#include "train/run_config.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "optim/leave_out.hpp"
#include "optim/settings.hpp"

namespace talweg::train {
namespace {

using base::Range;

constexpr double kMostSteps = 9e15;  // whole numbers are exact in double up to here

/// [run] batch_schedule: what the batch becomes in later epochs.
std::vector<data::BatchChange> parse_batches(const base::Section& run, std::uint64_t batch) {
  if (run.kind("batch_schedule") == 0) return {};
  if (batch == 0) run.fail("batch_schedule", "it beside batch = \"full\"", "a batch of so many examples");
  const base::Section s = run.section("batch_schedule");
  std::vector<data::BatchChange> changes;
  if (s.choice("kind", std::nullopt, {"piecewise", "geometric"}, "how examples per minibatch change, from epoch to epoch") ==
      "piecewise") {
    const auto epochs = s.integers("boundaries", {}, Range::at_least(1), "epochs after which the batch changes, ascending");
    const auto batches = s.integers("batches", {}, Range::at_least(1), "examples per minibatch after each of them");
    if (epochs.empty()) s.fail("boundaries", "none", "at least one epoch");
    if (batches.size() != epochs.size())
      s.fail("batches", fmt::format("{} beside {} boundaries", batches.size(), epochs.size()), "one after each boundary");
    for (std::size_t k = 0; k < epochs.size(); ++k) {
      if (k > 0 && epochs[k] <= epochs[k - 1])
        s.fail("boundaries", fmt::format("[{}]", fmt::join(epochs, ", ")), "ascending epochs");
      changes.push_back({static_cast<std::uint64_t>(epochs[k]), static_cast<std::uint64_t>(batches[k])});
    }
    return changes;
  }
  const double factor = s.number("factor", 2.0, {.low = 1.01, .high = 1e6}, "the batch is multiplied by this");
  const auto every =
      static_cast<std::uint64_t>(s.integer("every", 1, {.low = 1, .high = 1e12}, "epochs from one time to the next"));
  const double most = s.number("most", 65536.0, {.low = 1, .high = 1e12}, "examples per minibatch at most");
  double size = static_cast<double>(batch);
  for (std::uint64_t k = 1; size < most; ++k) {
    size = std::min(most, size * factor);
    changes.push_back({k * every, static_cast<std::uint64_t>(size)});
  }
  return changes;
}

NonFinite parse_nonfinite(const base::Section& s) {
  NonFinite n;
  const std::string policy = s.choice(
      "nonfinite", "stop", {"stop", "skip", "rollback"},
      "what a NaN or infinity does: end the run, leave the step out, or go back to the last checkpoint with smaller steps");
  n.policy = policy == "stop"   ? NonFinite::Policy::stop
             : policy == "skip" ? NonFinite::Policy::skip
                                : NonFinite::Policy::rollback;
  n.limit = s.integer("nonfinite_limit", 5, Range::at_least(1),
                      "steps left out in a row, or returns to one checkpoint, before the run ends all the same");
  n.lr_factor = s.number("nonfinite_lr_factor", 0.5, {.low = 0, .high = 1, .open_low = true},
                         "rollback: learning rates are multiplied by it, each time");
  return n;
}

RunSection parse_run_section(const base::Section& s) {
  RunSection run;
  if (s.kind("epochs") != 0 && s.kind("steps") != 0) s.fail("steps", "both epochs and steps", "one of them");
  if (s.kind("steps") != 0) {
    run.steps = s.integer("steps", std::nullopt, {.low = 0, .high = kMostSteps}, "steps to take");
  } else {
    run.epochs = s.number("epochs", 10.0, {.low = 0, .high = 1e12}, "passes over the training examples");
  }
  if (s.kind("batch") == 's') {
    const std::string batch = s.text("batch", std::nullopt, "examples per minibatch, or \"full\"");
    if (batch != "full") s.fail("batch", '"' + batch + '"', "a positive integer or \"full\"");
    run.engine.batch = 0;
  } else {
    run.engine.batch =
        static_cast<std::uint64_t>(s.integer("batch", 64, Range::at_least(1), "examples per minibatch, or \"full\""));
  }
  run.engine.batches = parse_batches(s, run.engine.batch);
  run.engine.leaf = static_cast<std::uint32_t>(s.integer(
      "leaf", 0, {.low = 0, .high = 4096}, "examples per leaf; 0: an eighth of the batch within [32, 64]. Part of the bits"));
  run.engine.seed =
      static_cast<std::uint64_t>(s.integer("seed", 1, Range::non_negative(), "of order, initial parameters and noise"));
  const std::string sampling = s.choice("sampling", "shuffle", {"shuffle", "replace", "cyclic"},
                                        "a new order each epoch, uniform draws, or the same order");
  run.engine.sampling = sampling == "shuffle"   ? data::Sampling::shuffle
                        : sampling == "replace" ? data::Sampling::replace
                                                : data::Sampling::cyclic;
  run.engine.reduction =
      s.choice("reduction", "exact", {"exact", "fast"}, "exact: same bits for any ranks and threads") == "exact"
          ? engine::Reduction::exact
          : engine::Reduction::fast;
  run.precision = s.choice("precision", "float32", {"float32", "float64"}, "of parameters and arithmetic") == "float32"
                      ? math::Precision::float32
                      : math::Precision::float64;
  const std::string placement =
      s.choice("placement", "replicated", {"coordinator", "replicated", "sharded"},
               "where the update is computed and the state lies: on rank 0, on every node, divided over nodes; the same bits");
  run.engine.placement = placement == "coordinator"  ? engine::Placement::coordinator
                         : placement == "replicated" ? engine::Placement::replicated
                                                     : engine::Placement::sharded;
  run.nonfinite = parse_nonfinite(s);
  run.deadline = parse_deadline(s);
  return run;
}

StopSection parse_stop(const base::Section& s, bool has_valid) {
  StopSection stop;
  stop.gradient_norm =
      s.number("gradient_norm", 0.0, Range::non_negative(), "stop when the full gradient's norm is at most this; 0: off");
  const double mapped = s.number("prox_gradient_norm", 0.0, Range::non_negative(),
                                 "the same by its name where Omega is not smooth: |x - prox(x - grad F)|; 0: off");
  if (mapped > 0 && stop.gradient_norm > 0) s.fail("prox_gradient_norm", "both it and gradient_norm", "one of them");
  stop.gradient_norm = std::max(stop.gradient_norm, mapped);
  stop.check_every = s.number("check_every", 1.0, Range::positive(), "passes between gradient norm checks");
  stop.target_loss =
      s.number("target_loss", stop.target_loss, {}, "stop when the training objective at an evaluation is at most this");
  stop.patience =
      s.integer("patience", 0, Range::non_negative(), "stop after this many evaluations without a new best; 0: off");
  stop.metric = s.choice("metric", has_valid ? "valid_loss" : "train_objective",
                         {"valid_loss", "valid_accuracy", "train_objective"}, "what best means");
  if (!has_valid && stop.metric != "train_objective")
    s.fail("metric", '"' + stop.metric + '"', "validation data ([data] valid or holdout)");
  stop.wall_seconds = s.number("wall_seconds", 0.0, Range::non_negative(),
                               "stop with exit code 75 so long after the start of the program; 0: off");
  return stop;
}

/// [problem], where there is one; what it stands in the place of is refused beside it.
std::optional<model::ProblemConfig> parse_problem_of(const base::Config& config, const model::Regularizer::Config& omega) {
  const base::Section problem = config.section("problem");
  if (problem.kind("name") == 0) return std::nullopt;
  for (const auto& [section, key] : {std::pair("data", "train"), std::pair("model", "kind"), std::pair("init", "kind")}) {
    if (config.section(section).kind(key) == 0) continue;
    config.section(section).fail(key, "it beside [problem]",
                                 "one of them: a problem has its own terms, and begins at problem.start");
  }
  return model::parse_problem(problem, omega);
}

/// The key that makes Omega other than smooth; `beside_l1`: not only because of l1.
optim::Blamed omega_key(const base::Config& config, const model::Regularizer::Config& omega, bool beside_l1) {
  const base::Section s = config.section("regularizer");
  const auto number = [&](const char* key, double value) { return optim::Blamed{s, key, fmt::format("{:g}", value)}; };
  if (!beside_l1 && omega.l1 > 0) return number("l1", omega.l1);
  if (omega.ball > 0) return number("ball", omega.ball);
  if (omega.group_lasso > 0) return number("group_lasso", omega.group_lasso);
  if (s.kind("box") == 0) return {s, "nonnegative", "true"};
  return {s, "box", fmt::format("[{:g}, {:g}]", omega.low, omega.high)};
}

/// Whether F is convex, and strongly so. Nothing is known of an embedding program's own terms: that they are convex is for it to
/// judge.
struct Convexity {
  bool convex = false;
  bool strong = false;
  Convexity(const RunConfig& run, bool own_terms) {
    const auto& omega = run.regularizer;
    const bool named = run.problem.has_value();
    const model::Known known = named ? model::known_with(*run.problem, omega) : model::Known{};
    convex = named ? known.convex : own_terms || run.model.kind == "linear";  // with every loss there is, F is convex then
    // A free bias does no harm where the loss curves in it; the cross entropy of K classes is flat along equal shifts of all.
    const bool curved = run.model.loss == "logistic" || run.model.loss == "squared";
    const bool penalised = omega.l2 > 0 && (named || curved || omega.include_bias || !run.model.bias);
    strong = convex && (penalised || own_terms || known.strong_convexity.has_value());
  }
};

/// The part of optim/needs.cpp's table that a run answers.
optim::Offer offer_of(const base::Config& config, const RunConfig& run, bool own_terms) {
  return
      [&config, &run, own_terms, f = Convexity(run, own_terms)](optim::Need need, const optim::Needs& needs) -> optim::Offered {
        const auto& omega = run.regularizer;
        const bool couples = omega.group_lasso > 0 || omega.ball > 0;
        const bool beyond_l1 = couples || std::isfinite(omega.low) || std::isfinite(omega.high);
        const auto met_or = [](bool met, const auto& key) { return met ? optim::Offered{} : optim::Offered{false, key()}; };
        using optim::Need;
        switch (need) {  // no default: the compiler asks for an answer to each need
          case Need::horizon:
            return {.met = needs.horizon() <= run.run.steps.value_or(0)};
          case Need::deterministic:
            return met_or(run.model.dropout.empty(), [&] {
              return optim::Blamed{config.section("model"), "dropout", fmt::format("{}", fmt::join(run.model.dropout, ", "))};
            });
          case Need::constant_batch:
            return met_or(run.run.engine.batches.empty(), [&] {
              return optim::Blamed{config.section("run"), "batch_schedule", "batches that change"};
            });
          case Need::constant_rate:
            return met_or(run.schedule->constant(), [&] {
              return optim::Blamed{config.section("schedule"), "kind", "a rate that changes"};
            });
          case Need::full_batch:
            return {.met = run.run.engine.batch == 0};
          case Need::smooth_omega:
            return met_or(omega.l1 == 0 && !beyond_l1, [&] { return omega_key(config, omega, false); });
          case Need::l1_omega:
            return met_or(!beyond_l1, [&] { return omega_key(config, omega, true); });
          case Need::separable_omega:
            return met_or(!couples, [&] { return omega_key(config, omega, true); });
          case Need::convex:
            return {.met = f.convex};
          case Need::strongly_convex:
            return {.met = f.strong};
          case Need::distinct:
            return {.met = run.run.engine.sampling != data::Sampling::replace || run.run.engine.batch <= 1};
          case Need::linear:
            return {.met = run.model.kind == "linear" && !own_terms};
          case Need::hvp:         // known once the model is built: open.cpp refuses it
          case Need::smoothness:  // used where the model has it
            break;
        }
        return {};
      };
}

}  // namespace

std::int64_t RunSection::planned_steps(const data::Order& order) const {
  return steps ? *steps : static_cast<std::int64_t>(std::min(kMostSteps, order.steps(epochs.value_or(0))));
}

double parse_deadline(const base::Section& run) {
  return run.number("deadline", RunSection{}.deadline, Range::non_negative(),
                    "seconds without any rank moving while others wait for it, then the job ends with 69; 0: off");
}

RunConfig parse_run(const base::Config& config, const Given& given) {
  const std::vector<const optim::Entry*> methods = optim::catalogue_with(given.methods);
  RunConfig run;
  run.regularizer = model::parse_regularizer(config.section("regularizer"));
  if (!given.objective && !given.data) run.problem = parse_problem_of(config, run.regularizer);
  if (!given.data && !run.problem) run.data = data::parse_data(config.section("data"));
  if (!given.objective && !run.problem) {
    run.model = model::parse_model(config.section("model"));
    run.init = model::parse_init(config.section("init"), run.model);
  }
  run.run = parse_run_section(config.section("run"));
  const base::Section method = config.section("method");
  run.method = optim::build_method(method, methods);
  run.method_name = method.text("name", "sgd", "the optimization method: see `talweg methods`");
  run.schedule = optim::build_schedule(config.section("schedule"));
  run.stop = parse_stop(config.section("stop"), run.data.holdout > 0 || run.data.valid.has_value());
  const base::Section checkpoint = config.section("checkpoint");
  run.checkpoint.every_steps = checkpoint.integer("every_steps", 0, Range::non_negative(), "steps between checkpoints; 0: off");
  run.checkpoint.every_seconds =
      checkpoint.number("every_seconds", 60.0, Range::non_negative(), "seconds between checkpoints; 0: off");
  run.checkpoint.keep = checkpoint.integer("keep", 2, {.low = 1, .high = 1e6}, "newest checkpoints kept");
  const base::Section trace = config.section("trace");
  run.trace.every = trace.integer("every", 1, Range::at_least(1), "steps per trace row");
  run.trace.evaluate_every =
      trace.number("evaluate_every", 1.0, Range::non_negative(), "epochs between evaluations; 0: only at the end");
  run.trace.evaluate_train = trace.flag("evaluate_train", true, "evaluate the training part too, not only valid and test");
  run.trace.full_gradient = trace.flag("full_gradient", false, "full gradient norm at each evaluation (one pass more)");
  config.reject_unread([&](std::string_view table, std::string_view key) {
    return table == "method" ? optim::setting_that_reads(config.resolved(), key, methods) : std::string();
  });
  if (run.trace.evaluate_every == 0 &&
      (run.stop.patience > 0 || std::isfinite(run.stop.target_loss) || run.schedule->observes())) {
    trace.fail("evaluate_every", "0 beside stop.patience, stop.target_loss or a schedule that goes by evaluations",
               "more than 0: evaluations decide about those");
  }
  if (run.run.nonfinite.policy == NonFinite::Policy::skip && !optim::may_leave_out_steps(*run.method)) {
    config.section("run").fail("nonfinite", "\"skip\" with a method whose steps build on each other (" + run.method_name + ")",
                               "\"stop\" or \"rollback\": after a step that was left out it would be another method");
  }
  const bool drops = !run.model.dropout.empty();
  optim::check_needs(method, *run.method, offer_of(config, run, given.objective), methods);
  if (drops && run.run.engine.batch == 0) {
    config.section("model").fail("dropout", fmt::format("{}", fmt::join(run.model.dropout, ", ")),
                                 "0 with run.batch = \"full\": the gradient of all of F has no dropout");
  }
  return run;
}

}  // namespace talweg::train
