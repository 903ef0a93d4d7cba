// SPDX-License-Identifier: Apache-2.0
#include "inspect/diff.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "inspect/run_files.hpp"
#include "io/checkpoint_store.hpp"
#include "io/run_directory.hpp"
#include "report/json_writer.hpp"
#include "talweg/error.hpp"

namespace talweg::inspect {
namespace {

/// Step checkpoints that both runs have, by ascending step; not best.h5.
std::vector<std::pair<std::filesystem::path, std::filesystem::path>> common_checkpoints(const std::string& a,
                                                                                        const std::string& b) {
  std::vector<std::pair<std::filesystem::path, std::filesystem::path>> pairs;
  const auto others = step_files(b);
  for (const auto& file : step_files(a)) {
    for (const auto& other : others) {
      if (other.filename() == file.filename()) pairs.emplace_back(file, other);
    }
  }
  return pairs;
}

Comparison diff_checkpoints(const std::filesystem::path& a, const std::filesystem::path& b) {
  const io::Checkpoint first = io::load(a);
  const io::Checkpoint second = io::load(b);
  return {fmt::format("checkpoint step {}", first.step), first_difference(first, second)};
}

Comparison diff_traces(const io::Trace& a, const io::Trace& b) { return {"trace", first_difference(a, b), notes_of(a, b)}; }

std::int64_t newest_step(const std::string& run) {
  const auto found = io::checkpoints_in(io::RunDirectory{run}.checkpoints());
  return found.empty() ? -1 : found.front().step;
}

std::vector<Comparison> diff_runs(const std::string& a, const std::string& b) {
  const io::Trace first_trace = io::read_trace(a), second_trace = io::read_trace(b);
  std::vector<Comparison> comparisons = {diff_traces(first_trace, second_trace)};
  for (const auto& [first, second] : common_checkpoints(a, b)) {
    try {
      comparisons.push_back(diff_checkpoints(first, second));
    } catch (const base::Error& e) {
      const bool removed = !std::filesystem::exists(first) || !std::filesystem::exists(second);  // by a live run
      if (e.code() == base::ExitCode::input_missing && removed) continue;
      throw;
    }
    if (comparisons.back().difference) return comparisons;  // later differences follow from the first
  }
  if (comparisons.front().difference) return comparisons;
  // Without a difference so far, compare how far the runs went: by the newest checkpoint, from which a run resumes. A trace may
  // end earlier, at a multiple of its own stride.
  const std::int64_t x = newest_step(a), y = newest_step(b);
  if (x >= 0 && y >= 0) {
    if (x != y) comparisons.push_back({"newest checkpoint", Difference{"step", std::to_string(x), std::to_string(y), ""}});
  } else {
    comparisons.front().difference = length_difference(first_trace, second_trace);
  }
  return comparisons;
}

}  // namespace

bool Diff::different() const {
  return std::ranges::any_of(comparisons, [](const Comparison& c) { return c.difference.has_value(); });
}

Diff diff(const std::string& a, const std::string& b) {
  const PathKind kind = kind_of(a);
  if (kind != kind_of(b))
    base::fail(base::ExitCode::usage, "{} and {}: expected two runs, two checkpoints or two traces", a, b);
  switch (kind) {
    case PathKind::run:
      return {.runs = true, .comparisons = diff_runs(a, b)};
    case PathKind::checkpoint:
      return {.comparisons = {diff_checkpoints(a, b)}};
    case PathKind::trace:
      break;
  }
  const io::Trace first = io::read_trace(a), second = io::read_trace(b);
  Comparison traces = diff_traces(first, second);
  if (!traces.difference) traces.difference = length_difference(first, second);
  return {.comparisons = {std::move(traces)}};
}

std::string diff_text(const Diff& diff) {
  std::string text;
  for (const Comparison& c : diff.comparisons) {
    text += fmt::format("{}: {}\n", c.what, c.difference ? c.difference->text() : "identical");
    for (const std::string& note : c.notes) text += fmt::format("  {}\n", note);
  }
  const bool common =
      std::ranges::any_of(diff.comparisons, [](const Comparison& c) { return c.what.starts_with("checkpoint step"); });
  return text + (diff.runs && !common ? "checkpoints: the runs have none of the same step\n" : "");
}

std::string diff_json(const Diff& diff) {
  report::JsonWriter json;
  json.object().field("same", !diff.different()).array("findings");
  for (const Comparison& c : diff.comparisons) {
    json.object().field("compared", c.what).field("same", !c.difference);
    if (c.difference) {
      json.field("where", c.difference->where).field("first", c.difference->first);
      json.field("second", c.difference->second).field("distance", c.difference->distance);
    }
    json.field("notes", c.notes).end();
  }
  json.end().end();
  return json.text();
}

}  // namespace talweg::inspect
