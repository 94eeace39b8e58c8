/* hooks.c: a host that lends its own memory and its own threads to the runtime.
 *
 *   hooks OUT THREADS ID...
 *
 * OUT is a folder that quoin-compile wrote. Prints what follows the prompt's ids, then what the runtime asked of the
 * host. The allocator counts, and refuses more than 256 MiB; the threads are kept and wait for work, as those of a
 * server would.
 *
 *   cc -std=c99 hooks.c $(pkg-config --cflags --libs quoin-static) -lpthread -o hooks */
#define _POSIX_C_SOURCE 200809L

#include "quoin/runtime.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

typedef struct {
  size_t live, peak, limit, calls;
} memory_t;

static void *allocate(memory_t *memory, size_t bytes, size_t alignment) {
  void *result = NULL;
  ++memory->calls;
  if (bytes > memory->limit - memory->live || posix_memalign(&result, alignment, bytes) != 0)
    return NULL; /* the call of the runtime that needed it returns QUOIN_STATUS_OUT_OF_MEMORY */
  memory->live += bytes;
  if (memory->live > memory->peak)
    memory->peak = memory->live;
  return result;
}

static void release(memory_t *memory, void *block, size_t bytes) {
  memory->live -= bytes;
  free(block);
}

/* ---- Threads ----------------------------------------------------------------------------------------------------- */

#define MOST_THREADS 64

/* Workers 1 and up are threads that sleep between calls; worker 0 is the caller. All workers of a call must run at the
 * same time, since they wait for each other inside: a queue that may run them one after another will not do. */
typedef struct {
  pthread_mutex_t mutex;
  pthread_cond_t work, done;
  pthread_t threads[MOST_THREADS];
  int32_t count;   /* workers, the caller included */
  int32_t started; /* threads that took a number */
  int32_t busy;    /* threads that have not finished this call */
  uint64_t epoch;  /* counts the calls */
  int stop;
  quoin_worker_fn fn;
  void *arg;
} pool_t;

static void *enter(void *self) {
  pool_t *pool = (pool_t *)self;
  uint64_t seen = 0;
  int32_t worker;
  pthread_mutex_lock(&pool->mutex);
  worker = ++pool->started;
  for (;;) {
    while (pool->epoch == seen && !pool->stop)
      pthread_cond_wait(&pool->work, &pool->mutex);
    if (pool->stop)
      break;
    seen = pool->epoch;
    pthread_mutex_unlock(&pool->mutex);
    pool->fn(pool->arg, worker, pool->count);
    pthread_mutex_lock(&pool->mutex);
    if (--pool->busy == 0)
      pthread_cond_signal(&pool->done);
  }
  pthread_mutex_unlock(&pool->mutex);
  return NULL;
}

static void parallel(pool_t *pool, quoin_worker_fn fn, void *arg) {
  pthread_mutex_lock(&pool->mutex);
  pool->fn = fn;
  pool->arg = arg;
  pool->busy = pool->count - 1;
  ++pool->epoch;
  pthread_cond_broadcast(&pool->work);
  pthread_mutex_unlock(&pool->mutex);
  fn(arg, 0, pool->count);
  pthread_mutex_lock(&pool->mutex);
  while (pool->busy > 0)
    pthread_cond_wait(&pool->done, &pool->mutex);
  pthread_mutex_unlock(&pool->mutex);
}

static void stop(pool_t *pool, int32_t threads) {
  int32_t i;
  pthread_mutex_lock(&pool->mutex);
  pool->stop = 1;
  pthread_cond_broadcast(&pool->work);
  pthread_mutex_unlock(&pool->mutex);
  for (i = 0; i < threads; ++i)
    pthread_join(pool->threads[i], NULL);
}

/* ---- The host ---------------------------------------------------------------------------------------------------- */

typedef struct {
  memory_t memory;
  pool_t pool;
  size_t warnings;
} host_t;

static void *host_allocate(void *self, size_t bytes, size_t alignment) {
  return allocate(&((host_t *)self)->memory, bytes, alignment);
}

static void host_free(void *self, void *block, size_t bytes) { release(&((host_t *)self)->memory, block, bytes); }

static void host_parallel(void *self, int32_t workers, quoin_worker_fn fn, void *arg) {
  (void)workers; /* what `hooks.workers` said */
  parallel(&((host_t *)self)->pool, fn, arg);
}

static void host_log(void *self, int32_t level, const char *message) {
  ((host_t *)self)->warnings += level > 0;
  fprintf(stderr, "%s: %s\n", level > 0 ? "warning" : "note", message);
}

static int generate(quoin_context_t *context, const char *folder, const int32_t *ids, size_t count) {
  quoin_model_t *model = NULL;
  quoin_session_t *session = NULL;
  quoin_result_t result;
  size_t i;
  int good = quoin_model_load(context, folder, &model) == QUOIN_STATUS_OK &&
             quoin_session_create(model, NULL, &session) == QUOIN_STATUS_OK &&
             quoin_session_prompt(session, ids, count) == QUOIN_STATUS_OK &&
             quoin_session_set_max_tokens(session, 16) == QUOIN_STATUS_OK &&
             quoin_generate(session, NULL, NULL) == QUOIN_STATUS_OK &&
             quoin_session_result(session, &result) == QUOIN_STATUS_OK;
  if (good) {
    for (i = 0; i < result.count; ++i)
      printf(i ? ",%d" : "%d", (int)result.ids[i]);
    printf("\n");
  } else {
    fprintf(stderr, "error: %s\n", quoin_context_last_error(context));
  }
  quoin_session_destroy(session);
  quoin_model_destroy(model);
  return good;
}

int main(int argc, char **argv) {
  static host_t host = {
      {0, 0, (size_t)256 << 20, 0},
      {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER, {0}, 1, 0, 0, 0, 0, NULL, NULL},
      0};
  quoin_hooks_t hooks = {&host, host_allocate, host_free, host_log, host_parallel, 0};
  quoin_context_t *context = NULL;
  int32_t ids[256], threads = 0;
  size_t count;
  int good;
  if (argc < 4 || argc - 3 > 256 || atoi(argv[2]) < 1 || atoi(argv[2]) > MOST_THREADS) {
    fprintf(stderr, "usage: hooks OUT THREADS ID...\n");
    return 2;
  }
  for (count = 0; count < (size_t)argc - 3; ++count)
    ids[count] = (int32_t)atoi(argv[count + 3]);
  /* Threads first: where fewer can be had, the runtime is told so. The results are the same. */
  hooks.workers = host.pool.count = (int32_t)atoi(argv[2]);
  while (threads < host.pool.count - 1 && pthread_create(&host.pool.threads[threads], NULL, enter, &host.pool) == 0)
    ++threads;
  hooks.workers = host.pool.count = threads + 1;

  good = quoin_context_create(&hooks, &context) == QUOIN_STATUS_OK && generate(context, argv[1], ids, count);
  quoin_context_destroy(context);
  stop(&host.pool, threads);
  printf("allocations %zu, peak %zu bytes, left %zu bytes; parallel calls %llu\n", host.memory.calls, host.memory.peak,
         host.memory.live, (unsigned long long)host.pool.epoch);
  return good && host.memory.live == 0 ? 0 : 1;
}
