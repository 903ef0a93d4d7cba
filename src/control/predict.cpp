// SPDX-License-Identifier: Apache-2.0
#include "control/command.hpp"
#include "io/atomic_file.hpp"
#include "io/npz.hpp"
#include "train/stored_model.hpp"

namespace talweg::control {
namespace {

struct Options {
  std::string run;
  std::string data;
  std::string output;
  bool best = false;
};

std::string to_csv(const engine::Predictions& p) {
  std::string text = "record";
  if (!p.classes.empty()) text += ",class";
  for (std::size_t k = 0; k < p.outputs; ++k)
    text += p.outputs == 1 ? ",score" : fmt::format(",score_{}", p.classes.empty() ? std::to_string(k) : p.classes[k]);
  text += '\n';
  const std::size_t records = p.scores.size() / p.outputs;
  for (std::size_t i = 0; i < records; ++i) {
    text += std::to_string(i);
    if (!p.classes.empty()) text += ',' + p.classes[p.predicted[i]];
    for (std::size_t k = 0; k < p.outputs; ++k) text += fmt::format(",{}", p.scores[i * p.outputs + k]);
    text += '\n';
  }
  return text;
}

base::ExitCode run_predict(Context& context, const Options& options) {
  const std::filesystem::path output(options.output);
  if (output.extension() != ".csv" && output.extension() != ".npy") {
    base::fail(base::ExitCode::usage, "-o {}: found the ending '{}', expected .csv or .npy", options.output,
               output.extension().string());
  }
  std::error_code none_yet;
  if (std::filesystem::equivalent(output, options.data, none_yet))
    base::fail(base::ExitCode::usage, "-o {}: found the data file itself, expected another", options.output);
  const auto file = train::find_checkpoint(options.run, options.best, context.log());
  const engine::Predictions predictions = train::predict_stored(file, options.data);
  const std::size_t records = predictions.scores.size() / predictions.outputs;
  if (output.extension() == ".csv") {
    const std::string text = to_csv(predictions);
    io::write_atomically(output, std::as_bytes(std::span(text)));
  } else {
    io::write_npy(output, {records, predictions.outputs}, predictions.scores);
  }
  context.log().info(fmt::format("{}: {} predictions", options.output, records));
  return base::ExitCode::finished;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg predict configs/runs/digits_mlp --data configs/data/digits.csv.gz -o predictions.csv\n"
      "  talweg predict run --best --data new.npy -o scores.npy\n"
      "CSV: record, class, scores. NPY: the scores [records, outputs] in float64. Scores are before softmax or sigmoid.");
  auto options = std::make_shared<Options>();
  arguments.add("run", options->run, "run directory or checkpoint").required();
  arguments.add("--data", options->data, "data file; its format is guessed from the name").required();
  arguments.add("-o,--output", options->output, "FILE.csv or FILE.npy").required();
  arguments.flag("--best", options->best, "the best parameters instead of the last");
  return [options](Context& context) { return run_predict(context, *options); };
}

}  // namespace

extern const CommandEntry command_predict;
const CommandEntry command_predict{"predict", "outputs of a stored model on other data", false, declare};

}  // namespace talweg::control
