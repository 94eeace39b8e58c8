/* ForkCaller.c: a host that works, forks and works on, as servers do that start their workers from a warm process. */
#include "FakeProgram.h"
#include "quoin/runtime.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Another line each, for messages. */
#define EXPECT(condition)                                                                                              \
  if (!(condition))                                                                                                    \
  return __LINE__

/* A parallel call of the context's own threads runs inside. */
static int generate(quoin_session_t *session, int32_t first, quoin_result_t *out_result) {
  int32_t ids[3];
  ids[0] = first;
  ids[1] = 2;
  ids[2] = 3;
  EXPECT(quoin_session_prompt(session, ids, 3) == QUOIN_STATUS_OK);
  EXPECT(quoin_session_set_max_tokens(session, 40) == QUOIN_STATUS_OK);
  EXPECT(quoin_session_set_stops(session, NULL, 0) == QUOIN_STATUS_OK);
  EXPECT(quoin_generate(session, NULL, NULL) == QUOIN_STATUS_OK);
  return quoin_session_result(session, out_result) == QUOIN_STATUS_OK ? 0 : __LINE__;
}

/* What a child does: the request again, half a request that was begun before, one of its own, and the end of it all. */
static int child(quoin_context_t *context, quoin_model_t *model, quoin_session_t *session, quoin_session_t *begun,
                 const int32_t *expected, size_t count, int deeper) {
  quoin_result_t result;
  quoin_session_t *other = NULL;
  int status;
  pid_t grandchild;
  EXPECT(generate(session, 1, &result) == 0);
  EXPECT(result.count == count && !memcmp(result.ids, expected, count * sizeof(int32_t)));
  EXPECT(quoin_generate(begun, NULL, NULL) == QUOIN_STATUS_OK);
  EXPECT(quoin_session_result(begun, &result) == QUOIN_STATUS_OK);
  EXPECT(result.count == count && !memcmp(result.ids, expected, count * sizeof(int32_t)));
  EXPECT(quoin_session_create(model, NULL, &other) == QUOIN_STATUS_OK);
  EXPECT(generate(other, 7, &result) == 0);
  EXPECT(result.count == count);
  if (deeper) {
    grandchild = fork();
    if (grandchild == 0) {
      alarm(60);
      _exit(generate(other, 7, &result) == 0 && result.count == count ? 0 : 1);
    }
    EXPECT(grandchild > 0 && waitpid(grandchild, &status, 0) == grandchild && status == 0);
  }
  quoin_session_destroy(other);
  quoin_session_destroy(begun);
  quoin_session_destroy(session);
  quoin_model_destroy(model);
  quoin_context_destroy(context);
  return 0;
}

int quoin_fork_caller(quoin_program_query_fn query, const void *weights, int64_t weights_size, int32_t workers) {
  quoin_hooks_t hooks;
  quoin_context_t *context = NULL;
  quoin_model_t *model = NULL;
  quoin_session_t *session = NULL, *begun = NULL;
  quoin_result_t result;
  int32_t expected[64], ids[] = {1, 2, 3};
  size_t count;
  int i, status;
  memset(&hooks, 0, sizeof(hooks));
  hooks.workers = workers;
  EXPECT(quoin_context_create(&hooks, &context) == QUOIN_STATUS_OK);
  EXPECT(quoin_model_from_program(context, query, weights, (size_t)weights_size, NULL, &model) == QUOIN_STATUS_OK);
  EXPECT(quoin_session_create(model, NULL, &session) == QUOIN_STATUS_OK);
  EXPECT(quoin_session_create(model, NULL, &begun) == QUOIN_STATUS_OK);
  EXPECT(generate(session, 1, &result) == 0);
  count = result.count;
  EXPECT(count <= 64);
  memcpy(expected, result.ids, count * sizeof(int32_t));
  EXPECT(quoin_session_prompt(begun, ids, 3) == QUOIN_STATUS_OK);
  EXPECT(quoin_session_set_max_tokens(begun, 40) == QUOIN_STATUS_OK);
  EXPECT(quoin_session_set_stops(begun, NULL, 0) == QUOIN_STATUS_OK);
  for (i = 0; i < 4; ++i) {
    pid_t made;
    EXPECT(quoin_sessions_step(&begun, 1) == QUOIN_STATUS_OK);
    EXPECT(!quoin_session_finished(begun));
    if (i % 2)
      usleep(20000); /* the threads are asleep when it forks */
    made = fork();
    if (made == 0) {
      alarm(60); /* a child that hangs is a failure, not a test without end */
      _exit(child(context, model, session, begun, expected, count, i == 0) == 0 ? 0 : 1);
    }
    EXPECT(made > 0 && waitpid(made, &status, 0) == made);
    EXPECT(status == 0);
    /* The parent is what it was. */
    EXPECT(generate(session, 1, &result) == 0);
    EXPECT(result.count == count && !memcmp(result.ids, expected, count * sizeof(int32_t)));
  }
  quoin_session_destroy(begun);
  quoin_session_destroy(session);
  quoin_model_destroy(model);
  quoin_context_destroy(context);
  return 0;
}
