// wait.cpp: how threads sleep until a number changes, and the barriers of generated code.
//
// Who waits spins for a moment first: on a quiet machine the others are near. After that it must give up its CPU
// wholly, or it takes the time of the one that it waits for. Handing over the time slice (sched_yield) does not do:
// under a fair scheduler the spinner is soon the one that is owed time again.

#include "internal.h"

#include <algorithm>
#include <climits>
#include <ctime>

#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

using namespace quoin::rt;

#ifdef __linux__

void quoin::rt::sleepWhile(const int32_t *at, int32_t value) {
  syscall(SYS_futex, at, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}

void quoin::rt::wakeSleepers(const int32_t *at) {
  syscall(SYS_futex, at, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

#else

void quoin::rt::sleepWhile(const int32_t *at, int32_t value) {
  std::atomic_ref<int32_t>(*const_cast<int32_t *>(at)).wait(value);
}

void quoin::rt::wakeSleepers(const int32_t *at) { std::atomic_ref<int32_t>(*const_cast<int32_t *>(at)).notify_all(); }

#endif

static void wait(quoin_barrier_t *barrier, int32_t seen) {
  std::atomic_ref<int32_t> phase(barrier->phase), sleeping(barrier->sleeping);
  int64_t begun = nanoseconds();
  sleeping.fetch_add(1);
  while (phase.load() == seen)
    sleepWhile(&barrier->phase, seen);
  sleeping.fetch_sub(1);
  reinterpret_cast<Meeting *>(barrier)->slept.fetch_add(nanoseconds() - begun, std::memory_order_relaxed);
}

static void wake(quoin_barrier_t *barrier) { wakeSleepers(&barrier->phase); }

void quoin::rt::prepareMeeting(Meeting &meeting, int32_t spins) {
  meeting.barrier = {0, 0, spins, 0, wait, wake};
  meeting.slept.store(0, std::memory_order_relaxed);
}

int64_t quoin::rt::nanoseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// On a quiet machine nobody sleeps: workers differ by less than they spin. A worker that is not running makes all the
// others sleep, for some milliseconds at a time. One such time is chance, and no longer than a few milliseconds counts
// of it; where they are half of several, calls are not shared for twenty times as long as it took to find out.
void Competition::observe(int64_t now, int64_t took, int64_t slept, int32_t workers, int32_t cpus) {
  constexpr double longest = 4e6, enough = 10e6, window = 20e6;
  constexpr int64_t mostAlone = 1'000'000'000;
  if (took <= 0 || cpus < 2)
    return;
  // With more workers than CPUs some sleep all the time, and no CPU is idle for it.
  auto running = static_cast<double>(std::min(workers, cpus));
  double waited = std::max(double(slept) - (workers - running) * double(took), 0.0) / (running - 1);
  if (whole > window)
    idle /= 2, whole /= 2, lasted /= 2;
  double counted = std::min(double(took), longest);
  idle += waited * (counted / double(took));
  whole += counted;
  lasted += double(took);
  if (whole < enough || idle < whole / 2)
    return;
  alone = now + std::min<int64_t>(int64_t(20 * lasted), mostAlone);
  idle = whole = lasted = 0;
}
