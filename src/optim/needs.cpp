// SPDX-License-Identifier: Apache-2.0
#include "optim/needs.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace talweg::optim {

namespace {

constexpr NeedFacts row_of(Need need) {
  switch (need) {  // no default: the compiler asks for a row for each need
    case Need::horizon:
      return {.name = "horizon",
              .expected = "run.steps = {} or more, and not run.epochs",
              .takes = "run.steps = {} or more, not run.epochs"};
    case Need::deterministic:
      return {.name = "deterministic",
              .expected = "no dropout: this method wants one F at every request",
              .takes = "no dropout"};
    case Need::constant_batch:
      return {.name = "constant_batch",
              .expected = "one batch size: this method's constants depend on it",
              .takes = "one batch size, no run.batch_schedule"};
    case Need::constant_rate:
      return {.name = "constant_rate",
              .expected = "schedule.kind = \"constant\" without warmup: this method has step lengths of its own",
              .takes = "schedule.kind = \"constant\" without warmup"};
    case Need::full_batch:
      return {.name = "full_batch",
              .expected = "run.batch = \"full\": this method asks for values and gradients of all of F",
              .takes = "run.batch = \"full\" only",
              .otherwise = "minibatches"};
    case Need::smooth_omega:
      return {.name = "smooth_omega",
              .expected = "a smooth Omega (no l1, no box, no group lasso, no ball): there is no prox step here",
              .takes = "smooth Omega only (l2)"};
    case Need::l1_omega:
      return {.name = "l1_omega",
              .expected = "l1 alone: this method handles the sign of each weight and nothing else",
              .takes = "l1 as the only non-smooth part of Omega",
              .implied_by = {Need::smooth_omega}};
    case Need::separable_omega:
      return {.name = "separable_omega",
              .expected =
                  "a separable Omega (no group lasso, no ball): this method's source has a prox for single weights alone",
              .takes = "non-smooth Omega (l1, box) by prox, no group lasso, no ball",
              .otherwise = "non-smooth Omega (l1, box, group lasso, ball) by prox",
              .implied_by = {Need::smooth_omega, Need::l1_omega}};
    case Need::convex:
      return {.name = "convex",
              .expected = "a convex F (a linear model)",
              .takes = "convex F only",
              .otherwise = "convex and non-convex F",
              .implied_by = {Need::strongly_convex, Need::linear}};
    case Need::strongly_convex:
      return {.name = "strongly_convex",
              .expected =
                  "a strongly convex F (a linear model with regularizer.l2 > 0, and no bias that is free where the loss is flat)",
              .takes = "strongly convex F only"};
    case Need::distinct:
      return {.name = "distinct",
              .expected = "run.sampling = \"shuffle\" or \"cyclic\", or run.batch = 1: no example twice in a batch",
              .takes = "no example twice in a batch"};
    case Need::linear:
      return {.name = "linear",
              .expected = "a linear model, whose gradients are a scalar times the example",
              .takes = "linear models only"};
    case Need::hvp:
      return {.name = "hvp",
              .expected = "a model with Hessian-vector products",
              .takes = "models with Hessian-vector products, which it uses"};
    case Need::smoothness:
      return {.name = "smoothness",
              .expected = "a model, whose curvature it asks for where that is known",
              .takes = "bounds on the curvature of the terms, where the model knows them"};
  }
  return {};
}
static_assert(row_of(static_cast<Need>(kNeedCount)).name.empty(), "kNeedCount is not that of the last need");

}  // namespace

NeedFacts facts_of(Need need) { return row_of(need); }

std::vector<Need> all_needs() {
  std::vector<Need> all;
  for (std::size_t k = 0; k < kNeedCount; ++k) all.push_back(static_cast<Need>(k));
  return all;
}

std::string expected_by(const Needs& needs, Need need) {
  return fmt::format(fmt::runtime(facts_of(need).expected), needs.horizon()) + needs.reasons(need);
}

std::vector<std::string> takes(const Needs& needs) {
  std::vector<std::string> all;
  for (const Need need : all_needs()) {
    const NeedFacts facts = facts_of(need);
    if (std::ranges::any_of(facts.implied_by, [&](const auto& stronger) { return stronger && needs.has(*stronger); })) continue;
    if (needs.has(need)) {
      all.push_back(fmt::format(fmt::runtime(facts.takes), needs.horizon()) + needs.reasons(need));
    } else if (!facts.otherwise.empty()) {
      all.emplace_back(facts.otherwise);
    }
  }
  return all;
}

bool meets(const Offer& offer, const Needs& needs) {
  return std::ranges::all_of(all_needs(), [&](Need need) { return !needs.has(need) || offer(need, needs).met; });
}

}  // namespace talweg::optim
