//===- JsonText.h - strangers' JSON before and after parsing ---------------===//
//
// The parser itself needs no stack, but copying and printing what it returns does: a text from elsewhere has a bounded
// depth before it is parsed. And what a message quotes from it has to stay one short line.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_SUPPORT_JSONTEXT_H
#define QUOIN_SUPPORT_JSONTEXT_H

#include "runtime/tokenizer/StrictJson.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace quoin {

/// Files that we read nest at most six deep.
inline constexpr size_t maxJsonDepth = 64;

/// "expects JSON nested at most 64 deep, but found 300", or "" if all is well.
inline std::string tooDeep(std::string_view text) {
  size_t depth = jsonDepth(text);
  return depth <= maxJsonDepth ? ""
                               : "expects JSON nested at most " + std::to_string(maxJsonDepth) + " deep, but found " +
                                     std::to_string(depth);
}

/// Short and without line breaks, for a message; characters stay whole.
inline std::string shortened(std::string text, size_t most = 60) {
  for (char &c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f')
      c = ' ';
  if (text.size() <= most)
    return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80)
    --most;
  return text.substr(0, most) + "...";
}

} // namespace quoin

#endif
