// SPDX-License-Identifier: Apache-2.0
#include "bench/figures.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "report/json_writer.hpp"

namespace talweg::bench {
namespace {

std::string plural(int count, const char* noun) { return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s"); }

double rate(double bytes, double seconds) { return seconds > 0 ? 1e-9 * bytes / seconds : 0; }

double percent(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

std::string memory_line(const train::Memory& m, const MachineFigures& machine) {
  constexpr double kMega = 1e-6;
  std::vector<std::string> ranks;
  for (const double bytes : machine.resident) ranks.push_back(fmt::format("{:.1f}", kMega * bytes));
  const double expected = m.all() - m.snapshot - m.full_pass;  // a bench has neither
  return fmt::format(
      "  memory      {} MB resident at most, by rank; {:.1f} before data was read\n"
      "              expected in addition {:.1f}: parameters {:.1f}, method {:.1f}, its tables {:.1f}, trainer {:.1f}, sums "
      "{:.1f}, activations "
      "{:.1f}, prepared {:.1f}, shard {:.1f};\n"
      "              a whole run adds {:.1f} in a pass over all examples, and {:.1f} for the copy that checkpoints are written "
      "from\n",
      fmt::join(ranks, " "), kMega * machine.resident_before, kMega * expected, kMega * m.parameters, kMega * m.method_state,
      kMega * m.tables, kMega * m.other_state, kMega * m.sums, kMega * m.activations, kMega * m.prepared, kMega * m.shard,
      kMega * m.full_pass, kMega * m.snapshot);
}

}  // namespace

double update_bytes(const train::Memory& m, int ranks_on_node, int nodes, bool sharded) {
  const double whole = m.sums * (nodes > 1 ? 1 : ranks_on_node) + 2 * (m.parameters + m.method_state);
  return sharded ? whole / nodes : whole;
}

StepFigures step_figures(const train::Summary& s, const MachineFigures& machine) {
  const auto steps = static_cast<double>(s.part_steps);
  const double threads = static_cast<double>(s.ranks) * s.threads;
  StepFigures f;
  f.gflops = s.gradient_flop * s.examples_per_second * 1e-9;
  f.gemm_share = f.gflops / (machine.gemm * threads);
  f.fma_share = f.gflops / (machine.fma * threads);
  f.update_bytes = update_bytes(s.memory, machine.ranks_on_node, machine.nodes, s.placement == "sharded");
  f.update_rate = rate(f.update_bytes * steps, s.phases.update);
  f.allreduce_rate = rate(static_cast<double>(s.traffic.bytes), s.phases.allreduce);
  return f;
}

std::string ending_json(const train::Ending& ending) {
  report::JsonWriter json;
  json.object().object("ending").field("code", static_cast<int>(ending.code));
  json.field("reason", ending.reason).field("message", ending.message).end().end();
  return json.text();
}

std::string bench_json(const train::Summary& s, const MachineFigures& machine) {
  const auto steps = static_cast<double>(s.part_steps);
  const double threads = static_cast<double>(s.ranks) * s.threads;
  const StepFigures f = step_figures(s, machine);
  const train::Memory& m = s.memory;
  report::JsonWriter json;
  json.object().field("model", s.model).field("method", s.method).field("placement", s.placement);
  json.field("parameters", s.parameters).field("ranks", s.ranks).field("nodes", machine.nodes).field("threads", s.threads);
  json.field("steps", s.part_steps).field("seconds", s.training_seconds);
  json.field("examples_per_second", s.examples_per_second).field("gflops", f.gflops);
  json.field("peak_gflops", machine.gemm * threads).field("fma_peak_gflops", machine.fma * threads);
  json.object("seconds_per_step").field("all", s.training_seconds / steps).field("leaves", s.phases.gradient / steps);
  json.field("allreduce", s.phases.allreduce / steps).field("update", s.phases.update / steps);
  json.field("broadcast", s.phases.broadcast / steps).end();
  json.field("messages_per_step", static_cast<double>(s.traffic.messages) / steps);
  json.field("bytes_per_step", static_cast<double>(s.traffic.bytes) / steps);
  json.field("update_bytes", f.update_bytes).field("update_gigabytes_per_second", f.update_rate);
  json.field("triad_gigabytes_per_second", machine.triad).field("allreduce_gigabytes_per_second", f.allreduce_rate);
  json.object("plain_allreduce").field("bytes", machine.allreduce_bytes).field("seconds", machine.allreduce_seconds);
  json.field("latency_seconds", machine.latency_seconds).end();
  json.field("resident_bytes", machine.resident).field("resident_bytes_before", machine.resident_before);
  json.object("expected_bytes").field("parameters", m.parameters).field("method_state", m.method_state);
  json.field("tables", m.tables).field("other_state", m.other_state).field("sums", m.sums);
  json.field("activations", m.activations).field("full_pass", m.full_pass).field("prepared", m.prepared);
  json.field("shard", m.shard).field("checkpoint_copy", m.snapshot).end().end();
  return json.text();
}

std::string bench_text(const train::Summary& s, const MachineFigures& machine) {
  const auto steps = static_cast<double>(s.part_steps);
  const double milliseconds = 1e3 / steps;
  const int threads = s.ranks * s.threads;
  const StepFigures f = step_figures(s, machine);
  std::string text = fmt::format("{}, {}, {} x {}\n", s.model, s.method, plural(s.ranks, "rank"), plural(s.threads, "thread"));
  text += fmt::format("  examples    {:.1f} k/s, {} steps in {:.2f} s\n", s.examples_per_second / 1e3, s.part_steps,
                      s.training_seconds);
  if (f.gflops > 0) {
    text += fmt::format(
        "  arithmetic  {:.1f} GFLOP/s: {:.0f} % of {} x {:.1f} (matrix product, one thread), {:.0f} % of {} x {:.1f} "
        "(multiply-adds in registers)\n",
        f.gflops, 100 * f.gemm_share, threads, machine.gemm, 100 * f.fma_share, threads, machine.fma);
  }
  const double known = s.phases.gradient + s.phases.allreduce + s.phases.update + s.phases.broadcast;
  text += fmt::format(
      "  a step      {:.3f} ms: leaves {:.3f}, verdict and sums {:.3f}, update {:.3f}, broadcast {:.3f}, other {:.3f}\n",
      milliseconds * s.training_seconds, milliseconds * s.phases.gradient, milliseconds * s.phases.allreduce,
      milliseconds * s.phases.update, milliseconds * s.phases.broadcast, milliseconds * (s.training_seconds - known));
  text += fmt::format("  update      {:.1f} GB/s of {:.1f} MB, {:.0f} % of {:.1f} (b + s * c over as many bytes)\n",
                      f.update_rate, 1e-6 * f.update_bytes, percent(f.update_rate, machine.triad), machine.triad);
  if (s.ranks > 1) {
    text += fmt::format("  messages    {:.1f} a step, {:.1f} kB a step, {:.3f} GB/s in verdict and sums\n",
                        static_cast<double>(s.traffic.messages) / steps, static_cast<double>(s.traffic.bytes) / steps / 1e3,
                        f.allreduce_rate);
    text += fmt::format("  allreduce   {:.2f} GB/s: a plain sum of {:.1f} MB over {} in {:.3f} ms; of one word {:.1f} us\n",
                        rate(machine.allreduce_bytes, machine.allreduce_seconds), 1e-6 * machine.allreduce_bytes,
                        plural(s.ranks, "rank"), 1e3 * machine.allreduce_seconds, 1e6 * machine.latency_seconds);
  }
  return text + memory_line(s.memory, machine);
}

std::string products_json(const bench::ProductTimes& t) {
  report::JsonWriter json;
  json.object().field("model", t.model).field("ranks", t.ranks).field("threads", t.threads);
  json.field("batch", t.batch).field("rounds", t.rounds).field("gradient_seconds", t.gradient);
  json.object("hvp_seconds").field("moved", t.moved).field("kept", t.kept).end();
  json.object("ratio").field("moved", t.moved_ratio).field("kept", t.kept_ratio).end();
  json.object("flop_ratio").field("moved", t.moved_flop_ratio).field("kept", t.kept_flop_ratio).end().end();
  return json.text();
}

std::string products_text(const bench::ProductTimes& t) {
  const auto line = [](const char* what, double seconds, double ratio, double flop) {
    std::string text = fmt::format("  {:<42}{:9.3f} ms, {:.2f} gradients", what, 1e3 * seconds, ratio);
    if (flop > 0) text += fmt::format("; flop {:.2f}, time / flop {:.2f}", flop, ratio / flop);
    return text + "\n";
  };
  return fmt::format("{}, batch {}, {} x {}, {} rounds\n", t.model, t.batch, plural(t.ranks, "rank"),
                     plural(t.threads, "thread"), t.rounds) +
         fmt::format("  {:<42}{:9.3f} ms\n", "gradient", 1e3 * t.gradient) +
         line("Hessian-vector product, the point has moved", t.moved, t.moved_ratio, t.moved_flop_ratio) +
         line("the same point again (CG, Lanczos)", t.kept, t.kept_ratio, t.kept_flop_ratio);
}

}  // namespace talweg::bench
