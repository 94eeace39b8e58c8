//===- Lexer.h - tokens of PTX -----------------------------------------------===//
//
// A word keeps its dots (`ld.global.v4.b32`, `%tid.x`, `.reg`), since PTX means one thing by it; spaces end it.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_TEST_PTX_LEXER_H
#define QUOIN_TEST_PTX_LEXER_H

#include "test/ptx/Module.h"

namespace quoin::ptx {

struct Token {
  enum class Kind : uint8_t { End, Word, Number, String, Punctuation } kind = Kind::End;
  std::string_view text;
  uint32_t line = 0;

  bool is(std::string_view other) const { return kind != Kind::String && text == other; }
};

/// Thrown and caught inside the parser.
struct Refusal {
  Diagnostic diagnostic;
};

/// All tokens of a text, `End` last. Throws Refusal where a character or a comment makes no sense.
std::vector<Token> tokenize(std::string_view text);

/// The value of an integer, or the bits of `0f` and `0d` numbers; none where the text is no number or too large.
std::optional<uint64_t> numberOf(std::string_view text, Operand::Literal &literal);

} // namespace quoin::ptx

#endif
