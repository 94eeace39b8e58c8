/* embed.c: a C program with a compiled model linked into it: no LLVM, no Python, no dynamic loading.
 *
 *   quoin-compile MODEL -o out --emit object
 *   cc embed.c out/model.o -I runtime/include -I out libquoin.a ... (all of it in build.sh)
 *   ./embed out "sort 5 3 9 1 =>"
 *
 * The first argument is the folder that holds the weights (model.qw) and the tokenizer. */
#include "model.h" /* declares what model.o defines; `--symbol` gives it another name */
#include "quoin/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(quoin_context_t *context) {
  fprintf(stderr, "error: %s\n", context ? quoin_context_last_error(context) : "no context");
  return 1;
}

/* Shows the answer as it stands: a dot for each position that is still open. */
static int32_t show(void *self, const quoin_event_t *event) {
  int64_t i;
  (void)self;
  printf("evaluation %2lld: ", (long long)event->evaluation);
  for (i = event->prompt_length; i < event->length; ++i)
    putchar(event->open[i] ? '.' : '#');
  putchar('\n');
  return 0; /* anything else cancels */
}

int main(int argc, char **argv) {
  quoin_context_t *context = NULL;
  quoin_model_t *model = NULL;
  quoin_session_t *session = NULL;
  quoin_tokenizer_t *tokenizer;
  quoin_result_t result;
  int32_t ids[512];
  char text[4096];
  size_t count = 0, size = 0;

  if (argc != 3) {
    fprintf(stderr, "usage: embed FOLDER PROMPT\n");
    return 2;
  }
  if (quoin_context_create(NULL, &context) != QUOIN_STATUS_OK)
    return fail(NULL);
  if (quoin_model_from_program(context, quoin_program_query, NULL, 0, argv[1], &model) != QUOIN_STATUS_OK)
    return fail(context);
  tokenizer = quoin_model_tokenizer(model);
  if (!tokenizer) {
    fprintf(stderr, "error: expects a tokenizer.json in '%s'\n", argv[1]);
    return 1;
  }
  if (quoin_tokenizer_encode(tokenizer, argv[2], strlen(argv[2]), ids, 512, &count) != QUOIN_STATUS_OK)
    return fail(context);
  if (count > 512) {
    fprintf(stderr, "error: expects a prompt of at most 512 tokens, but found %zu\n", count);
    return 1;
  }
  if (quoin_session_create(model, NULL, &session) != QUOIN_STATUS_OK ||
      quoin_session_prompt(session, ids, count) != QUOIN_STATUS_OK ||
      quoin_session_set_max_tokens(session, 32) != QUOIN_STATUS_OK ||
      quoin_generate(session, show, NULL) != QUOIN_STATUS_OK ||
      quoin_session_result(session, &result) != QUOIN_STATUS_OK ||
      quoin_tokenizer_decode(tokenizer, result.ids, result.shown, 1, text, sizeof text, &size) != QUOIN_STATUS_OK ||
      size > sizeof text)
    return fail(context);
  printf("%.*s\n", (int)size, text);

  quoin_session_destroy(session);
  quoin_model_destroy(model);
  quoin_context_destroy(context);
  return 0;
}
