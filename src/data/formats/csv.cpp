// SPDX-License-Identifier: Apache-2.0
// CSV: one record per line, fields separated by commas (or semicolons or tabs, whichever the first line has). A first line with
// words in the columns of all features is a header. So is 0,1,2,... with a word as its label above a line whose label is a
// number (as data frames are written). One column holds the labels, the others are features.
#include <charconv>
#include <optional>
#include <vector>

#include "data/format.hpp"
#include "data/stream.hpp"
#include "talweg/error.hpp"

namespace talweg::data {
namespace {

using base::ExitCode;

std::string_view trimmed(std::string_view field) {
  const std::size_t begin = std::min(field.find_first_not_of(" \t"), field.size());
  field.remove_prefix(begin);
  field = field.substr(0, field.find_last_not_of(" \t") + 1);
  if (field.size() >= 2 && field.front() == '"' && field.back() == '"') field = field.substr(1, field.size() - 2);
  return field;
}

class CsvReader final : public Reader {
 public:
  explicit CsvReader(const Source& source) : source_(source), stream_(source.path) {
    std::string_view line;
    if (!text_line(stream_, line))
      base::fail(ExitCode::bad_data, "{}: found an empty file, expected rows of numbers", stream_.name());
    if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    separator_ = line.find(',') != std::string_view::npos ? ',' : line.find(';') != std::string_view::npos ? ';' : '\t';
    split(line);
    columns_ = fields_.size();
    labelled_ = source.label_column != "none";
    if (labelled_ && columns_ < 2)
      base::fail(ExitCode::bad_data, "{}: line 1: found 1 column, expected features and a label", stream_.name());
    const bool by_name = labelled_ && !find_label_column();
    bool header = true;
    double ignored = 0;
    for (std::size_t c = 0; c < columns_; ++c)
      header &= by_name || (labelled_ && c == label_column_) || !to_number(fields_[c], ignored);
    if (by_name) find_named_column();
    header = header || names_by_number();
    if (!header) first_.emplace(line);
    dense_.resize(features());
  }
  std::size_t features() const override { return labelled_ ? columns_ - 1 : columns_; }
  std::string position() const override { return fmt::format("line {}", stream_.line_number()); }

  bool next(Record& record) override {
    std::string_view line;
    if (first_) {
      kept_ = std::move(*first_);
      first_.reset();
      line = kept_;
    } else if (!text_line(stream_, line)) {
      return false;
    }
    split(line);
    if (fields_.size() != columns_) {
      base::fail(ExitCode::bad_data, "{}: {}: found {} columns, expected {}", stream_.name(), position(), fields_.size(),
                 columns_);
    }
    std::size_t j = 0;
    for (std::size_t c = 0; c < columns_; ++c) {
      if (labelled_ && c == label_column_) continue;
      if (!to_number(fields_[c], dense_[j])) {
        base::fail(ExitCode::bad_data, "{}: {}: column {} (counted from 0): found \"{}\", expected a number", stream_.name(),
                   position(), c, fields_[c]);
      }
      ++j;
    }
    record = {.dense = dense_, .columns = {}, .values = {}, .label = labelled_ ? fields_[label_column_] : std::string_view()};
    return true;
  }

 private:
  static bool text_line(Stream& stream, std::string_view& line) {
    do {
      if (!stream.line(line)) return false;
    } while (line.find_first_not_of(" \t") == std::string_view::npos);
    return true;
  }
  void split(std::string_view line) {
    fields_.clear();
    while (true) {
      const std::size_t end = line.find(separator_);
      fields_.push_back(trimmed(line.substr(0, end)));
      if (end == std::string_view::npos) return;
      line.remove_prefix(end + 1);
    }
  }
  /// The first line counts the features from 0 and has a word for a label, where the second one has a number.
  bool names_by_number() {
    double ignored = 0;
    if (!labelled_ || to_number(fields_[label_column_], ignored)) return false;
    double expected = 0;
    for (std::size_t c = 0; c < columns_; ++c) {
      double number = 0;
      if (c != label_column_ && (!to_number(fields_[c], number) || number != expected++)) return false;
    }
    Stream ahead(source_.path);
    std::string_view line;
    for (int lines = 0; lines < 2; ++lines) {
      if (!text_line(ahead, line)) return false;
    }
    const std::vector<std::string_view> first = fields_;
    split(line);
    const bool number = fields_.size() == columns_ && to_number(fields_[label_column_], ignored);
    fields_ = first;
    return number;
  }
  /// False when label_column is a header name.
  bool find_label_column() {
    const std::string& wanted = source_.label_column;
    if (wanted == "first" || wanted == "last") {
      label_column_ = wanted == "first" ? 0 : columns_ - 1;
      return true;
    }
    const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), label_column_);
    if (error != std::errc() || end != wanted.data() + wanted.size()) return false;
    if (label_column_ >= columns_) {
      base::fail(ExitCode::bad_data, "{}: label_column: found {}, expected a column from 0 to {}", stream_.name(),
                 label_column_, columns_ - 1);
    }
    return true;
  }
  void find_named_column() {
    for (label_column_ = 0; label_column_ < columns_; ++label_column_) {
      if (fields_[label_column_] == source_.label_column) return;
    }
    base::fail(ExitCode::bad_data, "{}: line 1: no column is named \"{}\"", stream_.name(), source_.label_column);
  }

  Source source_;
  Stream stream_;
  char separator_ = ',';
  std::size_t columns_ = 0;
  bool labelled_ = true;  // false: label_column is "none"
  std::size_t label_column_ = 0;
  std::optional<std::string> first_;
  std::string kept_;
  std::vector<std::string_view> fields_;
  std::vector<double> dense_;
};

}  // namespace

extern const Format format_csv;
const Format format_csv{"csv", ".csv .tsv",
                        [](const Source& source) -> std::unique_ptr<Reader> { return std::make_unique<CsvReader>(source); }};

}  // namespace talweg::data
