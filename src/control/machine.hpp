// SPDX-License-Identifier: Apache-2.0
// What these cores can do at best, measured now: the limits that the figures of a bench are held against.
#pragma once

#include <cstddef>

#include "math/parallel.hpp"

namespace talweg::control {

/// GFLOP/s of one thread's matrix product at its best: square, in cache, nothing beside it.
template <class Real>
double gemm_peak();

/// GFLOP/s of one thread that multiplies and adds in registers alone: no program computes faster.
template <class Real>
double fma_peak();

/// GB/s of a = b + s * c by all threads, over three arrays of `bytes` together, counted as three arrays moved once (McCalpin's
/// STREAM; a cache that reads what it is about to overwrite moves a fourth).
double triad_bandwidth(const math::Threads& threads, std::size_t bytes);

/// Largest resident memory of this process so far, bytes; 0 where the system does not say.
double peak_resident_bytes();

}  // namespace talweg::control
