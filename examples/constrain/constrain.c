/* constrain.c: a host that decides which tokens an answer may have, place by place.
 *
 *   constrain OUT MAX_TOKENS IDS EVEN ODD
 *
 * OUT is a folder that quoin-compile wrote, IDS the prompt, EVEN and ODD the ids that an answer may have at its tokens
 * 0, 2, .. and 1, 3, ..; lists are joined by commas. Prints the answer's ids. A grammar does the same with more to look
 * at: the tokens that are known, on either side of the place.
 *
 *   cc -std=c99 constrain.c $(pkg-config --cflags --libs quoin-static) -lm -o constrain */
#include "quoin/runtime.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_IDS 4096

typedef struct {
  int32_t ids[MOST_IDS];
  size_t count;
} list_t;

/* 0 if the text is no list. */
static int read_list(const char *text, list_t *list) {
  char *end = NULL;
  for (list->count = 0; list->count < MOST_IDS; text = end + 1) {
    list->ids[list->count++] = (int32_t)strtol(text, &end, 10);
    if (end == text || (*end && *end != ','))
      return 0;
    if (!*end)
      return 1;
  }
  return 0;
}

static int has(const list_t *list, int64_t id) {
  size_t i;
  for (i = 0; i < list->count; ++i)
    if (list->ids[i] == id)
      return 1;
  return 0;
}

/* ---- The rule ------------------------------------------------------------------------------------------------------
 */

/* Minus infinity for what may not stand at a row's place. What is left shares all of the probability, so that a decoder
 * which fills what is sure sees how sure the model is among the tokens that may stand there. Places are of the whole
 * text, so that any number of them, in any order, can be decided at once. */
static int32_t constrain(void *self, const quoin_scores_t *rows) {
  const list_t *allowed = (const list_t *)self; /* of even and of odd places */
  int64_t i, v;
  for (i = 0; i < rows->rows; ++i) {
    const list_t *here = &allowed[(rows->positions[i] - rows->prompt_length) & 1];
    for (v = 0; v < rows->count; ++v)
      if (!has(here, v))
        rows->scores[i * rows->stride + v] = -INFINITY;
  }
  return 0; /* anything else would cancel the session */
}

/* ---- The host ------------------------------------------------------------------------------------------------------
 */

int main(int argc, char **argv) {
  static list_t prompt, allowed[2];
  quoin_context_t *context = NULL;
  quoin_model_t *model = NULL;
  quoin_session_t *session = NULL;
  quoin_result_t result;
  size_t i;
  int good;
  if (argc != 6 || !read_list(argv[3], &prompt) || !read_list(argv[4], &allowed[0]) ||
      !read_list(argv[5], &allowed[1])) {
    fprintf(stderr, "usage: constrain OUT MAX_TOKENS IDS EVEN ODD\n");
    return 2;
  }
  if (quoin_context_create(NULL, &context) != QUOIN_STATUS_OK) {
    fprintf(stderr, "error: no context\n");
    return 1;
  }
  good = quoin_model_load(context, argv[1], &model) == QUOIN_STATUS_OK &&
         quoin_session_create(model, NULL, &session) == QUOIN_STATUS_OK &&
         quoin_session_set_max_tokens(session, atoi(argv[2])) == QUOIN_STATUS_OK &&
         quoin_session_set_stops(session, NULL, 0) == QUOIN_STATUS_OK &&
         quoin_session_edit(session, constrain, allowed) == QUOIN_STATUS_OK &&
         quoin_session_prompt(session, prompt.ids, prompt.count) == QUOIN_STATUS_OK &&
         quoin_generate(session, NULL, NULL) == QUOIN_STATUS_OK &&
         quoin_session_result(session, &result) == QUOIN_STATUS_OK;
  if (good) {
    for (i = 0; i < result.count; ++i)
      printf("%s%d", i ? "," : "", (int)result.ids[i]);
    printf("\n");
  } else {
    fprintf(stderr, "error: %s\n", quoin_context_last_error(context));
  }
  quoin_session_destroy(session);
  quoin_model_destroy(model);
  quoin_context_destroy(context);
  return good ? 0 : 1;
}
