// AddedTokens.cpp - a trie walked from each possible start; the flags are
// applied to a match afterwards, in the order Hugging Face applies them.

#include "runtime/tokenizer/AddedTokens.h"
#include "runtime/tokenizer/Unicode.h"

#include <algorithm>

using namespace quoin;

void AddedTokenMatcher::insert(std::string_view pattern, const AddedToken &token) {
  if (pattern.empty())
    return;
  uint32_t node = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const auto byte = static_cast<unsigned char>(pattern[i]);
    uint32_t &child = i == 0 ? rootChildren[byte] : children[uint64_t{node} << 8 | byte];
    if (child == 0) {
      child = static_cast<uint32_t>(tokenAt.size());
      tokenAt.push_back(0);
    }
    node = child;
  }
  tokens.push_back(token);
  tokenAt[node] = static_cast<uint32_t>(tokens.size());
  onlyFirst = -1;
  if (std::count(rootChildren, rootChildren + 256, 0u) == 255)
    onlyFirst = static_cast<unsigned char>(pattern[0]);
}

size_t AddedTokenMatcher::nextStart(std::string_view text, size_t at) const {
  if (onlyFirst >= 0)
    return std::min(text.find(static_cast<char>(onlyFirst), at), text.size());
  while (at < text.size() && !rootChildren[static_cast<unsigned char>(text[at])])
    ++at;
  return at;
}

size_t AddedTokenMatcher::longestAt(std::string_view text, const AddedToken *&token) const {
  size_t length = 0;
  uint32_t node = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (i == 0) {
      node = rootChildren[byte];
    } else {
      auto child = children.find(uint64_t{node} << 8 | byte);
      node = child == children.end() ? 0 : child->second;
    }
    if (node == 0)
      break;
    if (tokenAt[node]) {
      length = i + 1;
      token = &tokens[tokenAt[node] - 1];
    }
  }
  return length;
}

void AddedTokenMatcher::split(std::string_view text, std::vector<Segment> &segments) const {
  const CharClasses &classes = CharClasses::get();
  auto classAt = [&](size_t at) { return classes.of(readUtf8(text.substr(at)).code); };
  size_t done = 0;
  for (size_t at = 0; !tokens.empty() && at < text.size();) {
    at = nextStart(text, at);
    const AddedToken *token = nullptr;
    const size_t length = longestAt(text.substr(at), token);
    if (length == 0) {
      ++at;
      continue;
    }
    // Even if the flags refuse this match, the search goes on behind it.
    size_t start = at, stop = at + length;
    at = stop;
    if (token->singleWord &&
        ((start > 0 && isWord(classAt(previousUtf8(text, start)))) || (stop < text.size() && isWord(classAt(stop)))))
      continue;
    if (token->lstrip)
      while (start > done) {
        size_t previous = previousUtf8(text, start);
        if (!isSpace(classAt(previous)))
          break;
        start = previous;
      }
    if (token->rstrip)
      while (stop < text.size() && isSpace(classAt(stop)))
        stop += readUtf8(text.substr(stop)).size;
    if (done < start)
      segments.push_back({Segment::isText, text.substr(done, start - done)});
    segments.push_back({token->id, {}});
    done = stop;
  }
  if (done < text.size())
    segments.push_back({Segment::isText, text.substr(done)});
}
