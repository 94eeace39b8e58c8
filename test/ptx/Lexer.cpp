//===- Lexer.cpp - tokens of PTX ---------------------------------------------===//

#include "test/ptx/Lexer.h"
#include <algorithm>

namespace quoin::ptx {

static bool isDigit(char c) { return c >= '0' && c <= '9'; }
static bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c == '%';
}
static bool isName(char c) { return isLetter(c) || isDigit(c); }

/// Where the word that begins at `at` ends: dots and `::` belong to it if a name follows.
static size_t endOfWord(std::string_view text, size_t at) {
  auto nameAt = [&](size_t i) { return i < text.size() && isName(text[i]); };
  while (at < text.size()) {
    if (isName(text[at]))
      ++at;
    else if (text[at] == '.' && nameAt(at + 1))
      at += 2;
    else if (text.substr(at, 2) == "::" && nameAt(at + 2))
      at += 3;
    else
      break;
  }
  return at;
}

std::vector<Token> tokenize(std::string_view text) {
  std::vector<Token> tokens;
  uint32_t line = 1;
  size_t at = 0;
  auto refuse = [&](const std::string &what) { throw Refusal{{line, what}}; };
  auto add = [&](Token::Kind kind, size_t end) {
    tokens.push_back({kind, text.substr(at, end - at), line});
    at = end;
  };
  while (at < text.size()) {
    char c = text[at];
    if (c == '\n') {
      ++line;
      ++at;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++at;
    } else if (text.substr(at, 2) == "//") {
      at = std::min(text.find('\n', at), text.size());
    } else if (text.substr(at, 2) == "/*") {
      size_t end = text.find("*/", at + 2);
      if (end == std::string_view::npos)
        refuse("expects '*/' after '/*', but found the end of the text");
      for (; at < end + 2; ++at)
        line += text[at] == '\n';
    } else if (c == '"') {
      size_t end = text.find_first_of("\"\n", at + 1);
      if (end == std::string_view::npos || text[end] == '\n')
        refuse("expects '\"' at the end of a string, but found the end of the line");
      add(Token::Kind::String, end + 1);
    } else if (isDigit(c)) {
      size_t end = at;
      while (end < text.size() && (isName(text[end]) || text[end] == '.'))
        ++end;
      add(Token::Kind::Number, end);
    } else if (isLetter(c) || (c == '.' && at + 1 < text.size() && isLetter(text[at + 1]))) {
      add(Token::Kind::Word, endOfWord(text, at + (c == '.')));
    } else if (std::string_view("<>()[]{},;=|+-!@:").find(c) != std::string_view::npos) {
      add(Token::Kind::Punctuation, at + 1);
    } else {
      unsigned code = static_cast<unsigned char>(c);
      refuse("expects PTX, but found the character " +
             (code > 32 && code < 127 ? "'" + std::string(1, c) + "'" : std::to_string(code)));
    }
  }
  tokens.push_back({Token::Kind::End, "", line});
  return tokens;
}

std::optional<uint64_t> numberOf(std::string_view text, Operand::Literal &literal) {
  literal = Operand::Literal::Integer;
  unsigned base = 10;
  if (text.size() > 1 && text[0] == '0') {
    char kind = text[1];
    if (kind == 'f' || kind == 'F' || kind == 'd' || kind == 'D') {
      bool single = kind == 'f' || kind == 'F';
      if (text.size() != (single ? 10u : 18u))
        return std::nullopt;
      literal = single ? Operand::Literal::Single : Operand::Literal::Double;
      base = 16;
      text.remove_prefix(2);
    } else if (kind == 'x' || kind == 'X') {
      base = 16;
      text.remove_prefix(2);
    } else if (kind == 'b' || kind == 'B') {
      base = 2;
      text.remove_prefix(2);
    } else {
      base = 8;
    }
  }
  if (literal == Operand::Literal::Integer && !text.empty() && text.back() == 'U')
    text.remove_suffix(1);
  if (text.empty())
    return std::nullopt;
  uint64_t value = 0;
  for (char c : text) {
    unsigned digit = isDigit(c)             ? unsigned(c - '0')
                     : c >= 'a' && c <= 'f' ? unsigned(c - 'a') + 10
                     : c >= 'A' && c <= 'F' ? unsigned(c - 'A') + 10
                                            : 99;
    if (digit >= base || value > (~uint64_t(0) - digit) / base)
      return std::nullopt;
    value = value * base + digit;
  }
  return value;
}

} // namespace quoin::ptx
