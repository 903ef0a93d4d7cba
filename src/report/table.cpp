// SPDX-License-Identifier: Apache-2.0
#include "report/table.hpp"

#include <algorithm>
#include <stdexcept>

namespace talweg::report {
namespace {

/// Columns a terminal shows for UTF-8 text without wide or combining characters: one per code point.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  if (cells.size() != columns_.size()) throw std::logic_error("a table row of another length than its head");
  rows_.push_back(std::move(cells));
}

std::string Table::text(const std::string& indent) const {
  std::vector<std::string> head;
  std::vector<std::size_t> widths;
  for (std::size_t k = 0; k < columns_.size(); ++k) {
    head.push_back(columns_[k].head);
    widths.push_back(width_of(columns_[k].head));
    for (const auto& row : rows_) widths[k] = std::max(widths[k], width_of(row[k]));
  }
  std::string text;
  const auto add_line = [&](const std::vector<std::string>& cells) {
    std::string line = indent;
    for (std::size_t k = 0; k < cells.size(); ++k) {
      const std::string padding(widths[k] - width_of(cells[k]), ' ');
      line += columns_[k].align == Align::left ? cells[k] + padding : padding + cells[k];
      if (k + 1 < cells.size()) line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  if (std::ranges::any_of(head, [](const std::string& h) { return !h.empty(); })) add_line(head);
  for (const auto& row : rows_) add_line(row);
  return text;
}

}  // namespace talweg::report
