// SPDX-License-Identifier: Apache-2.0
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "inspect/compare.hpp"
#include "io/atomic_file.hpp"
#include "talweg/error.hpp"

namespace talweg::inspect {
namespace {

constexpr const char* kScript = "plot_trace.py";

/// Runs a program found on PATH to its end; its exit code, or 127 as shells say when there is no such program.
int run_program(std::vector<std::string> command) {
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (posix_spawnp(&child, arguments.front(), nullptr, nullptr, arguments.data(), environ) != 0) return 127;
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR)
      base::fail(base::ExitCode::internal, "{}: cannot wait for it: {}", command.front(), std::strerror(errno));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// plot_trace.py: where TALWEG_SCRIPTS says, installed beside this program, or in the source tree it was built from.
std::filesystem::path find_script() {
  std::vector<std::filesystem::path> folders;
  if (const char* given = std::getenv("TALWEG_SCRIPTS"); given != nullptr) folders.emplace_back(given);
  std::error_code ignored;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  if (!program.empty()) folders.push_back((program.parent_path() / "../share/talweg/scripts").lexically_normal());
  folders.emplace_back(TALWEG_SCRIPTS_DIR);
  std::string looked;
  for (const auto& folder : folders) {
    if (std::filesystem::exists(folder / kScript, ignored)) return folder / kScript;
    looked += (looked.empty() ? "" : ", ") + folder.string();
  }
  base::fail(base::ExitCode::input_missing, "{}: not found in {}; set TALWEG_SCRIPTS to its folder, or ask for -o FILE.csv",
             kScript, looked);
}

/// A python3 that has what the script imports: the first on PATH, else the system's.
std::string find_python() {
  for (const char* python : {"python3", "/usr/bin/python3"}) {
    const std::string probe =
        "import importlib.util as u, sys; sys.exit(0 if u.find_spec('h5py') and u.find_spec('matplotlib') else 1)";
    if (run_program({python, "-c", probe}) == 0) return python;
  }
  base::fail(
      base::ExitCode::input_missing,
      "pictures need python3 with h5py and matplotlib, and neither python3 on PATH nor /usr/bin/python3 has both; install them "
      "(Debian: apt install python3-h5py python3-matplotlib) or ask for -o FILE.csv");
}

}  // namespace

void plot(const std::vector<ComparedRun>& runs, const std::string& x, const std::filesystem::path& output,
          const std::string& curves) {
  std::vector<std::string> command = {find_python(), find_script().string()};
  for (const ComparedRun& run : runs) command.push_back(run.path.string());
  command.insert(command.end(), {"--x", x, "-o", output.string()});
  if (!curves.empty()) {
    std::filesystem::path csv = output;
    csv += ".csv";
    io::write_atomically(csv, std::as_bytes(std::span(curves)));
    command.insert(command.end(), {"--theory", csv.string()});
  }
  const int code = run_program(command);
  if (code != 0) base::fail(base::ExitCode::io, "{}: exit code {}; its message is above", kScript, code);
}

}  // namespace talweg::inspect
