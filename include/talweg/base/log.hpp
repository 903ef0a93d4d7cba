// SPDX-License-Identifier: Apache-2.0
// Where messages for people go. Nothing is global: whoever builds a run hands a Log down.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace talweg::base {

enum class Level { info, warning };

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
