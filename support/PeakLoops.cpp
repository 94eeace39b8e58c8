//===- PeakLoops.cpp - register-only loops, timed --------------------------===//

#include "support/PeakLoops.h"
#include <chrono>
#include <cstdint>
#if defined(__x86_64__)
#include <immintrin.h>

/// Results go here, so that no loop can be dropped.
static volatile uint64_t sink;

static double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Twelve independent accumulators hide the latency of the units.
constexpr int accumulators = 12;

__attribute__((noinline, target("avx512f"))) static double fmaAvx512(long rounds, float x) {
  __m512 acc[accumulators], a = _mm512_set1_ps(x), b = _mm512_set1_ps(0.999f);
  for (__m512 &v : acc)
    v = _mm512_set1_ps(x);
  double start = now();
  for (long i = 0; i < rounds; ++i)
    for (__m512 &v : acc) {
      v = _mm512_fmadd_ps(v, b, a);
      __asm__("" : "+v"(v));
    }
  double seconds = now() - start;
  __m512 s = acc[0];
  for (int j = 1; j < accumulators; ++j)
    s = _mm512_add_ps(s, acc[j]);
  sink = static_cast<uint64_t>(_mm512_reduce_add_ps(s));
  return static_cast<double>(rounds) * accumulators * 32 / seconds;
}

__attribute__((noinline, target("avx512bf16,avx512f"))) static double pairsAvx512(long rounds, float x) {
  __m512 acc[accumulators];
  __m512bh a = _mm512_cvtne2ps_pbh(_mm512_set1_ps(x), _mm512_set1_ps(x));
  for (__m512 &v : acc)
    v = _mm512_set1_ps(x);
  double start = now();
  for (long i = 0; i < rounds; ++i)
    for (__m512 &v : acc) {
      v = _mm512_dpbf16_ps(v, a, a);
      __asm__("" : "+v"(v));
    }
  double seconds = now() - start;
  __m512 s = acc[0];
  for (int j = 1; j < accumulators; ++j)
    s = _mm512_add_ps(s, acc[j]);
  sink = static_cast<uint64_t>(_mm512_reduce_add_ps(s));
  return static_cast<double>(rounds) * accumulators * 64 / seconds;
}

__attribute__((noinline, target("avx2,fma"))) static double fmaAvx2(long rounds, float x) {
  __m256 acc[accumulators], a = _mm256_set1_ps(x), b = _mm256_set1_ps(0.999f);
  for (__m256 &v : acc)
    v = _mm256_set1_ps(x);
  double start = now();
  for (long i = 0; i < rounds; ++i)
    for (__m256 &v : acc) {
      v = _mm256_fmadd_ps(v, b, a);
      __asm__("" : "+x"(v));
    }
  double seconds = now() - start;
  float lanes[8];
  __m256 s = acc[0];
  for (int j = 1; j < accumulators; ++j)
    s = _mm256_add_ps(s, acc[j]);
  _mm256_storeu_ps(lanes, s);
  sink = static_cast<uint64_t>(lanes[0]);
  return static_cast<double>(rounds) * accumulators * 16 / seconds;
}
#endif

double quoin::peakOfF32(long rounds) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return fmaAvx512(rounds, 1e-6f);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return fmaAvx2(rounds, 1e-6f);
#endif
  return 0;
}

double quoin::peakOfBf16Pairs(long rounds) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16"))
    return pairsAvx512(rounds, 1e-6f);
#endif
  return 0;
}
