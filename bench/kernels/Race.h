//===- Race.h - two functions, timed in turn -------------------------------===//

#ifndef QUOIN_BENCH_KERNELS_RACE_H
#define QUOIN_BENCH_KERNELS_RACE_H

#include "tools/quoin-bench/Machine.h"
#include <algorithm>
#include <functional>
#include <vector>

namespace quoin::bench {

/// Median seconds of each of the functions, called in turn for so many seconds in all, after one round to warm up. What
/// else the machine does meets all of them.
inline std::vector<double> race(const std::vector<std::function<void()>> &functions, double seconds) {
  std::vector<std::vector<double>> times(functions.size());
  double end = 0;
  for (int round = 0; round < 4 || now() < end; ++round) {
    for (size_t i = 0; i < functions.size(); ++i) {
      double start = now();
      functions[i]();
      if (round > 0)
        times[i].push_back(now() - start);
    }
    if (round == 0)
      end = now() + seconds;
  }
  std::vector<double> medians;
  for (std::vector<double> &t : times) {
    std::sort(t.begin(), t.end());
    medians.push_back(t[t.size() / 2]);
  }
  return medians;
}

void raceProducts(double seconds);
void raceWholeNumbers(double seconds);
void raceAttention(double seconds);
void raceRows(double seconds);
void raceScans(double seconds);

} // namespace quoin::bench

#endif
