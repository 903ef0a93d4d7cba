// SPDX-License-Identifier: Apache-2.0
// The header of an NPY file: magic, version, length, and a Python dictionary that describes the array.
// Source: numpy.lib.format, versions 1.0 to 3.0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace talweg::base {

struct NpyHeader {
  std::string type;  // as written: "<f4", "|u1", ...
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;  // empty: a single number
};

/// The number of bytes to read first; the shortest NPY file is longer.
inline constexpr std::size_t kNpyStart = 12;

/// Where the dictionary is: bytes [begin, end) of the file. Error(bad_data) beginning with `where` when `start` (kNpyStart
/// bytes, or all there are) is not the start of an NPY file.
struct NpyExtent {
  std::size_t begin = 0;
  std::size_t end = 0;
};
NpyExtent npy_extent(std::span<const std::byte> start, const std::string& where);

/// The dictionary {'descr': ..., 'fortran_order': ..., 'shape': (...)}, read strictly. Error(bad_data) beginning with `where`.
NpyHeader parse_npy_header(std::string_view dictionary, const std::string& where);

}  // namespace talweg::base
