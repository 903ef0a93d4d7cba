// SPDX-License-Identifier: Apache-2.0
// The trace holds the config, the config names the problem, and the problem knows its constants.
#include "control/theory.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "inspect/run_files.hpp"
#include "optim/bounds.hpp"
#include "report/json_writer.hpp"
#include "report/table.hpp"
#include "talweg/error.hpp"
#include "train/run_config.hpp"

namespace talweg::control {
namespace {

using inspect::ComparedRun;
using inspect::text_attribute;
using report::Table;

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

/// |x_0 - x*|^2 for the nearest known minimum.
double distance2(const std::vector<double>& start, const model::Known& known) {
  double least = kNothing;
  for (const model::CriticalPoint& p : known.points) {
    if (p.kind != "minimum") continue;
    double sum = 0;
    for (std::size_t j = 0; j < start.size(); ++j) sum += (start[j] - p.x[j]) * (start[j] - p.x[j]);
    least = std::fmin(least, sum);
  }
  return least;
}

/// The learning rate if it was the same in all steps, else NaN.
double constant_lr(const io::Trace& trace) {
  const auto found = trace.steps.find("learning_rate");
  if (found == trace.steps.end() || found->second.empty()) return kNothing;
  for (const double lr : found->second) {
    if (lr != found->second.front()) return kNothing;
  }
  return found->second.front();
}

std::string number_text(double value) { return std::isnan(value) ? "-" : fmt::format("{:.3e}", value); }

}  // namespace

TheoryCurves theory_of(const ComparedRun& run) {
  const base::Config config = base::Config::parse(text_attribute(run.trace, "config"), run.path.string() + " (its config)");
  const base::Section method = config.section("method");
  const auto fail = [&](const char* found) {
    base::fail(base::ExitCode::usage,
               "{}: found {}, expected a run of a problem whose least value is known: see `talweg problems`", run.path.string(),
               found);
  };
  if (config.section("problem").kind("name") == 0) fail("a run without [problem]");
  const train::RunConfig read = train::parse_run(config);
  const model::Known known = model::known_with(*read.problem, read.regularizer);
  if (!known.least) fail("a problem without one");

  TheoryCurves curves{.run = run.name, .bound_text = {}, .step = {}, .gap = {}, .bound = {}, .lower = {}};
  const auto steps = run.trace.evaluation.find("step");
  const auto objective = run.trace.evaluation.find("train_objective");
  if (steps != run.trace.evaluation.end() && objective != run.trace.evaluation.end()) {
    for (std::size_t i = 0; i < steps->second.size(); ++i) {
      if (std::isnan(objective->second[i])) continue;
      curves.step.push_back(steps->second[i]);
      curves.gap.push_back(objective->second[i] - *known.least);
    }
  }
  const std::vector<double> start = model::first_point(*read.problem, read.run.engine.seed);
  const double l2 = read.regularizer.l2;
  const optim::BoundConstants constants{.smoothness = known.smoothness.value_or(kNothing) + l2,
                                        .strong_convexity = known.strong_convexity.value_or(0) + l2,
                                        .distance2 = distance2(start, known),
                                        .gap = !curves.gap.empty() && curves.step.front() == 0 ? curves.gap.front() : kNothing,
                                        .lr = constant_lr(run.trace),
                                        .assumed = method.kind("strong_convexity") != 0
                                                       ? method.number("strong_convexity", 0.0, {}, "as the theorem has it")
                                                       : 0};
  const optim::ProvenBound* bound = known.convex && known.smoothness ? optim::proven_bound(method, constants) : nullptr;
  curves.bound_text = bound != nullptr ? fmt::format("F - F* <= {} ({})", bound->text, bound->source)
                                       : "no bound in closed form for this method, at this step length, on this problem";
  const bool in_span = optim::stays_in_span(method) && read.run.engine.batch == 0 && read.regularizer.l1 == 0 && l2 == 0 &&
                       start == read.problem->problem->start();
  for (const double k : curves.step) {
    curves.bound.push_back(bound != nullptr && k > 0 ? bound->after(constants, k) : kNothing);
    const auto lower = in_span ? read.problem->problem->lower_bound(static_cast<std::int64_t>(k)) : std::nullopt;
    curves.lower.push_back(lower.value_or(kNothing));
  }
  return curves;
}

std::string theory_table(const std::vector<TheoryCurves>& all) {
  using enum Table::Align;
  Table table(
      {{"run", left}, {"step", right}, {"F - F*", right}, {"bound", right}, {"share of it", right}, {"lower bound", right}});
  std::string texts;
  for (const TheoryCurves& c : all) {
    if (!c.step.empty()) {
      const double share = std::max(0.0, c.gap.back()) / c.bound.back();
      table.add({c.run, fmt::format("{:.0f}", c.step.back()), number_text(c.gap.back()), number_text(c.bound.back()),
                 std::isnan(share) ? "-" : fmt::format("{:.3f}", share), number_text(c.lower.back())});
    }
    std::size_t above = 0;
    for (std::size_t i = 0; i < c.step.size(); ++i) above += c.gap[i] > c.bound[i] ? 1 : 0;
    texts += fmt::format("{}: {}{}\n", c.run, c.bound_text,
                         above > 0 ? fmt::format("; ABOVE IT at {} of {} evaluations", above, c.step.size()) : "");
  }
  return table.text() + texts;
}

std::string theory_json(const std::vector<TheoryCurves>& all) {
  report::JsonWriter json;
  json.array();
  for (const TheoryCurves& c : all) {
    json.object().field("run", c.run).field("bound_text", c.bound_text).field("step", c.step).field("gap", c.gap);
    json.field("bound", c.bound).field("lower_bound", c.lower).end();
  }
  return json.end().text();
}

std::string theory_csv(const std::vector<ComparedRun>& runs, const std::vector<TheoryCurves>& all, const std::string& x) {
  std::string csv = "run," + x + ",series,value\n";
  for (std::size_t k = 0; k < all.size(); ++k) {
    const TheoryCurves& c = all[k];
    const auto add = [&](const char* series, const std::vector<double>& values) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (std::isnan(values[i])) continue;
        csv += fmt::format("{},{},{},{}\n", inspect::csv_field(c.run), inspect::axis_value(runs[k].trace, x, c.step[i]), series,
                           values[i]);
      }
    };
    add("gap", c.gap);
    add("bound", c.bound);
    add("lower_bound", c.lower);
  }
  return csv;
}

}  // namespace talweg::control
