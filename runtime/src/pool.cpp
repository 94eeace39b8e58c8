// pool.cpp: threads that start together, since generated code meets at barriers.

#include "internal.h"

#include <sched.h>

using namespace quoin::rt;

static constexpr int kSpins = 20000;

/// With a thread for each CPU the process may use, each keeps to its own; with fewer the system places them better.
static void pinAll(pthread_t *handles, int32_t count, size_t stride) {
#ifdef __linux__
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) || CPU_COUNT(&allowed) != count + 1)
    return;
  int32_t next = -1; // the first CPU is left to the caller, which is never pinned
  for (int cpu = 0; cpu < CPU_SETSIZE && next < count; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed))
      continue;
    if (next >= 0) {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      auto *handle =
          reinterpret_cast<pthread_t *>(reinterpret_cast<char *>(handles) + static_cast<size_t>(next) * stride);
      pthread_setaffinity_np(*handle, sizeof(one), &one);
    }
    ++next;
  }
#endif
}

void *Pool::enter(void *thread) {
  auto *self = static_cast<Thread *>(thread);
  self->pool->work(self->worker);
  return nullptr;
}

void Pool::work(int64_t worker) {
  uint32_t seen = 0;
  for (;;) {
    for (int i = 0; i < kSpins && epoch.load(std::memory_order_acquire) == seen; ++i)
      pauseCpu();
    if (epoch.load(std::memory_order_acquire) == seen) {
      std::unique_lock<std::mutex> lock(mutex);
      asleep.fetch_add(1);
      wake.wait(lock, [&] { return epoch.load() != seen; });
      asleep.fetch_sub(1);
    }
    // A call ends only when every worker has taken part, so no epoch is ever missed.
    ++seen;
    if (stopping.load(std::memory_order_acquire))
      return;
    fn(arg, worker, workers);
    left.fetch_sub(1, std::memory_order_release);
  }
}

bool Pool::start(int32_t count) {
  stop();
  if (!threads.resize(static_cast<size_t>(count - 1)))
    return false;
  epoch.store(0);
  for (int32_t i = 0; i + 1 < count; ++i) {
    threads[static_cast<size_t>(i)] = {this, i + 1, {}};
    if (pthread_create(&threads[static_cast<size_t>(i)].handle, nullptr, enter, &threads[static_cast<size_t>(i)])) {
      if (threads.resize(static_cast<size_t>(i))) // shrinks
        stop();
      return false;
    }
  }
  workers = count;
  pinAll(&threads[0].handle, count - 1, sizeof(Thread));
  return true;
}

void Pool::stop() {
  if (threads.empty())
    return;
  {
    std::lock_guard<std::mutex> lock(mutex);
    stopping.store(true);
    epoch.fetch_add(1, std::memory_order_release);
  }
  wake.notify_all();
  for (Thread &thread : threads)
    pthread_join(thread.handle, nullptr);
  stopping.store(false);
  threads.release();
  workers = 1;
}

bool Pool::run(int32_t count, quoin_worker_fn function, void *argument) {
  if (count <= 1) {
    function(argument, 0, 1);
    return true;
  }
  if (count != workers && !start(count))
    return false;
  fn = function;
  arg = argument;
  left.store(workers - 1, std::memory_order_relaxed);
  epoch.fetch_add(1); // sequentially consistent with `asleep`: either the worker sees it or we see the worker
  if (asleep.load()) {
    std::lock_guard<std::mutex> lock(mutex);
    wake.notify_all();
  }
  function(argument, 0, workers);
  for (int64_t spins = 0; left.load(std::memory_order_acquire); ++spins)
    spins < kSpins ? pauseCpu() : void(sched_yield());
  return true;
}
