// context.cpp: hooks, errors and the workers of a context.

#include "arithmetic.h"
#include "internal.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

using namespace quoin::rt;

static void *defaultAllocate(void *, size_t bytes, size_t alignment) {
  return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

static void defaultFree(void *, void *memory, size_t) { std::free(memory); }

quoin_status_t quoin_context_t::fail(quoin_status_t status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(error, sizeof(error), format, arguments);
  va_end(arguments);
  return status;
}

void quoin_context_t::log(int32_t level, const char *format, ...) {
  if (!hooks.log)
    return;
  char text[kErrorBytes];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  hooks.log(hooks.self, level, text);
}

/// How often a worker looks before it sleeps: a few tens of microseconds, longer than workers of one call differ.
static constexpr int32_t kSpins = 4000;

/// Below this much work a layer, one worker is done before others were told and met some five times: about ten
/// microseconds.
static constexpr double kLeastShared = 4e5;

namespace {
struct HostCall {
  quoin_worker_fn fn;
  void *arg;
};
} // namespace

static void callInDefaultArithmetic(void *arg, int64_t worker, int64_t workers) {
  DefaultArithmetic arithmetic;
  const auto *call = static_cast<const HostCall *>(arg);
  call->fn(call->arg, worker, workers);
}

/// A mask may change while we run (`taskset -a -p`, a scheduler of containers): more workers than CPUs take turns.
void quoin_context_t::lookAtMasks(int64_t now) {
  constexpr int64_t pause = 100'000'000;
  if (looked && now - looked < pause)
    return;
  looked = now;
  int32_t found = pool.allowedCpus();
  allowed = found > 0 ? std::min(cpus, found) : cpus;
}

void quoin_context_t::parallel(double work, Meeting &meeting, quoin_worker_fn fn, void *arg) {
  prepareMeeting(meeting, spins);
  if (workers <= 1 || work < kLeastShared)
    return fn(arg, 0, 1);
  int64_t begun = nanoseconds();
  if (!competition.allows(begun))
    return fn(arg, 0, 1);
  bool run = true;
  int32_t sharing = workers;
  if (!hooks.parallel_for) {
    lookAtMasks(begun);
    sharing = std::min(workers, allowed);
    if (sharing <= 1)
      return fn(arg, 0, 1);
  }
  if (hooks.parallel_for) {
    // Threads of the host's: ours are made by a caller whose arithmetic is the default already.
    HostCall call{fn, arg};
    hooks.parallel_for(hooks.self, workers, callInDefaultArithmetic, &call);
  } else
    run = pool.run(sharing, spins, fn, arg);
  if (run) {
    int64_t now = nanoseconds();
    return competition.observe(now, now - begun, meeting.slept.load(std::memory_order_relaxed), sharing, cpus);
  }
  log(1, "%d threads cannot be started; one is used", sharing - 1);
  workers = 1; // the results are the same
  fn(arg, 0, 1);
}

quoin_status_t quoin_context_create(const quoin_hooks_t *hooks, quoin_context_t **out_context) {
  quoin_hooks_t given = hooks ? *hooks : quoin_hooks_t{};
  if (given.workers < 0 || !given.allocate != !given.free)
    return QUOIN_STATUS_INVALID_ARGUMENT;
  if (!given.allocate) {
    given.allocate = defaultAllocate;
    given.free = defaultFree;
  }
  Memory memory{given.self, given.allocate, given.free};
  void *at = memory.allocate(sizeof(quoin_context_t));
  if (!at)
    return QUOIN_STATUS_OUT_OF_MEMORY;
  auto *context = new (at) quoin_context_t(memory);
  context->hooks = given;
  Cpus machine = usableCpus();
  context->workers = given.workers ? given.workers : machine.cores;
  // Threads of our own beyond the CPUs would only wait for each other.
  if (!given.parallel_for)
    context->workers = std::min(context->workers, machine.cpus);
  context->cpus = context->allowed = machine.cpus;
  context->spins = context->workers <= machine.cpus ? kSpins : 0;
  *out_context = context;
  return QUOIN_STATUS_OK;
}

void quoin_context_destroy(quoin_context_t *context) {
  if (!context)
    return;
  Memory memory = context->memory; // outlives the context
  context->~quoin_context_t();
  memory.free(context, sizeof(quoin_context_t));
}

const char *quoin_context_last_error(const quoin_context_t *context) { return context->error; }

int32_t quoin_context_workers(const quoin_context_t *context) { return context->workers; }
