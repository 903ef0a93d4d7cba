// SPDX-License-Identifier: Apache-2.0
// IDX (the format of MNIST): a big-endian header (two zero bytes, type, number of dimensions, extents), then unsigned bytes.
// Images in one file, labels in another; "...images-idx3..." (or images.idx3) suggests "...labels-idx1...".
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "data/format.hpp"
#include "data/stream.hpp"
#include "talweg/error.hpp"

namespace talweg::data {
namespace {

using base::ExitCode;

/// Unsigned bytes in records of `size`.
class IdxFile {
 public:
  IdxFile(const std::filesystem::path& file, std::size_t least_dimensions, std::size_t most_dimensions) : stream_(file) {
    std::array<std::byte, 4> magic{};
    if (stream_.read(magic) != magic.size() || magic[0] != std::byte{0} || magic[1] != std::byte{0}) {
      base::fail(ExitCode::bad_data, "{}: not an IDX file: it starts with {:02x} {:02x} {:02x} {:02x}, expected 00 00 08",
                 stream_.name(), static_cast<int>(magic[0]), static_cast<int>(magic[1]), static_cast<int>(magic[2]),
                 static_cast<int>(magic[3]));
    }
    const auto dimensions = static_cast<std::size_t>(magic[3]);
    if (magic[2] != std::byte{8}) {
      base::fail(ExitCode::bad_data, "{}: found element type 0x{:02x}, expected 0x08 (unsigned bytes)", stream_.name(),
                 static_cast<int>(magic[2]));
    }
    if (dimensions < least_dimensions || dimensions > most_dimensions) {
      base::fail(ExitCode::bad_data, "{}: found {} dimensions, expected {}", stream_.name(), dimensions,
                 least_dimensions == most_dimensions ? std::to_string(least_dimensions)
                                                     : fmt::format("{} to {}", least_dimensions, most_dimensions));
    }
    std::vector<std::uint64_t> extents(dimensions);
    for (std::uint64_t& value : extents) {
      std::array<std::byte, 4> extent{};
      if (stream_.read(extent) != extent.size()) base::fail(ExitCode::bad_data, "{}: the header is cut off", stream_.name());
      for (const std::byte b : extent) value = value << 8 | static_cast<std::uint64_t>(b);
    }
    count_ = extents.front();
    size_ = record_size(extents, stream_.name());
    stream_.expect_room(size_);
    bytes_.resize(size_);
  }
  [[nodiscard]] const std::string& name() const { return stream_.name(); }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::uint64_t taken() const { return taken_; }

  /// The next record; null at the end.
  const std::vector<std::byte>* next() {
    if (taken_ == count_) {
      std::array<std::byte, 1> more{};
      if (stream_.read(more) != 0)
        base::fail(ExitCode::bad_data, "{}: found bytes behind the last of {} records", stream_.name(), count_);
      return nullptr;
    }
    const std::size_t got = stream_.read(bytes_);
    if (got != bytes_.size()) {
      base::fail(ExitCode::bad_data, "{}: record {}: found {} bytes of data in all, expected {} ({} records of {})",
                 stream_.name(), taken_, taken_ * size_ + got, count_ * size_, count_, size_);
    }
    ++taken_;
    return &bytes_;
  }

 private:
  Stream stream_;
  std::uint64_t count_ = 0;
  std::size_t size_ = 1;
  std::uint64_t taken_ = 0;
  std::vector<std::byte> bytes_;
};

std::filesystem::path labels_of(const Source& source) {
  if (!source.labels.empty()) return source.labels;
  std::string name = source.path.filename().string();
  const std::size_t at = std::min(name.find("images-idx3"), name.find("images.idx3"));
  if (at == std::string::npos) {
    base::fail(ExitCode::bad_config,
               "{}: labels: found nothing, expected the labels' file (its name says no \"images-idx3\" to guess from)",
               source.path.string());
  }
  name.replace(at, 6, "labels");
  name[at + 10] = '1';
  return source.path.parent_path() / name;
}

class IdxReader final : public Reader {
 public:
  explicit IdxReader(const Source& source) : images_(source.path, 2, 4) {
    if (source.label_column != "none") {
      labels_.emplace(labels_of(source), 1, 1);
      if (images_.count() != labels_->count()) {
        base::fail(ExitCode::bad_data, "{}: found {} labels, expected {}, one for each record of {}", labels_->name(),
                   labels_->count(), images_.count(), images_.name());
      }
    }
    dense_.resize(images_.size());
  }
  std::size_t features() const override { return images_.size(); }
  std::string position() const override { return fmt::format("record {}", images_.taken() - 1); }

  bool next(Record& record) override {
    const auto* image = images_.next();
    const auto* label = labels_ ? labels_->next() : nullptr;
    if (image == nullptr) return false;
    for (std::size_t j = 0; j < dense_.size(); ++j) dense_[j] = static_cast<double>((*image)[j]);
    if (label != nullptr) label_ = std::to_string(static_cast<int>(label->front()));
    record = {.dense = dense_, .columns = {}, .values = {}, .label = label_};
    return true;
  }

 private:
  IdxFile images_;
  std::optional<IdxFile> labels_;  // nothing when label_column is "none"
  std::vector<double> dense_;
  std::string label_;
};

}  // namespace

extern const Format format_idx;
const Format format_idx{"idx", "ubyte .idx .idx3",
                        [](const Source& source) -> std::unique_ptr<Reader> { return std::make_unique<IdxReader>(source); }};

}  // namespace talweg::data
