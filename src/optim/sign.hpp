// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace talweg::optim {

/// 1, 0 or -1; NaN stays NaN, so that divergence is noticed.
template <class Real>
Real sign(Real v) {
  return v > 0 ? Real{1} : v < 0 ? Real{-1} : v;
}

}  // namespace talweg::optim
