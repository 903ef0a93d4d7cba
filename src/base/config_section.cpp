// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "base/config_read_log.hpp"

namespace talweg::base {
namespace {

std::optional<double> as_number(const Node& node) {
  if (const auto* v = node.as<double>()) return std::isnan(*v) ? std::nullopt : std::optional(*v);
  if (const auto* v = node.as<std::int64_t>()) return static_cast<double>(*v);
  return std::nullopt;
}

template <class T>
std::optional<T> as_exactly(const Node& node) {
  const T* v = node.as<T>();
  return v == nullptr ? std::nullopt : std::optional(*v);
}

/// "a number in (0, inf)"; without the interval when every number is allowed.
std::string ranged(std::string_view kind, const Range& range) {
  const bool anything = std::isinf(range.low) && std::isinf(range.high) && !range.open_low && !range.open_high;
  return anything ? std::string(kind) : fmt::format("{} in {}", kind, range.text());
}

std::string joined(std::span<const std::string_view> names) {
  std::string text;
  for (const auto name : names) text += (text.empty() ? "" : ", ") + to_toml(std::string(name));
  return text;
}

/// A default that its own declaration would refuse could be written to a resolved config but not read from it.
void require_default(bool allowed, std::string_view path, std::string_view key) {
  if (!allowed) throw std::logic_error(fmt::format("the default of config key {} is not in its range", dotted(path, key)));
}

/// The value of one key: converted, checked, or its default. `log` is a Config::ReadLog, whose name is private.
template <class T, class ReadLog, class Convert, class Allowed>
T value_of(ReadLog& log, const std::string& path, std::string_view key, const std::optional<T>& fallback,
           const std::string& expected, Convert convert, Allowed allowed) {
  const Entry* entry = log.find(path, key);
  if (entry == nullptr) {
    if (!fallback) log.refuse(log.where(path, key), path, key, "nothing", expected);
    require_default(allowed(*fallback), path, key);
    return *fallback;
  }
  const std::optional<T> value = convert(entry->node);
  if (!value || !allowed(*value)) log.refuse(entry->node.position.text(), path, key, entry->node.shown(), expected);
  return *value;
}

/// The values of a list; errors name the item, counted from 0.
template <class T, class ReadLog, class Convert>
std::vector<T> values_of(ReadLog& log, const std::string& path, std::string_view key, std::vector<T> fallback,
                         std::string_view list, const std::string& expected, const Range& range, Convert convert) {
  const auto allowed = [&](T v) {
    const auto number = static_cast<double>(v);
    return range.contains(number) && (range.infinite || std::isfinite(number));
  };
  const Entry* entry = log.find(path, key);
  if (entry == nullptr) {
    require_default(std::ranges::all_of(fallback, allowed), path, key);
    return fallback;
  }
  const auto* items = entry->node.template as<Node::List>();
  if (items == nullptr) log.refuse(entry->node.position.text(), path, key, entry->node.shown(), list);
  std::vector<T> values;
  for (const Node& item : *items) {
    const std::optional<T> value = convert(item);
    if (!value || !allowed(*value)) {
      fail(ExitCode::bad_config, "{}: {}[{}]: found {}, expected {}", item.position.text(), dotted(path, key), values.size(),
           item.shown(), expected);
    }
    values.push_back(*value);
  }
  return values;
}

/// The placeholder of a required number in a list of keys.
double some_number(const Range& range) { return range.contains(1) ? 1 : range.contains(0.5) ? 0.5 : range.low; }

constexpr auto kAnything = [](const auto&) { return true; };

}  // namespace

char Section::kind(std::string_view key) const {
  const Entry* entry = log_->find(path_, key);
  return entry == nullptr ? '\0' : entry->node.kind();
}

double Section::number(std::string_view key, std::optional<double> fallback, Range range, std::string_view meaning) const {
  if (log_->listing && !fallback && log_->find(path_, key) == nullptr) {
    log_->declare(path_, key, "required", meaning);
    return some_number(range);
  }
  const auto stands = log_->stands.find(dotted(path_, key));
  const bool text = stands != log_->stands.end();
  const auto convert = [&](const Node& node) { return text ? std::optional(stands->second) : as_number(node); };
  const double value = value_of(*log_, path_, key, fallback, ranged("a number", range), convert, [&](double v) {
    return range.contains(v) && (std::isfinite(v) || (fallback && std::isinf(*fallback)));
  });
  log_->declare(path_, key, text ? to_toml(*log_->find(path_, key)->node.as<std::string>()) : to_toml(value), meaning);
  return value;
}

bool Section::stand_in(std::string_view key, const std::function<std::optional<double>(std::string_view)>& read,
                       std::string_view expected) const {
  const Entry* entry = log_->find(path_, key);
  const std::string* text = entry == nullptr ? nullptr : entry->node.as<std::string>();
  if (text == nullptr) return false;
  const std::optional<double> value = read(*text);
  if (!value) log_->refuse(entry->node.position.text(), path_, key, entry->node.shown(), expected);
  log_->stands[dotted(path_, key)] = *value;
  return true;
}

std::int64_t Section::integer(std::string_view key, std::optional<std::int64_t> fallback, Range range,
                              std::string_view meaning) const {
  if (log_->listing && !fallback && log_->find(path_, key) == nullptr) {
    log_->declare(path_, key, "required", meaning);
    return static_cast<std::int64_t>(some_number(range));
  }
  const std::int64_t value = value_of(*log_, path_, key, fallback, ranged("an integer", range), as_exactly<std::int64_t>,
                                      [&](std::int64_t v) { return range.contains(static_cast<double>(v)); });
  log_->declare(path_, key, to_toml(value), meaning);
  return value;
}

bool Section::flag(std::string_view key, bool fallback, std::string_view meaning) const {
  const bool value = value_of(*log_, path_, key, std::optional(fallback), "true or false", as_exactly<bool>, kAnything);
  log_->declare(path_, key, to_toml(value), meaning);
  return value;
}

std::string Section::text(std::string_view key, const std::optional<std::string>& fallback, std::string_view meaning) const {
  std::string value = value_of(*log_, path_, key, fallback, "a string", as_exactly<std::string>, kAnything);
  log_->declare(path_, key, to_toml(value), meaning);
  return value;
}

std::string Section::choice(std::string_view key, const std::optional<std::string>& fallback,
                            std::span<const std::string_view> allowed, std::string_view meaning) const {
  std::string expected = (allowed.size() == 1 ? "" : "one of ") + joined(allowed);
  if (const Entry* entry = log_->find(path_, key); entry != nullptr && entry->node.kind() == 's') {
    const std::vector<std::string> names(allowed.begin(), allowed.end());
    if (const auto near = nearest(*entry->node.as<std::string>(), names))
      expected += fmt::format("; did you mean '{}'?", *near);
  }
  std::string value = value_of(*log_, path_, key, fallback, expected, as_exactly<std::string>,
                               [&](const std::string& v) { return std::ranges::find(allowed, v) != allowed.end(); });
  constexpr std::size_t kShown = 8;  // longer lists have a command of their own: talweg methods
  log_->declare(path_, key, to_toml(value),
                allowed.size() > kShown ? std::string(meaning) : fmt::format("{} ({})", meaning, fmt::join(allowed, " | ")),
                {allowed.begin(), allowed.end()});
  return value;
}

std::vector<std::int64_t> Section::integers(std::string_view key, std::vector<std::int64_t> fallback, Range range,
                                            std::string_view meaning) const {
  auto values = values_of(*log_, path_, key, std::move(fallback), ranged("a list of integers", range),
                          ranged("an integer", range), range, as_exactly<std::int64_t>);
  log_->declare(path_, key, to_toml(values), meaning);
  return values;
}

std::vector<double> Section::numbers(std::string_view key, std::vector<double> fallback, Range range,
                                     std::string_view meaning) const {
  auto values = values_of(*log_, path_, key, std::move(fallback), ranged("a list of numbers", range), ranged("a number", range),
                          range, as_number);
  log_->declare(path_, key, to_toml(values), meaning);
  return values;
}

std::filesystem::path Section::path(std::string_view key, const std::optional<std::string>& fallback,
                                    std::string_view meaning) const {
  const std::string written = value_of(*log_, path_, key, fallback, "a path", as_exactly<std::string>, kAnything);
  std::filesystem::path value = written.empty() ? std::filesystem::path() : (log_->folder / written).lexically_normal();
  log_->declare(path_, key, to_toml(value.string()), meaning);
  return value;
}

Section Section::section(std::string_view key) const { return {log_, log_->open(path_, key)}; }

std::string Section::where(std::string_view key) const { return log_->where(path_, key); }

void Section::fail(std::string_view key, std::string_view found, std::string_view expected) const {
  Config::ReadLog::refuse(where(key), path_, key, found, expected);
}

}  // namespace talweg::base
