// Lexer.cpp - one pass over the text. Between tags, data is cut as the tag before and the tag behind ask for:
//   `-` takes all white space on its side, `+` keeps all;
//   without either, the end of a block or comment takes one line break behind it, and its beginning takes the blanks
//   before it if nothing else stands before it on its line.

#include "runtime/template/Lexer.h"
#include "runtime/template/Text.h"
#include "runtime/template/Value.h"

#include <algorithm>
#include <charconv>

using namespace quoin::jinja;

namespace {

class Lexer {
public:
  explicit Lexer(std::string_view text);
  std::vector<Token> run();

private:
  using Type = Token::Type;

  std::string source;
  size_t at = 0;
  int line = 1;
  /// Nothing but what tags took away stands before `at` on its line.
  bool lineStarts = true;
  std::vector<Token> tokens;

  [[noreturn]] void problem(std::string text, int where) const { throw Problem{std::move(text), where}; }
  bool startsWith(std::string_view prefix, size_t from) const {
    return source.compare(from, prefix.size(), prefix) == 0;
  }
  size_t skipSpace(size_t from) const;
  void moveTo(size_t end);
  void push(Type type, std::string text = "");

  void data(size_t end, char sign, bool variable);
  bool raw(size_t tag);
  void comment();
  void tag(bool block);
  bool tagEnd(bool block);
  void number();
  void string();
  void word();
  void symbol(std::string &brackets);
};

Lexer::Lexer(std::string_view text) {
  // Line breaks become \n, and the last one goes.
  source.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      source += '\n';
      i += i + 1 < text.size() && text[i + 1] == '\n';
    } else {
      source += text[i];
    }
  }
  if (!source.empty() && source.back() == '\n')
    source.pop_back();
}

size_t Lexer::skipSpace(size_t from) const {
  size_t size = 0;
  while (from < source.size() && isSpace(firstChar(std::string_view(source).substr(from), size)))
    from += size;
  return from;
}

