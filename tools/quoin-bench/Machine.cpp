//===- Machine.cpp - measuring bandwidth and peaks -------------------------===//

#include "tools/quoin-bench/Machine.h"
#include "support/PeakLoops.h"
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

using namespace quoin;
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

/// The best of some runs of a one-thread loop on all threads together.
static double measurePeak(int threads, double (*loop)(long)) {
  double best = 0;
  for (int repeat = 0; repeat < 3; ++repeat) {
    std::vector<double> rate(threads);
    parallel(threads, [&](int w) { rate[w] = loop(4'000'000); });
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
  m.peakF32 = measurePeak(threads, peakOfF32);
  m.peakBf16 = measurePeak(threads, peakOfBf16Pairs);
  return m;
}
