// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "control/command.hpp"
#include "control/finding.hpp"
#include "control/json.hpp"
#include "control/run_files.hpp"
#include "control/table.hpp"
#include "talweg/io/checkpoint.hpp"
#include "talweg/train/run_directory.hpp"

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

/// And what it says of the run, into `newest`.
Finding inspect_step(const std::filesystem::path& file, NewestCheckpoint& newest) {
  return inspect(file, "checkpoint", [&] {
    const io::Checkpoint checkpoint = io::load(file);
    const auto counter = [&](const char* name) {
      const auto found = checkpoint.counters.find(name);
      return found != checkpoint.counters.end() ? found->second : -1;
    };
    if (checkpoint.step > newest.step) {
      newest = {.step = checkpoint.step,
                .best_step = counter("trainer.best_step"),
                .row = counter("trainer.row"),
                .first_row = counter("trainer.first_row"),
                .only = newest.step < 0,
                .fingerprint = checkpoint.fingerprint,
                .config = checkpoint.config};
    }
    return checkpoint.step;
  });
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
  const train::RunDirectory run{path};
  const auto trace = path / "trace.h5";
  const auto checkpoints = checkpoint_files(path);
  const auto exists = [](const std::filesystem::path& file) {
    std::error_code ignored;
    return std::filesystem::exists(file, ignored);
  };
  if (checkpoints.empty() && !exists(trace)) {
    base::fail(base::ExitCode::input_missing, "{}: holds no checkpoint and no trace: not a run directory", path.string());
  }
  NewestCheckpoint newest;
  std::optional<std::int64_t> best;
  std::optional<io::Trace> content;
  for (const auto& file : checkpoints) {
    const bool is_best = file.filename() == "best.h5";
    findings.push_back(is_best ? inspect_checkpoint(file) : inspect_step(file, newest));
    if (is_best && findings.back().problem.empty()) best = findings.back().step;
  }
  findings.push_back(exists(trace) ? inspect_trace(trace, &content) : missing(trace, "trace"));
  findings.push_back(exists(run.config()) ? inspect_text(run.config(), "config") : missing(run.config(), "config"));
  if (exists(run.summary())) findings.push_back(inspect_text(run.summary(), "summary"));
  for (Finding& lost : lost_files(path, newest, best, content)) findings.push_back(std::move(lost));
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
  return json_text({{"intact", intact}, {"files", files}});
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
      "Reads every byte of every checkpoint and of the trace and compares it with its hash, parses config and summary; "
      "changes\n"
      "nothing. What other files say was there must be: the last checkpoint, the best point, the rows of the trace.\n"
      "Exit code 65 when a file is damaged, 66 when one is lost, 0 when all are intact.");
  auto options = std::make_shared<Options>();
  arguments.add("run", options->run, "run directory, checkpoint or trace").required();
  arguments.flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run_verify(context, *options); };
}

}  // namespace

extern const CommandEntry command_verify;
const CommandEntry command_verify{"verify", "integrity of a run's checkpoints and trace", false, declare};

}  // namespace talweg::control
