// Unigram.h - cuts a piece into the tokens whose scores together are the highest: SentencePiece's other model, beside
// byte pairs.

#ifndef QUOIN_RUNTIME_TOKENIZER_UNIGRAM_H
#define QUOIN_RUNTIME_TOKENIZER_UNIGRAM_H

#include "runtime/tokenizer/BytePair.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace quoin {

class Unigram {
public:
  using Ids = std::unordered_map<std::string_view, int32_t>;

  /// Tokens with the numbers 0, 1, .. and their scores; `ids` has those numbers, of equal tokens the last. False with
  /// `error` if the unknown token is none of them.
  bool build(const std::vector<std::pair<std::string_view, double>> &tokens, int64_t unknown, bool byteFallback,
             const Ids &ids, std::string &error);

  /// Appends the tokens of the valid `piece`. A character that no token has is the unknown one, a run of them together;
  /// with byte fallback, its bytes, if all have tokens.
  void append(std::string_view piece, std::vector<int32_t> &out) const;

private:
  static constexpr int32_t none = -1;

  /// The tokens' bytes: from a node by a byte to a node. The root is 0.
  MergeTable next;
  std::vector<int32_t> tokenAt; ///< by node
  std::vector<double> scores;   ///< by id
  double unknownScore = 0;
  int32_t unknown = none;
  std::array<int32_t, 256> fallbackTokens; ///< `<0x00>`...
  const Ids *known = nullptr;

  void put(std::string_view text, std::vector<int32_t> &out) const;
};

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_UNIGRAM_H