void Lexer::moveTo(size_t end) {
  line += static_cast<int>(std::count(source.begin() + static_cast<std::ptrdiff_t>(at),
                                      source.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
  at = end;
}

void Lexer::push(Type type, std::string text) {
  Token token;
  token.type = type;
  token.line = line;
  token.text = std::move(text);
  tokens.push_back(std::move(token));
}

/// The text from here to the tag at `end`, which has `sign`; the tag is not passed.
void Lexer::data(size_t end, char sign, bool variable) {
  std::string_view text = std::string_view(source).substr(at, end - at);
  if (sign == '-') {
    text = strip(text, false, true);
  } else if (sign != '+' && !variable) {
    const size_t start = text.rfind('\n') + 1;
    if ((start > 0 || lineStarts) && start < text.size() && strip(text.substr(start), true, false).empty())
      text = text.substr(0, start);
  }
  if (!text.empty())
    push(Type::Data, std::string(text));
  moveTo(end);
}

/// A `raw` block whose tag begins at `tag`, as data.
bool Lexer::raw(size_t tag) {
  size_t from = tag + 2;
  const char sign = from < source.size() && (source[from] == '-' || source[from] == '+') ? source[from] : '\0';
  from = skipSpace(from + (sign != '\0'));
  if (!startsWith("raw", from))
    return false;
  from = skipSpace(from + 3);
  const bool strips = startsWith("-%}", from);
  if (!strips && !startsWith("%}", from))
    return false;
  data(tag, sign, false);
  const int opened = line;
  moveTo(strips ? skipSpace(from + 3) : from + 2);
  lineStarts = source[at - 1] == '\n';
  for (size_t begin = at; (begin = source.find("{%", begin)) != std::string::npos; begin += 2) {
    size_t end = begin + 2;
    const char endSign = end < source.size() && (source[end] == '-' || source[end] == '+') ? source[end] : '\0';
    end = skipSpace(end + (endSign != '\0'));
    if (!startsWith("endraw", end))
      continue;
    end = skipSpace(end + 6);
    if (!startsWith("%}", end) && !startsWith("-%}", end) && !startsWith("+%}", end))
      continue;
    data(begin, endSign, false);
    moveTo(end);
    tagEnd(true);
    tokens.pop_back();
    return true;
  }
  problem("expects '{% endraw %}', but the template ends", opened);
}

void Lexer::comment() {
  const int opened = line;
  const size_t end = source.find("#}", at + 2);
  if (end == std::string::npos)
    problem("expects '#}' behind '{#', but the template ends", opened);
  size_t next = end + 2;
  // The sign in front of the end is not the one behind the beginning.
  const size_t body = at + 2 + (source[at + 2] == '-' || source[at + 2] == '+');
  const char sign = end > body ? source[end - 1] : '\0';
  if (sign == '-')
    next = skipSpace(next);
  else if (sign != '+' && next < source.size() && source[next] == '\n')
    ++next;
  moveTo(next);
  lineStarts = source[next - 1] == '\n';
}

/// Passes the end of a tag if it stands here.
bool Lexer::tagEnd(bool block) {
  const std::string_view close = block ? "%}" : "}}";
  const bool strips = source[at] == '-' && startsWith(close, at + 1);
  const bool keeps = block && source[at] == '+' && startsWith(close, at + 1);
  if (!strips && !keeps && !startsWith(close, at))
    return false;
  push(block ? Type::BlockEnd : Type::VariableEnd);
  size_t next = at + 2 + (strips || keeps);
  if (strips)
    next = skipSpace(next);
  else if (block && !keeps && next < source.size() && source[next] == '\n')
    ++next;
  moveTo(next);
  lineStarts = source[next - 1] == '\n';
  return true;
}

void Lexer::tag(bool block) {
  push(block ? Type::BlockBegin : Type::VariableBegin);
  const int opened = line;
  moveTo(at + 2 + (at + 2 < source.size() && (source[at + 2] == '-' || source[at + 2] == '+')));
  std::string brackets;
  for (;;) {
    moveTo(skipSpace(at));
    if (at == source.size())
      problem(std::string("expects '") + (block ? "%}" : "}}") + "', but the template ends", opened);
    if (brackets.empty() && tagEnd(block))
      return;
    const char c = source[at];
    if (c >= '0' && c <= '9')
      number();
    else if (c == '\'' || c == '"')
      string();
    else if (c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80))
      word();
    else
      symbol(brackets);
  }
}

void Lexer::word() {
  size_t end = at;
  auto belongs = [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
  };
  while (end < source.size() && belongs(source[end]))
    ++end;
  push(Type::Name, source.substr(at, end - at));
  moveTo(end);
}

void Lexer::number() {
  auto digit = [&](size_t i) { return i < source.size() && source[i] >= '0' && source[i] <= '9'; };
  // Digits with single underscores between them.
  auto digits = [&](size_t i) {
    while (digit(i) || (i < source.size() && source[i] == '_' && i > at && digit(i + 1)))
      ++i;
    return i;
  };
  auto clean = [&](size_t end) {
    std::string text = source.substr(at, end - at);
    text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
    return text;
  };
  const size_t whole = digits(at);
  size_t end = whole;
  if (end < source.size() && source[end] == '.' && digit(end + 1))
    end = digits(end + 1);
  if (end < source.size() && (source[end] == 'e' || source[end] == 'E')) {
    size_t exponent = end + 1;
    exponent += exponent < source.size() && (source[exponent] == '+' || source[exponent] == '-');
    if (digit(exponent))
      end = digits(exponent);
  }
  // In `x.0.1` the numbers are integers.
  const bool real = end != whole && !(at > 0 && source[at - 1] == '.');
  int base = 10;
  std::string text;
  if (!real) {
    end = whole;
    text = clean(end);
    const char kind = text == "0" && end < source.size() ? static_cast<char>(source[end] | 0x20) : ' ';
    base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 10;
    if (base != 10) {
      size_t stop = end + 1;
      while (stop < source.size() && (std::isxdigit(static_cast<unsigned char>(source[stop])) || source[stop] == '_'))
        ++stop;
      text = clean(stop).substr(2);
      end = stop;
    } else if (text.size() > 1 && text[0] == '0' && text.find_first_not_of('0') != text.npos) {
      problem("expects an integer without leading zeros, but found '" + shown(text) + "'", line);
    }
  } else {
    text = clean(end);
  }
  push(real ? Type::Float : Type::Integer, text);
  Token &token = tokens.back();
  const char *last = text.data() + text.size();
  auto [parsed, code] =
      real ? std::from_chars(text.data(), last, token.real) : std::from_chars(text.data(), last, token.integer, base);
  if (code != std::errc() || parsed != last)
    problem("expects a number of at most 64 bits, but found '" + shown(source.substr(at, end - at)) + "'", line);
  moveTo(end);
}

void Lexer::string() {
  const char quote = source[at];
  const int opened = line;
  std::string text;
  auto code = [&](size_t from, size_t count, int base) {
    uint32_t value = 0;
    const char *first = source.data() + from, *last = first + std::min(count, source.size() - from);
    auto [end, error] = std::from_chars(first, last, value, base);
    if (error != std::errc() || (base == 16 && end != first + count) || value > 0x10FFFF ||
        (value >= 0xD800 && value < 0xE000))
      problem("expects a character as the escape in a string, but found '" + shown(source.substr(from - 2, count + 2)) +
                  "'",
              line);
    appendChar(value, text);
    return static_cast<size_t>(end - first);
  };
  size_t i = at + 1;
  for (;; ++i) {
    if (i >= source.size())
      problem("expects the end of a string, but the template ends", opened);
    if (source[i] == quote)
      break;
    if (source[i] != '\\') {
      text += source[i];
      continue;
    }
    if (++i >= source.size())
      continue;
    static constexpr std::string_view letters = "abfnrtv\\'\"", meanings = "\a\b\f\n\r\t\v\\'\"";
    const char c = source[i];
    if (const size_t known = letters.find(c); known != letters.npos)
      text += meanings[known];
    else if (c == '\n')
      continue;
    else if (c == 'x' || c == 'u' || c == 'U')
      i += code(i + 1, c == 'x' ? 2 : c == 'u' ? 4 : 8, 16);
    else if (c >= '0' && c <= '7')
      i += code(i, 3, 8) - 1;
    else if (c == 'N')
      problem("a string with a character by name, '\\N', is not supported", line);
    else
      text += {'\\', c};
  }
  push(Type::String, std::move(text));
  moveTo(i + 1);
}

void Lexer::symbol(std::string &brackets) {
  static constexpr std::string_view symbols[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
                                                 "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};
  for (std::string_view each : symbols) {
    if (!startsWith(each, at))
      continue;
    if (each == "(" || each == "[" || each == "{") {
      brackets += each == "(" ? ')' : each == "[" ? ']' : '}';
    } else if (each == ")" || each == "]" || each == "}") {
      if (brackets.empty() || brackets.back() != each[0])
        problem("expects " + (brackets.empty() ? "no closing bracket" : std::string("'") + brackets.back() + "'") +
                    ", but found '" + std::string(each) + "'",
                line);
      brackets.pop_back();
    }
    push(Type::Operator, std::string(each));
    moveTo(at + each.size());
    return;
  }
  size_t size = 0;
  firstChar(std::string_view(source).substr(at), size);
  problem("expects an expression, but found the character '" + shown(source.substr(at, size)) + "'", line);
}

std::vector<Token> Lexer::run() {
  for (;;) {
    size_t begin = at;
    while ((begin = source.find('{', begin)) != std::string::npos && begin + 1 < source.size() &&
           std::string_view("%{#").find(source[begin + 1]) == std::string_view::npos)
      ++begin;
    if (begin == std::string::npos || begin + 1 >= source.size()) {
      if (at < source.size())
        push(Type::Data, source.substr(at));
      moveTo(source.size());
      push(Type::End);
      return std::move(tokens);
    }
    const char kind = source[begin + 1];
    if (kind == '%' && raw(begin))
      continue;
    const char sign = begin + 2 < source.size() ? source[begin + 2] : '\0';
    data(begin, sign, kind == '{');
    lineStarts = false;
    if (kind == '#')
      comment();
    else
      tag(kind == '%');
  }
}

} // namespace

std::vector<Token> quoin::jinja::tokenize(std::string_view source) { return Lexer(source).run(); }
