// SPDX-License-Identifier: Apache-2.0
// The only file built with -ffp-contract=fast: multiplications and additions become one instruction where the machine has it.
#include <array>
#include <chrono>
#include <cstddef>

#include "bench/machine.hpp"

namespace talweg::bench {
namespace {

// GNU vectors as wide as a register. Chains: enough to keep two units of latency 4 busy, few enough for 16 registers.
#ifdef __AVX512F__
constexpr std::size_t kBytes = 64;
#elif defined(__AVX__)
constexpr std::size_t kBytes = 32;
#else
constexpr std::size_t kBytes = 16;
#endif
constexpr std::size_t kChains = 12;

template <class Real>
struct Register {
  using type [[gnu::vector_size(kBytes)]] = Real;
};

}  // namespace

template <class Real>
double fma_peak() {
  using Lanes = typename Register<Real>::type;
  constexpr std::size_t kLanes = kBytes / sizeof(Real);
  constexpr int kTurns = 200'000;
  constexpr int kTimes = 20;
  double best = 0;
  for (int i = 0; i < kTimes; ++i) {
    // v <- a v + b with a < 1 goes to b / (1 - a): nothing overflows, nothing becomes subnormal. The values are volatile, so
    // that the compiler does not know them.
    volatile Real slope = Real(0.5);
    volatile Real offset = Real(1);
    Real start = offset;
    const Lanes a = Lanes{} + slope;
    const Lanes b = Lanes{} + offset;
    std::array<Lanes, kChains> v;
    for (Lanes& lanes : v) lanes = Lanes{} + (start = start + offset);  // different values, or the compiler merges the chains
    const auto begin = std::chrono::steady_clock::now();
    for (int turn = 0; turn < kTurns; ++turn) {
#pragma GCC unroll 16
      for (std::size_t k = 0; k < kChains; ++k) v[k] = a * v[k] + b;
    }
    Lanes sum = v[0];
    for (std::size_t k = 1; k < kChains; ++k) sum += v[k];
    volatile Real used = sum[0];  // keeps the loop
    static_cast<void>(used);
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const double now = 2e-9 * kTurns * kChains * kLanes / took;
    best = now > best ? now : best;
  }
  return best;
}

template double fma_peak<float>();
template double fma_peak<double>();

}  // namespace talweg::bench
