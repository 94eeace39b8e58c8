// Lexer.h - a template's text as tokens, with the white space rules of `trim_blocks` and `lstrip_blocks`, which is how
// chat templates are always read.

#ifndef QUOIN_RUNTIME_TEMPLATE_LEXER_H
#define QUOIN_RUNTIME_TEMPLATE_LEXER_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quoin::jinja {

struct Token {
  enum class Type : uint8_t {
    Data,
    BlockBegin,
    BlockEnd,
    VariableBegin,
    VariableEnd,
    Name,
    String,
    Integer,
    Float,
    Operator,
    End
  };
  Type type = Type::End;
  int line = 1;
  /// A name, an operator, or the text of data and of a string with its escapes resolved.
  std::string text;
  int64_t integer = 0;
  double real = 0;

  bool is(Type wanted, std::string_view spelling) const { return type == wanted && text == spelling; }
  bool isName(std::string_view spelling) const { return is(Type::Name, spelling); }
  bool isOperator(std::string_view spelling) const { return is(Type::Operator, spelling); }
};

/// The tokens of `source`, an End last. Throws Problem.
std::vector<Token> tokenize(std::string_view source);

} // namespace quoin::jinja

#endif // QUOIN_RUNTIME_TEMPLATE_LEXER_H
