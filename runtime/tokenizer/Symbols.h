// Symbols.h - what byte pairs are merged from: the tokens of the single bytes or characters of a piece, and what stands
// for those that have none.

#ifndef QUOIN_RUNTIME_TOKENIZER_SYMBOLS_H
#define QUOIN_RUNTIME_TOKENIZER_SYMBOLS_H

#include "runtime/tokenizer/ByteAlphabet.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace quoin {

/// What the file says of characters without a token.
struct UnknownRules {
  bool byteFallback = false; ///< Their bytes' `<0x00>` to `<0xFF>`, if all are there; tried first.
  std::string token;         ///< `unk_token`; empty: they are left out.
  bool fused = false;        ///< One for a whole run of them.
};

class Symbols {
public:
  static constexpr int32_t none = -1;
  using Ids = std::unordered_map<std::string_view, int32_t>;

  /// `vocabulary` has the ids of all tokens; `alphabet` must outlive this. False with `error` if the unknown token is
  /// not there and may be needed.
  bool build(bool byteLevel, const UnknownRules &rules, const Ids &vocabulary, const ByteAlphabet &alphabet,
             std::string &error);

  /// Appends the tokens of the valid `piece`, the text itself also where tokens spell bytes.
  void append(std::string_view piece, std::vector<int32_t> &ids) const;

private:
  bool byteLevel = true;
  bool fused = false;
  /// All bytes have a token, or nothing stands for those that do not.
  bool plainBytes = true;
  int32_t unknown = none;
  const ByteAlphabet *alphabet = nullptr;
  std::array<int32_t, 256> byteTokens;     ///< How they spell bytes.
  std::array<int32_t, 256> fallbackTokens; ///< `<0x00>`...
  std::unordered_map<uint32_t, int32_t> characters;

  void appendCharacters(std::string_view text, std::vector<int32_t> &ids) const;
};

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_SYMBOLS_H
