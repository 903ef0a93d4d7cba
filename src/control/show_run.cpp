// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "control/run_files.hpp"
#include "control/show.hpp"
#include "control/table.hpp"
#include "io/lock.hpp"
#include "io/run_directory.hpp"
#include "talweg/config.hpp"
#include "talweg/error.hpp"
#include "train/json.hpp"

namespace talweg::control {
namespace {

constexpr std::size_t kEvaluations = 5;
constexpr std::size_t kEvents = 5;

struct Run {
  std::optional<nlohmann::ordered_json> summary;  // none: it has not ended yet, or was killed
  std::optional<io::Trace> trace;
  std::vector<std::filesystem::path> checkpoints;
};

Run read_run(const std::filesystem::path& path) {
  Run run;
  std::error_code ignored;
  const auto summary = io::RunDirectory{path}.summary();
  if (std::filesystem::exists(summary, ignored)) {
    run.summary = train::read_json(summary);
    if (!run.summary->is_object()) {
      base::fail(
          base::ExitCode::bad_data,
          "{}: damaged: found no JSON object, expected a run's summary; the run does not need it: without this file show "
          "tells the trace and the checkpoints, and the run's train command writes it again",
          summary.string());
    }
  }
  if (std::filesystem::exists(path / "trace.h5", ignored)) run.trace = io::read_trace(path);
  run.checkpoints = step_files(path);
  if (const auto best = io::RunDirectory{path}.best(); std::filesystem::exists(best)) run.checkpoints.push_back(best);
  if (!run.summary && !run.trace && run.checkpoints.empty()) {
    base::fail(base::ExitCode::input_missing, "{}: holds no summary.json, no trace.h5 and no checkpoints: not a run directory",
               path.string());
  }
  return run;
}

/// Text at /a/b of the summary; "" when a summary of another version has none.
std::string entry(const nlohmann::ordered_json& summary, const char* pointer) {
  const nlohmann::ordered_json::json_pointer at(pointer);
  if (!summary.contains(at)) return "";
  const auto& value = summary.at(at);
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string state_text(const std::filesystem::path& path, const Run& run) {
  if (!run.summary) {
    return io::DirectoryLock::held(path) ? "running" : "not ended: killed, or failed (the same train command goes on)";
  }
  return entry(*run.summary, "/ending/reason") + ": " + entry(*run.summary, "/ending/message");
}

/// What checkpoints cost; "" when a summary of another version does not say.
std::string writing_text(const nlohmann::ordered_json& summary) {
  if (!summary.contains("files") || !summary.contains("seconds")) return "";
  const auto number = [&](const char* part, const char* key) { return summary.at(part).value(key, 0.0); };
  const double all = number("seconds", "part"), stall = number("seconds", "checkpoints");
  return fmt::format(
      "steps stood still for {:.3f} s ({:.2f} % of {:.2f} s), the end waited {:.2f} s for the disk; {:.0f} written "
      "beside the steps in {:.2f} s",
      stall, all > 0 ? 100 * stall / all : 0.0, all, number("seconds", "disk_at_end"), number("files", "checkpoints"),
      number("files", "checkpoint_seconds"));
}

std::string head_text(const std::filesystem::path& path, const Run& run) {
  std::string text;
  const auto add = [&](const char* name, const std::string& value) { text += fmt::format("  {:<11} {}\n", name, value); };
  add("state", state_text(path, run));
  if (run.trace) {
    const io::Trace& t = *run.trace;
    add("model", text_attribute(t, "model"));
    add("method", text_attribute(t, "method"));
    add("machine", fmt::format("ranks {}, threads {}, on {}", text_attribute(t, "ranks"), text_attribute(t, "threads"),
                               text_attribute(t, "host")));
    const double step = last_number(t.steps, "step");
    if (!std::isnan(step)) {
      add("steps", fmt::format("{:.0f} (epoch {:.2f}, {:.0f} resumes, {:.2f} s)", step, last_number(t.steps, "epoch"),
                               last_number(t.steps, "part"), last_number(t.steps, "seconds")));
      add("last step", fmt::format("loss {:.6g}, |g| {:.3e}, learning rate {:.3g}", last_number(t.steps, "loss"),
                                   last_number(t.steps, "gradient_norm"), last_number(t.steps, "learning_rate")));
    }
  }
  if (run.trace) {
    for (const io::TraceEvent& e : run.trace->events) {
      if (e.kind == "method") add("found", fmt::format("{} (step {})", e.message, e.step));
    }
  }
  if (run.summary && run.summary->contains("best") && !run.summary->at("best").is_null()) {
    add("best", fmt::format("{} {} at step {}", entry(*run.summary, "/best/metric"), entry(*run.summary, "/best/value"),
                            entry(*run.summary, "/best/step")));
  }
  if (run.summary) {
    if (const std::string writing = writing_text(*run.summary); !writing.empty()) add("checkpoints", writing);
  }
  return text;
}

std::uintmax_t size_of(const std::filesystem::path& file) {
  std::error_code ignored;
  const auto size = std::filesystem::file_size(file, ignored);
  return ignored ? 0 : size;
}

}  // namespace

std::string run_text(const std::filesystem::path& path) {
  const Run run = read_run(path);
  std::string text = path.string() + "\n" + head_text(path, run);
  if (run.trace) {
    text += "\nlast evaluations\n" + evaluations_text(*run.trace, kEvaluations);
    const auto& events = run.trace->events;
    text += "\nlast events\n";
    for (std::size_t i = events.size() - std::min(events.size(), kEvents); i < events.size(); ++i) {
      text += fmt::format("  step {:<9} {:<9} {}\n", events[i].step, events[i].kind, events[i].message);
    }
  }
  text += "\ncheckpoints (talweg verify reads them)\n";
  Table table({{"", Table::Align::left}, {"", Table::Align::right}});
  for (const auto& file : run.checkpoints) table.add({file.filename().string(), fmt::format("{} bytes", size_of(file))});
  return text + (run.checkpoints.empty() ? "  none yet\n" : table.text("  "));
}

nlohmann::ordered_json run_json(const std::filesystem::path& path) {
  const Run run = read_run(path);
  nlohmann::ordered_json checkpoints = nlohmann::ordered_json::array();
  for (const auto& file : run.checkpoints) checkpoints.push_back({{"file", file.string()}, {"bytes", size_of(file)}});
  return {{"kind", "run"},
          {"run", path.string()},
          {"ended", run.summary.has_value()},
          {"summary", run.summary ? *run.summary : nlohmann::ordered_json(nullptr)},
          {"trace", run.trace ? trace_json((path / "trace.h5").string(), *run.trace) : nlohmann::ordered_json(nullptr)},
          {"checkpoints", checkpoints}};
}

}  // namespace talweg::control
