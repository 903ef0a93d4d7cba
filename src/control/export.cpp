// SPDX-License-Identifier: Apache-2.0
#include "control/command.hpp"
#include "talweg/io/checkpoint.hpp"
#include "talweg/io/npz.hpp"
#include "talweg/train/stored_model.hpp"

namespace talweg::control {
namespace {

struct Options {
  std::string run;
  std::string output;
  bool best = false;
};

base::ExitCode run_export(Context& context, const Options& options) {
  const std::filesystem::path output(options.output);
  if (output.extension() != ".npz") {
    base::fail(base::ExitCode::usage, "-o {}: found the ending '{}', expected .npz", options.output,
               output.extension().string());
  }
  const auto file = train::find_checkpoint(options.run, options.best, context.log());
  const io::Checkpoint checkpoint = io::load(file);
  io::write_npz(output, checkpoint.parameters);
  std::size_t parameters = 0;
  for (const io::StoredTensor& t : checkpoint.parameters) parameters += io::elements(t.shape);
  context.log().info(fmt::format("{}: {} tensors, {} parameters, from {} (step {})", options.output,
                                 checkpoint.parameters.size(), parameters, file.string(), checkpoint.step));
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
      "The archive holds one array per tensor, by its name: layers.0.weight [out, in], layers.0.bias [out], ...; it opens "
      "with\n"
      "numpy.load and is a valid [init] path.");
  auto options = std::make_shared<Options>();
  arguments.add("run", options->run, "run directory or checkpoint").required();
  arguments.add("-o,--output", options->output, "FILE.npz").required();
  arguments.flag("--best", options->best, "the best parameters instead of the last");
  return [options](Context& context) { return run_export(context, *options); };
}

}  // namespace

extern const CommandEntry command_export;
const CommandEntry command_export{"export", "the parameters of a run as a NumPy archive", false, declare};

}  // namespace talweg::control
