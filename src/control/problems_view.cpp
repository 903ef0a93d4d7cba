// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "control/problems.hpp"
#include "control/table.hpp"

namespace talweg::control {
namespace {

constexpr std::size_t kShown = 6;  // coordinates of a point, for people

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

/// Long lists of numbers (a start, centres) say nothing in a table.
std::string shortened(const std::string& value) {
  constexpr std::size_t kWidth = 40;
  return value.size() > kWidth ? value.substr(0, kWidth) + " ...]" : value;
}

std::string indented(std::string_view text) {
  std::string lines = "  ";
  for (const char c : text) lines += c == '\n' ? std::string("\n  ") : std::string(1, c);
  return lines;
}

/// Constants by name: those that are known.
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

}  // namespace

std::string problems_text() {
  Table table({{"", {}}, {"", {}}});
  for (const model::ProblemEntry* entry : model::problems()) table.add({std::string(entry->name), std::string(entry->title)});
  return fmt::format(
      "Problems with known answers ([problem] name, in the place of [model] and [data])\n{}\n"
      "talweg problems NAME tells all about one.\n",
      table.text("  "));
}

nlohmann::ordered_json problems_json() {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const model::ProblemEntry* entry : model::problems()) all.push_back(problem_json(*entry, {}));
  return all;
}

std::string problem_text(const model::ProblemEntry& entry, std::span<const std::string> overrides) {
  const Built built(entry, overrides);
  const model::Known& known = built.known;
  std::string text = fmt::format("{}: {}\n\nFormula\n{}\nKnown\n{}\n", entry.name, entry.title, indented(entry.formula),
                                 indented(entry.answers));
  Table keys({{"", {}}, {"", {}}, {"", {}}});
  for (const base::Resolved& r : built.keys) keys.add({r.key, "= " + shortened(r.value), r.meaning});
  text += fmt::format("Keys of [problem]\n{}\n", keys.text("  "));
  text += fmt::format("With these: {} coordinate{}, {} term{}, {}\n", built.config.problem->dimension(),
                      built.config.problem->dimension() == 1 ? "" : "s", built.config.problem->terms(),
                      built.config.problem->terms() == 1 ? "" : "s", known.convex ? "convex" : "not convex");
  Table numbers({{"", {}}, {"", {}}, {"", {}}});
  for (const model::Fact& f : constants(known)) numbers.add({f.name, fmt::format("= {:.10g}", f.value), f.meaning});
  text += numbers.text("  ");
  for (const model::CriticalPoint& p : known.points)
    text += fmt::format("  {:<10} F = {:.10g}, smallest eigenvalue {:.6g}, x = {}\n", p.kind, p.value, p.curvature + 0.0,
                        point_text(p.x));
  return text + fmt::format("\nSource     {}\n", entry.source);
}

nlohmann::ordered_json problem_json(const model::ProblemEntry& entry, std::span<const std::string> overrides) {
  const Built built(entry, overrides);
  nlohmann::ordered_json keys = nlohmann::ordered_json::array();
  for (const base::Resolved& r : built.keys) keys.push_back({{"name", r.key}, {"value", r.value}, {"meaning", r.meaning}});
  nlohmann::ordered_json numbers = nlohmann::ordered_json::array();
  for (const model::Fact& f : constants(built.known))
    numbers.push_back({{"name", f.name}, {"value", f.value}, {"meaning", f.meaning}});
  nlohmann::ordered_json points = nlohmann::ordered_json::array();
  for (const model::CriticalPoint& p : built.known.points)
    points.push_back({{"kind", p.kind}, {"value", p.value}, {"smallest_eigenvalue", p.curvature}, {"x", p.x}});
  return {{"name", entry.name},
          {"title", entry.title},
          {"formula", entry.formula},
          {"answers", entry.answers},
          {"keys", keys},
          {"dimension", built.config.problem->dimension()},
          {"terms", built.config.problem->terms()},
          {"convex", built.known.convex},
          {"constants", numbers},
          {"points", points},
          {"start", built.config.start},
          {"source", entry.source}};
}

}  // namespace talweg::control
