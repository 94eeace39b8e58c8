/* RuntimeCaller.c: the runtime as a C99 host uses it. */
#include "FakeProgram.h"
#include "quoin/runtime.h"

#include <string.h>

#define EXPECT(condition)                                                                                              \
  if (!(condition))                                                                                                    \
  return __LINE__

static int32_t count_events(void *self, const quoin_event_t *event) {
  *(int *)self += event->filled_count > 0;
  return 0;
}

int quoin_c_caller(quoin_program_query_fn query, const void *weights, int64_t weights_size) {
  quoin_hooks_t hooks = {NULL, NULL, NULL, NULL, NULL, 1};
  quoin_context_t *context = NULL;
  quoin_model_t *model = NULL;
  quoin_session_t *session = NULL;
  quoin_model_info_t info;
  quoin_result_t result;
  const int32_t prompt[] = {1, 2, 3, 4, 6};
  int events = 0;

  EXPECT(quoin_context_create(&hooks, &context) == QUOIN_STATUS_OK);
  EXPECT(quoin_context_workers(context) == 1);
  EXPECT(quoin_model_from_program(context, query, weights, (size_t)weights_size, NULL, &model) == QUOIN_STATUS_OK);
  EXPECT(quoin_model_tokenizer(model) == NULL && quoin_model_metadata(model) == NULL);
  quoin_model_info(model, &info);
  EXPECT(info.decoders_count == 5 && info.models == 2 && strcmp(info.decoders[0].name, "blocks") == 0);
  EXPECT(quoin_session_create(model, "nothing", &session) == QUOIN_STATUS_NOT_FOUND);
  EXPECT(strstr(quoin_context_last_error(context), "'nothing'") != NULL && session == NULL);
  EXPECT(quoin_session_create(model, NULL, &session) == QUOIN_STATUS_OK);
  EXPECT(quoin_session_prompt(session, prompt, 5) == QUOIN_STATUS_OK);
  EXPECT(quoin_session_set_max_tokens(session, 8) == QUOIN_STATUS_OK);
  EXPECT(quoin_session_set_stops(session, NULL, 0) == QUOIN_STATUS_OK);
  EXPECT(quoin_generate(session, count_events, &events) == QUOIN_STATUS_OK);
  EXPECT(quoin_session_result(session, &result) == QUOIN_STATUS_OK);
  EXPECT(result.count == 11 && result.shown == 8 && !result.stopped && events > 0);
  quoin_session_destroy(session);
  quoin_model_destroy(model);
  quoin_context_destroy(context);
  return 0;
}
