// pool.cpp: threads that start together, since generated code meets at barriers.

#include "internal.h"

#include <sched.h>
#include <unistd.h>

using namespace quoin::rt;

/// Whatever the system's default: attention with heads of 512 takes a good half of it.
static constexpr size_t kStackBytes = size_t(1) << 20;

/// A place that threads may sleep at.
static const int32_t *placeOf(const std::atomic<int32_t> &number) {
  static_assert(sizeof(std::atomic<int32_t>) == sizeof(int32_t) && std::atomic<int32_t>::is_always_lock_free);
  return reinterpret_cast<const int32_t *>(&number);
}

void *Pool::enter(void *thread) {
  auto *self = static_cast<Thread *>(thread);
  self->pool->work(self->worker);
  return nullptr;
}

void Pool::work(int64_t worker) {
  int32_t seen = 0;
  for (;;) {
    for (int32_t i = spins.load(std::memory_order_relaxed); i > 0 && epoch.load(std::memory_order_acquire) == seen; --i)
      pauseCpu();
    if (epoch.load(std::memory_order_acquire) == seen) {
      asleep.fetch_add(1); // then the epoch again: either we see the call or the caller sees us
      while (epoch.load() == seen)
        sleepWhile(placeOf(epoch), seen);
      asleep.fetch_sub(1);
    }
    // A call ends only when every worker has taken part, so no epoch is ever missed.
    ++seen;
    if (stopping.load(std::memory_order_acquire))
      return;
    fn(arg, worker, workers);
    if (left.fetch_sub(1) == 1 && callerAsleep.load())
      wakeSleepers(placeOf(left));
  }
}

/// In a child after `fork`: nobody is there to be stopped or waited for.
void Pool::forgetThreadsOfParent() {
  threads.clear();
  epoch.store(0);
  left.store(0);
  asleep.store(0);
  callerAsleep.store(0);
  stopping.store(false);
  workers = 1;
}

bool Pool::start(int32_t count) {
  stop();
  if (!threads.resize(static_cast<size_t>(count - 1)))
    return false;
  process = getpid();
  epoch.store(0);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  for (int32_t i = 0; i + 1 < count; ++i) {
    threads[static_cast<size_t>(i)] = {this, i + 1, {}};
    if (pthread_create(&threads[static_cast<size_t>(i)].handle, &attributes, enter, &threads[static_cast<size_t>(i)])) {
      pthread_attr_destroy(&attributes);
      if (threads.resize(static_cast<size_t>(i))) // shrinks
        stop();
      return false;
    }
  }
  pthread_attr_destroy(&attributes);
  workers = count;
  return true;
}

void Pool::stop() {
  if (!threads.empty() && process != getpid())
    forgetThreadsOfParent();
  if (!threads.empty()) {
    stopping.store(true);
    epoch.fetch_add(1);
    wakeSleepers(placeOf(epoch));
    for (Thread &thread : threads)
      pthread_join(thread.handle, nullptr);
    stopping.store(false);
  }
  threads.release();
  workers = 1;
}

bool Pool::run(int32_t count, int32_t patience, quoin_worker_fn function, void *argument) {
  if (count <= 1) {
    function(argument, 0, 1);
    return true;
  }
  if (!threads.empty() && process != getpid())
    forgetThreadsOfParent();
  spins.store(patience, std::memory_order_relaxed);
  if (count != workers && !start(count))
    return false;
  fn = function;
  arg = argument;
  left.store(workers - 1, std::memory_order_relaxed);
  epoch.fetch_add(1); // sequentially consistent with `asleep`: either the worker sees it or we see the worker
  if (asleep.load())
    wakeSleepers(placeOf(epoch));
  function(argument, 0, workers);
  for (int32_t i = patience; i > 0 && left.load(std::memory_order_acquire); --i)
    pauseCpu();
  if (left.load(std::memory_order_acquire)) {
    callerAsleep.store(1);
    while (int32_t others = left.load())
      sleepWhile(placeOf(left), others);
    callerAsleep.store(0, std::memory_order_relaxed);
  }
  return true;
}

int32_t Pool::allowedCpus() const {
#ifdef __linux__
  cpu_set_t all, one;
  if (sched_getaffinity(0, sizeof(all), &all) != 0)
    return 0;
  if (process == getpid())
    for (const Thread &thread : threads)
      if (pthread_getaffinity_np(thread.handle, sizeof(one), &one) == 0)
        CPU_OR(&all, &all, &one);
  return CPU_COUNT(&all);
#else
  return 0;
#endif
}
