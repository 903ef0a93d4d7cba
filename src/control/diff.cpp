// SPDX-License-Identifier: Apache-2.0
#include "inspect/diff.hpp"

#include "control/command.hpp"

namespace talweg::control {
namespace {

/// Like diff(1) and cmp(1): 0 the same, 1 different. Errors keep the codes of ExitCode, all of them 64 or above.
constexpr auto kDifferent = static_cast<base::ExitCode>(1);

struct Options {
  std::string first;
  std::string second;
  bool json = false;
};

base::ExitCode run_diff(Context& /*context*/, const Options& options) {
  const inspect::Diff diff = inspect::diff(options.first, options.second);
  print(options.json ? inspect::diff_json(diff) : inspect::diff_text(diff));
  return diff.different() ? kDifferent : base::ExitCode::finished;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg diff runs/one_rank runs/four_ranks\n"
      "  talweg diff a/checkpoints/step-000001200.h5 b/checkpoints/step-000001200.h5\n"
      "Runs: the first step at which a trace column differs (loss first), then the first common checkpoint that does.\n"
      "Checkpoints: the first tensor and element that differ, parameters before state. Distances are in ULPs (units in the "
      "last\n"
      "place). Times and the trainer's bookkeeping are ignored. Rows of steps that only one has are only mentioned: for "
      "example\n"
      "the evaluation at the end of a run that was extended later. Exit code 0: the same; 1: different; others: an error.");
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
