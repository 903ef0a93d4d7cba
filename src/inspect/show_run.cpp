// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "inspect/run_files.hpp"
#include "inspect/show.hpp"
#include "io/lock.hpp"
#include "io/run_directory.hpp"
#include "report/stored_summary.hpp"
#include "report/table.hpp"
#include "talweg/error.hpp"

namespace talweg::inspect {
namespace {

using report::Table;

constexpr std::size_t kEvaluations = 5;
constexpr std::size_t kEvents = 5;

struct Run {
  std::optional<report::StoredSummary> summary;  // none: the run has not ended yet, or was killed
  std::optional<io::Trace> trace;
  std::vector<std::filesystem::path> checkpoints;
};

Run read_run(const std::filesystem::path& path) {
  Run run;
  std::error_code ignored;
  const io::RunDirectory directory{path};
  if (std::filesystem::exists(directory.summary(), ignored)) run.summary = report::read_summary(directory.summary());
  if (std::filesystem::exists(directory.trace(), ignored)) run.trace = io::read_trace(path);
  run.checkpoints = step_files(path);
  if (std::filesystem::exists(directory.best(), ignored)) run.checkpoints.push_back(directory.best());
  if (!run.summary && !run.trace && run.checkpoints.empty()) {
    base::fail(base::ExitCode::input_missing, "{}: holds no summary.json, no trace.h5 and no checkpoints: not a run directory",
               path.string());
  }
  return run;
}

std::string state_text(const std::filesystem::path& path, const Run& run) {
  if (!run.summary) {
    return io::DirectoryLock::held(path) ? "running" : "not finished: killed, or failed (the same train command resumes it)";
  }
  return run.summary->text("/ending/reason") + ": " + run.summary->text("/ending/message");
}

/// What checkpoints cost; "" when a summary of another version does not say.
std::string writing_text(const report::StoredSummary& summary) {
  if (!summary.has("/files") || !summary.has("/seconds")) return "";
  const double all = summary.number("/seconds/part"), stall = summary.number("/seconds/checkpoints");
  return fmt::format(
      "steps waited {:.3f} s for them ({:.2f} % of {:.2f} s), the end waited {:.2f} s for the disk; {:.0f} written in the "
      "background in {:.2f} s",
      stall, all > 0 ? 100 * stall / all : 0.0, all, summary.number("/seconds/disk_at_end"),
      summary.number("/files/checkpoints"), summary.number("/files/checkpoint_seconds"));
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
  if (run.summary && run.summary->has("/best")) {
    const report::StoredSummary& summary = *run.summary;
    add("best",
        fmt::format("{} {} at step {}", summary.text("/best/metric"), summary.text("/best/value"), summary.text("/best/step")));
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

void write_run(report::JsonWriter& json, const std::filesystem::path& path) {
  const Run run = read_run(path);
  json.object().field("kind", "run").field("run", path.string()).field("ended", run.summary.has_value());
  json.key("summary");
  if (run.summary) {
    json.json(run.summary->json);
  } else {
    json.value(nullptr);
  }
  json.key("trace");
  if (run.trace) {
    write_trace(json, io::RunDirectory{path}.trace().string(), *run.trace);
  } else {
    json.value(nullptr);
  }
  json.array("checkpoints");
  for (const auto& file : run.checkpoints) json.object().field("file", file.string()).field("bytes", size_of(file)).end();
  json.end().end();
}

}  // namespace talweg::inspect
