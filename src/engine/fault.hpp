// SPDX-License-Identifier: Apache-2.0
// A test hook: one failure made on purpose, on one rank, in one step. It does nothing unless TALWEG_FAULT is set.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace talweg::engine {

class Fault {
 public:
  enum class Kind : std::uint8_t {
    nan,       // an element of the rank's gradient is NaN
    nan_loss,  // its part of the loss is
    exception,
    hang,  // it never answers
    kill,  // it is gone by SIGKILL
  };

  /// "nan rank=1 step=7 times=2": in the method's first request of each step from the 7th on, twice at most (default 1).
  /// Kinds: nan, nan-loss, throw, hang, kill. Error(usage) saying what was found and expected.
  static Fault parse(std::string_view text);
  /// The variable TALWEG_FAULT; nothing when it is not set or empty.
  static std::optional<Fault> from_environment();

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] const std::string& text() const { return text_; }
  /// Whether it happens now, on `rank`, in step number `step`: counted.
  bool due(int rank, std::int64_t step) {
    if (left_ == 0 || rank != rank_ || step < step_) return false;
    --left_;
    return true;
  }
  /// Of the kinds exception, hang and kill: throws, never returns, or ends the process.
  void happen(int rank, std::int64_t step) const;

 private:
  std::string text_;
  Kind kind_ = Kind::nan;
  int rank_ = 0;
  std::int64_t step_ = 1;
  std::int64_t left_ = 1;
};

}  // namespace talweg::engine
