// SPDX-License-Identifier: Apache-2.0
#include "talweg/optim/registry.hpp"

#include <algorithm>
#include <array>

#include "optim/first_order.hpp"
#include "talweg/base/error.hpp"

namespace talweg::optim {

#define TALWEG_ENTRY(name) extern const Entry entry_##name;
#include "optim/catalogue.def"
#undef TALWEG_ENTRY

namespace {

const std::array kCatalogue = {
#define TALWEG_ENTRY(name) &entry_##name,
#include "optim/catalogue.def"
#undef TALWEG_ENTRY
};

std::vector<std::string_view> names(bool rules_only) {
  std::vector<std::string_view> found;
  for (const Entry* entry : kCatalogue) {
    if (!rules_only || entry->make_rule != nullptr) found.push_back(entry->name);
  }
  return found;
}

}  // namespace

std::span<const Entry* const> catalogue() { return kCatalogue; }

const Entry& find_entry(std::string_view name) {
  const auto found = std::ranges::find_if(kCatalogue, [&](const Entry* entry) { return entry->name == name; });
  if (found != kCatalogue.end()) return **found;
  const auto known = names(false);
  const std::vector<std::string> texts(known.begin(), known.end());
  const auto near = base::nearest(name, texts);
  base::fail(base::ExitCode::bad_config, "method: found \"{}\", expected one of {}{}", name, fmt::join(known, ", "),
             near ? fmt::format("; did you mean \"{}\"?", *near) : "");
}

std::unique_ptr<Method> build_method(const base::Section& method) {
  const Entry& entry = find_entry(method.choice("name", "sgd", names(false), "the optimization method: see `talweg methods`"));
  if (entry.make_method != nullptr) return entry.make_method(method);
  std::unique_ptr<Estimator> estimator = entry.make_estimator != nullptr ? entry.make_estimator(method) : minibatch();
  const Entry& rule = entry.make_rule != nullptr
                          ? entry
                          : find_entry(method.choice("rule", "sgd", names(true), "what is done with the estimated gradient"));
  const StepSize lr = StepSize::beside(method, "lr");
  std::unique_ptr<UpdateRule> update = rule.make_rule(method);
  Surroundings around{
      .clipping = parse_clipping(method),
      .weight_decay = method.number("decoupled_weight_decay", 0.0, base::Range::non_negative(),
                                    "times lr: share of every parameter that is taken off before the rule's step"),
      .averaging = Averaging(method),
      .lr = lr,
      .noise = Noise(method)};
  if (around.noise.langevin() && rule.name != "sgd")
    method.fail("noise", "\"langevin\" with rule " + std::string(rule.name),
                "rule sgd, whose step is lr times what is added to the gradient");
  if (const std::string_view instead = update->remakes_x(); !instead.empty()) {
    const std::string expected = fmt::format("0, or {}: this rule makes x anew from its own slots", instead);
    if (around.weight_decay > 0) method.fail("decoupled_weight_decay", fmt::format("{}", around.weight_decay), expected);
    if (around.averaging.looks_ahead()) method.fail("lookahead", "it", expected);
  }
  if (entry.make_rule != nullptr) {
    around.accumulate = method.integer("accumulate", 1, {.low = 1, .high = 1e6},
                                       "steps whose gradients are averaged before x moves, as in one larger batch");
    if (around.accumulate > 1 && around.noise.adds())
      method.fail("accumulate", std::to_string(around.accumulate) + " beside noise", "1: an average of noise is less noise");
  }
  return std::make_unique<FirstOrder>(std::move(estimator), std::move(update), around);
}

namespace {

struct Claim {
  bool Needs::*need;
  bool offered;
  const char* expected;
};

std::array<Claim, 10> claims_on(const Offer& offer) {
  return {Claim{&Needs::deterministic, offer.deterministic, "no dropout: this method wants one F at every request"},
          Claim{&Needs::constant_batch, offer.constant_batch, "one batch size: this method's constants go by it"},
          Claim{&Needs::full_batch, offer.full_batch,
                "run.batch = \"full\": this method asks for values and gradients of all of F"},
          Claim{&Needs::smooth_omega, offer.smooth_omega,
                "a smooth Omega (no l1, no box, no group lasso, no ball): this method has no prox step"},
          Claim{&Needs::l1_omega, offer.l1_omega, "l1 alone: this method handles the sign of each weight and nothing else"},
          Claim{&Needs::separable_omega, offer.separable_omega,
                "a separable Omega (no group lasso, no ball): this method's source has a prox for single weights alone"},
          Claim{&Needs::convex, offer.convex, "a convex F (a linear model)"},
          Claim{&Needs::strongly_convex, offer.strongly_convex,
                "a strongly convex F (a linear model, regularizer.l2 > 0 and include_bias = true or no bias)"},
          Claim{&Needs::distinct, offer.distinct,
                "run.sampling = \"shuffle\" or \"cyclic\", or run.batch = 1: no example twice in a batch"},
          Claim{&Needs::linear, offer.linear, "a linear model, whose gradients are a scalar times the example"}};
}

/// What a method needs, and what follows from that.
Needs needs_of(const Method& method) {
  Needs needs = method.needs();
  needs.deterministic = needs.deterministic || needs.full_batch || needs.hvp;
  return needs;
}

/// Names of the rules, estimators and methods whose needs, as they come, are such.
template <class Fits>
std::string those_that(Fits fits) {
  std::vector<std::string_view> found;
  for (const Entry* entry : kCatalogue) {
    const auto config = base::Config::parse(fmt::format("[method]\nname = \"{}\"\n", entry->name), "defaults");
    if (fits(needs_of(*build_method(config.section("method"))))) found.push_back(entry->name);
  }
  return fmt::format("{}", fmt::join(found, ", "));
}

}  // namespace

void check_needs(const base::Section& method, const Method& built, const Offer& offer, const Blame& blame) {
  const Needs needs = needs_of(built);
  const auto name = [&] { return method.text("name", "sgd", "the optimization method: see `talweg methods`"); };
  if (needs.horizon > offer.steps) {
    method.fail("name", '"' + name() + '"',
                fmt::format("run.steps = {} or more, and not run.epochs: {}", needs.horizon, needs.why));
  }
  const auto claims = claims_on(offer);
  for (const Claim& claim : claims) {
    if (!(needs.*claim.need) || claim.offered) continue;
    if (const auto key = blame ? blame(claim.need) : std::nullopt) {
      const auto takes_it = [&](const Needs& other) {  // run.batch is one key, and not the one that is blamed
        return std::ranges::all_of(claims, [&](const Claim& c) {
          return c.offered || !(other.*c.need) || (c.need == &Needs::full_batch && offer.deterministic && offer.constant_batch);
        });
      };
      key->section.fail(
          key->key, key->found,
          fmt::format("with method.name = \"{}\" {}; these take it: {}", name(), claim.expected, those_that(takes_it)));
    }
    method.fail("name", '"' + name() + '"',
                fmt::format("{}{}{}; do not need it: {}", claim.expected, needs.why.empty() ? "" : "; ", needs.why,
                            those_that([&](const Needs& other) { return !(other.*claim.need); })));
  }
}

}  // namespace talweg::optim
