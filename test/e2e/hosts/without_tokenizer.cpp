// without_tokenizer.cpp: what text.cpp has for the runtime, for hosts of a machine whose libraries the tokenizer lacks:
// requests give ids.
#include "runtime/src/internal.h"

quoin_status_t quoin::rt::loadTokenizer(quoin_context_t &context, const char *, bool required, quoin_tokenizer_t **) {
  return required ? context.fail(QUOIN_STATUS_NOT_FOUND, "expects no tokenizer in this host") : QUOIN_STATUS_OK;
}

void quoin_tokenizer_destroy(quoin_tokenizer_t *) {}
