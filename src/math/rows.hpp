// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace talweg::math {

/// A matrix by its rows: row r begins at first + r * step.
template <class Real>
struct Rows {
  const Real* first = nullptr;
  std::size_t step = 0;
};

}  // namespace talweg::math
