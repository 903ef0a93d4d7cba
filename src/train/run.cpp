// SPDX-License-Identifier: Apache-2.0
#include "train/run.hpp"

#include <array>
#include <cmath>

#include "comm/agree.hpp"

namespace talweg::train {

bool Run::completes(double epochs) const {
  const data::Order& order = session.order();
  const std::int64_t step = done();
  if (!order.constant()) {
    const auto periods = [&](std::int64_t s) { return std::floor(order.epochs(static_cast<std::uint64_t>(s)) / epochs); };
    return periods(step) > periods(step - 1);
  }
  const double period = std::max(1.0, epochs * static_cast<double>(order.steps_per_epoch()));
  return std::floor(static_cast<double>(step) / period) > std::floor(static_cast<double>(step - 1) / period);
}

void Run::inform(std::string_view kind, const std::string& text) const {
  log.info(text);
  archive->event(kind, text);
}

void Run::warn(std::string_view kind, const std::string& text) const {
  log.warn(text);
  archive->event(kind, text);
}

void Run::on_rank_0(const std::function<void()>& work) const { comm::run_on_rank_0(comm, work); }

bool Run::decide(bool answer) const {
  std::array<std::uint8_t, 1> all = {answer ? std::uint8_t{1} : std::uint8_t{0}};
  comm.broadcast_values(std::span<std::uint8_t>(all));
  return all[0] != 0;
}

Ending Run::decide(Ending ending) const {
  std::array<std::int32_t, 1> code = {static_cast<std::int32_t>(ending.code)};
  comm.broadcast_values(std::span<std::int32_t>(code));
  ending.code = static_cast<base::ExitCode>(code[0]);
  ending.reason = comm.broadcast_text(std::move(ending.reason));
  ending.message = comm.broadcast_text(std::move(ending.message));
  return ending;
}

Given given_by(const TrainOptions& options) {
  return {.objective = options.terms != nullptr || options.objective.has_value(),
          .data = options.rows.has_value(),
          .methods = options.methods};
}

}  // namespace talweg::train
