// SPDX-License-Identifier: Apache-2.0
#include "io/column.hpp"

#include <zlib.h>

#include <algorithm>
#include <bit>

#include "talweg/error.hpp"

namespace talweg::io {
namespace {

/// A zlib stream. Z_RLE: shuffled numbers are runs (signs, exponents, high bytes) or noise, and looking for more than runs
/// takes twice the time for a tenth of the size.
std::vector<std::byte> deflated(std::span<const std::byte> bytes) {
  constexpr int kWindowBits = 15, kMemoryLevel = 8;
  z_stream stream{};
  int result = deflateInit2(&stream, h5::kGzipLevel, Z_DEFLATED, kWindowBits, kMemoryLevel, Z_RLE);
  if (result != Z_OK) base::fail(base::ExitCode::internal, "trace: zlib fails with code {}", result);
  std::vector<std::byte> packed(deflateBound(&stream, bytes.size()));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));  // zlib only reads them
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  result = deflate(&stream, Z_FINISH);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) base::fail(base::ExitCode::internal, "trace: zlib fails with code {}", result);
  return {packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(stream.total_out)};
}

/// Applies HDF5's shuffle and deflate filters to a chunk of 8-byte elements.
std::vector<std::byte> filtered(std::span<const std::uint64_t> values) {
  constexpr std::size_t kBytes = sizeof(std::uint64_t);
  std::vector<std::byte> scratch(values.size_bytes());
  for (std::size_t byte = 0; byte < kBytes; ++byte) {
    std::byte* to = scratch.data() + byte * values.size();
    for (std::size_t i = 0; i < values.size(); ++i) to[i] = static_cast<std::byte>(values[i] >> (8 * byte));
  }
  return deflated(scratch);
}

}  // namespace

Column::Column(h5::Group& group, const std::string& name, h5::Number number, std::size_t rows)
    : number_(number),
      chunk_rows_(std::min(rows, kChunkRows)),
      dataset_(group.create_chunked(name, number, rows, chunk_rows_)) {
  tail_.reserve(chunk_rows_);
}

void Column::write_full() {
  if (tail_.size() < chunk_rows_) return;
  dataset_.write_chunk(written_, filtered(tail_));
  written_ += tail_.size();
  tail_.clear();
}

void Column::append(std::int64_t value) {
  tail_.push_back(std::bit_cast<std::uint64_t>(value));
  write_full();
}

void Column::append(double value) {
  if (number_ == h5::Number::int64) return append(static_cast<std::int64_t>(value));
  tail_.push_back(std::bit_cast<std::uint64_t>(value));
  write_full();
}

void Column::copy(const h5::Dataset& from, std::size_t rows, bool check, const std::function<void()>& between) {
  const bool alike = from.number() == number_ && from.chunk_rows() == chunk_rows_;
  std::vector<std::int64_t> integers;
  std::vector<double> numbers;
  for (std::size_t row = 0; row < rows; row += kChunkRows) {
    if (row > 0) between();
    const std::size_t count = std::min(rows - row, kChunkRows);
    const bool whole = alike && count == chunk_rows_;
    const auto read = [&](auto& values) {
      values.resize(count);
      from.read_rows(row, std::span(values));
    };
    if (!whole || check) number_ == h5::Number::int64 ? read(integers) : read(numbers);
    const auto chunk = whole ? from.read_chunk(row) : std::nullopt;
    if (chunk) {
      dataset_.write_chunk(row, *chunk);
      written_ += count;
      continue;
    }
    if (whole && !check) number_ == h5::Number::int64 ? read(integers) : read(numbers);  // the chunk has other filters
    for (const std::int64_t value : integers) append(value);
    for (const double value : numbers) append(value);
  }
}

void Column::finish() {
  if (tail_.empty()) return;
  tail_.resize(chunk_rows_);  // chunks are always whole; the shape of the data set says how many rows count
  write_full();
}

void TextColumn::append(std::string value) {
  tail_.push_back(std::move(value));
  if (tail_.size() == chunk_rows_) finish();
}

void TextColumn::finish() {
  dataset_.write_text(written_, tail_);
  written_ += tail_.size();
  tail_.clear();
}

}  // namespace talweg::io
