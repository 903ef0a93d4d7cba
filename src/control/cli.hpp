// SPDX-License-Identifier: Apache-2.0
// The talweg command line: one subcommand per row of src/control/commands.def, each in a file of its own.
#pragma once

namespace talweg::control {

/// Runs the command line; returns the exit code (base::ExitCode). Prints results on stdout, messages on stderr, on rank 0 only.
int run_command_line(int argc, char** argv);

}  // namespace talweg::control
