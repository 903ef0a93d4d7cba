// SPDX-License-Identifier: Apache-2.0
#include "control/diff.hpp"

#include "control/command.hpp"
#include "control/run_files.hpp"
#include "talweg/io/checkpoint.hpp"

namespace talweg::control {
namespace {

/// As diff(1) and cmp(1) do: 0 the same, 1 different. Trouble keeps the codes of ExitCode, all of them 64 or above.
constexpr auto kDifferent = static_cast<base::ExitCode>(1);

struct Options {
  std::string first;
  std::string second;
};

std::string describe(const std::optional<Difference>& difference) { return difference ? difference->text() : "the same"; }

/// Checkpoints that both runs have, by ascending step; best.h5 stays out of it.
std::vector<std::pair<std::filesystem::path, std::filesystem::path>> common_checkpoints(const std::string& a,
                                                                                        const std::string& b) {
  std::vector<std::pair<std::filesystem::path, std::filesystem::path>> pairs;
  const auto others = checkpoint_files(b);
  for (const auto& file : checkpoint_files(a)) {
    if (file.filename() == "best.h5") continue;
    for (const auto& other : others) {
      if (other.filename() == file.filename()) pairs.emplace_back(file, other);
    }
  }
  return pairs;
}

bool diff_checkpoints(const std::filesystem::path& a, const std::filesystem::path& b) {
  const io::Checkpoint first = io::load(a);
  const io::Checkpoint second = io::load(b);
  const auto difference = first_difference(first, second);
  print(fmt::format("checkpoint step {}: {}\n", first.step, describe(difference)));
  return difference.has_value();
}

bool diff_traces(const std::string& a, const std::string& b) {
  const io::Trace first = io::read_trace(a);
  const io::Trace second = io::read_trace(b);
  const auto difference = first_difference(first, second);
  print(fmt::format("trace: {}\n", describe(difference)));
  return difference.has_value();
}

bool diff_runs(const std::string& a, const std::string& b) {
  bool different = diff_traces(a, b);
  const auto pairs = common_checkpoints(a, b);
  if (pairs.empty()) print("checkpoints: the runs have none of the same step\n");
  for (const auto& [first, second] : pairs) {
    if (diff_checkpoints(first, second)) {  // the first that differs tells; later ones follow from it
      different = true;
      break;
    }
  }
  return different;
}

base::ExitCode run_diff(Context& /*context*/, const Options& options) {
  const Kind first = kind_of(options.first);
  const Kind second = kind_of(options.second);
  if (first != second) {
    base::fail(base::ExitCode::usage, "{} and {}: expected two runs, two checkpoints or two traces", options.first,
               options.second);
  }
  bool different = false;
  switch (first) {
    case Kind::run:
      different = diff_runs(options.first, options.second);
      break;
    case Kind::checkpoint:
      different = diff_checkpoints(options.first, options.second);
      break;
    case Kind::trace:
      different = diff_traces(options.first, options.second);
      break;
  }
  return different ? kDifferent : base::ExitCode::finished;
}

Action declare(CLI::App& app) {
  app.footer(
      "Examples:\n"
      "  talweg diff runs/one_rank runs/four_ranks\n"
      "  talweg diff a/checkpoints/step-000001200.h5 b/checkpoints/step-000001200.h5\n"
      "Runs: the first step at which a trace column differs (loss first), then the first common checkpoint that does. "
      "Checkpoints:\n"
      "the first tensor and element, parameters before state. Differences are told in ULPs, steps of the last bit. Times and\n"
      "the trainer's bookkeeping are left out. Exit code 0: the same; 1: different; others: trouble.");
  auto options = std::make_shared<Options>();
  app.add_option("a", options->first, "run directory, checkpoint or trace")->required();
  app.add_option("b", options->second, "another of the same kind")->required();
  return [options](Context& context) { return run_diff(context, *options); };
}

}  // namespace

extern const CommandEntry command_diff;
const CommandEntry command_diff{"diff", "first step, tensor and element at which two runs differ", false, declare};

}  // namespace talweg::control
