// SPDX-License-Identifier: Apache-2.0
// Files are held against each other. A run writes rows, then best.h5, then the checkpoint that needs both, and removes none of
// the newest: so the trace is behind the newest checkpoint only where rows could not be written or were lost, and that never
// behind the summary. A run that goes on, or was killed, may be ahead of its summary.
#include <map>

#include "control/finding.hpp"
#include "control/json.hpp"
#include "control/run_files.hpp"
#include "talweg/base/config.hpp"
#include "talweg/train/run_directory.hpp"

namespace talweg::control {
namespace {

constexpr auto kLost = base::ExitCode::input_missing;

/// The steps the summary speaks of; -1 where it does not.
struct Told {
  std::int64_t last_checkpoint = -1;
  std::int64_t best = -1;
  std::int64_t step = -1;
};

Told told_by(const std::filesystem::path& summary) {
  Told told;
  std::error_code ignored;
  const auto json = std::filesystem::exists(summary, ignored) ? read_json(summary) : nlohmann::ordered_json();
  if (!json.is_object()) return told;
  const auto number = [](const nlohmann::ordered_json& from, const char* key) {
    return from.contains(key) && from[key].is_number_integer() ? from[key].get<std::int64_t>() : std::int64_t{-1};
  };
  const auto files = json.value("files", nlohmann::ordered_json::object());
  told.step = number(json, "step");
  told.last_checkpoint = number(files, "last_checkpoint");
  const std::int64_t code = number(json.value("ending", nlohmann::ordered_json::object()), "code");
  const bool stands = code == 0 || code == static_cast<std::int64_t>(base::ExitCode::stopped_early);
  if (!files.contains("last_checkpoint") && stands) told.last_checkpoint = told.step;  // of an older version
  told.best = number(files, "best");
  return told;
}

/// Steps from row to row, as the trace's own config says; 1 when it does not.
std::int64_t steps_per_row(const io::Trace& trace) {
  try {
    const auto config = base::Config::parse(text_attribute(trace, "config"), "the trace's config");
    return config.section("trace").integer("every", 1, base::Range::at_least(1), "steps per row");
  } catch (const base::Error&) {
    return 1;
  }
}

/// A checkpoint that came from elsewhere is intact. Nothing, or what says that it is not of the trace's run.
std::string other_run(const NewestCheckpoint& newest, const io::Trace& trace) {
  const auto differ = [](const char* what, const std::string& found, const std::string& expected) {
    return found == expected ? "" : fmt::format("of another run: found {} {}, expected {}, the trace's", what, found, expected);
  };
  try {
    const auto config = base::Config::parse(newest.config, "its config");
    const auto seed = config.section("run").integer("seed", 1, base::Range::non_negative(), "of order and noise");
    const std::string text = differ("seed", std::to_string(seed), text_attribute(trace, "seed"));
    return text.empty() ? differ("data", newest.fingerprint, text_attribute(trace, "data_fingerprint")) : text;
  } catch (const base::Error& e) {
    return e.what();
  }
}

/// Rows of one part are so many steps apart, always the same number; a part begins within a stride of where the one before was
/// cut. Nothing, or what is wrong.
std::string gap_in(const std::vector<double>& step, const std::vector<double>& part) {
  std::map<double, double> strides;  // by part, where it has two rows
  for (std::size_t i = 1; i < step.size(); ++i) {
    if (part[i] == part[i - 1]) strides.try_emplace(part[i], step[i] - step[i - 1]);
  }
  for (std::size_t i = 1; i < step.size(); ++i) {
    const double moved = step[i] - step[i - 1];
    const auto stride = strides.find(part[i]), before = strides.find(part[i - 1]);
    bool fits = moved > 0;
    if (part[i] == part[i - 1]) {
      fits = fits && moved == stride->second;
    } else if (stride != strides.end() && before != strides.end()) {
      fits = fits && moved <= stride->second + before->second - 1;
    }
    if (!fits)
      return fmt::format("a row of step {:.0f} follows one of step {:.0f}: rows between are lost", step[i], step[i - 1]);
  }
  return "";
}

}  // namespace

std::vector<Finding> lost_files(const std::filesystem::path& run, const NewestCheckpoint& newest,
                                const std::optional<std::int64_t>& best, const std::optional<io::Trace>& trace) {
  const train::RunDirectory directory{run};
  const Told told = told_by(directory.summary());
  std::vector<Finding> lost;
  const auto add = [&](const std::filesystem::path& file, const char* kind, base::ExitCode code, const std::string& problem) {
    lost.push_back(
        {.file = file.string(), .kind = kind, .code = code, .problem = fmt::format("{}: {}", file.string(), problem)});
  };
  std::error_code ignored;
  if (newest.step < told.last_checkpoint) {
    add(io::checkpoint_file(directory.checkpoints(), told.last_checkpoint), "checkpoint", kLost,
        "not there, but the summary says that it is the last one");
  }
  if (const std::int64_t expected = std::max(newest.best_step, told.best); expected >= 0) {
    // A run's first checkpoint holds the point too and comes before best.h5: between the two nothing is lost.
    const bool first = newest.only && told.step < 0;
    if (!std::filesystem::exists(directory.best(), ignored)) {
      if (!first)
        add(directory.best(), "checkpoint", kLost,
            fmt::format("not there, but the run's best point was that of step {}", expected));
    } else if (best && *best < expected) {
      add(directory.best(), "checkpoint", kLost,
          fmt::format("of step {}, but the run's best point was that of step {}", *best, expected));
    }
  }
  if (!trace) return lost;
  if (newest.step >= 0) {
    if (const std::string problem = other_run(newest, *trace); !problem.empty())
      add(io::checkpoint_file(directory.checkpoints(), newest.step), "checkpoint", base::ExitCode::bad_data, problem);
  }
  const auto rows = run / "trace.rows";
  const auto step = trace->steps.find("step"), part = trace->steps.find("part");
  if (step == trace->steps.end() || part == trace->steps.end()) return lost;
  const std::int64_t last = step->second.empty() ? 0 : static_cast<std::int64_t>(step->second.back());
  const std::int64_t every = steps_per_row(*trace);
  const bool there = std::filesystem::exists(rows, ignored);
  const std::int64_t expected = newest.row >= 0 ? newest.row : std::max(newest.step, told.step) / every * every;
  if (last < expected) {
    add(there ? run / "trace.h5" : rows, "trace", there ? base::ExitCode::bad_data : kLost,
        fmt::format("{}the trace ends at step {}, the run came to step {} at least", there ? "" : "not there; ", last,
                    expected));
  } else if (!there && !step->second.empty()) {
    add(rows, "trace", kLost, "not there, expected it beside trace.h5");
  }
  if (newest.first_row > 0 && !step->second.empty() && step->second.front() > static_cast<double>(newest.first_row)) {
    add(run / "trace.h5", "trace", base::ExitCode::bad_data,
        fmt::format("its first row is of step {:.0f}: those before are lost", step->second.front()));
  }
  if (const std::string gap = gap_in(step->second, part->second); !gap.empty())
    add(run / "trace.h5", "trace", base::ExitCode::bad_data, gap);
  return lost;
}

}  // namespace talweg::control
