// text.cpp: the tokenizer behind the C interface: the one file that knows it.

#include "internal.h"

#include "runtime/tokenizer/ChatTemplate.h"
#include "runtime/tokenizer/Tokenizer.h"
#include "runtime/tokenizer/Unicode.h"

#include <algorithm>
#include <exception>
#include <set>
#include <string>
#include <unistd.h>

struct quoin_tokenizer_t {
  quoin_context_t *context;
  std::unique_ptr<quoin::Tokenizer> tokenizer;
  std::set<std::string> warned; // what was logged about conversations
};

/// Runs `body`; what it throws becomes a status.
template <typename Body> static quoin_status_t guarded(quoin_context_t &context, const Body &body) {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return context.outOfMemory();
  } catch (const std::exception &error) {
    return context.fail(QUOIN_STATUS_CORRUPT, "the tokenizer failed: %s", error.what());
  } catch (...) {
    return context.fail(QUOIN_STATUS_CORRUPT, "the tokenizer failed");
  }
}

quoin_status_t quoin::rt::loadTokenizer(quoin_context_t &context, const char *folder, bool required,
                                        quoin_tokenizer_t **out) {
  return guarded(context, [&] {
    std::string path = Tokenizer::fileIn(folder), error;
    if (path.empty()) {
      if (!required)
        return QUOIN_STATUS_OK;
      return context.fail(QUOIN_STATUS_NOT_FOUND, "expects a tokenizer, but there is no file '%s/tokenizer.json'",
                          folder);
    }
    std::unique_ptr<Tokenizer> tokenizer = Tokenizer::load(path, error);
    if (!tokenizer)
      return context.fail(QUOIN_STATUS_CORRUPT, "%s", error.c_str());
    for (const std::string &warning : tokenizer->warnings())
      context.log(1, "%s: %s", path.c_str(), warning.c_str());
    auto *made = context.make<quoin_tokenizer_t>();
    if (!made)
      return context.outOfMemory();
    made->context = &context;
    made->tokenizer = std::move(tokenizer);
    *out = made;
    return QUOIN_STATUS_OK;
  });
}

quoin_status_t quoin_tokenizer_load(quoin_context_t *context, const char *folder, quoin_tokenizer_t **out_tokenizer) {
  return quoin::rt::loadTokenizer(*context, folder, true, out_tokenizer);
}

void quoin_tokenizer_destroy(quoin_tokenizer_t *tokenizer) {
  if (tokenizer)
    tokenizer->context->destroy(tokenizer);
}

/// The first `capacity` of `all`, and how many there are.
template <typename All, typename Element>
static quoin_status_t give(const All &all, Element *to, size_t capacity, size_t *out_count) {
  std::copy_n(all.begin(), std::min(capacity, all.size()), to);
  *out_count = all.size();
  return QUOIN_STATUS_OK;
}

quoin_status_t quoin_tokenizer_encode(quoin_tokenizer_t *tokenizer, const char *text, size_t size, int32_t *ids,
                                      size_t capacity, size_t *out_count) {
  return guarded(*tokenizer->context, [&] {
    return give(tokenizer->tokenizer->encode(std::string_view(text, size)), ids, capacity, out_count);
  });
}

quoin_status_t quoin_tokenizer_encode_prompt(quoin_tokenizer_t *tokenizer, const char *text, size_t size, int32_t *ids,
                                             size_t capacity, size_t *out_count) {
  return guarded(*tokenizer->context, [&] {
    return give(tokenizer->tokenizer->encodePrompt(std::string_view(text, size)), ids, capacity, out_count);
  });
}

quoin_status_t quoin_tokenizer_render(quoin_tokenizer_t *tokenizer, const char *request, size_t size, char *text,
                                      size_t capacity, size_t *out_size) {
  quoin_context_t &context = *tokenizer->context;
  return guarded(context, [&] {
    const quoin::ChatTemplate &chat = tokenizer->tokenizer->chat();
    std::string rendered, error;
    std::vector<std::string> unread;
    switch (chat.render(std::string_view(request, size), rendered, error, &unread)) {
    case quoin::ChatTemplate::Outcome::Done:
      break;
    case quoin::ChatTemplate::Outcome::NoTemplate:
      return context.fail(QUOIN_STATUS_NOT_FOUND, "%s", error.c_str());
    case quoin::ChatTemplate::Outcome::BadRequest:
      return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "%s", error.c_str());
    case quoin::ChatTemplate::Outcome::Refused:
      return context.fail(QUOIN_STATUS_FAILED, "%s", error.c_str());
    }
    if (!chat.isStated() && tokenizer->warned.insert("").second)
      context.log(1, "the checkpoint states no chat template; conversations are written as ChatML");
    for (const std::string &name : unread)
      if (tokenizer->warned.insert(name).second)
        context.log(1, "the chat template does not look at '%s'", quoin::forMessage(name).c_str());
    return give(rendered, text, capacity, out_size);
  });
}

quoin_status_t quoin_tokenizer_decode(quoin_tokenizer_t *tokenizer, const int32_t *ids, size_t count,
                                      int32_t skip_special, char *text, size_t capacity, size_t *out_size) {
  return guarded(*tokenizer->context, [&] {
    return give(tokenizer->tokenizer->decode(std::vector<int32_t>(ids, ids + count), skip_special != 0), text, capacity,
                out_size);
  });
}
