// SPDX-License-Identifier: Apache-2.0
// LIBSVM: one record per line, "label index:value index:value ...", indices from 1, ascending. '#' starts a comment.
#include <charconv>
#include <limits>
#include <vector>

#include "data/format.hpp"
#include "data/stream.hpp"
#include "talweg/error.hpp"

namespace talweg::data {
namespace {

using base::ExitCode;

class LibsvmReader final : public Reader {
 public:
  explicit LibsvmReader(const Source& source) : stream_(source.path) {}
  bool sparse() const override { return true; }
  std::size_t features() const override { return features_; }
  std::string position() const override { return fmt::format("line {}", stream_.line_number()); }

  bool next(Record& record) override {
    std::string_view line;
    do {
      if (!stream_.line(line)) return false;
      line = line.substr(0, line.find('#'));
    } while (line.find_first_not_of(" \t") == std::string_view::npos);
    columns_.clear();
    values_.clear();
    const std::string_view label = word(line);
    double ignored = 0;
    if (!to_number(label, ignored)) refuse(fmt::format("\"{}\" as the label", label), "a number");
    while (true) {
      const std::string_view pair = word(line);
      if (pair.empty()) break;
      add(pair);
    }
    record = {.dense = {}, .columns = columns_, .values = values_, .label = label};
    return true;
  }

 private:
  static std::string_view word(std::string_view& line) {
    const std::size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
    const std::size_t end = std::min(line.find_first_of(" \t", begin), line.size());
    const std::string_view found = line.substr(begin, end - begin);
    line.remove_prefix(end);
    return found;
  }
  void add(std::string_view pair) {
    const std::size_t colon = pair.find(':');
    std::int64_t index = 0;
    double value = 0;
    const auto [end, error] = std::from_chars(pair.data(), pair.data() + std::min(colon, pair.size()), index);
    constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max();
    if (error == std::errc::result_out_of_range) index = kLargest + 1;  // too large for an integer: refused below
    if (colon == std::string_view::npos || (error != std::errc() && error != std::errc::result_out_of_range) ||
        end != pair.data() + colon || !to_number(pair.substr(colon + 1), value)) {
      refuse(fmt::format("\"{}\"", pair), "index:value");
    }
    if (index < 1 || index > kLargest)
      refuse(fmt::format("index {}", pair.substr(0, colon)), fmt::format("indices from 1 to {}", kLargest));
    if (!columns_.empty() && index - 1 <= columns_.back()) {
      refuse(fmt::format("index {} after index {}", index, columns_.back() + 1), "ascending indices");
    }
    columns_.push_back(static_cast<std::int32_t>(index - 1));
    values_.push_back(value);
    features_ = std::max(features_, static_cast<std::size_t>(index));
  }
  [[noreturn]] void refuse(const std::string& found, std::string_view expected) const {
    base::fail(ExitCode::bad_data, "{}: {}: found {}, expected {}", stream_.name(), position(), found, expected);
  }

  Stream stream_;
  std::vector<std::int32_t> columns_;
  std::vector<double> values_;
  std::size_t features_ = 0;
};

}  // namespace

extern const Format format_libsvm;
const Format format_libsvm{"libsvm", ".libsvm .svm .svmlight a9a a9a.t", [](const Source& source) -> std::unique_ptr<Reader> {
                             return std::make_unique<LibsvmReader>(source);
                           }};

}  // namespace talweg::data
