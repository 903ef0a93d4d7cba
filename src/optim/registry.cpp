// SPDX-License-Identifier: Apache-2.0
#include "optim/registry.hpp"

#include <algorithm>
#include <array>

#include "optim/first_order.hpp"
#include "optim/noise.hpp"
#include "talweg/error.hpp"

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

constexpr std::string_view kNameMeaning = "the optimization method: see `talweg methods`";
constexpr std::string_view kRuleMeaning = "what is done with the estimated gradient";

std::vector<std::string_view> names(Catalogue entries, bool rules_only) {
  std::vector<std::string_view> found;
  for (const Entry* entry : entries) {
    if (!rules_only || entry->make_rule != nullptr) found.push_back(entry->name);
  }
  return found;
}

}  // namespace

Catalogue catalogue() { return kCatalogue; }

std::vector<const Entry*> catalogue_with(std::span<const Entry> more) {
  std::vector<const Entry*> all(kCatalogue.begin(), kCatalogue.end());
  for (const Entry& entry : more) {
    if (entry.name.empty()) base::fail(base::ExitCode::usage, "a method was registered without a name");
    if (std::ranges::find(all, entry.name, &Entry::name) != all.end())
      base::fail(base::ExitCode::usage, "method \"{}\" was registered, and there is one of that name already", entry.name);
    const int makers = (entry.make_rule != nullptr) + (entry.make_estimator != nullptr) + (entry.make_method != nullptr);
    if (makers != 1)
      base::fail(base::ExitCode::usage, "method \"{}\" was registered with {} makers, expected one", entry.name, makers);
    all.push_back(&entry);
  }
  return all;
}

const Entry& find_entry(std::string_view name, Catalogue entries) {
  const auto found = std::ranges::find(entries, name, &Entry::name);
  if (found != entries.end()) return **found;
  const auto known = names(entries, false);
  const std::vector<std::string> texts(known.begin(), known.end());
  const auto near = base::nearest(name, texts);
  base::fail(base::ExitCode::bad_config, "method: found \"{}\", expected one of {}{}", name, fmt::join(known, ", "),
             near ? fmt::format("; did you mean \"{}\"?", *near) : "");
}

std::unique_ptr<Method> build_method(const base::Section& method, Catalogue entries) {
  const Entry& entry = find_entry(method.choice("name", "sgd", names(entries, false), kNameMeaning), entries);
  if (entry.make_method != nullptr) return entry.make_method(method);
  std::unique_ptr<Estimator> estimator = entry.make_estimator != nullptr ? entry.make_estimator(method) : minibatch();
  const Entry& rule = entry.make_rule != nullptr
                          ? entry
                          : find_entry(method.choice("rule", "sgd", names(entries, true), kRuleMeaning), entries);
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
  if (const std::string_view instead = update->ignores_moved_x(); !instead.empty()) {
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

/// Whose need it is: the key of [method], and the value there.
struct Culprit {
  std::string_view key;
  std::string name;
};

Culprit culprit(const base::Section& method, Need need, Catalogue entries) {
  const Entry& entry = find_entry(method.text("name", "sgd", kNameMeaning), entries);
  if (entry.make_method == nullptr && Noise(method).needs().has(need)) return {"noise", "langevin"};
  if (entry.make_estimator != nullptr) {
    const Entry& rule = find_entry(method.text("rule", "sgd", kRuleMeaning), entries);
    if (rule.make_rule(method)->needs().has(need)) return {"rule", std::string(rule.name)};
  }
  return {"name", std::string(entry.name)};
}

/// "; these do: ..." with the names that, put in the culprit's place with their defaults, fit this run.
std::string alternatives(const base::Section& method, const Culprit& culprit, const Offer& offer, Catalogue entries) {
  if (culprit.key == "noise") return "";
  std::vector<std::string_view> found;
  for (const Entry* entry : entries) {
    std::string lines = fmt::format("[method]\nname = \"{}\"\n", entry->name);
    if (culprit.key == "rule") {
      if (entry->make_rule == nullptr) continue;
      lines = fmt::format("[method]\nname = \"{}\"\nrule = \"{}\"\n", method.text("name", "sgd", kNameMeaning), entry->name);
    }
    const auto config = base::Config::parse(lines, "defaults");
    if (meets(offer, build_method(config.section("method"), entries)->needs())) found.push_back(entry->name);
  }
  if (found.empty()) return "; no other fits this run either";
  return fmt::format("; these fit this run: {} (with keys of their own)", fmt::join(found, ", "));
}

}  // namespace

void check_needs(const base::Section& method, const Method& built, const Offer& offer, Catalogue entries) {
  const Needs needs = built.needs();
  for (const Need need : all_needs()) {
    if (!needs.has(need)) continue;
    const Offered offered = offer(need, needs);
    if (offered.met) continue;
    const Culprit who = culprit(method, need, entries);
    const std::string expected = expected_by(needs, need) + alternatives(method, who, offer, entries);
    if (const auto& key = offered.key)
      key->section.fail(key->key, key->found, fmt::format("with method.{} = \"{}\" {}", who.key, who.name, expected));
    method.fail(who.key, '"' + who.name + '"', expected);
  }
}

}  // namespace talweg::optim
