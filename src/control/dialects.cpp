// SPDX-License-Identifier: Apache-2.0
#include "control/dialects.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "control/methods.hpp"
#include "report/json_writer.hpp"
#include "report/table.hpp"
#include "talweg/error.hpp"

namespace talweg::control {
namespace {

constexpr double kTolerance = 1e-12;  // as in the golden tables

/// The dialects that a line "tf1, keras: ..." applies to; empty: all.
std::vector<std::string_view> dialects_of_line(const optim::Entry& entry, std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  std::vector<std::string_view> named;
  std::string_view rest = line.substr(0, colon);
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(", "), rest.size());
    named.push_back(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 2, rest.size()));
  }
  const bool all_known = std::ranges::all_of(
      named, [&](std::string_view n) { return std::ranges::find(entry.dialects, n) != entry.dialects.end(); });
  return all_known ? named : std::vector<std::string_view>{};
}

/// The lines of the rule that apply to this dialect.
std::string rule_of(const optim::Entry& entry, std::string_view dialect) {
  std::string text;
  std::string_view rest = entry.rule;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    const auto about = dialects_of_line(entry, line);
    if (about.empty() || std::ranges::find(about, dialect) != about.end()) text += "  " + std::string(line) + "\n";
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return text;
}

/// [method] keys of a dialect, resolved.
std::vector<base::Resolved> keys_of(const optim::Entry& entry, std::string_view dialect) {
  const base::Config config =
      base::Config::parse(fmt::format("[method]\nname = \"{}\"\ndialect = \"{}\"\n", entry.name, dialect), "dialect");
  optim::build_method(config.section("method"));
  return config.resolved();
}

/// Values with which the effects of epsilon and of how means are started show; the defaults would hide both.
constexpr std::array kFar = {std::pair("lr", "0.1"),       std::pair("epsilon", "0.01"), std::pair("beta1", "0.8"),
                             std::pair("beta2", "0.7"),    std::pair("beta", "0.8"),     std::pair("rho", "0.8"),
                             std::pair("momentum", "0.8"), std::pair("window", "5"),     std::pair("hessian_every", "3")};

/// Lines for those of kFar that both dialects have.
std::string far_values(const std::vector<base::Resolved>& one, const std::vector<base::Resolved>& other) {
  std::string lines;
  const auto has = [](const std::vector<base::Resolved>& keys, const char* key) {
    return std::ranges::any_of(keys, [&](const base::Resolved& r) { return r.section == "method" && r.key == key; });
  };
  for (const auto& [key, value] : kFar) {
    if (has(one, key) && has(other, key)) lines += fmt::format("{} = {}\n", key, value);
  }
  return lines;
}

std::string on_one_line(std::string lines) {
  if (lines.ends_with('\n')) lines.pop_back();
  std::ranges::replace(lines, '\n', ';');
  return lines;
}

Parting part(std::string what, const std::vector<std::vector<double>>& one, const std::vector<std::vector<double>>& other) {
  Parting parting{.what = std::move(what)};
  for (std::size_t t = 0; t < one.size(); ++t) {
    double size = 0;
    for (std::size_t j = 0; j < one[t].size(); ++j)
      size = std::max(size, std::abs(one[t][j] - other[t][j]) / std::max(1.0, std::abs(one[t][j])));
    if (size > kTolerance && !parting.apart()) {
      parting.step = static_cast<std::int64_t>(t) + 1;
      parting.size = size;
    }
    parting.largest = std::max(parting.largest, size);
  }
  return parting;
}

std::string parting_text(const Parting& p) {
  if (!p.apart()) return fmt::format("the same to 1e-12 over 40 steps (largest difference {:.1e})", p.largest);
  return fmt::format("apart from step {} on, by {:.2e} there and {:.2e} at most", p.step, p.size, p.largest);
}

}  // namespace

