// SPDX-License-Identifier: Apache-2.0
// Limits of this machine, measured now, to compare the figures of a bench with.
#pragma once

#include <cstddef>

#include "math/parallel.hpp"

namespace talweg::bench {

/// GFLOP/s of one thread's matrix product at its best: square, in cache, nothing else running.
template <class Real>
double gemm_peak();

/// GFLOP/s of one thread that only multiplies and adds in registers: no program computes faster.
template <class Real>
double fma_peak();

/// GB/s of a = b + s * c by all threads, over three arrays of `bytes` together, counted as three arrays moved once (McCalpin's
/// STREAM; a cache that reads a line before overwriting it moves a fourth).
double triad_bandwidth(const math::Threads& threads, std::size_t bytes);

/// Largest resident memory of this process so far, bytes; 0 where the system does not say.
double peak_resident_bytes();

}  // namespace talweg::bench
