// SPDX-License-Identifier: Apache-2.0
#include "train/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "report/text.hpp"
#include "talweg/log.hpp"

namespace talweg::train {
namespace {

constexpr int kBarCells = 24;

}  // namespace

ProgressStyle progress_style(std::string_view name, bool under_launcher) {
  if (name == "none") return ProgressStyle::none;
  if (name == "bar") return ProgressStyle::bar;
  if (name == "plain") return ProgressStyle::plain;
  if (name == "json") return ProgressStyle::json;
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal != nullptr && std::string_view(terminal) == "dumb";
  return !under_launcher && !dumb && isatty(STDERR_FILENO) != 0 ? ProgressStyle::bar : ProgressStyle::plain;
}

Progress::Progress(ProgressStyle style, std::FILE* out) : style_(style), out_(out) {
  if (style_ != ProgressStyle::bar) next_ += std::chrono::seconds(2);  // short runs stay quiet until their end
}

void Progress::update(const ProgressState& state) {
  if (style_ == ProgressStyle::none) return;
  if (first_step_ < 0) first_step_ = state.step;
  const auto now = Clock::now();
  if (now < next_) return;
  const double seconds = std::chrono::duration<double>(now - last_).count();
  if (seconds > 0.02) {
    const double fresh = (state.examples - last_examples_) / seconds;
    rate_ = rate_ == 0 ? fresh : 0.7 * rate_ + 0.3 * fresh;
    last_ = now;
    last_examples_ = state.examples;
  }
  next_ = now + (style_ == ProgressStyle::bar ? std::chrono::milliseconds(100) : std::chrono::milliseconds(2000));
  show(state);
}

void Progress::show(const ProgressState& state) {
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  const double done = static_cast<double>(state.step - std::max<std::int64_t>(first_step_, 0));
  const double eta = done > 0 ? elapsed / done * static_cast<double>(state.steps - state.step) : 0;
  if (style_ == ProgressStyle::json) {
    base::say(
        out_,
        fmt::format(
            "{{\"step\":{},\"steps\":{},\"epoch\":{:.4f},\"examples_per_second\":{:.1f},\"eta_seconds\":{:.1f},\"loss\":{}}}\n",
            state.step, state.steps, state.epoch, rate_, eta,
            std::isfinite(state.loss) ? fmt::format("{}", state.loss) : "null"));
    return;
  }
  std::string line = fmt::format("step {}/{}  epoch {:.2f}  {} examples/s  loss {:.5g}", state.step, state.steps, state.epoch,
                                 report::short_count(rate_), state.loss);
  if (state.valid_accuracy >= 0) line += fmt::format("  valid {:.2f} %", 100 * state.valid_accuracy);
  line += fmt::format("  {} left", report::duration(eta));
  if (style_ == ProgressStyle::plain) {
    base::say(out_, line + "\n");
  } else {
    const double share = state.steps > 0 ? static_cast<double>(state.step) / static_cast<double>(state.steps) : 1;
    const int cells = std::clamp(static_cast<int>(share * kBarCells), 0, kBarCells);
    line = fmt::format("[{:#<{}}{:.<{}}] {}", "", cells, "", kBarCells - cells, line);
    base::say(out_, fmt::format("\r{:<{}}", line, width_));
    width_ = line.size();
  }
}

void Progress::clear() {
  if (style_ != ProgressStyle::bar || width_ == 0) return;
  base::say(out_, fmt::format("\r{:{}}\r", "", width_));
}

void Progress::finish(const ProgressState& state) {
  if (style_ == ProgressStyle::none) return;
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  if (elapsed > 0) rate_ = state.examples / elapsed;
  if (style_ == ProgressStyle::bar || style_ == ProgressStyle::json || state.step > 0) show(state);
  if (style_ == ProgressStyle::bar) base::say(out_, "\n");
}

}  // namespace talweg::train
