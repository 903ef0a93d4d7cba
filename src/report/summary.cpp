// SPDX-License-Identifier: Apache-2.0
#include "report/summary.hpp"

#include <fmt/format.h>

#include <cmath>

#include "report/json_writer.hpp"
#include "report/text.hpp"

namespace talweg::report {
namespace {

using train::Figures;
using train::Summary;

void write_costs(JsonWriter& json, const char* name, const engine::Costs& costs) {
  json.object(name).field("gradient_evaluations", costs.gradients).field("hvp_evaluations", costs.hvps);
  json.field("value_evaluations", costs.values).field("redone_gradient_evaluations", costs.redone).end();
}

std::optional<std::int64_t> step_on_disk(std::int64_t step) { return step >= 0 ? std::optional(step) : std::nullopt; }

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

std::string summary_json(const Summary& s) {
  JsonWriter json;
  json.object();
  json.object("ending").field("code", static_cast<int>(s.ending.code));
  json.field("reason", s.ending.reason).field("message", s.ending.message).end();
  json.field("method", s.method).field("model", s.model).field("parameters", s.parameters).field("examples", s.examples);
  json.field("step", s.step).field("epoch", s.epoch).field("part", s.part);
  json.object("figures");
  for (const auto& [name, value] : s.figures.all()) json.field(name, value);
  json.end();
  json.field("least", s.least);
  if (s.best_step) {
    json.object("best").field("step", *s.best_step).field("metric", s.best_metric).field("value", s.best_value).end();
  } else {
    json.field("best", nullptr);
  }
  json.object("cost");
  write_costs(json, "method", s.method_costs);
  write_costs(json, "evaluation", s.observer_costs);
  json.end();
  json.object("seconds").field("total", s.seconds).field("part", s.part_seconds).field("training", s.training_seconds);
  json.field("evaluation", s.evaluation_seconds).field("checkpoints", s.checkpoint_seconds).field("trace", s.trace_seconds);
  json.field("disk_at_end", s.disk_seconds).field("gradient", s.phases.gradient).field("allreduce", s.phases.allreduce);
  json.field("update", s.phases.update).field("broadcast", s.phases.broadcast).end();
  json.object("files").field("checkpoints", s.files.checkpoints).field("checkpoints_failed", s.files.failed);
  json.field("checkpoints_late", s.files.late).field("checkpoint_seconds", s.files.checkpoint_seconds);
  json.field("trace_seconds", s.files.trace_seconds).field("last_checkpoint", step_on_disk(s.files.last_checkpoint));
  json.field("best", step_on_disk(s.files.best)).end();
  json.object("nonfinite").field("skipped", s.nonfinite.skipped).field("rollbacks", s.nonfinite.rollbacks);
  json.field("lr_factor", s.nonfinite.lr_factor).end();
  json.field("examples_per_second", s.examples_per_second);
  json.field("messages", s.traffic.messages).field("bytes", s.traffic.bytes);
  json.field("ranks", s.ranks).field("threads", s.threads).end();
  return json.text();
}

std::string summary_text(const Summary& s) {
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
    const double norm = s.figures.get(train::gradient_figure(smooth));
    if (!std::isnan(norm)) text += fmt::format("  gradient    {} = {:.3e} over all training examples\n", what, norm);
  }
  if (s.best_step) text += fmt::format("  best        {} {:.6g} at step {}\n", s.best_metric, s.best_value, *s.best_step);
  if (s.nonfinite.skipped > 0)
    text += fmt::format("  not finite  {} step{} left out\n", s.nonfinite.skipped, s.nonfinite.skipped == 1 ? "" : "s");
  if (s.nonfinite.rollbacks > 0) {
    text += fmt::format("  not finite  {} rollback{}, learning rates at {:g} times the config's\n", s.nonfinite.rollbacks,
                        s.nonfinite.rollbacks == 1 ? "" : "s", s.nonfinite.lr_factor);
  }
  text +=
      fmt::format("  cost        {} example-gradients, {} values, {} Hessian-vector products (evaluation apart: {}, {}, {})\n",
                  s.method_costs.gradients, s.method_costs.values, s.method_costs.hvps, s.observer_costs.gradients,
                  s.observer_costs.values, s.observer_costs.hvps);
  text += fmt::format(
      "  time        {:.2f} s: steps {:.2f}, evaluation {:.2f}, checkpoints {:.3f}, trace {:.3f}, waiting for the disk "
      "at the end {:.2f}{}\n",
      s.part_seconds, s.training_seconds, s.evaluation_seconds, s.checkpoint_seconds, s.trace_seconds, s.disk_seconds,
      s.part > 0 ? fmt::format("; with earlier parts {:.2f} s", s.seconds) : "");
  if (s.files.checkpoints + s.files.failed > 0) {
    const auto some = [](std::int64_t n, const char* what) { return n > 0 ? fmt::format(", {} {}", n, what) : ""; };
    text += fmt::format("  files       written in the background: {} checkpoint{} in {:.2f} s{}{}, the trace in {:.2f} s\n",
                        s.files.checkpoints, s.files.checkpoints == 1 ? "" : "s", s.files.checkpoint_seconds,
                        some(s.files.late, "late"), some(s.files.failed, "lost"), s.files.trace_seconds);
  }
  text += fmt::format(
      "  oracle      leaves {:.2f} s, allreduce {:.2f}, update {:.2f}, broadcast {:.2f}; {} examples/s on {} rank{} x {} "
      "thread{}\n",
      s.phases.gradient, s.phases.allreduce, s.phases.update, s.phases.broadcast, short_count(s.examples_per_second), s.ranks,
      s.ranks == 1 ? "" : "s", s.threads, s.threads == 1 ? "" : "s");
  if (s.ranks > 1) {
    text += fmt::format("  messages    {} with {:.1f} MB in total, sent by the coordinator in collectives\n",
                        s.traffic.messages, static_cast<double>(s.traffic.bytes) / 1e6);
  }
  return text;
}

}  // namespace talweg::report
