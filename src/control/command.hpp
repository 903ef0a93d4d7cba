// SPDX-License-Identifier: Apache-2.0
// What a subcommand is made of.
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

/// What a running command may use.
class Context {
 public:
  /// Messages on stderr; silent on ranks other than 0.
  [[nodiscard]] const base::Log& log() const { return log_; }
  /// All ranks of this job, MPI started on first use (alone: no MPI). Only train, evaluate, certify and bench ask.
  /// `ranks_per_node` > 0, at first use: so many ranks count as a node of their own. `patience`: comm::Mpi's.
  comm::Communicator& world(int ranks_per_node = 0, double patience = 60);
  /// How long to wait for other ranks to start by run.deadline, as far as this rank can read the config before it hears of rank
  /// 0's.
  static double start_patience(const std::filesystem::path& file, const std::vector<std::string>& overrides);
  /// The config of `file` on every rank: read by rank 0, its text sent to the others.
  base::Config shared_config(const std::filesystem::path& file, const std::vector<std::string>& overrides);
  /// The checkpoint that `run` stands for, as rank 0 finds it.
  std::filesystem::path shared_checkpoint(const std::filesystem::path& run, bool best);

  /// Signals are caught, not obeyed by dying, from here to the end of the process.
  base::SignalWatch& watch_signals() { return signals_.emplace(); }

  Context();

 private:
  std::optional<base::SignalWatch> signals_;  // first: what it catches may come while MPI is being left
  base::Log log_;
  std::unique_ptr<comm::Mpi> mpi_;
  std::unique_ptr<comm::Communicator> comm_;
};

/// The work of a chosen subcommand; its return value is the exit code. Errors are thrown as base::Error.
using Action = std::function<base::ExitCode(Context&)>;

/// Declares a subcommand's options on `app` and returns what to do when it is chosen.
struct CommandEntry {
  const char* name;
  const char* summary;
  bool uses_mpi;  // else ranks other than 0 of a launcher leave at once
  Action (*declare)(Arguments& app);
};

/// Prints to stdout and checks that it could be written (Error(io) otherwise: a full disk behind a redirection).
void print(const std::string& text);

}  // namespace talweg::control
