// SPDX-License-Identifier: Apache-2.0
// The widest vector of this build with a fused multiply-add, and how many of its registers a product may keep. The width never
// changes a result: each element is the same chain of operations in every width.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>

#if defined(__AVX512F__) || (defined(__AVX2__) && defined(__FMA__))
#include <immintrin.h>
#endif

namespace talweg::math {

/// Fallback: as many lanes as fit 128 bits, by std::fma.
template <class Real>
struct Simd {
  static constexpr std::size_t kWidth = 16 / sizeof(Real);
  static constexpr std::size_t kPanel = 6;
  using Vector = std::array<Real, kWidth>;
  static Vector zero() { return {}; }
  static Vector load(const Real* p) { return load_first(p, kWidth); }
  /// The first n elements; the rest are 0 and not read.
  static Vector load_first(const Real* p, std::size_t n) {
    Vector v{};
    for (std::size_t i = 0; i < n; ++i) v[i] = p[i];
    return v;
  }
  static void store(Real* p, const Vector& v) { store_first(p, v, kWidth); }
  static void store_first(Real* p, const Vector& v, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) p[i] = v[i];
  }
  /// a b + c, rounded once.
  static Vector fma(Real a, const Vector& b, Vector c) {
    for (std::size_t i = 0; i < kWidth; ++i) c[i] = std::fma(a, b[i], c[i]);
    return c;
  }
};

#if defined(__AVX512F__)

// 32 registers: 14 x 2 accumulators, 2 of b, 1 broadcast.
template <>
struct Simd<float> {
  static constexpr std::size_t kWidth = 16;
  static constexpr std::size_t kPanel = 14;
  using Vector = __m512;
  static Vector zero() { return _mm512_setzero_ps(); }
  static Vector load(const float* p) { return _mm512_loadu_ps(p); }
  static Vector load_first(const float* p, std::size_t n) {
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << n) - 1), p);
  }
  static void store(float* p, Vector v) { _mm512_storeu_ps(p, v); }
  static void store_first(float* p, Vector v, std::size_t n) {
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1U << n) - 1), v);
  }
  static Vector fma(float a, Vector b, Vector c) { return _mm512_fmadd_ps(_mm512_set1_ps(a), b, c); }
};
template <>
struct Simd<double> {
  static constexpr std::size_t kWidth = 8;
  static constexpr std::size_t kPanel = 14;
  using Vector = __m512d;
  static Vector zero() { return _mm512_setzero_pd(); }
  static Vector load(const double* p) { return _mm512_loadu_pd(p); }
  static Vector load_first(const double* p, std::size_t n) {
    return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1U << n) - 1), p);
  }
  static void store(double* p, Vector v) { _mm512_storeu_pd(p, v); }
  static void store_first(double* p, Vector v, std::size_t n) {
    _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1U << n) - 1), v);
  }
  static Vector fma(double a, Vector b, Vector c) { return _mm512_fmadd_pd(_mm512_set1_pd(a), b, c); }
};

#elif defined(__AVX2__) && defined(__FMA__)

// 16 registers: 6 x 2 accumulators, 2 of b, 1 broadcast.
template <>
struct Simd<float> {
  static constexpr std::size_t kWidth = 8;
  static constexpr std::size_t kPanel = 6;
  using Vector = __m256;
  static Vector zero() { return _mm256_setzero_ps(); }
  static Vector load(const float* p) { return _mm256_loadu_ps(p); }
  static __m256i first(std::size_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static Vector load_first(const float* p, std::size_t n) { return _mm256_maskload_ps(p, first(n)); }
  static void store(float* p, Vector v) { _mm256_storeu_ps(p, v); }
  static void store_first(float* p, Vector v, std::size_t n) { _mm256_maskstore_ps(p, first(n), v); }
  static Vector fma(float a, Vector b, Vector c) { return _mm256_fmadd_ps(_mm256_set1_ps(a), b, c); }
};
template <>
struct Simd<double> {
  static constexpr std::size_t kWidth = 4;
  static constexpr std::size_t kPanel = 6;
  using Vector = __m256d;
  static Vector zero() { return _mm256_setzero_pd(); }
  static Vector load(const double* p) { return _mm256_loadu_pd(p); }
  static __m256i first(std::size_t n) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(static_cast<long long>(n)), _mm256_setr_epi64x(0, 1, 2, 3));
  }
  static Vector load_first(const double* p, std::size_t n) { return _mm256_maskload_pd(p, first(n)); }
  static void store(double* p, Vector v) { _mm256_storeu_pd(p, v); }
  static void store_first(double* p, Vector v, std::size_t n) { _mm256_maskstore_pd(p, first(n), v); }
  static Vector fma(double a, Vector b, Vector c) { return _mm256_fmadd_pd(_mm256_set1_pd(a), b, c); }
};

#endif

}  // namespace talweg::math
