// StrictJson.cpp - JSON for what Python may have written.

#include "runtime/tokenizer/StrictJson.h"

#include <cctype>
#include <cmath>
#include <cstdlib>

using namespace quoin;

/// The number of a `\uXXXX` at the beginning, or -1.
static int escapedUnit(std::string_view text) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u')
    return -1;
  int value = 0;
  for (char c : text.substr(2, 4)) {
    int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
    if (digit < 0)
      return -1;
    value = value * 16 + digit;
  }
  return value;
}

/// Copies a string from its first quote to its last; gives the bytes it has.
static size_t copyString(std::string_view text, std::string &out) {
  size_t i = 1;
  out += '"';
  while (i < text.size() && text[i] != '"') {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i++];
      continue;
    }
    int unit = escapedUnit(text.substr(i));
    bool high = unit >= 0xd800 && unit < 0xdc00, low = unit >= 0xdc00 && unit < 0xe000;
    int next = high ? escapedUnit(text.substr(std::min(i + 6, text.size()))) : -1;
    bool pair = high && next >= 0xdc00 && next < 0xe000;
    size_t length = pair ? 12 : unit >= 0 ? 6 : 2;
    if (low || (high && !pair))
      out += "\\ufffd";
    else
      out += text.substr(i, length);
    i += length;
  }
  if (i < text.size())
    out += '"';
  return std::min(i + 1, text.size());
}

std::string quoin::strictJson(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 64);
  for (size_t i = 0; i < text.size();) {
    if (text[i] == '"') {
      i += copyString(text.substr(i), out);
      continue;
    }
    // A word or a number, whole.
    size_t end = i;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '-' ||
                                 text[end] == '+' || text[end] == '.'))
      ++end;
    std::string word(text.substr(i, end - i));
    if (word.empty()) {
      out += text[i++];
      continue;
    }
    bool number = word.find_first_not_of("0123456789+-.eE") == std::string::npos;
    bool beyond = number && word.size() > 3 && std::isinf(std::strtod(word.c_str(), nullptr));
    if (beyond || word == "NaN" || word == "Infinity" || word == "-Infinity")
      out += '"' + word + '"';
    else
      out += word;
    i = end;
  }
  return out;
}
