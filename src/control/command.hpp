// SPDX-License-Identifier: Apache-2.0
// The parts of a subcommand.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/arguments.hpp"
#include "talweg/communicator.hpp"
#include "talweg/config.hpp"
#include "talweg/error.hpp"
#include "talweg/log.hpp"
#include "talweg/signals.hpp"

namespace talweg::control {

/// Log, communicator and shared inputs of a running command.
class Context {
 public:
  /// Messages on stderr; silent on ranks other than 0.
  [[nodiscard]] const base::Log& log() const { return log_; }
  /// All ranks of this job. Starts MPI on first use if there is a launcher. Only train, evaluate, certify and bench need it.
  /// `ranks_per_node` > 0, on first use: every so many ranks are treated as a node. `patience`: see comm::Mpi.
  comm::Communicator& world(int ranks_per_node = 0, double patience = 60);
  /// How long to wait for other ranks to start: run.deadline, as far as this rank can read the config by itself.
  static double start_patience(const std::filesystem::path& file, const std::vector<std::string>& overrides);
  /// The config in `file`: rank 0 reads it and sends its text to the others.
  base::Config shared_config(const std::filesystem::path& file, const std::vector<std::string>& overrides);
  /// The checkpoint of `run` that rank 0 finds.
  std::filesystem::path shared_checkpoint(const std::filesystem::path& run, bool best);

  /// From here on, signals do not kill the process but are reported by the watch.
  base::SignalWatch& watch_signals() { return signals_.emplace(); }

  Context();

 private:
  std::optional<base::SignalWatch> signals_;  // first, so last destroyed: a signal may come while MPI shuts down
  base::Log log_;
  std::unique_ptr<comm::Mpi> mpi_;
  std::unique_ptr<comm::Communicator> comm_;
};

/// The work of a chosen subcommand; its return value is the exit code. Errors are thrown as base::Error.
using Action = std::function<base::ExitCode(Context&)>;

/// A subcommand. `declare` declares its options and returns the action to take when it is chosen.
struct CommandEntry {
  const char* name;
  const char* summary;
  bool uses_mpi;  // if not, ranks other than 0 exit at once
  Action (*declare)(Arguments& arguments);
};

/// Prints to stdout and checks that it could be written (Error(io) otherwise: a full disk behind a redirection).
void print(const std::string& text);

}  // namespace talweg::control
