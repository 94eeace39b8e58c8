//===- NestedText.h - how deep a program's text nests ----------------------===//
//
// Parsers of programs, ours and MLIR's, call themselves for what stands in brackets, so a text from elsewhere could use
// up the stack. Its depth is bounded before it is parsed.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_SUPPORT_NESTEDTEXT_H
#define QUOIN_SUPPORT_NESTEDTEXT_H

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace quoin {

/// Programs nest some ten deep, a mask at most 200.
inline constexpr size_t maxProgramDepth = 1000;

/// How deep brackets nest in the text of a module. Strings and comments do not count, nor do arrows and comparisons.
inline size_t programDepth(std::string_view text) {
  size_t depth = 0, deepest = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i], before = i ? text[i - 1] : ' ', after = i + 1 < text.size() ? text[i + 1] : ' ';
    if (c == '"') {
      for (++i; i < text.size() && text[i] != '"' && text[i] != '\n'; ++i)
        i += text[i] == '\\';
    } else if (c == '/' && after == '/') {
      i = std::min(text.find('\n', i), text.size());
    } else if (c == '(' || c == '[' || c == '{' || (c == '<' && after != '=')) {
      deepest = std::max(deepest, ++depth);
    } else if (c == ')' || c == ']' || c == '}' || (c == '>' && before != '-' && after != '=')) {
      depth -= depth > 0;
    }
  }
  return deepest;
}

/// "expects a program nested at most 1000 deep, but found 3000", or "" if all is well.
inline std::string programTooDeep(std::string_view text) {
  size_t depth = programDepth(text);
  return depth <= maxProgramDepth ? ""
                                  : "expects a program nested at most " + std::to_string(maxProgramDepth) +
                                        " deep, but found " + std::to_string(depth);
}

} // namespace quoin

#endif
