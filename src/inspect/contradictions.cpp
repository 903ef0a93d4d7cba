// SPDX-License-Identifier: Apache-2.0
// Files of a run are checked against each other. A run writes rows, then best.h5, then the checkpoint that needs both, and
// never removes the newest. So the trace can be behind the newest checkpoint only where rows could not be written or were lost;
// and it is never behind the summary, which is written when a run ends. Each checkpoint records a mark of the trace's last row.
#include <algorithm>
#include <map>

#include "inspect/run_files.hpp"
#include "inspect/verify.hpp"
#include "io/checkpoint.hpp"
#include "io/checkpoint_store.hpp"
#include "io/run_directory.hpp"
#include "io/trace_mark.hpp"
#include "talweg/config.hpp"

namespace talweg::inspect {
namespace {

constexpr auto kLost = base::ExitCode::input_missing;

/// Steps from row to row, as the trace's own config says; 1 when it does not.
std::int64_t steps_per_row(const io::Trace& trace) {
  try {
    const auto config = base::Config::parse(text_attribute(trace, "config"), "the trace's config");
    return config.section("trace").integer("every", 1, base::Range::at_least(1), "steps per row");
  } catch (const base::Error&) {
    return 1;
  }
}

/// Within a part of the run, rows are a constant number of steps apart; a new part begins within one such stride of where the
/// previous one was cut. "" if that holds, else what is wrong.
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

std::vector<FileFinding> contradictions(const std::filesystem::path& run, const report::SummaryFacts& summary,
                                        const std::vector<CheckpointFacts>& checkpoints,
                                        const std::optional<std::int64_t>& best, const std::optional<io::Trace>& trace) {
  const io::RunDirectory directory{run};
  const CheckpointFacts newest =
      checkpoints.empty() ? CheckpointFacts{.file = {}, .step = -1, .row_mark = {}} : checkpoints.back();
  std::vector<FileFinding> found;
  const auto add = [&](const std::filesystem::path& file, const char* kind, base::ExitCode code, const std::string& problem) {
    found.push_back(
        {.file = file.string(), .kind = kind, .code = code, .problem = fmt::format("{}: {}", file.string(), problem)});
  };
  std::error_code ignored;
  if (const auto file = io::checkpoint_file(directory.checkpoints(), summary.last_checkpoint);
      newest.step < summary.last_checkpoint && !std::filesystem::exists(file, ignored)) {
    add(file, "checkpoint", kLost, "not there, but the summary says that it is the last one");
  }
  if (const std::int64_t expected = std::max(newest.best_step, summary.best); expected >= 0) {
    // The first checkpoint of a run holds the best point too and is written before best.h5: a run killed in between lost nothing.
    const bool first = newest.best_after && summary.step < 0;
    if (!std::filesystem::exists(directory.best(), ignored)) {
      if (!first)
        add(directory.best(), "checkpoint", kLost,
            fmt::format("not there, but the run's best point was that of step {}", expected));
    } else if (best && *best < expected) {
      add(directory.best(), "checkpoint", kLost,
          fmt::format("of step {}, but the run's best point was that of step {}", *best, expected));
    }
  }
  if (!trace) return found;
  const auto rows = directory.rows();
  const auto step = trace->steps.find("step"), part = trace->steps.find("part");
  if (step == trace->steps.end() || part == trace->steps.end()) return found;
  for (const CheckpointFacts& c : checkpoints) {
    const auto row = std::ranges::lower_bound(step->second, static_cast<double>(c.row));
    if (!c.row_mark || c.row <= 0 || row == step->second.end() || *row != static_cast<double>(c.row)) continue;
    if (io::mark_of(*trace, static_cast<std::size_t>(row - step->second.begin())) == *c.row_mark) continue;
    add(c.file, "checkpoint", base::ExitCode::bad_data,
        fmt::format("of another run: found another row of step {} in the trace, expected the one it was written beside",
                    c.row));
  }
  const std::int64_t last = step->second.empty() ? 0 : static_cast<std::int64_t>(step->second.back());
  const std::int64_t every = steps_per_row(*trace);
  const bool there = std::filesystem::exists(rows, ignored);
  const std::int64_t expected = newest.row >= 0 ? newest.row : std::max(newest.step, summary.step) / every * every;
  if (last < expected) {
    add(there ? directory.trace() : rows, "trace", there ? base::ExitCode::bad_data : kLost,
        fmt::format("{}the trace ends at step {}, the run came to step {} at least", there ? "" : "not there; ", last,
                    expected));
  } else if (!there && !step->second.empty()) {
    add(rows, "trace", kLost, "not there, expected it beside trace.h5");
  }
  if (newest.first_row > 0 && !step->second.empty() && step->second.front() > static_cast<double>(newest.first_row)) {
    add(directory.trace(), "trace", base::ExitCode::bad_data,
        fmt::format("its first row is of step {:.0f}: those before are lost", step->second.front()));
  }
  if (const std::string gap = gap_in(step->second, part->second); !gap.empty())
    add(directory.trace(), "trace", base::ExitCode::bad_data, gap);
  return found;
}

}  // namespace talweg::inspect
