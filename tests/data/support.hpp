// SPDX-License-Identifier: Apache-2.0
// Small files of every format, with known numbers.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "data/load.hpp"
#include "talweg/error.hpp"
#include "tests/support/folder.hpp"

namespace talweg::data {

using test::Folder;

inline std::string gzipped(std::string_view text) {
  z_stream z{};
  if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::runtime_error("deflateInit2");
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  if (deflate(&z, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("deflate");
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

/// An IDX file of unsigned bytes.
inline std::string idx(const std::vector<std::uint32_t>& extents, const std::vector<int>& values) {
  std::string text{'\0', '\0', '\x08', static_cast<char>(extents.size())};
  for (const std::uint32_t e : extents) {
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(e >> shift & 0xff);
  }
  for (const int v : values) text += static_cast<char>(v);
  return text;
}

/// An NPY file; `shape` as Python writes it, "(3, 2)".
template <class T>
std::string npy(std::string_view type, const std::string& shape, const std::vector<T>& values, int version = 1,
                bool fortran = false) {
  std::string header = "{'descr': '" + std::string(type) + "', 'fortran_order': " + (fortran ? "True" : "False") +
                       ", 'shape': " + shape + ", }\n";
  std::string text = std::string("\x93NUMPY") + static_cast<char>(version) + '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) text += static_cast<char>(header.size() >> 8 * i & 0xff);
  text += header;
  const std::size_t at = text.size();
  text.resize(at + values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(text.data() + at, values.data(), values.size() * sizeof(T));
  return text;
}

inline DataConfig config_for(Source train) {
  return {.train = std::move(train), .valid = {}, .test = {}, .holdout = 0, .split_seed = 1, .transform = "none"};
}

template <class Real>
Parts<Real> load_alone(const DataConfig& config, TargetKind kind = TargetKind::classes) {
  return load<Real>(config, kind, 0, 1, base::Log());
}

/// The row of each record of the file; rows are in the order of positions.
template <class Real>
std::size_t row_of(const Dataset<Real>& data, std::uint64_t record) {
  for (std::size_t row = 0; row < data.records.size(); ++row) {
    if (data.records[row] == record) return row;
  }
  throw std::out_of_range("no such record");
}

/// Record `record` in full: features, then the target.
template <class Real>
std::vector<double> record_of(const Dataset<Real>& data, std::uint64_t record) {
  const std::size_t row = row_of(data, record);
  std::vector<double> all(data.shape().features + 1, 0.0);
  if (data.shape().sparse) {
    for (std::size_t k = data.row_begin[row]; k < data.row_begin[row + 1]; ++k)
      all[static_cast<std::size_t>(data.column[k])] = data.value[k];
  } else {
    for (std::size_t j = 0; j + 1 < all.size(); ++j) all[j] = data.dense[row * data.shape().features + j];
  }
  all.back() = data.targets[row];
  return all;
}

/// The call fails with this code and a message that has all of the pieces.
inline void expect_error(const std::function<void()>& call, base::ExitCode code, const std::vector<std::string>& pieces) {
  try {
    call();
  } catch (const base::Error& e) {
    EXPECT_EQ(static_cast<int>(e.code()), static_cast<int>(code)) << e.what();
    for (const std::string& piece : pieces)
      EXPECT_NE(std::string(e.what()).find(piece), std::string::npos) << '"' << piece << "\" is not in: " << e.what();
    return;
  }
  ADD_FAILURE() << "no error; expected one with \"" << pieces.front() << '"';
}

}  // namespace talweg::data
