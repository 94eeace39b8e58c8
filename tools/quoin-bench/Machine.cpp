//===- Machine.cpp - measuring bandwidth and peaks -------------------------===//

#include "tools/quoin-bench/Machine.h"
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
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

// Memory is read as a step reads its weights, in ordinary pages and front to back, in as many streams as turn out best:
// where a prefetcher stops at the end of a page, several streams hide what one has to wait for.

/// A wide register, or as many narrow ones as the CPU needs for it.
using Words = uint64_t __attribute__((vector_size(64)));

/// Reads `words` words in `streams` parts at once.
template <size_t streams>
__attribute__((always_inline)) static inline uint64_t readStreams(const uint64_t *p, size_t words) {
  Words sums[4] = {};
  size_t part = words / streams;
  for (size_t i = 0; i + 32 <= part; i += 32)
    for (size_t s = 0; s < streams; ++s)
      for (size_t j = 0; j < 4; ++j) {
        Words w;
        std::memcpy(&w, p + s * part + i + j * 8, sizeof(w));
        sums[j] ^= w;
      }
  Words all = sums[0] ^ sums[1] ^ sums[2] ^ sums[3];
  return all[0] ^ all[1] ^ all[2] ^ all[3] ^ all[4] ^ all[5] ^ all[6] ^ all[7];
}

using Reader = uint64_t (*)(const uint64_t *, size_t);

__attribute__((noinline)) static uint64_t readOne(const uint64_t *p, size_t words) { return readStreams<1>(p, words); }
__attribute__((noinline)) static uint64_t readFour(const uint64_t *p, size_t words) { return readStreams<4>(p, words); }
#if defined(__x86_64__)
__attribute__((noinline, target("avx512f"))) static uint64_t readOneWide(const uint64_t *p, size_t words) {
  return readStreams<1>(p, words);
}
__attribute__((noinline, target("avx512f"))) static uint64_t readFourWide(const uint64_t *p, size_t words) {
  return readStreams<4>(p, words);
}
#endif

static std::vector<Reader> readers() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return {readOneWide, readFourWide};
#endif
  return {readOne, readFour};
}

static double measureBandwidth(int threads) {
  const size_t bytes = size_t(512) << 20, words = bytes / 8;
  std::vector<uint64_t> buffer(words, 1);
  double best = 0;
  for (Reader reader : readers())
    for (int repeat = 0; repeat < 4; ++repeat) {
      double start = now();
      parallel(threads, [&](int w) {
        size_t from = words * w / threads, to = words * (w + 1) / threads;
        sink = reader(buffer.data() + from, to - from);
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
