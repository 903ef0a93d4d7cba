// SPDX-License-Identifier: Apache-2.0
#include "model/problem.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/random.hpp"
#include "model/spread.hpp"
#include "talweg/error.hpp"

namespace talweg::model {

#define TALWEG_PROBLEM(name) extern const ProblemEntry problem_##name;
#include "model/problems.def"
#undef TALWEG_PROBLEM

namespace {

const std::array kProblems = {
#define TALWEG_PROBLEM(name) &problem_##name,
#include "model/problems.def"
#undef TALWEG_PROBLEM
};

const ProblemEntry* entry_named(std::string_view name) {
  const auto found = std::ranges::find(kProblems, name, &ProblemEntry::name);
  return found == kProblems.end() ? nullptr : *found;
}

bool separable(const Regularizer::Config& omega) { return omega.group_lasso == 0 && omega.ball == 0; }

bool is_nothing(const Regularizer::Config& omega) {
  return omega.l1 == 0 && omega.l2 == 0 && separable(omega) && !std::isfinite(omega.low) && !std::isfinite(omega.high);
}

}  // namespace

std::span<const ProblemEntry* const> problems() { return kProblems; }

const ProblemEntry& find_problem(std::string_view name) {
  if (const ProblemEntry* entry = entry_named(name); entry != nullptr) return *entry;
  std::vector<std::string> known;
  for (const ProblemEntry* entry : kProblems) known.emplace_back(entry->name);
  const auto near = base::nearest(name, known);
  base::fail(base::ExitCode::usage, "found '{}', expected a problem{}; known are {}", name,
             near ? fmt::format(" (did you mean '{}'?)", *near) : "", fmt::join(known, ", "));
}

ProblemConfig parse_problem(const base::Section& section, const Regularizer::Config& omega) {
  std::vector<std::string_view> names;
  for (const ProblemEntry* entry : kProblems) names.push_back(entry->name);
  ProblemConfig config;
  config.entry =
      entry_named(section.choice("name", std::nullopt, names, "a problem with known answers: see `talweg problems`"));
  std::shared_ptr<Problem> problem = config.entry->make(section, omega);
  if (!config.entry->own_terms) problem = spread(section, std::move(problem));
  problem->name_it(config.entry->name);
  config.start = section.numbers("start", problem->start(), {}, "first point, one number per coordinate");
  if (config.start.size() != problem->dimension()) {
    section.fail("start", fmt::format("{} numbers", config.start.size()),
                 fmt::format("{}, one per coordinate", problem->dimension()));
  }
  config.start_radius = section.number("start_radius", 0.0, base::Range::non_negative(),
                                       "added to each coordinate of the start, uniform within this, drawn by run.seed");
  config.problem = std::move(problem);
  return config;
}

Known known_with(const ProblemConfig& config, const Regularizer::Config& omega) {
  Known known = config.problem->known();
  if ((config.entry->with_omega && separable(omega)) || is_nothing(omega)) return known;
  known.least.reset();
  known.points.clear();
  return known;
}

std::vector<double> first_point(const ProblemConfig& config, std::uint64_t seed) {
  std::vector<double> x = config.start;
  const base::Random random(seed, base::Purpose::initial);
  for (std::size_t j = 0; config.start_radius > 0 && j < x.size(); ++j)
    x[j] += config.start_radius * (2 * random.uniform(0, j) - 1);
  return x;
}

}  // namespace talweg::model
