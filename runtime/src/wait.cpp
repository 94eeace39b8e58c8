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
// others sleep, for some milliseconds at a time. So the share of sleep is taken over several such times.
void Competition::observe(int64_t now, int64_t took, int64_t slept, int32_t workers) {
  constexpr double window = 10e6, enough = 5e6;
  constexpr int64_t longest = 1'000'000'000;
  if (whole > window)
    idle /= 2, whole /= 2;
  idle += double(slept);
  whole += double(took) * (workers - 1);
  if (whole < enough || idle < whole / 2)
    return;
  // What was lost is small beside the time that passes until the next trial.
  alone = now + std::min<int64_t>(int64_t(20 * whole / (workers - 1)), longest);
  idle = whole = 0;
}
