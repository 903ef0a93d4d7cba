// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "control/problems.hpp"
#include "report/json_writer.hpp"
#include "report/table.hpp"

namespace talweg::control {
namespace {

constexpr std::size_t kShown = 6;  // coordinates of a point, in text

/// An entry built with these overrides.
struct Built {
  std::vector<base::Resolved> keys;
  model::ProblemConfig config;
  model::Known known;
  Built(const model::ProblemEntry& entry, std::span<const std::string> overrides) {
    const base::Config text =
        base::Config::parse(fmt::format("[problem]\nname = \"{}\"\n", entry.name), std::string(entry.name), overrides);
    const model::Regularizer::Config omega = model::parse_regularizer(text.section("regularizer"));
    config = model::parse_problem(text.section("problem"), omega);
    text.reject_unread();
    known = model::known_with(config, omega);
    for (const base::Resolved& r : text.resolved()) {
      if (r.section == "problem" && r.key != "name") keys.push_back(r);
    }
  }
};

std::string point_text(std::span<const double> x) {
  std::string text;
  for (std::size_t j = 0; j < std::min(x.size(), kShown); ++j) text += fmt::format("{}{:.6g}", j == 0 ? "" : ", ", x[j] + 0.0);
  return fmt::format("({}{})", text, x.size() > kShown ? fmt::format(", ... {} in all", x.size()) : "");
}

/// Cuts long lists of numbers (a start, centres), which are not readable in a table.
std::string shortened(const std::string& value) {
  constexpr std::size_t kWidth = 40;
  return value.size() > kWidth ? value.substr(0, kWidth) + " ...]" : value;
}

std::string indented(std::string_view text) {
  std::string lines = "  ";
  for (const char c : text) lines += c == '\n' ? std::string("\n  ") : std::string(1, c);
  return lines;
}

/// The known constants.
std::vector<model::Fact> constants(const model::Known& known) {
  std::vector<model::Fact> all;
  const auto add = [&](const std::optional<double>& value, const char* name, const char* meaning) {
    if (value) all.push_back({name, *value, meaning});
  };
  add(known.least, "F*", "the least value");
  add(known.smoothness, "L", "Lipschitz constant of the gradient, Omega left out");
  add(known.term_smoothness, "L_max", "the same of every f_i");
  add(known.strong_convexity, "mu", "strong convexity, Omega left out");
  add(known.hessian_lipschitz, "rho", "Lipschitz constant of the Hessian");
  all.insert(all.end(), known.others.begin(), known.others.end());
  return all;
}

void write(report::JsonWriter& json, const model::ProblemEntry& entry, std::span<const std::string> overrides) {
  const Built built(entry, overrides);
  json.object().field("name", entry.name).field("title", entry.title).field("formula", entry.formula);
  json.field("answers", entry.answers);
  json.array("keys");
  for (const base::Resolved& r : built.keys)
    json.object().field("name", r.key).field("value", r.value).field("meaning", r.meaning).end();
  json.end();
  json.field("dimension", built.config.problem->dimension()).field("terms", built.config.problem->terms());
  json.field("convex", built.known.convex);
  json.array("constants");
  for (const model::Fact& f : constants(built.known))
    json.object().field("name", f.name).field("value", f.value).field("meaning", f.meaning).end();
  json.end();
  json.array("points");
  for (const model::CriticalPoint& p : built.known.points) {
    json.object().field("kind", p.kind).field("value", p.value);
    json.field("smallest_eigenvalue", p.curvature).field("x", p.x).end();
  }
  json.end();
  json.field("start", built.config.start).field("source", entry.source).end();
}

}  // namespace

std::string problems_text() {
  report::Table table({{"", {}}, {"", {}}});
  for (const model::ProblemEntry* entry : model::problems()) table.add({std::string(entry->name), std::string(entry->title)});
  return fmt::format(
      "Problems with known answers ([problem] name, instead of [model] and [data])\n{}\n"
      "talweg problems NAME describes one in full.\n",
      table.text("  "));
}

std::string problem_text(const model::ProblemEntry& entry, std::span<const std::string> overrides) {
  const Built built(entry, overrides);
  const model::Known& known = built.known;
  std::string text = fmt::format("{}: {}\n\nFormula\n{}\nKnown\n{}\n", entry.name, entry.title, indented(entry.formula),
                                 indented(entry.answers));
  report::Table keys({{"", {}}, {"", {}}, {"", {}}});
  for (const base::Resolved& r : built.keys) keys.add({r.key, "= " + shortened(r.value), r.meaning});
  text += fmt::format("Keys of [problem]\n{}\n", keys.text("  "));
  text += fmt::format("With these: {} coordinate{}, {} term{}, {}\n", built.config.problem->dimension(),
                      built.config.problem->dimension() == 1 ? "" : "s", built.config.problem->terms(),
                      built.config.problem->terms() == 1 ? "" : "s", known.convex ? "convex" : "not convex");
  report::Table numbers({{"", {}}, {"", {}}, {"", {}}});
  for (const model::Fact& f : constants(known)) numbers.add({f.name, fmt::format("= {:.10g}", f.value), f.meaning});
  text += numbers.text("  ");
  for (const model::CriticalPoint& p : known.points)
    text += fmt::format("  {:<10} F = {:.10g}, smallest eigenvalue {:.6g}, x = {}\n", p.kind, p.value, p.curvature + 0.0,
                        point_text(p.x));
  return text + fmt::format("\nSource     {}\n", entry.source);
}

std::string problems_json() {
  report::JsonWriter json;
  json.array();
  for (const model::ProblemEntry* entry : model::problems()) write(json, *entry, {});
  return json.end().text();
}

std::string problem_json(const model::ProblemEntry& entry, std::span<const std::string> overrides) {
  report::JsonWriter json;
  write(json, entry, overrides);
  return json.text();
}

}  // namespace talweg::control
