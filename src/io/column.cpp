// SPDX-License-Identifier: Apache-2.0
#include "io/column.hpp"

#include <zlib.h>

#include <algorithm>
#include <bit>

#include "talweg/base/error.hpp"

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
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));  // only read
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  result = deflate(&stream, Z_FINISH);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) base::fail(base::ExitCode::internal, "trace: zlib fails with code {}", result);
  return {packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(stream.total_out)};
}

/// What HDF5's shuffle and deflate filters make of a chunk of 8-byte elements.
std::vector<std::byte> filtered(std::span<const std::uint64_t> values, std::vector<std::byte>& scratch) {
  constexpr std::size_t kBytes = sizeof(std::uint64_t);
  scratch.resize(values.size_bytes());
  for (std::size_t byte = 0; byte < kBytes; ++byte) {
    std::byte* to = scratch.data() + byte * values.size();
    for (std::size_t i = 0; i < values.size(); ++i) to[i] = static_cast<std::byte>(values[i] >> (8 * byte));
  }
  return deflated(scratch);
}

}  // namespace

void Column::append(std::int64_t value) { tail_.push_back(std::bit_cast<std::uint64_t>(value)); }

void Column::append(double value) {
  if (number_ == h5::Number::int64) {
    append(static_cast<std::int64_t>(value));
  } else {
    tail_.push_back(std::bit_cast<std::uint64_t>(value));
  }
}

h5::Dataset Column::write(h5::Group& group, const std::string& name) {
  std::vector<std::byte> scratch;
  std::span<const std::uint64_t> rest(tail_);
  for (; rest.size() >= kChunkRows; rest = rest.subspan(kChunkRows)) full_.push_back(filtered(rest.first(kChunkRows), scratch));
  tail_.erase(tail_.begin(), tail_.end() - static_cast<std::ptrdiff_t>(rest.size()));

  const std::size_t chunk_rows = std::min(size(), kChunkRows);
  h5::Dataset dataset = group.create_chunked(name, number_, size(), chunk_rows);
  for (std::size_t i = 0; i < full_.size(); ++i) dataset.write_chunk(i * kChunkRows, full_[i]);
  if (!tail_.empty()) {
    std::vector<std::uint64_t> last(tail_);
    last.resize(chunk_rows);  // chunks are whole, the shape says what counts
    dataset.write_chunk(full_.size() * kChunkRows, filtered(last, scratch));
  }
  return dataset;
}

}  // namespace talweg::io
