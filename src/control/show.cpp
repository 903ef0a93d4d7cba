// SPDX-License-Identifier: Apache-2.0
#include "control/show.hpp"

#include "control/command.hpp"
#include "control/run_files.hpp"
#include "train/json.hpp"

namespace talweg::control {
namespace {

struct Options {
  std::string path;
  bool json = false;
};

/// Text, or JSON made only when it was asked for.
template <class Text, class Json>
std::string shown(bool json, Text text, Json structure) {
  return json ? train::json_text(structure()) : text();
}

std::string show(const Options& options) {
  const std::string& path = options.path;
  switch (kind_of(path)) {
    case Kind::run:
      return shown(
          options.json, [&] { return run_text(path); }, [&] { return run_json(path); });
    case Kind::trace: {
      const io::Trace trace = io::read_trace(path);
      return shown(
          options.json, [&] { return trace_text(path, trace); }, [&] { return trace_json(path, trace); });
    }
    case Kind::checkpoint:
      break;
  }
  const io::Checkpoint checkpoint = io::load(path);
  return shown(
      options.json, [&] { return checkpoint_text(path, checkpoint); }, [&] { return checkpoint_json(path, checkpoint); });
}

base::ExitCode run_show(Context& /*context*/, const Options& options) {
  print(show(options));
  return base::ExitCode::finished;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg show configs/runs/digits_mlp\n"
      "  talweg show run/checkpoints/best.h5\n"
      "  talweg show run/trace.h5 --json\n"
      "Works on a run that is still going: what was written last is shown.");
  auto options = std::make_shared<Options>();
  arguments.add("path", options->path, "run directory, checkpoint or trace").required();
  arguments.flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run_show(context, *options); };
}

}  // namespace

extern const CommandEntry command_show;
const CommandEntry command_show{"show", "a run, a checkpoint or a trace, for people", false, declare};

}  // namespace talweg::control
