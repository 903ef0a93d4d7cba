// SPDX-License-Identifier: Apache-2.0
#include "train/summary.hpp"

#include <cmath>
#include <fstream>

#include "train/evaluation.hpp"
#include "train/json.hpp"
#include "train/progress.hpp"

namespace talweg::train {
namespace {

nlohmann::ordered_json costs_json(const engine::Costs& costs) {
  return {{"gradient_evaluations", costs.gradients},
          {"hvp_evaluations", costs.hvps},
          {"value_evaluations", costs.values},
          {"redone_gradient_evaluations", costs.redone}};
}

nlohmann::ordered_json number(double v) {  // NaN and infinity are not JSON
  return std::isfinite(v) ? nlohmann::ordered_json(v) : nlohmann::ordered_json(nullptr);
}

nlohmann::ordered_json step_on_disk(std::int64_t step) {
  return step >= 0 ? nlohmann::ordered_json(step) : nlohmann::ordered_json(nullptr);
}

std::string figure_line(const Figures& figures, std::string_view part) {
  std::string line;
  const auto add = [&](const char* kind, auto format) {
    const double value = figures.get(fmt::format("{}_{}", part, kind));
    if (!std::isnan(value)) line += (line.empty() ? "" : ", ") + format(value);
  };
  add("objective", [](double v) { return fmt::format("objective {:.6g}", v); });
  add("loss", [](double v) { return fmt::format("loss {:.6g}", v); });
  add("accuracy", [](double v) { return fmt::format("accuracy {:.2f} %", 100 * v); });
  add("rmse", [](double v) { return fmt::format("rmse {:.6g}", v); });
  add("r2", [](double v) { return fmt::format("r2 {:.4f}", v); });
  return line;
}

}  // namespace

std::string to_json(const Summary& s) {
  nlohmann::ordered_json figures = nlohmann::ordered_json::object();
  for (const auto& [name, value] : s.figures.all()) figures[name] = number(value);
  nlohmann::ordered_json json = {
      {"ending", {{"code", static_cast<int>(s.ending.code)}, {"reason", s.ending.reason}, {"message", s.ending.message}}},
      {"method", s.method},
      {"model", s.model},
      {"parameters", s.parameters},
      {"examples", s.examples},
      {"step", s.step},
      {"epoch", s.epoch},
      {"part", s.part},
      {"figures", figures},
      {"least", s.least ? number(*s.least) : nlohmann::ordered_json(nullptr)},
      {"best", s.best_step
                   ? nlohmann::ordered_json{{"step", *s.best_step}, {"metric", s.best_metric}, {"value", number(s.best_value)}}
                   : nlohmann::ordered_json(nullptr)},
      {"cost", {{"method", costs_json(s.method_costs)}, {"evaluation", costs_json(s.observer_costs)}}},
      {"seconds",
       {{"total", s.seconds},
        {"part", s.part_seconds},
        {"training", s.training_seconds},
        {"evaluation", s.evaluation_seconds},
        {"checkpoints", s.checkpoint_seconds},
        {"trace", s.trace_seconds},
        {"disk_at_end", s.disk_seconds},
        {"gradient", s.phases.gradient},
        {"allreduce", s.phases.allreduce},
        {"update", s.phases.update},
        {"broadcast", s.phases.broadcast}}},
      {"files",
       {{"checkpoints", s.files.checkpoints},
        {"checkpoints_failed", s.files.failed},
        {"checkpoints_late", s.files.late},
        {"checkpoint_seconds", s.files.checkpoint_seconds},
        {"trace_seconds", s.files.trace_seconds},
        {"last_checkpoint", step_on_disk(s.files.last_checkpoint)},
        {"best", step_on_disk(s.files.best)}}},
      {"nonfinite",
       {{"skipped", s.nonfinite.skipped}, {"rollbacks", s.nonfinite.rollbacks}, {"lr_factor", number(s.nonfinite.lr_factor)}}},
      {"examples_per_second", s.examples_per_second},
      {"messages", s.traffic.messages},
      {"bytes", s.traffic.bytes},
      {"ranks", s.ranks},
      {"threads", s.threads},
  };
  return json_text(json);
}

SummaryFacts read_summary(const std::filesystem::path& summary) {
  SummaryFacts facts;
  std::ifstream in(summary);
  const auto json = nlohmann::json::parse(in, nullptr, false);
  if (!json.is_object()) return facts;
  const auto number = [](const nlohmann::json& from, const char* key) {
    return from.contains(key) && from[key].is_number_integer() ? from[key].get<std::int64_t>() : std::int64_t{-1};
  };
  const auto files = json.value("files", nlohmann::json::object());
  facts.code = number(json.value("ending", nlohmann::json::object()), "code");
  facts.step = number(json, "step");
  facts.last_checkpoint = number(files, "last_checkpoint");
  facts.best = number(files, "best");
  return facts;
}

std::string to_text(const Summary& s) {
  std::string text = fmt::format("{}: {}\n", s.ending.reason, s.ending.message);
  text += fmt::format("  model       {} ({} parameters), {} on {} examples\n", s.model, s.parameters, s.method, s.examples);
  text += fmt::format("  steps       {} (epoch {:.2f})\n", s.step, s.epoch);
  for (const char* part : {"train", "valid", "test"}) {
    const std::string line = figure_line(s.figures, part);
    if (!line.empty()) text += fmt::format("  {:<11} {}\n", part, line);
  }
  if (s.least && std::isfinite(s.figures.get("train_objective")))
    text += fmt::format("  answer      F* = {:.10g}, F - F* = {:.3e}\n", *s.least, s.figures.get("train_objective") - *s.least);
  for (const auto& [smooth, what] : {std::pair(true, "|grad F|"), std::pair(false, "|x - prox(x - grad f)|")}) {
    const double norm = s.figures.get(gradient_figure(smooth));
    if (!std::isnan(norm)) text += fmt::format("  gradient    {} = {:.3e} over all training examples\n", what, norm);
  }
  if (s.best_step) text += fmt::format("  best        {} {:.6g} at step {}\n", s.best_metric, s.best_value, *s.best_step);
  if (s.nonfinite.skipped > 0)
    text += fmt::format("  not finite  {} step{} left out\n", s.nonfinite.skipped, s.nonfinite.skipped == 1 ? "" : "s");
  if (s.nonfinite.rollbacks > 0) {
    text += fmt::format("  not finite  {} rollback{}, learning rates at {:g} of the config's\n", s.nonfinite.rollbacks,
                        s.nonfinite.rollbacks == 1 ? "" : "s", s.nonfinite.lr_factor);
  }
  text +=
      fmt::format("  cost        {} example-gradients, {} values, {} Hessian-vector products (evaluation apart: {}, {}, {})\n",
                  s.method_costs.gradients, s.method_costs.values, s.method_costs.hvps, s.observer_costs.gradients,
                  s.observer_costs.values, s.observer_costs.hvps);
  text += fmt::format(
      "  time        {:.2f} s: steps {:.2f}, evaluation {:.2f}, checkpoints {:.3f}, trace {:.3f}, the disk at the end "
      "{:.2f}{}\n",
      s.part_seconds, s.training_seconds, s.evaluation_seconds, s.checkpoint_seconds, s.trace_seconds, s.disk_seconds,
      s.part > 0 ? fmt::format("; with earlier parts {:.2f} s", s.seconds) : "");
  if (s.files.checkpoints + s.files.failed > 0) {
    const auto some = [](std::int64_t n, const char* what) { return n > 0 ? fmt::format(", {} {}", n, what) : ""; };
    text += fmt::format("  files       beside the steps: {} checkpoint{} written in {:.2f} s{}{}, the trace in {:.2f} s\n",
                        s.files.checkpoints, s.files.checkpoints == 1 ? "" : "s", s.files.checkpoint_seconds,
                        some(s.files.late, "late"), some(s.files.failed, "lost"), s.files.trace_seconds);
  }
  text += fmt::format(
      "  oracle      leaves {:.2f} s, allreduce {:.2f}, update {:.2f}, broadcast {:.2f}; {} examples/s on {} rank{} x {} "
      "thread{}\n",
      s.phases.gradient, s.phases.allreduce, s.phases.update, s.phases.broadcast, short_count(s.examples_per_second), s.ranks,
      s.ranks == 1 ? "" : "s", s.threads, s.threads == 1 ? "" : "s");
  if (s.ranks > 1) {
    text += fmt::format("  messages    {} of {:.1f} MB in all, from the coordinator to collectives\n", s.traffic.messages,
                        static_cast<double>(s.traffic.bytes) / 1e6);
  }
  return text;
}

}  // namespace talweg::train
