// SPDX-License-Identifier: Apache-2.0
// Asks a run to stop by a file in its directory: works without knowing the process, and from another machine.
#include <span>

#include "control/command.hpp"
#include "io/atomic_file.hpp"
#include "io/lock.hpp"
#include "io/run_directory.hpp"

namespace talweg::control {
namespace {

base::ExitCode run_stop(const std::string& run) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(run, ignored))
    base::fail(base::ExitCode::input_missing, "{}: found no directory there, expected a run directory", run);
  if (!io::DirectoryLock::held(run))
    base::fail(base::ExitCode::input_missing, "{}: found no run in progress, expected one", run);
  const std::string text = "stop\n";
  io::write_atomically(io::RunDirectory{run}.stop(), std::as_bytes(std::span(text)));
  print(fmt::format("{}: asked to stop after the current step, with a checkpoint and exit code 75\n", run));
  return base::ExitCode::finished;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg stop configs/runs/digits_mlp\n"
      "Like the signal USR1, but without knowing the process: the run looks for the file `stop` in its directory a few times "
      "a\n"
      "second. The next start removes the file and continues. Exit code 66 when no run is in progress there.");
  auto run = std::make_shared<std::string>();
  arguments.add("run", *run, "run directory").required();
  return [run](Context& /*context*/) { return run_stop(*run); };
}

}  // namespace

extern const CommandEntry command_stop;
const CommandEntry command_stop{"stop", "ask a run to stop with a checkpoint", false, declare};

}  // namespace talweg::control
