/* linked.c: a host with several compiled programs linked into it. parts.h, made by the test, includes their headers and
 * lists them: MODELS(X) and FUNCTIONS(X) call X(folder, query) for each.
 *
 *   linked LENGTH ID...
 *
 * In the working directory lie the folders of the models, and q, k and v: LENGTH rows of 8, 2 and 2 heads of 64 floats.
 * Prints what each model answers to the ids; writes what each function computes to FOLDER.out. */
#include "parts.h"

#include "quoin/function.h"

#include <stdio.h>
#include <stdlib.h>

/* In names.cpp: how many programs there are by the addresses of their queries. */
int count_queries(void);

enum { HEADS = 8, KEY_HEADS = 2, SIZE = 64, MOST = 256 };

static quoin_context_t *context;

static void expect(int good, const char *what) {
  if (good)
    return;
  fprintf(stderr, "error: %s: %s\n", what, context ? quoin_context_last_error(context) : "no context");
  exit(1);
}

static quoin_model_t *load_model(const char *folder, quoin_program_query_fn query) {
  quoin_model_t *model = NULL;
  expect(quoin_model_from_program(context, query, NULL, 0, folder, &model) == QUOIN_STATUS_OK, folder);
  return model;
}

static void answer(const char *folder, quoin_model_t *model, const int32_t *ids, size_t count) {
  quoin_session_t *session = NULL;
  quoin_result_t result;
  size_t i;
  expect(quoin_session_create(model, NULL, &session) == QUOIN_STATUS_OK, "create");
  expect(quoin_session_prompt(session, ids, count) == QUOIN_STATUS_OK, "prompt");
  expect(quoin_session_set_max_tokens(session, 16) == QUOIN_STATUS_OK, "max tokens");
  expect(quoin_generate(session, NULL, NULL) == QUOIN_STATUS_OK, "generate");
  expect(quoin_session_result(session, &result) == QUOIN_STATUS_OK, "result");
  printf("%s", folder);
  for (i = 0; i < result.count; ++i)
    printf(" %d", (int)result.ids[i]);
  printf("\n");
  quoin_session_destroy(session);
}

static void read_floats(const char *name, float *data, size_t count) {
  FILE *file = fopen(name, "rb");
  expect(file && fread(data, sizeof(float), count, file) == count, name);
  fclose(file);
}

static void compute(const char *folder, quoin_function_query_fn query, int64_t length) {
  static float q[MOST * HEADS * SIZE], k[MOST * KEY_HEADS * SIZE], v[MOST * KEY_HEADS * SIZE], out[MOST * HEADS * SIZE];
  quoin_array_t in[3] = {{QUOIN_DTYPE_F32, 3, {0, HEADS, SIZE}, NULL},
                         {QUOIN_DTYPE_F32, 3, {0, KEY_HEADS, SIZE}, NULL},
                         {QUOIN_DTYPE_F32, 3, {0, KEY_HEADS, SIZE}, NULL}};
  quoin_array_t result = {QUOIN_DTYPE_F32, 3, {0, HEADS, SIZE}, NULL};
  quoin_function_t *function = NULL;
  size_t queries = (size_t)length * HEADS * SIZE, keys = (size_t)length * KEY_HEADS * SIZE;
  char name[256];
  FILE *file;
  in[0].data = q;
  in[1].data = k;
  in[2].data = v;
  result.data = out;
  in[0].sizes[0] = in[1].sizes[0] = in[2].sizes[0] = result.sizes[0] = length;
  read_floats("q", q, queries);
  read_floats("k", k, keys);
  read_floats("v", v, keys);
  expect(quoin_function_from_program(context, query, &function) == QUOIN_STATUS_OK, folder);
  expect(quoin_function_call(function, in, 3, &result, 1) == QUOIN_STATUS_OK, folder);
  snprintf(name, sizeof name, "%s.out", folder);
  file = fopen(name, "wb");
  expect(file && fwrite(out, sizeof(float), queries, file) == queries && fclose(file) == 0, name);
  quoin_function_destroy(function);
}

int main(int argc, char **argv) {
  static quoin_model_t *models[16];
  static int32_t ids[MOST];
  size_t loaded = 0, next = 0, count = 0;
  int64_t length;
  if (argc < 3 || argc - 2 > MOST || (length = atol(argv[1])) > MOST)
    return 2;
  for (; count + 2 < (size_t)argc; ++count)
    ids[count] = atoi(argv[count + 2]);
  expect(quoin_context_create(NULL, &context) == QUOIN_STATUS_OK, "context");
  /* Either list may be empty. */
  (void)load_model, (void)answer, (void)compute, (void)ids, (void)next;
  /* All models are there before the first answers. */
#define LOAD(folder, query) models[loaded++] = load_model(folder, query);
  MODELS(LOAD)
#define ANSWER(folder, query) answer(folder, models[next++], ids, count);
  MODELS(ANSWER)
#define COMPUTE(folder, query) compute(folder, query, length);
  FUNCTIONS(COMPUTE)
  while (loaded > 0)
    quoin_model_destroy(models[--loaded]);
  quoin_context_destroy(context);
  printf("queries %d\n", count_queries());
  return 0;
}
