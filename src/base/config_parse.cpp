// SPDX-License-Identifier: Apache-2.0
// The only source that sees the TOML library.
#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "base/config_tree.hpp"
#include "talweg/error.hpp"

namespace talweg::base {
namespace {

Position position_of(const toml::source_region& region, const std::string& name) {
  return {name, region.begin.line, region.begin.column};
}

template <class Value>
Moment moment(const Value& v) {
  std::ostringstream text;
  text << v;
  return {text.str()};
}

Table convert_table(const toml::table& table, const std::string& name);

Node convert(const toml::node& node, const std::string& name) {
  Node out{.position = position_of(node.source(), name), .value = {}};
  node.visit([&](const auto& v) {
    using Kind = std::remove_cvref_t<decltype(v)>;
    if constexpr (toml::is_table<Kind>) {
      out.value = convert_table(v, name);
    } else if constexpr (toml::is_array<Kind>) {
      Node::List list;
      for (const toml::node& item : v) list.push_back(convert(item, name));
      out.value = std::move(list);
    } else if constexpr (toml::is_date<Kind> || toml::is_time<Kind> || toml::is_date_time<Kind>) {
      out.value = moment(v.get());
    } else {
      out.value = v.get();
    }
  });
  return out;
}

/// The library sorts by key; errors are reported in file order, so entries are put back into it.
Table convert_table(const toml::table& table, const std::string& name) {
  Table out;
  for (const auto& [key, node] : table) {
    out.entries.push_back({std::string(key.str()), position_of(key.source(), name), convert(node, name)});
  }
  std::ranges::sort(out.entries, {}, [](const Entry& e) { return std::pair(e.position.line, e.position.column); });
  return out;
}

}  // namespace

Table parse_toml(std::string_view text, const std::string& name) {
  try {
    return convert_table(toml::parse(text, std::string_view(name)), name);
  } catch (const toml::parse_error& e) {
    fail(ExitCode::bad_config, "{}: {}", position_of(e.source(), name).text(), e.description());
  }
}

}  // namespace talweg::base
