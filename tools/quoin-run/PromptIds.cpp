// PromptIds.cpp: texts and conversations as ids, and back.

#include "Sessions.h"

using namespace quoin;

namespace {

using EncodeFn = decltype(quoin_tokenizer_encode);

std::vector<int32_t> encodeBy(EncodeFn *function, quoin_tokenizer_t *tokenizer, const std::string &text,
                              quoin_context_t *context) {
  // A token stands for at least a byte in every tokenizer but one that normalises; then the call is repeated.
  std::vector<int32_t> ids(text.size() + 8);
  size_t count = 0;
  for (;;) {
    if (function(tokenizer, text.data(), text.size(), ids.data(), ids.size(), &count) != QUOIN_STATUS_OK)
      throw Failure{quoin_context_last_error(context)};
    bool all = count <= ids.size();
    ids.resize(count);
    if (all)
      return ids;
  }
}

std::string renderConversation(quoin_tokenizer_t *tokenizer, const std::string &conversation,
                               quoin_context_t *context) {
  std::string text(conversation.size() + 4096, '\0');
  size_t size = 0;
  for (;;) {
    if (quoin_tokenizer_render(tokenizer, conversation.data(), conversation.size(), text.data(), text.size(), &size) !=
        QUOIN_STATUS_OK)
      throw Failure{quoin_context_last_error(context)};
    bool all = size <= text.size();
    text.resize(size);
    if (all)
      return text;
  }
}

} // namespace

std::vector<int32_t> quoin::encode(quoin_tokenizer_t *tokenizer, const std::string &text, quoin_context_t *context) {
  return encodeBy(quoin_tokenizer_encode, tokenizer, text, context);
}

std::string quoin::decode(quoin_tokenizer_t *tokenizer, const int32_t *ids, size_t count, bool skipSpecial) {
  std::string text(8 * count + 64, '\0');
  size_t size = 0;
  for (;;) {
    if (!tokenizer ||
        quoin_tokenizer_decode(tokenizer, ids, count, skipSpecial, text.data(), text.size(), &size) != QUOIN_STATUS_OK)
      return "";
    bool all = size <= text.size();
    text.resize(size);
    if (all)
      return text;
  }
}

Prompt quoin::promptOf(quoin_tokenizer_t *tokenizer, const Request &request, quoin_context_t *context) {
  if (!request.conversation.empty()) {
    // A template writes all special tokens itself.
    std::string text = renderConversation(tokenizer, request.conversation, context);
    std::vector<int32_t> ids = encode(tokenizer, text, context);
    return {std::move(text), std::move(ids)};
  }
  if (request.text)
    return {*request.text, encodeBy(quoin_tokenizer_encode_prompt, tokenizer, *request.text, context)};
  return {decode(tokenizer, request.ids.data(), request.ids.size(), false), request.ids};
}
