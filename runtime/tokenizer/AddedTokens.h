// AddedTokens.h - finds the added tokens in text, before and after it is
// normalized, because they are recognised whole and never merged.

#ifndef QUOIN_RUNTIME_TOKENIZER_ADDEDTOKENS_H
#define QUOIN_RUNTIME_TOKENIZER_ADDEDTOKENS_H

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace quoin {

/// An entry of `added_tokens`.
struct AddedToken {
  std::string content;
  int32_t id = 0;
  bool special = false;
  /// Looked for in the normalized text.
  bool normalized = false;
  /// Takes the white space at its left, right.
  bool lstrip = false, rstrip = false;
  /// Not found inside a word.
  bool singleWord = false;
};

/// A stretch of text, or the added token that stands there.
struct Segment {
  static constexpr int32_t isText = -1;
  int32_t id = isText;
  std::string_view text;
};

/// Leftmost and of these longest matches of a set of tokens.
class AddedTokenMatcher {
public:
  /// Looks for `pattern` as `token`.
  void insert(std::string_view pattern, const AddedToken &token);
  /// Appends the segments of `text`; none is an empty text.
  void split(std::string_view text, std::vector<Segment> &segments) const;

private:
  std::vector<AddedToken> tokens;
  /// A trie. A child is found by node << 8 | byte, those of the root directly.
  std::unordered_map<uint64_t, uint32_t> children;
  std::vector<uint32_t> tokenAt = {0}; ///< Per node: 1 + index into `tokens`.
  uint32_t rootChildren[256] = {};
  /// The byte all patterns start with, as in the common `<|...|>`, or -1.
  int onlyFirst = -1;

  size_t nextStart(std::string_view text, size_t at) const;
  size_t longestAt(std::string_view text, const AddedToken *&token) const;
};

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_ADDEDTOKENS_H
