/* surroundings.c: a host that generates the same answer again and again while its own settings of the process and of
 * the thread differ: rounding, subnormal numbers, traps, locale, a small stack. A line each: what, and the confidences
 * and ids. */
#define _GNU_SOURCE
#include "quoin/runtime.h"

#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

static quoin_context_t *context;
static quoin_model_t *model;

/* Every bit of every confidence counts. */
static int32_t fold(void *self, const quoin_event_t *event) {
  uint32_t *sum = self, bits;
  size_t i;
  for (i = 0; i < event->filled_count; ++i) {
    memcpy(&bits, &event->filled[i].confidence, sizeof bits);
    *sum = *sum * 31 + bits;
  }
  return 0;
}

static void answer(const char *what) {
  static const int32_t prompt[] = {5, 6, 7, 8, 9, 10};
  quoin_session_t *session = NULL;
  quoin_result_t result;
  uint32_t sum = 0;
  size_t i;
  if (quoin_session_create(model, NULL, &session) != QUOIN_STATUS_OK ||
      quoin_session_prompt(session, prompt, 6) != QUOIN_STATUS_OK ||
      quoin_session_set_max_tokens(session, 24) != QUOIN_STATUS_OK ||
      quoin_generate(session, fold, &sum) != QUOIN_STATUS_OK ||
      quoin_session_result(session, &result) != QUOIN_STATUS_OK) {
    printf("%s: error: %s\n", what, quoin_context_last_error(context));
    exit(1);
  }
  printf("%s: %08x", what, (unsigned)sum);
  for (i = 0; i < result.count; ++i)
    printf(" %d", result.ids[i]);
  printf("\n");
  fflush(stdout);
  quoin_session_destroy(session);
}

static void *inThread(void *what) {
  answer(what);
  return NULL;
}

int main(int argc, char **argv) {
  quoin_hooks_t hooks;
  pthread_attr_t attributes;
  pthread_t thread;
  fenv_t plain;
  if (argc != 3)
    return 2;
  memset(&hooks, 0, sizeof hooks);
  hooks.workers = atoi(argv[2]);
  if (quoin_context_create(&hooks, &context) != QUOIN_STATUS_OK)
    return 1;
  if (setlocale(LC_ALL, "de_DE.UTF-8"))
    fprintf(stderr, "locale: de_DE\n");
  if (quoin_model_load(context, argv[1], &model) != QUOIN_STATUS_OK) {
    fprintf(stderr, "error: %s\n", quoin_context_last_error(context));
    return 1;
  }
  answer("plain");
  setlocale(LC_ALL, "C");
  fegetenv(&plain);
  fesetround(FE_UPWARD);
  answer("rounds up");
  if (fegetround() != FE_UPWARD)
    return 1;
  fesetround(FE_TOWARDZERO);
  answer("rounds to zero");
  fesetenv(&plain);
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040);
  answer("flushes subnormals");
  if (!(_mm_getcsr() & 0x8040))
    return 1;
  fesetenv(&plain);
#endif
  feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INEXACT);
  answer("traps");
  fesetenv(&plain);
  pthread_attr_init(&attributes);
  if (pthread_attr_setstacksize(&attributes, 256 * 1024) ||
      pthread_create(&thread, &attributes, inThread, "stack of 256 KiB") || pthread_join(thread, NULL))
    return 1;
  quoin_model_destroy(model);
  quoin_context_destroy(context);
  return 0;
}
