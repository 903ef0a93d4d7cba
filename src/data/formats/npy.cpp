// SPDX-License-Identifier: Apache-2.0
// NPY (NumPy, versions 1 to 3): a matrix [records, features], C order, little-endian; labels in a file of their own, or in one
// of the matrix's columns.
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <vector>

#include "base/npy_header.hpp"
#include "data/format.hpp"
#include "data/stream.hpp"
#include "talweg/error.hpp"

namespace talweg::data {
namespace {

using base::ExitCode;

template <class T>
double decode(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return static_cast<double>(value);
}

struct ElementType {
  std::string_view name;
  std::size_t size;
  double (*decode)(const std::byte*);
};
constexpr std::array kTypes = {
    ElementType{"<f8", 8, decode<double>},       ElementType{"<f4", 4, decode<float>},
    ElementType{"|u1", 1, decode<std::uint8_t>}, ElementType{"|i1", 1, decode<std::int8_t>},
    ElementType{"<i2", 2, decode<std::int16_t>}, ElementType{"<u2", 2, decode<std::uint16_t>},
    ElementType{"<i4", 4, decode<std::int32_t>}, ElementType{"<u4", 4, decode<std::uint32_t>},
    ElementType{"<i8", 8, decode<std::int64_t>}, ElementType{"<u8", 8, decode<std::uint64_t>},
    ElementType{"|b1", 1, decode<std::uint8_t>},
};

/// One array, read record by record along its first axis.
class NpyFile {
 public:
  explicit NpyFile(const std::filesystem::path& file) : stream_(file) {
    std::array<std::byte, base::kNpyStart> start{};
    const std::size_t got = stream_.read(start);
    const base::NpyExtent extent = base::npy_extent(std::span(start).first(got), name());
    std::string header(extent.end - extent.begin, ' ');
    const std::size_t known = start.size() - extent.begin;  // of the header, read with the start
    std::memcpy(header.data(), start.data() + extent.begin, known);
    if (stream_.read(std::as_writable_bytes(std::span(header).subspan(known))) != header.size() - known)
      base::fail(ExitCode::bad_data, "{}: the header is cut off", name());
    understand(base::parse_npy_header(header, name()));
    stream_.expect_room(size_ * type_->size);
    record_.resize(size_ * type_->size);
    values_.resize(size_);
  }
  [[nodiscard]] const std::string& name() const { return stream_.name(); }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::uint64_t taken() const { return taken_; }

  const std::vector<double>* next() {
    if (taken_ == count_) {
      std::array<std::byte, 1> more{};
      if (stream_.read(more) != 0)
        base::fail(ExitCode::bad_data, "{}: found bytes behind the last of {} records", name(), count_);
      return nullptr;
    }
    const std::size_t got = stream_.read(record_);
    if (got != record_.size()) {
      base::fail(ExitCode::bad_data, "{}: record {}: found {} bytes of data in all, expected {}", name(), taken_,
                 taken_ * record_.size() + got, count_ * record_.size());
    }
    for (std::size_t j = 0; j < size_; ++j) values_[j] = type_->decode(record_.data() + j * type_->size);
    ++taken_;
    return &values_;
  }

 private:
  void understand(const base::NpyHeader& header) {
    for (const ElementType& t : kTypes) {
      if (t.name == header.type) type_ = &t;
    }
    if (type_ == nullptr) {
      base::fail(ExitCode::bad_data, "{}: found elements of type {}, expected little-endian floats or integers ({})", name(),
                 header.type, "<f4, <f8, |u1, <i4, ...");
    }
    if (header.fortran_order) {
      base::fail(ExitCode::bad_data, "{}: found Fortran order, expected C order: save numpy.ascontiguousarray(...)", name());
    }
    if (header.shape.empty()) base::fail(ExitCode::bad_data, "{}: found a single number, expected an array of records", name());
    count_ = header.shape.front();
    size_ = record_size(header.shape, name());
  }

  Stream stream_;
  const ElementType* type_ = nullptr;
  std::uint64_t count_ = 0;
  std::size_t size_ = 1;
  std::uint64_t taken_ = 0;
  std::vector<std::byte> record_;
  std::vector<double> values_;
};

class NpyReader final : public Reader {
 public:
  explicit NpyReader(const Source& source) : rows_(source.path) {
    if (source.label_column == "none") {
      labelled_ = false;
    } else if (!source.labels.empty()) {
      labels_.emplace(source.labels);
      if (labels_->count() != rows_.count() || labels_->size() != 1) {
        base::fail(ExitCode::bad_data, "{}: found {} x {} labels, expected {} x 1, one for each record of {}", labels_->name(),
                   labels_->count(), labels_->size(), rows_.count(), rows_.name());
      }
    } else {
      if (source.label_column != "first" && source.label_column != "last") {
        const auto& text = source.label_column;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), label_column_);
        if (error != std::errc() || end != text.data() + text.size() || label_column_ >= rows_.size()) {
          base::fail(ExitCode::bad_data, "{}: label_column: found \"{}\", expected first, last or a column from 0 to {}",
                     rows_.name(), text, rows_.size() - 1);
        }
      } else {
        label_column_ = source.label_column == "first" ? 0 : rows_.size() - 1;
      }
      if (rows_.size() < 2)
        base::fail(ExitCode::bad_data, "{}: found 1 column and no labels file, expected features and labels", rows_.name());
    }
    dense_.resize(features());
  }
  std::size_t features() const override { return in_rows() ? rows_.size() - 1 : rows_.size(); }
  std::string position() const override { return fmt::format("record {}", rows_.taken() - 1); }

  bool next(Record& record) override {
    const auto* row = rows_.next();
    const auto* own = labels_ ? labels_->next() : nullptr;
    if (row == nullptr) return false;
    const double label = own != nullptr ? own->front() : in_rows() ? (*row)[label_column_] : 0;
    std::size_t j = 0;
    for (std::size_t c = 0; c < row->size(); ++c) {
      if (!in_rows() || c != label_column_) dense_[j++] = (*row)[c];
    }
    label_ = fmt::format("{}", label);
    record = {.dense = dense_, .columns = {}, .values = {}, .label = label_};
    return true;
  }

 private:
  /// True when a column of the matrix holds the labels.
  [[nodiscard]] bool in_rows() const { return labelled_ && !labels_; }
  NpyFile rows_;
  std::optional<NpyFile> labels_;
  bool labelled_ = true;  // false: label_column is "none"
  std::size_t label_column_ = 0;
  std::vector<double> dense_;
  std::string label_;
};

}  // namespace

extern const Format format_npy;
const Format format_npy{"npy", ".npy",
                        [](const Source& source) -> std::unique_ptr<Reader> { return std::make_unique<NpyReader>(source); }};

}  // namespace talweg::data