DialectDiff dialect_diff(const optim::Entry& entry, std::string_view one, std::string_view other) {
  for (const std::string_view name : {one, other}) {
    if (std::ranges::find(entry.dialects, name) != entry.dialects.end()) continue;
    base::fail(base::ExitCode::usage, "--diff: found '{}', expected a dialect of {}: {}", name, entry.name,
               entry.dialects.empty() ? std::string("it has none") : fmt::format("{}", fmt::join(entry.dialects, ", ")));
  }
  if (one == other) base::fail(base::ExitCode::usage, "--diff: found '{}' twice, expected two dialects of {}", one, entry.name);
  DialectDiff diff{.method = std::string(entry.name),
                   .one = std::string(one),
                   .other = std::string(other),
                   .one_rule = rule_of(entry, one),
                   .other_rule = rule_of(entry, other),
                   .map = {},
                   .defaults = {},
                   .partings = {},
                   .refused = {}};
  const auto lines = [&](std::string_view dialect) {
    return fmt::format("name = \"{}\"\ndialect = \"{}\"\n", entry.name, dialect);
  };
  std::string given;  // for `other`: the values of `one` for the keys that both have
  const std::vector<base::Resolved> keys = keys_of(entry, one);
  std::vector<base::Resolved> other_keys = keys_of(entry, other);
  const std::string far = far_values(keys, other_keys);
  for (base::Resolved& r : other_keys) {
    const auto same = std::ranges::find(keys, r.key, &base::Resolved::key);
    if (r.section != "method" || r.key == "dialect" || same == keys.end() || same->value == r.value) continue;
    given += fmt::format("{} = {}\n", r.key, same->value);
    r.meaning = same->value;
    diff.defaults.push_back(std::move(r));
  }
  const auto first = golden_trajectory(lines(one));
  diff.partings.push_back(part("each as it comes", first, golden_trajectory(lines(other))));
  if (!given.empty()) {
    try {
      diff.partings.push_back(
          part(fmt::format("{} with the values of {}", other, one), first, golden_trajectory(lines(other) + given)));
    } catch (const base::Error& e) {  // what one dialect allows, the other may refuse
      if (e.code() != base::ExitCode::bad_config) throw;
      diff.refused = e.what();
    }
  }
  if (!far.empty()) {
    diff.partings.push_back(part(fmt::format("both with {}", on_one_line(far)), golden_trajectory(lines(one) + far),
                                 golden_trajectory(lines(other) + far)));
  }
  for (const optim::DialectMap& map : entry.maps) {
    const bool straight = map.from.empty() || (map.from == one && map.to == other);
    if (!straight && !(map.from == other && map.to == one)) continue;
    if (!diff.map.empty() && !straight) continue;
    diff.map = map.map;
    if (map.keys.empty()) continue;
    const auto from = straight ? first : golden_trajectory(lines(map.from));
    diff.partings.push_back(part(fmt::format("{} mapped to {} ({})", map.from, map.to, on_one_line(std::string(map.keys))),
                                 from, golden_trajectory(lines(map.to) + std::string(map.keys))));
  }
  if (diff.map.empty()) diff.map = "none is stated";
  return diff;
}

std::string to_text(const DialectDiff& d) {
  std::string text = fmt::format("{}: {} and {}\n\nRecurrence of {}\n{}\nRecurrence of {}\n{}\nMap        {}\n", d.method,
                                 d.one, d.other, d.one, d.one_rule, d.other, d.other_rule, d.map);
  std::vector<std::string> differ;
  for (const base::Resolved& r : d.defaults) differ.push_back(fmt::format("{} = {}, {}", r.key, r.meaning, r.value));
  text += fmt::format("Defaults   {}\n\n", differ.empty() ? "the same" : fmt::format("{}", fmt::join(differ, "; ")));
  text +=
      "On the closed loop of the golden tables (float64, 12 parameters, 40 steps, lr falling as 1 / (1 + t / 10); differences "
      "are\n"
      "max_j |x_j - y_j| / max(1, |x_j|))\n";
  report::Table table({{"", {}}, {"", {}}});
  for (const Parting& p : d.partings) table.add({p.what, parting_text(p)});
  text += table.text("  ");
  if (!d.refused.empty()) text += fmt::format("  {} does not take the values of {}: {}\n", d.other, d.one, d.refused);
  return text;
}

std::string to_json(const DialectDiff& d) {
  using Pair = std::vector<std::string>;
  report::JsonWriter json;
  json.object().field("method", d.method).field("dialects", Pair{d.one, d.other});
  json.field("rules", Pair{d.one_rule, d.other_rule}).field("map", d.map);
  json.array("defaults");
  for (const base::Resolved& r : d.defaults)
    json.object().field("name", r.key).field(d.one, r.meaning).field(d.other, r.value).end();
  json.end();
  json.field("loop", "closed loop of the golden tables");
  json.array("differences");
  for (const Parting& p : d.partings) {
    json.object().field("what", p.what).field("first_step", p.apart() ? std::optional(p.step) : std::nullopt);
    json.field("size", p.size).field("largest", p.largest).end();
  }
  json.end().end();
  return json.text();
}

}  // namespace talweg::control
