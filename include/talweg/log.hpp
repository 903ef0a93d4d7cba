// SPDX-License-Identifier: Apache-2.0
// Where messages for people go. Nothing is global: whoever builds a run hands a Log down.
#pragma once

#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

namespace talweg::base {

enum class Level { info, warning };

/// A line for people on `stream`. Whether it arrives says nothing of the run: a full disk or a reader who is gone ends nothing.
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
