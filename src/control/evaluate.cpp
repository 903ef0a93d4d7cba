// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "control/command.hpp"
#include "report/json_writer.hpp"
#include "train/stored_model.hpp"

namespace talweg::control {
namespace {

struct Options {
  std::string run;
  std::string data;
  std::string labels;
  bool best = false;
  bool json = false;
  int threads = 0;
};

base::ExitCode run_evaluate(Context& context, const Options& options) {
  comm::Communicator& comm = context.world();
  const auto file = context.shared_checkpoint(options.run, options.best);
  const train::Figures figures = train::evaluate_stored(file, {options.data, options.labels}, options.threads, comm);
  if (!comm.coordinator()) return base::ExitCode::finished;
  report::JsonWriter json;
  json.object().field("checkpoint", file.string()).field("data", options.data);
  std::string text = fmt::format("{} on {}\n", file.string(), options.data);
  for (const auto& [name, value] : figures.all()) {
    const std::string kind = name.substr(name.find('_') + 1);
    json.field(kind, value);
    text += kind == "accuracy" ? fmt::format("  {:<10}{:.2f} %\n", kind, 100 * value)
                               : fmt::format("  {:<10}{:.6g}\n", kind, value);
  }
  json.end();
  print(options.json ? json.text() : text);
  return base::ExitCode::finished;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg evaluate configs/runs/a9a_logistic --data configs/data/downloaded/a9a.t\n"
      "  mpirun -n 2 talweg evaluate run --best --data new.csv --json\n"
      "The stored model's classes, features and transform are used; labels or features outside them are errors.");
  auto options = std::make_shared<Options>();
  arguments.add("run", options->run, "run directory or checkpoint").required();
  arguments.add("--data", options->data, "data file; its format is guessed from the name").required();
  arguments.add("--labels", options->labels, "the labels' file (default: the one named as that of the training data)");
  arguments.flag("--best", options->best, "the best parameters instead of the last");
  arguments.add("--threads", options->threads, "threads per rank").within(1, 4096);
  arguments.flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run_evaluate(context, *options); };
}

}  // namespace

extern const CommandEntry command_evaluate;
const CommandEntry command_evaluate{"evaluate", "loss and accuracy of a stored model on other data", true, declare};

}  // namespace talweg::control
