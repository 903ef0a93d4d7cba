// SPDX-License-Identifier: Apache-2.0
#include "inspect/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "inspect/run_files.hpp"
#include "io/checkpoint.hpp"
#include "io/run_directory.hpp"
#include "report/json_writer.hpp"
#include "report/table.hpp"
#include "talweg/config.hpp"

namespace talweg::inspect {
namespace {

using report::Table;

template <class Read>
FileFinding read_file(const std::filesystem::path& file, const std::string& kind, Read read) {
  FileFinding finding{.file = file.string(), .kind = kind, .problem = {}};
  try {
    finding.step = read();
  } catch (const base::Error& e) {
    finding.code = e.code();
    finding.problem = e.what();
  }
  return finding;
}

FileFinding read_checkpoint(const std::filesystem::path& file) {
  return read_file(file, "checkpoint", [&] { return io::load(file).step; });
}

/// Adds what the checkpoint says about its run to `facts`.
FileFinding read_step_checkpoint(const std::filesystem::path& file, std::vector<CheckpointFacts>& facts) {
  return read_file(file, "checkpoint", [&] {
    const io::Checkpoint checkpoint = io::load(file);
    const auto counter = [&](const char* name) {
      const auto found = checkpoint.counters.find(name);
      return found != checkpoint.counters.end() ? std::optional(found->second) : std::nullopt;
    };
    const auto best = checkpoint.attributes.find(io::kBest);
    facts.push_back({.file = file,
                     .step = checkpoint.step,
                     .best_step = counter("trainer.best_step").value_or(-1),
                     .best_after = best != checkpoint.attributes.end() && best->second == io::kAfter,
                     .row = counter("trainer.row").value_or(-1),
                     .first_row = counter("trainer.first_row").value_or(-1),
                     .row_mark = counter("trainer.row_mark")});
    return checkpoint.step;
  });
}

/// Each once. A live run may remove old checkpoints while others are read here; those are not lost, and there are newer ones to
/// read.
std::vector<FileFinding> read_step_checkpoints(const std::filesystem::path& run, std::vector<CheckpointFacts>& facts) {
  std::vector<FileFinding> findings;
  std::set<std::filesystem::path> seen;
  for (bool again = true; std::exchange(again, false);) {
    for (const auto& file : step_files(run)) {
      if (!seen.insert(file).second) continue;
      FileFinding finding = read_step_checkpoint(file, facts);
      std::error_code ignored;
      const bool gone = !std::filesystem::exists(std::filesystem::symlink_status(file, ignored));
      again = again || gone;
      if (!gone || finding.problem.empty()) findings.push_back(std::move(finding));
    }
  }
  return findings;
}

FileFinding read_trace(const std::filesystem::path& file, std::optional<io::Trace>* content = nullptr) {
  return read_file(file, "trace", [&] {
    io::Trace trace = io::read_trace(file);
    const double last = last_number(trace.steps, "step");
    if (content != nullptr) *content = std::move(trace);
    return last > 0 ? static_cast<std::int64_t>(last) : std::int64_t{0};
  });
}

FileFinding missing(const std::filesystem::path& file, const std::string& kind) {
  return {.file = file.string(),
          .kind = kind,
          .code = base::ExitCode::input_missing,
          .problem = fmt::format("{}: not there, expected one in a run directory", file.string())};
}

FileFinding read_text(const std::filesystem::path& file, const std::string& kind) {
  return read_file(file, kind, [&] {
    if (kind == "config") {
      base::Config::load(file);
    } else if (!report::is_json(base::read_text(file))) {
      base::fail(base::ExitCode::bad_data, "{}: found no valid JSON, expected a run's summary", file.string());
    }
    return std::int64_t{-1};
  });
}

}  // namespace

std::vector<FileFinding> verify(const std::filesystem::path& path) {
  switch (kind_of(path)) {
    case PathKind::checkpoint:
      return {read_checkpoint(path)};
    case PathKind::trace:
      return {read_trace(path)};
    case PathKind::run:
      break;
  }
  std::vector<FileFinding> findings;
  const io::RunDirectory run{path};
  const auto trace = run.trace();
  const auto exists = [](const std::filesystem::path& file) {
    std::error_code ignored;
    return std::filesystem::exists(file, ignored);
  };
  std::vector<CheckpointFacts> facts;
  std::optional<std::int64_t> best;
  std::optional<io::Trace> content;
  // A live run may write in the meantime. Files are read in the reverse of the order in which they are written, so that what is
  // read later is never older than what was read before.
  const report::SummaryFacts summary = report::read_facts(run.summary());
  findings = read_step_checkpoints(path, facts);
  if (exists(run.best())) {
    findings.push_back(read_checkpoint(run.best()));
    if (findings.back().problem.empty()) best = findings.back().step;
  }
  if (findings.empty() && !exists(trace)) {
    base::fail(base::ExitCode::input_missing, "{}: holds no checkpoint and no trace: not a run directory", path.string());
  }
  findings.push_back(exists(trace) ? read_trace(trace, &content) : missing(trace, "trace"));
  findings.push_back(exists(run.config()) ? read_text(run.config(), "config") : missing(run.config(), "config"));
  if (exists(run.summary())) findings.push_back(read_text(run.summary(), "summary"));
  for (FileFinding& f : contradictions(path, summary, facts, best, content)) findings.push_back(std::move(f));
  return findings;
}

std::string findings_text(const std::vector<FileFinding>& findings) {
  Table table({{"", {}}, {"", {}}, {"", {}}});
  for (const FileFinding& f : findings) {
    table.add({f.problem.empty()                         ? "intact"
               : f.code == base::ExitCode::bad_data      ? "damaged"
               : f.code == base::ExitCode::input_missing ? "lost"
                                                         : "unreadable",
               f.problem.empty() && f.step >= 0 ? fmt::format("step {}", f.step) : f.kind,
               f.problem.empty() ? f.file : f.problem});
  }
  return table.text();
}

std::string findings_json(const std::vector<FileFinding>& findings) {
  report::JsonWriter json;
  json.object().field("intact", std::ranges::all_of(findings, [](const FileFinding& f) { return f.problem.empty(); }));
  json.array("files");
  for (const FileFinding& f : findings) {
    json.object().field("file", f.file).field("kind", f.kind).field("intact", f.problem.empty());
    json.field("step", f.step >= 0 ? std::optional(f.step) : std::nullopt).field("problem", f.problem).end();
  }
  json.end().end();
  return json.text();
}

base::ExitCode exit_code(const std::vector<FileFinding>& findings) {
  const auto first_bad = std::ranges::find_if(findings, [](const FileFinding& f) { return !f.problem.empty(); });
  if (first_bad == findings.end()) return base::ExitCode::finished;
  const bool damaged = std::ranges::any_of(findings, [](const FileFinding& f) { return f.code == base::ExitCode::bad_data; });
  return damaged ? base::ExitCode::bad_data : first_bad->code;
}

}  // namespace talweg::inspect
