// SPDX-License-Identifier: Apache-2.0
// Messages for people. There is no global log: a run passes its Log down.
#pragma once

#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

namespace talweg::base {

enum class Level { info, warning };

/// Writes a line for people to `stream`. Errors are ignored: a full disk or a closed pipe must not end a run.
inline void say(std::FILE* stream, std::string_view text) noexcept {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

/// A sink for messages; silent when default-constructed (workers, embedding).
class Log {
 public:
  using Sink = std::function<void(Level, std::string_view)>;
  Log() = default;
  explicit Log(Sink sink) : sink_(std::move(sink)) {}
  void info(std::string_view message) const { send(Level::info, message); }
  void warn(std::string_view message) const { send(Level::warning, message); }

 private:
  void send(Level level, std::string_view message) const {
    if (sink_) sink_(level, message);
  }
  Sink sink_;
};

}  // namespace talweg::base
