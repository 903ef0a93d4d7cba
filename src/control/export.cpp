// SPDX-License-Identifier: Apache-2.0
#include <fmt/ranges.h>

#include <algorithm>

#include "control/command.hpp"
#include "io/checkpoint.hpp"
#include "io/npz.hpp"
#include "train/stored_model.hpp"

namespace talweg::control {
namespace {

struct Options {
  std::string run;
  std::string output;
  bool best = false;
  std::string point;
};

bool is_point(const io::Checkpoint& c, const std::vector<io::StoredTensor>& tensors) {
  return std::ranges::equal(tensors, c.parameters, [](const io::StoredTensor& a, const io::StoredTensor& b) {
    return a.name == b.name && a.shape == b.shape;
  });
}

/// The parameters, or a vector of the method's state by its name. Methods that take gradients at a point other than the
/// parameters (averages, x_R, rsag, katyusha) call that point "x".
const std::vector<io::StoredTensor>& point_of(const io::Checkpoint& c, const std::string& name, const std::string& file) {
  const auto found = c.state.find(name);
  if (found != c.state.end() && is_point(c, found->second)) return found->second;
  if (name.empty() || name == "parameters" || (name == "x" && found == c.state.end())) return c.parameters;
  std::vector<std::string> names = {"parameters"};
  if (!c.state.contains("x")) names.emplace_back("x");
  for (const auto& [slot, tensors] : c.state) {
    if (is_point(c, tensors)) names.push_back(slot);
  }
  base::fail(base::ExitCode::usage, "--point: found '{}', expected one of {} in {}", name, fmt::join(names, ", "), file);
}

base::ExitCode run_export(Context& context, const Options& options) {
  const std::filesystem::path output(options.output);
  if (output.extension() != ".npz") {
    base::fail(base::ExitCode::usage, "-o {}: found the ending '{}', expected .npz", options.output,
               output.extension().string());
  }
  if (options.best && !options.point.empty())
    base::fail(base::ExitCode::usage,
               "--point with --best: found both, expected one: the file of the best point has parameters only");
  const auto file = train::find_checkpoint(options.run, options.best, context.log());
  const io::Checkpoint checkpoint = io::load(file);
  const std::vector<io::StoredTensor>& tensors = point_of(checkpoint, options.point, file.string());
  io::write_npz(output, tensors);
  std::size_t parameters = 0;
  for (const io::StoredTensor& t : tensors) parameters += io::elements(t.shape);
  context.log().info(fmt::format("{}: {} tensors, {} parameters, from {} (step {})", options.output, tensors.size(), parameters,
                                 file.string(), checkpoint.step));
  if (options.point.empty() && checkpoint.state.contains("x"))
    context.log().info("gradients were taken at a different point, which --point x exports");
  if (checkpoint.transform.kind != "none") {
    context.log().info(fmt::format("the model expects transformed features: {} (talweg show {} --json has shift and scale)",
                                   checkpoint.transform.kind, file.string()));
  }
  return base::ExitCode::finished;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg export configs/runs/digits_mlp --best -o digits.npz\n"
      "  talweg export run/checkpoints/step-000001200.h5 -o model.npz\n"
      "  talweg export run --point x -o iterate.npz\n"
      "The archive holds one array per tensor, by its name: layers.0.weight [out, in], layers.0.bias [out], ...; numpy.load\n"
      "opens it, and [init] path accepts it. Some methods take gradients at a point other than the parameters: --point x "
      "exports\n"
      "that point. Other vectors of the method's state have the names that `talweg show FILE` prints.");
  auto options = std::make_shared<Options>();
  arguments.add("run", options->run, "run directory or checkpoint").required();
  arguments.add("-o,--output", options->output, "FILE.npz").required();
  arguments.flag("--best", options->best, "the best parameters instead of the last");
  arguments.add("--point", options->point, "parameters (the default), x, or another vector of the state");
  return [options](Context& context) { return run_export(context, *options); };
}

}  // namespace

extern const CommandEntry command_export;
const CommandEntry command_export{"export", "the parameters of a run as a NumPy archive", false, declare};

}  // namespace talweg::control
