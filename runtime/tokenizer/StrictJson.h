// StrictJson.h - JSON texts of strangers before they are parsed: how deep they nest, and what Python makes of JSON.
//
// Python's JSON knows more than JSON: NaN, Infinity, numbers beyond all bounds, halves of surrogate pairs. Nobody may
// read the key that has one, so it does not refuse a file: each becomes a string (or a replacement character in one),
// which no reader takes for a number.
//
// The runtime's tokenizer needs both and depends on nothing else of ours, so they stand here.

#ifndef QUOIN_RUNTIME_TOKENIZER_STRICTJSON_H
#define QUOIN_RUNTIME_TOKENIZER_STRICTJSON_H

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace quoin {

/// How deep arrays and objects nest, without parsing: exact for JSON, and an error is nobody's depth.
inline size_t jsonDepth(std::string_view text) {
  size_t depth = 0, deepest = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quoted) {
      i += c == '\\';
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      depth -= depth > 0;
    }
  }
  return deepest;
}

/// JSON for what Python may have written; as many lines.
std::string strictJson(std::string_view text);

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_STRICTJSON_H
