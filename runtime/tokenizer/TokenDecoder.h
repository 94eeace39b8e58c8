// TokenDecoder.h - the `decoder` of tokenizer.json: how the spellings of tokens, one after the other, become text.

#ifndef QUOIN_RUNTIME_TOKENIZER_TOKENDECODER_H
#define QUOIN_RUNTIME_TOKENIZER_TOKENDECODER_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quoin {

struct TokenDecoder {
  struct Step {
    enum class Kind : uint8_t {
      Replace,     ///< Each `pattern`, which is not empty, by `content`.
      Strip,       ///< At most `start` and `stop` times the character `pattern` at the ends.
      Metaspace,   ///< Each `pattern` by a space, of the first token (`dropsFirst`) by nothing.
      SpaceBefore, ///< A space before all but the first.
    };
    Kind kind;
    std::string pattern, content;
    size_t start = 0, stop = 0;
    bool dropsFirst = false;
  };

  /// Tokens spell bytes; there are no steps.
  bool byteLevel = false;
  /// Steps on each token; then, if `byteFallback`, runs of `<0x00>` to `<0xFF>` become one token, and `afterBytes`
  /// are steps on the tokens that are then there; then, if `fused`, `onText` are steps on all of the text.
  std::vector<Step> onTokens, afterBytes, onText;
  bool byteFallback = false;
  bool fused = false;
};

/// Runs a decoder that is not byte-level on tokens as they come.
class TokenStream {
public:
  explicit TokenStream(const TokenDecoder &decoder) : decoder(&decoder), strips(decoder.onText.size()) {}

  /// Appends to `out` what is certain once the token spelled `token` is known.
  void push(std::string_view token, std::string &out);
  /// Appends what is left when no more tokens come. The stream starts anew.
  void finish(std::string &out);

private:
  const TokenDecoder *decoder;
  size_t tokens = 0, elements = 0;
  std::string bytes; ///< Of a run of bytes that has not ended.
  struct Strip {
    size_t done = 0;    ///< Of the start.
    bool ended = false; ///< Something else stood there.
    size_t held = 0;    ///< At the end so far.
  };
  std::vector<Strip> strips;

  void flushBytes(std::string &out);
  void emit(std::string text, std::string &out);
};

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_TOKENDECODER_H
