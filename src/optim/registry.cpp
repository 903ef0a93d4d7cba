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
  std::unique_ptr<UpdateRule> update = rule.make_rule(method);
  const double clip = method.number("clip_global_norm", 0.0, base::Range::non_negative(),
                                    "gradients longer than this are scaled to it; 0: off");
  return std::make_unique<FirstOrder>(std::move(estimator), std::move(update), clip);
}

}  // namespace talweg::optim
