// SettledText.cpp: tokens that are final as text that is: a character that is not complete waits for its rest.

#include "Sessions.h"

#include <algorithm>

using namespace quoin;

static bool endsInside(const std::string &text) { return text.ends_with("\ufffd"); }

/// Some tokenizers take the first token of a text for its beginning, and leave its space out: so the tokens are decoded
/// behind those shown last.
std::string SettledText::following(const int32_t *ids, size_t count) const {
  std::vector<int32_t> all = shown;
  all.insert(all.end(), ids, ids + count);
  const std::string before = decode(tokenizer, shown.data(), shown.size(), true);
  std::string text = decode(tokenizer, all.data(), all.size(), true);
  return text.starts_with(before) ? text.substr(before.size()) : decode(tokenizer, ids, count, true);
}

std::string SettledText::settle(const int32_t *ids, int64_t count) {
  for (int64_t i = 0; i < count && !over; ++i) {
    over = ++settled > maxTokens || std::find(stops.begin(), stops.end(), ids[i]) != stops.end();
    if (!over)
      held.push_back(ids[i]);
  }
  if (held.empty())
    return "";
  std::string text = following(held.data(), held.size());
  // A character has at most four bytes, so a longer wait is for nothing.
  for (size_t keep = 1; endsInside(text) && keep <= 4 && keep <= held.size(); ++keep) {
    std::string shorter = following(held.data(), held.size() - keep);
    if (!endsInside(shorter))
      return take(std::move(shorter), held.size() - keep);
  }
  return take(std::move(text), held.size());
}

/// Takes `text`, that of the first `count` of those held.
std::string SettledText::take(std::string text, size_t count) {
  if (!text.empty())
    shown.clear();
  const auto end = held.begin() + static_cast<std::ptrdiff_t>(count);
  shown.insert(shown.end(), held.begin(), end);
  held.erase(held.begin(), end);
  return text;
}
