// SPDX-License-Identifier: Apache-2.0
#include "control/cli.hpp"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "comm/agree.hpp"
#include "control/command.hpp"
#include "train/run_config.hpp"
#include "train/stored_model.hpp"

namespace talweg::control {

#define TALWEG_COMMAND(name) extern const CommandEntry command_##name;
#include "control/commands.def"
#undef TALWEG_COMMAND

namespace {

const std::array kCommands = {
#define TALWEG_COMMAND(name) &command_##name,
#include "control/commands.def"
#undef TALWEG_COMMAND
};

/// "train " if the mistake came after the name of a subcommand.
std::string chosen_name(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? "" : chosen.front()->get_name() + " ";
}

int exit_value(base::ExitCode code) { return static_cast<int>(code); }

/// If a standard stream is closed, the next file to be opened would get its descriptor, and messages would go into that file.
void occupy_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) == -1) open("/dev/null", O_RDONLY);  // the lowest free number; writing to it fails
  }
}

}  // namespace

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    base::fail(base::ExitCode::io, "stdout: cannot write: {}", std::strerror(errno));
  }
}

Context::Context() {
  if (comm::launched_rank().value_or(0) != 0) return;
  log_ = base::Log([](base::Level level, std::string_view text) {
    base::say(stderr, fmt::format("{}{}\n", level == base::Level::warning ? "warning: " : "", text));
  });
}

comm::Communicator& Context::world(int ranks_per_node, double patience) {
  if (comm_ == nullptr) {
    if (comm::launched_rank()) {
      mpi_ = std::make_unique<comm::Mpi>(patience);
      comm_ = mpi_->world(ranks_per_node);
    } else {
      comm_ = comm::alone();
    }
  }
  return *comm_;
}

double Context::start_patience(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  if (!comm::launched_rank()) return 0;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return train::RunSection{}.deadline;  // a pipe is read once, by rank 0
  constexpr double kLeast = 10;  // seconds: MPI starts slowly on a busy machine
  try {
    const double deadline = train::parse_deadline(base::Config::load(file, overrides).section("run"));
    return deadline > 0 ? std::max(kLeast, deadline) : 0;
  } catch (const base::Error&) {
    return train::RunSection{}.deadline;  // rank 0 reports what is wrong
  }
}

base::Config Context::shared_config(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  comm::Communicator& comm = world();
  std::string text;
  comm::run_on_all_ranks(comm, [&] {
    if (comm.coordinator()) text = base::read_text(file);
  });
  text = comm.broadcast_text(std::move(text));
  // Relative paths are resolved in rank 0's folder: a launcher may start ranks in different ones.
  const std::filesystem::path folder = comm.broadcast_text(std::filesystem::absolute(file).parent_path().string());
  std::optional<base::Config> config;
  comm::run_on_all_ranks(comm, [&] { config.emplace(base::Config::parse(text, file.string(), overrides, folder)); });
  return *config;
}

std::filesystem::path Context::shared_checkpoint(const std::filesystem::path& run, bool best) {
  comm::Communicator& comm = world();
  std::string file;
  comm::run_on_all_ranks(comm, [&] {
    if (comm.coordinator()) file = train::find_checkpoint(run, best, log_).string();
  });
  return comm.broadcast_text(std::move(file));
}

int run_command_line(int argc, char** argv) {
  occupy_standard_descriptors();
  CLI::App app(
      "Talweg: trains neural networks and convex models over MPI ranks and threads, and reports what kind of point training "
      "ended at.",
      "talweg");
  app.set_version_flag("--version", "talweg " TALWEG_VERSION);
  app.require_subcommand(1);
  app.footer("Start with:  talweg template digits > run.toml   or   talweg train configs/digits_mlp.toml");
  const CommandEntry* chosen = nullptr;
  std::vector<Action> actions(kCommands.size());
  std::size_t chosen_index = 0;
  for (std::size_t i = 0; i < kCommands.size(); ++i) {
    CLI::App* sub = app.add_subcommand(kCommands[i]->name, kCommands[i]->summary);
    Arguments arguments(*sub);
    actions[i] = kCommands[i]->declare(arguments);
    sub->callback([&, i] {
      chosen = kCommands[i];
      chosen_index = i;
    });
  }
  const bool quiet = comm::launched_rank().value_or(0) != 0;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return quiet ? 0 : app.exit(e);  // help, version
    if (!quiet && chosen == nullptr && argc > 1 && argv[1][0] != '-' && app.get_subcommands().empty()) {
      std::vector<std::string> names;
      for (const CommandEntry* command : kCommands) names.emplace_back(command->name);
      const auto near = base::nearest(argv[1], names);
      base::say(stderr, fmt::format("talweg: found no command \"{}\"{}, expected one of {}\nSee `talweg --help`.\n", argv[1],
                                    near ? fmt::format(" (did you mean {}?)", *near) : "", fmt::join(names, ", ")));
      return exit_value(base::ExitCode::usage);
    }
    if (!quiet) base::say(stderr, fmt::format("talweg: {}\nSee `talweg {}--help`.\n", e.what(), chosen_name(app)));
    return exit_value(base::ExitCode::usage);
  }
  if (quiet && !chosen->uses_mpi) return 0;
  Context context;
  try {
    return exit_value(actions[chosen_index](context));
  } catch (...) {
    const comm::Failure failure = comm::current_failure();
    if (!quiet) base::say(stderr, fmt::format("talweg {}: {}\n", chosen->name, failure.message));
    return exit_value(failure.code);
  }
}

}  // namespace talweg::control
