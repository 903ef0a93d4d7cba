// SPDX-License-Identifier: Apache-2.0
#include "bench/machine.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>

#include "math/buffer.hpp"
#include "math/panels.hpp"
#include "talweg/layout.hpp"

namespace talweg::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

}  // namespace

template <class Real>
double gemm_peak() {
  constexpr std::size_t kSide = 256;
  constexpr std::size_t kRows = 42;  // whole panels
  constexpr int kTimes = 200;
  math::Buffer<Real> a(kRows * kSide);
  math::Buffer<Real> b(kSide * kSide);
  math::Buffer<Real> c(kRows * kSide);
  double best = 0;
  for (int i = 0; i < kTimes; ++i) {
    const auto begin = Clock::now();
    math::multiply<Real>(kRows, kSide, kSide, {a.data(), kSide}, b.data(), {}, c.data(), kSide);
    best = std::max(best, 2e-9 * kSide * kSide * kRows / seconds_since(begin));
  }
  return best;
}

double triad_bandwidth(const math::Threads& threads, std::size_t bytes) {
  constexpr std::size_t kBlock = math::ParameterLayout::kBlock;  // the blocks of an update
  constexpr double kSeconds = 0.2;
  const std::size_t blocks = std::max<std::size_t>(bytes / (3 * sizeof(float) * kBlock), 1);
  math::Buffer<float> a(blocks * kBlock);
  math::Buffer<float> b(blocks * kBlock);
  math::Buffer<float> c(blocks * kBlock);
  volatile float given = 0.5F;
  const float s = given;
  const auto triad = [&](std::size_t block) {
    float* to = a.data() + block * kBlock;
    const float* one = b.data() + block * kBlock;
    const float* other = c.data() + block * kBlock;
    for (std::size_t i = 0; i < kBlock; ++i) to[i] = one[i] + s * other[i];
  };
  threads.for_each(blocks, [&](std::size_t block) {  // first touch
    std::fill_n(b.data() + block * kBlock, kBlock, 1.0F);
    std::fill_n(c.data() + block * kBlock, kBlock, 2.0F);
    triad(block);
  });
  const auto begin = Clock::now();
  double best = 0;
  while (seconds_since(begin) < kSeconds) {
    const auto now = Clock::now();
    threads.for_each(blocks, triad);
    best = std::max(best, 1e-9 * static_cast<double>(3 * sizeof(float) * kBlock * blocks) / seconds_since(now));
  }
  return best;
}

double peak_resident_bytes() {
  // Not getrusage: its maximum includes that of the process that started this one.
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return 1024 * std::stod(line.substr(6));
  }
  return 0;
}

template double gemm_peak<float>();
template double gemm_peak<double>();

}  // namespace talweg::bench
