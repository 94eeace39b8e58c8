// Prompter.cpp: see Prompter.h.

#include "Prompter.h"

using namespace quoin;

static constexpr size_t kShortText = 32 << 10;

void Prompter::encode(Request &request) {
  if (!request.text && request.conversation.empty())
    return;
  Side &side = sides[(request.text ? request.text->size() : request.conversation.size()) > kShortText];
  std::lock_guard lock(side.mutex);
  request.ids = promptOf(side.tokenizer.get(), request, side.context.get()).ids;
}

std::string Prompter::text(int32_t token) {
  std::lock_guard lock(sides[0].mutex);
  return decode(sides[0].tokenizer.get(), &token, 1, false);
}
