// SPDX-License-Identifier: Apache-2.0
#include "talweg/method.hpp"

#include <utility>

namespace talweg::optim {
namespace {

/// Puts the numbers of the state back unless they are to be kept.
class Undo {
 public:
  explicit Undo(math::State& state) : state_(state), before_(state.numbers(kEngines)) {}
  ~Undo() {
    if (!kept_) state_.set(before_);
  }
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  void keep() { kept_ = true; }

 private:
  static constexpr std::string_view kEngines = "engine.";  // a method never writes these, and they may be long
  math::State& state_;
  math::Numbers before_;
  bool kept_ = false;
};

}  // namespace

StepReport Method::step(StepContext& context) const {
  context.notes.clear();
  Undo undo(context.state);
  StepReport report = advance(context);
  if (report.parameter_norm < 0) report.parameter_norm = context.space().norm(context.x());
  if (report.message.empty()) report.message = std::move(context.notes);
  if (report.outcome != Outcome::stuck && report.outcome != Outcome::failed) undo.keep();
  return report;
}

}  // namespace talweg::optim
