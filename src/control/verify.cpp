// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <utility>

#include "control/command.hpp"
#include "control/finding.hpp"
#include "control/run_files.hpp"
#include "control/table.hpp"
#include "io/checkpoint.hpp"
#include "io/run_directory.hpp"
#include "train/json.hpp"

namespace talweg::control {
namespace {

struct Options {
  std::string run;
  bool json = false;
};

template <class Read>
Finding inspect(const std::filesystem::path& file, const std::string& kind, Read read) {
  Finding finding{.file = file.string(), .kind = kind, .problem = {}};
  try {
    finding.step = read();
  } catch (const base::Error& e) {
    finding.code = e.code();
    finding.problem = e.what();
  }
  return finding;
}

Finding inspect_checkpoint(const std::filesystem::path& file) {
  return inspect(file, "checkpoint", [&] { return io::load(file).step; });
}

/// And what it says of the run, onto `told`.
Finding inspect_step(const std::filesystem::path& file, std::vector<Told>& told) {
  return inspect(file, "checkpoint", [&] {
    const io::Checkpoint checkpoint = io::load(file);
    const auto counter = [&](const char* name) {
      const auto found = checkpoint.counters.find(name);
      return found != checkpoint.counters.end() ? std::optional(found->second) : std::nullopt;
    };
    const auto best = checkpoint.attributes.find(io::kBest);
    told.push_back({.file = file,
                    .step = checkpoint.step,
                    .best_step = counter("trainer.best_step").value_or(-1),
                    .best_after = best != checkpoint.attributes.end() && best->second == io::kAfter,
                    .row = counter("trainer.row").value_or(-1),
                    .first_row = counter("trainer.first_row").value_or(-1),
                    .row_mark = counter("trainer.row_mark")});
    return checkpoint.step;
  });
}

/// Each once. A run that goes on removes older ones while others are read: those are not lost, and newer ones are there.
std::vector<Finding> inspect_steps(const std::filesystem::path& run, std::vector<Told>& told) {
  std::vector<Finding> findings;
  std::set<std::filesystem::path> seen;
  for (bool again = true; std::exchange(again, false);) {
    for (const auto& file : step_files(run)) {
      if (!seen.insert(file).second) continue;
      Finding finding = inspect_step(file, told);
      std::error_code ignored;
      const bool gone = !std::filesystem::exists(std::filesystem::symlink_status(file, ignored));
      again = again || gone;
      if (!gone || finding.problem.empty()) findings.push_back(std::move(finding));
    }
  }
  return findings;
}

Finding inspect_trace(const std::filesystem::path& file, std::optional<io::Trace>* content = nullptr) {
  return inspect(file, "trace", [&] {
    io::Trace trace = io::read_trace(file);
    const double last = last_number(trace.steps, "step");
    if (content != nullptr) *content = std::move(trace);
    return last > 0 ? static_cast<std::int64_t>(last) : std::int64_t{0};
  });
}

Finding missing(const std::filesystem::path& file, const std::string& kind) {
  return {.file = file.string(),
          .kind = kind,
          .code = base::ExitCode::input_missing,
          .problem = fmt::format("{}: not there, expected one in a run directory", file.string())};
}

Finding inspect_text(const std::filesystem::path& file, const std::string& kind) {
  return inspect(file, kind, [&] {
    if (kind == "config") {
      base::Config::load(file);
    } else if (!nlohmann::json::accept(base::read_text(file))) {
      base::fail(base::ExitCode::bad_data, "{}: found no valid JSON, expected a run's summary", file.string());
    }
    return std::int64_t{-1};
  });
}

std::vector<Finding> inspect_all(const std::filesystem::path& path) {
  switch (kind_of(path)) {
    case Kind::checkpoint:
      return {inspect_checkpoint(path)};
    case Kind::trace:
      return {inspect_trace(path)};
    case Kind::run:
      break;
  }
  std::vector<Finding> findings;
  const io::RunDirectory run{path};
  const auto trace = path / "trace.h5";
  const auto exists = [](const std::filesystem::path& file) {
    std::error_code ignored;
    return std::filesystem::exists(file, ignored);
  };
  std::vector<Told> told;
  std::optional<std::int64_t> best;
  std::optional<io::Trace> content;
  // Read in the other order than written, while a run goes on: what is read later is not behind what is read before.
  const train::SummaryFacts summary = train::read_summary(run.summary());
  findings = inspect_steps(path, told);
  if (exists(run.best())) {
    findings.push_back(inspect_checkpoint(run.best()));
    if (findings.back().problem.empty()) best = findings.back().step;
  }
  if (findings.empty() && !exists(trace)) {
    base::fail(base::ExitCode::input_missing, "{}: holds no checkpoint and no trace: not a run directory", path.string());
  }
  findings.push_back(exists(trace) ? inspect_trace(trace, &content) : missing(trace, "trace"));
  findings.push_back(exists(run.config()) ? inspect_text(run.config(), "config") : missing(run.config(), "config"));
  if (exists(run.summary())) findings.push_back(inspect_text(run.summary(), "summary"));
  for (Finding& f : contradictions(path, summary, told, best, content)) findings.push_back(std::move(f));
  return findings;
}

std::string to_text(const std::vector<Finding>& findings) {
  Table table({{"", {}}, {"", {}}, {"", {}}});
  for (const Finding& f : findings) {
    table.add({f.problem.empty()                         ? "intact"
               : f.code == base::ExitCode::bad_data      ? "damaged"
               : f.code == base::ExitCode::input_missing ? "lost"
                                                         : "unreadable",
               f.problem.empty() && f.step >= 0 ? fmt::format("step {}", f.step) : f.kind,
               f.problem.empty() ? f.file : f.problem});
  }
  return table.text();
}

std::string to_json(const std::vector<Finding>& findings, bool intact) {
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (const Finding& f : findings) {
    files.push_back({{"file", f.file},
                     {"kind", f.kind},
                     {"intact", f.problem.empty()},
                     {"step", f.step >= 0 ? nlohmann::ordered_json(f.step) : nlohmann::ordered_json(nullptr)},
                     {"problem", f.problem}});
  }
  return train::json_text({{"intact", intact}, {"files", files}});
}

base::ExitCode run_verify(Context& /*context*/, const Options& options) {
  const std::vector<Finding> findings = inspect_all(options.run);
  const auto first_bad = std::ranges::find_if(findings, [](const Finding& f) { return !f.problem.empty(); });
  const bool intact = first_bad == findings.end();
  print(options.json ? to_json(findings, intact) : to_text(findings));
  if (intact) return base::ExitCode::finished;
  const bool damaged = std::ranges::any_of(findings, [](const Finding& f) { return f.code == base::ExitCode::bad_data; });
  return damaged ? base::ExitCode::bad_data : first_bad->code;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg verify configs/runs/digits_mlp\n"
      "  talweg verify run/checkpoints/best.h5 --json\n"
      "Compares every byte of every checkpoint with its hash, reads all columns of the trace, whose compressed chunks have\n"
      "checksums, as the rows beside it have (a torn end is what a kill leaves, and no damage), parses config and summary, "
      "and\n"
      "changes nothing. What other files say was there must be: the last checkpoint, the best point, the rows of the trace;\n"
      "and a checkpoint is of the run whose trace this is.\n"
      "Exit code 65 when a file is damaged or lacks rows, 66 when one is lost, 0 when all are intact.");
  auto options = std::make_shared<Options>();
  arguments.add("run", options->run, "run directory, checkpoint or trace").required();
  arguments.flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run_verify(context, *options); };
}

}  // namespace

extern const CommandEntry command_verify;
const CommandEntry command_verify{"verify", "integrity of a run's checkpoints and trace", false, declare};

}  // namespace talweg::control
