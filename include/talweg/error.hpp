// SPDX-License-Identifier: Apache-2.0
// Errors that end a run, with the exit code that says so to a scheduler.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace talweg::base {

/// Exit codes of every talweg program (sysexits where they exist). Values are part of the interface and never change.
enum class ExitCode : int {
  finished = 0,
  usage = 64,
  bad_data = 65,  // data or checkpoint content
  input_missing = 66,
  peer_lost = 69,
  internal = 70,
  cannot_create = 73,
  io = 74,
  stopped_early = 75,  // with a good checkpoint: run me again
  permission = 77,
  bad_config = 78,
  diverged = 79,
};

/// An error whose message names the file, key, record or rank, what was found and what was expected.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

template <class... Args>
[[noreturn]] void fail(ExitCode code, fmt::format_string<Args...> text, Args&&... args) {
  throw Error(code, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace talweg::base
