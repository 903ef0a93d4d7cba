// SPDX-License-Identifier: Apache-2.0
// What a config's steps cost on these cores: nothing is written, nothing is evaluated.
#include <sys/resource.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "control/command.hpp"
#include "talweg/math/buffer.hpp"
#include "talweg/math/panels.hpp"
#include "talweg/train/trainer.hpp"

namespace talweg::control {
namespace {

struct Options {
  std::string config;
  std::vector<std::string> set;
  double seconds = 5;
  int threads = 0;
  bool json = false;
};

/// GFLOP/s of one thread's matrix product at its best: in cache, nothing beside it.
template <class Real>
double peak() {
  constexpr std::size_t kSide = 256;
  constexpr int kTimes = 200;
  math::Buffer<Real> a(math::packed_extent<Real>(kSide, kSide));
  math::Buffer<Real> b(kSide * math::kLaneStep * 2);
  math::Buffer<Real> c(b.size());
  double best = 0;
  for (int i = 0; i < kTimes; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    math::multiply(kSide, kSide, a.data(), 2 * math::kLaneStep, b.data(), false, c.data());
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    best = std::max(best, 4e-9 * kSide * kSide * math::kLaneStep / took);
  }
  return best;
}

/// Of the rank that has the most.
double largest_resident_megabytes(comm::Communicator& comm) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::array<std::uint32_t, 1> kilobytes = {static_cast<std::uint32_t>(usage.ru_maxrss)};
  comm.max(kilobytes);
  return kilobytes[0] / 1024.0;
}

struct Figures {
  double peak = 0;  // GFLOP/s of all threads of all ranks
  double gflops = 0;
  double resident_megabytes = 0;
};

std::string to_json(const train::Summary& s, const Figures& f) {
  const auto steps = static_cast<double>(s.step);
  const nlohmann::ordered_json json = {
      {"model", s.model},
      {"method", s.method},
      {"ranks", s.ranks},
      {"threads", s.threads},
      {"steps", s.step},
      {"seconds", s.training_seconds},
      {"examples_per_second", s.examples_per_second},
      {"gflops", f.gflops},
      {"peak_gflops", f.peak},
      {"seconds_per_step",
       {{"all", s.training_seconds / steps},
        {"leaves", s.phases.gradient / steps},
        {"allreduce", s.phases.allreduce / steps},
        {"update", s.phases.update / steps},
        {"broadcast", s.phases.broadcast / steps}}},
      {"messages_per_step", static_cast<double>(s.traffic.messages) / steps},
      {"bytes_per_step", static_cast<double>(s.traffic.bytes) / steps},
      {"resident_megabytes", f.resident_megabytes},
  };
  return json.dump(2) + "\n";
}

std::string to_text(const train::Summary& s, const Figures& f) {
  const double milliseconds = 1e3 / static_cast<double>(s.step);
  std::string text = fmt::format("{}, {}, {} rank{} x {} thread{}\n", s.model, s.method, s.ranks, s.ranks == 1 ? "" : "s",
                                 s.threads, s.threads == 1 ? "" : "s");
  text +=
      fmt::format("  examples    {:.1f} k/s, {} steps in {:.2f} s\n", s.examples_per_second / 1e3, s.step, s.training_seconds);
  if (f.gflops > 0) {
    text += fmt::format("  arithmetic  {:.1f} GFLOP/s, {:.0f} % of {:.1f} (single-thread gemm x threads, just measured)\n",
                        f.gflops, 100 * f.gflops / f.peak, f.peak);
  }
  const double known = s.phases.gradient + s.phases.allreduce + s.phases.update + s.phases.broadcast;
  text += fmt::format(
      "  a step      {:.3f} ms: leaves {:.3f}, verdict and sums {:.3f}, update {:.3f}, broadcast {:.3f}, other {:.3f}\n",
      milliseconds * s.training_seconds, milliseconds * s.phases.gradient, milliseconds * s.phases.allreduce,
      milliseconds * s.phases.update, milliseconds * s.phases.broadcast, milliseconds * (s.training_seconds - known));
  text += fmt::format("  messages    {:.1f} a step, {:.1f} kB a step\n",
                      static_cast<double>(s.traffic.messages) / static_cast<double>(s.step),
                      static_cast<double>(s.traffic.bytes) / static_cast<double>(s.step) / 1e3);
  text += fmt::format("  memory      {:.0f} MB resident at most, on the largest rank\n", f.resident_megabytes);
  return text;
}

base::ExitCode run_bench(Context& context, const Options& options) {
  comm::Communicator& comm = context.world();
  const base::Config config = context.shared_config(options.config, options.set);
  Figures figures;
  const double before = peak<float>();
  train::TrainOptions train;
  train.threads = options.threads;
  train.bench_seconds = options.seconds;
  const train::Summary s = train::train(config, train, comm, context.log()).summary;
  figures.resident_megabytes = largest_resident_megabytes(comm);
  if (!comm.coordinator()) return base::ExitCode::finished;
  figures.peak = std::max(before, peak<float>()) * s.ranks * s.threads;
  figures.gflops = s.gradient_flop * s.examples_per_second * 1e-9;
  print(options.json ? to_json(s, figures) : to_text(s, figures));
  return base::ExitCode::finished;
}

Action declare(CLI::App& app) {
  app.footer(
      "Examples:\n"
      "  talweg bench configs/mnist_t10k_mlp.toml --threads 2\n"
      "  mpirun -n 2 talweg bench run.toml --seconds 2 --json\n"
      "Steps of the config's method on its data, for so many seconds; stops, evaluations, checkpoints and trace are left out.");
  auto options = std::make_shared<Options>();
  app.add_option("config", options->config, "config file (TOML)")->required();
  app.add_option("--set", options->set, "override a key: section.key=value")->take_all()->expected(1);
  app.add_option("--seconds", options->seconds, "how long (default 5)")->check(CLI::PositiveNumber);
  app.add_option("--threads", options->threads, "threads per rank (default: the cores this rank may use)")
      ->check(CLI::Range(1, 4096));
  app.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run_bench(context, *options); };
}

}  // namespace

extern const CommandEntry command_bench;
const CommandEntry command_bench{"bench", "how fast a config's steps are here, phase by phase", true, declare};

}  // namespace talweg::control
