//===- Machine.cpp - measuring bandwidth and peaks -------------------------===//

#include "tools/quoin-bench/Machine.h"
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace quoin::bench;

double quoin::bench::now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void quoin::bench::parallel(int threads, const std::function<void(int)> &body) {
  std::vector<std::thread> others;
  for (int w = 1; w < threads; ++w)
    others.emplace_back(body, w);
  body(0);
  for (std::thread &t : others)
    t.join();
}

static std::string cpuName() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.rfind("model name", 0) == 0)
      return line.substr(line.find(':') + 2);
  return "unknown";
}

// Results go here, so that no loop can be dropped.
static volatile uint64_t sink;

//===----------------------------------------------------------------------===//
// Bandwidth
//===----------------------------------------------------------------------===//

/// Reads `words` 8-byte words with eight independent sums, which the compiler turns into wide loads.
__attribute__((noinline)) static uint64_t readAll(const uint64_t *p, size_t words) {
  uint64_t s[8] = {};
  for (size_t i = 0; i + 8 <= words; i += 8)
    for (size_t j = 0; j < 8; ++j)
      s[j] ^= p[i + j];
  return s[0] ^ s[1] ^ s[2] ^ s[3] ^ s[4] ^ s[5] ^ s[6] ^ s[7];
}

#if defined(__x86_64__)
__attribute__((noinline, target("avx512f"))) static uint64_t readAllWide(const uint64_t *p, size_t words) {
  __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
  for (size_t i = 0; i + 32 <= words; i += 32) {
    a = _mm512_xor_si512(a, _mm512_loadu_si512(p + i));
    b = _mm512_xor_si512(b, _mm512_loadu_si512(p + i + 8));
    c = _mm512_xor_si512(c, _mm512_loadu_si512(p + i + 16));
    d = _mm512_xor_si512(d, _mm512_loadu_si512(p + i + 24));
  }
  return static_cast<uint64_t>(
      _mm512_reduce_add_epi64(_mm512_xor_si512(_mm512_xor_si512(a, b), _mm512_xor_si512(c, d))));
}
#endif

static double measureBandwidth(int threads) {
  const size_t bytes = size_t(512) << 20, words = bytes / 8;
  std::vector<uint64_t> buffer(words, 1);
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    double start = now();
    parallel(threads, [&](int w) {
      size_t from = words * w / threads, to = words * (w + 1) / threads;
#if defined(__x86_64__)
      if (__builtin_cpu_supports("avx512f")) {
        sink = readAllWide(buffer.data() + from, to - from);
        return;
      }
#endif
      sink = readAll(buffer.data() + from, to - from);
    });
    best = std::max(best, double(bytes) / (now() - start));
  }
  return best;
}

//===----------------------------------------------------------------------===//
// Peaks
//===----------------------------------------------------------------------===//

#if defined(__x86_64__)
constexpr long rounds = 4'000'000;

// Twelve independent accumulators hide the latency of the units.
__attribute__((noinline, target("avx512f"))) static double peakAvx512(float x) {
  __m512 acc[12], a = _mm512_set1_ps(x), b = _mm512_set1_ps(0.999f);
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
  for (int j = 1; j < 12; ++j)
    s = _mm512_add_ps(s, acc[j]);
  sink = static_cast<uint64_t>(_mm512_reduce_add_ps(s));
  return rounds * 12 * 32 / seconds;
}

__attribute__((noinline, target("avx512bf16,avx512f"))) static double peakAvx512Bf16(float x) {
  __m512 acc[12];
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
  for (int j = 1; j < 12; ++j)
    s = _mm512_add_ps(s, acc[j]);
  sink = static_cast<uint64_t>(_mm512_reduce_add_ps(s));
  return rounds * 12 * 64 / seconds;
}

__attribute__((noinline, target("avx2,fma"))) static double peakAvx2(float x) {
  __m256 acc[12], a = _mm256_set1_ps(x), b = _mm256_set1_ps(0.999f);
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
  for (int j = 1; j < 12; ++j)
    s = _mm256_add_ps(s, acc[j]);
  _mm256_storeu_ps(lanes, s);
  sink = static_cast<uint64_t>(lanes[0]);
  return rounds * 12 * 16 / seconds;
}
#endif

/// The best of some runs of a one-thread loop on all threads together.
static double measurePeak(int threads, double (*loop)(float)) {
  double best = 0;
  for (int repeat = 0; repeat < 3; ++repeat) {
    std::vector<double> rate(threads);
    parallel(threads, [&](int w) { rate[w] = loop(1e-6f); });
    double sum = 0;
    for (double r : rate)
      sum += r;
    best = std::max(best, sum);
  }
  return best;
}

Machine quoin::bench::measureMachine(int threads) {
  Machine m;
  m.cpu = cpuName();
  m.threads = threads;
  m.bandwidth = measureBandwidth(threads);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    m.peakF32 = measurePeak(threads, peakAvx512);
  else if (__builtin_cpu_supports("avx2"))
    m.peakF32 = measurePeak(threads, peakAvx2);
  if (__builtin_cpu_supports("avx512bf16"))
    m.peakBf16 = measurePeak(threads, peakAvx512Bf16);
#endif
  return m;
}
