/* PromptCaller.c: a prompt and a conversation as a C99 host makes ids of them. */
#include "quoin/runtime.h"

#include <string.h>

#define EXPECT(condition)                                                                                              \
  if (!(condition))                                                                                                    \
  return __LINE__

/* `folder` has a tokenizer whose template writes "[role]content" for each message, and whose post-processor puts a
 * token before each text. */
int quoin_c_prompts(const char *folder) {
  static const char request[] = "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}";
  const size_t request_size = sizeof request - 1;
  quoin_context_t *context = NULL;
  quoin_tokenizer_t *tokenizer = NULL;
  char text[64];
  int32_t ids[64], again[64];
  size_t size = 0, count = 0, same = 0;

  EXPECT(quoin_context_create(NULL, &context) == QUOIN_STATUS_OK);
  EXPECT(quoin_tokenizer_load(context, folder, &tokenizer) == QUOIN_STATUS_OK);
  /* The first call asks how much room is needed, the second fills it. */
  EXPECT(quoin_tokenizer_render(tokenizer, request, request_size, NULL, 0, &size) == QUOIN_STATUS_OK);
  EXPECT(size == 8 && size <= sizeof text);
  memset(text, '?', sizeof text);
  EXPECT(quoin_tokenizer_render(tokenizer, request, request_size, text, sizeof text, &size) == QUOIN_STATUS_OK);
  EXPECT(size == 8 && memcmp(text, "[user]Hi?", 9) == 0);
  EXPECT(quoin_tokenizer_encode(tokenizer, text, size, ids, 64, &count) == QUOIN_STATUS_OK && count == 8);
  EXPECT(quoin_tokenizer_encode_prompt(tokenizer, text, size, NULL, 0, &same) == QUOIN_STATUS_OK && same == 9);
  EXPECT(quoin_tokenizer_encode_prompt(tokenizer, text, size, again, 64, &same) == QUOIN_STATUS_OK && same == 9);
  EXPECT(again[0] == 256 && memcmp(again + 1, ids, 8 * sizeof ids[0]) == 0);
  EXPECT(quoin_tokenizer_render(tokenizer, "{}", 2, text, sizeof text, &size) == QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT(strstr(quoin_context_last_error(context), "'messages'") != NULL && size == 8);
  quoin_tokenizer_destroy(tokenizer);
  quoin_tokenizer_destroy(NULL);
  quoin_context_destroy(context);
  return 0;
}
