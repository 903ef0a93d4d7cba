// SPDX-License-Identifier: Apache-2.0
#include "control/diff.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "control/command.hpp"
#include "control/run_files.hpp"
#include "io/checkpoint.hpp"
#include "io/checkpoint_store.hpp"
#include "train/json.hpp"

namespace talweg::control {
namespace {

/// As diff(1) and cmp(1) do: 0 the same, 1 different. Trouble keeps the codes of ExitCode, all of them 64 or above.
constexpr auto kDifferent = static_cast<base::ExitCode>(1);

struct Options {
  std::string first;
  std::string second;
  bool json = false;
};

/// What was laid side by side, and where it parts.
struct Finding {
  std::string what;
  std::optional<Difference> difference;
  std::vector<std::string> notes{};  // what only one has
};
using Findings = std::vector<Finding>;

/// Checkpoints that both runs have, by ascending step; best.h5 stays out of it.
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

Finding diff_checkpoints(const std::filesystem::path& a, const std::filesystem::path& b) {
  const io::Checkpoint first = io::load(a);
  const io::Checkpoint second = io::load(b);
  return {fmt::format("checkpoint step {}", first.step), first_difference(first, second)};
}

Finding diff_traces(const io::Trace& a, const io::Trace& b) { return {"trace", first_difference(a, b), notes_of(a, b)}; }

std::int64_t newest_step(const std::string& run) {
  const auto found = io::checkpoints_in(std::filesystem::path(run) / "checkpoints");
  return found.empty() ? -1 : found.front().step;
}

Findings diff_runs(const std::string& a, const std::string& b) {
  const io::Trace first_trace = io::read_trace(a), second_trace = io::read_trace(b);
  Findings findings = {diff_traces(first_trace, second_trace)};
  for (const auto& [first, second] : common_checkpoints(a, b)) {
    try {
      findings.push_back(diff_checkpoints(first, second));
    } catch (const base::Error& e) {
      const bool removed = !std::filesystem::exists(first) || !std::filesystem::exists(second);  // by a run that goes on
      if (e.code() == base::ExitCode::input_missing && removed) continue;
      throw;
    }
    if (findings.back().difference) return findings;  // the first that differs tells; later ones follow from it
  }
  if (findings.front().difference) return findings;
  // How far they are: by what would go on. Traces may end earlier, each at a multiple of its own.
  const std::int64_t x = newest_step(a), y = newest_step(b);
  if (x >= 0 && y >= 0) {
    if (x != y) findings.push_back({"newest checkpoint", Difference{"step", std::to_string(x), std::to_string(y), ""}});
  } else {
    findings.front().difference = length_difference(first_trace, second_trace);
  }
  return findings;
}

std::string to_text(const Findings& findings, bool runs) {
  std::string text;
  for (const Finding& f : findings) {
    text += fmt::format("{}: {}\n", f.what, f.difference ? f.difference->text() : "identical");
    for (const std::string& note : f.notes) text += fmt::format("  {}\n", note);
  }
  const bool common = std::ranges::any_of(findings, [](const Finding& f) { return f.what.starts_with("checkpoint step"); });
  return text + (runs && !common ? "checkpoints: the runs have none of the same step\n" : "");
}

std::string to_json(const Findings& findings, bool different) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const Finding& f : findings) {
    nlohmann::ordered_json json = {{"compared", f.what}, {"same", !f.difference}};
    if (f.difference) {
      json["where"] = f.difference->where;
      json["first"] = f.difference->first;
      json["second"] = f.difference->second;
      json["distance"] = f.difference->distance;
    }
    json["notes"] = f.notes;
    all.push_back(std::move(json));
  }
  return train::json_text({{"same", !different}, {"findings", all}});
}

base::ExitCode run_diff(Context& /*context*/, const Options& options) {
  const Kind first = kind_of(options.first);
  const Kind second = kind_of(options.second);
  if (first != second) {
    base::fail(base::ExitCode::usage, "{} and {}: expected two runs, two checkpoints or two traces", options.first,
               options.second);
  }
  Findings findings;
  switch (first) {
    case Kind::run:
      findings = diff_runs(options.first, options.second);
      break;
    case Kind::checkpoint:
      findings = {diff_checkpoints(options.first, options.second)};
      break;
    case Kind::trace: {
      const io::Trace a = io::read_trace(options.first), b = io::read_trace(options.second);
      findings = {diff_traces(a, b)};
      if (!findings.front().difference) findings.front().difference = length_difference(a, b);
      break;
    }
  }
  const bool different = std::ranges::any_of(findings, [](const Finding& f) { return f.difference.has_value(); });
  print(options.json ? to_json(findings, different) : to_text(findings, first == Kind::run));
  return different ? kDifferent : base::ExitCode::finished;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg diff runs/one_rank runs/four_ranks\n"
      "  talweg diff a/checkpoints/step-000001200.h5 b/checkpoints/step-000001200.h5\n"
      "Runs: the first step at which a trace column differs (loss first), then the first common checkpoint that does. "
      "Checkpoints:\n"
      "the first tensor and element, parameters before state. Differences are told in ULPs, steps of the last bit. Times and\n"
      "the trainer's bookkeeping are left out, and rows of steps that one has and the other has not are noted: evaluations "
      "made\n"
      "where a run ended that was extended later, say. Exit code 0: the same; 1: different; others: trouble.");
  auto options = std::make_shared<Options>();
  arguments.add("a", options->first, "run directory, checkpoint or trace").required();
  arguments.add("b", options->second, "another of the same kind").required();
  arguments.flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run_diff(context, *options); };
}

}  // namespace

extern const CommandEntry command_diff;
const CommandEntry command_diff{"diff", "first step, tensor and element at which two runs differ", false, declare};

}  // namespace talweg::control
