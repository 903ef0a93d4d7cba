// SPDX-License-Identifier: Apache-2.0
// A named tensor in a file.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

namespace talweg::io {

struct StoredTensor {
  std::string name;
  std::vector<std::size_t> shape;                                // empty: a scalar
  std::variant<std::vector<float>, std::vector<double>> values;  // C order
};

/// Product of the extents.
inline std::size_t elements(const std::vector<std::size_t>& shape) {
  std::size_t product = 1;
  for (const std::size_t extent : shape) product *= extent;
  return product;
}

}  // namespace talweg::io
