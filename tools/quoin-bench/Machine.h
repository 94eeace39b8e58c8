//===- Machine.h - the ceilings of this machine, measured here and now -----===//
//
// A step can be no faster than the slower of two things: reading its bytes from memory and doing its arithmetic. Both
// ceilings are measured in the same process as the step, because on a shared machine they change from hour to hour.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_TOOLS_BENCH_MACHINE_H
#define QUOIN_TOOLS_BENCH_MACHINE_H

#include <cstdint>
#include <functional>
#include <string>

namespace quoin::bench {

struct Machine {
  std::string cpu;
  int threads = 1;
  double bandwidth = 0; // bytes per second, reading a buffer far larger than the caches
  double peakF32 = 0;   // operations per second, a multiply-add is two
  double peakBf16 = 0;  // the same with bf16 dot products; 0 where the CPU has none
};

/// Runs `body(worker)` on `threads` threads at once and waits for all.
void parallel(int threads, const std::function<void(int)> &body);

/// Seconds since some fixed point.
double now();

/// Measures with the given number of threads; takes about a second.
Machine measureMachine(int threads);

} // namespace quoin::bench

#endif
