// SPDX-License-Identifier: Apache-2.0
#include "train/trace.hpp"

#include <unistd.h>

#include <array>

#include "train/evaluation.hpp"

namespace talweg::train {
namespace {

std::string host() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

}  // namespace

template <class Real>
std::unique_ptr<io::TraceWriter> open_trace(const std::filesystem::path& directory, const base::Config& config,
                                            const RunConfig& run, const RunFacts& facts, const engine::Problem<Real>& problem,
                                            math::State& state, bool resumed) {
  const io::TraceAttributes attributes = {
      {"config", config.resolved_toml()},
      {"talweg_version", TALWEG_VERSION},
      {"mpi_version", facts.ranks > 1 ? comm::Mpi::version() : "none"},
      {"method", run.method_name},
      {"model", problem.objective->describe()},
      {"seed", static_cast<std::int64_t>(run.run.engine.seed)},
      {"ranks", std::int64_t{facts.ranks}},
      {"threads", std::int64_t{facts.threads}},
      {"host", host()},
      {"data_fingerprint", facts.fingerprint},
  };
  const auto figures = figure_names(problem);
  return resumed ? io::TraceWriter::resume(directory, state.counter("trainer.step"), attributes, figures)
                 : io::TraceWriter::create(directory, attributes, figures);
}

template std::unique_ptr<io::TraceWriter> open_trace<float>(const std::filesystem::path&, const base::Config&, const RunConfig&,
                                                            const RunFacts&, const engine::Problem<float>&, math::State&, bool);
template std::unique_ptr<io::TraceWriter> open_trace<double>(const std::filesystem::path&, const base::Config&,
                                                             const RunConfig&, const RunFacts&, const engine::Problem<double>&,
                                                             math::State&, bool);

}  // namespace talweg::train
