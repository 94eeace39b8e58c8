// ByteAlphabet.cpp - the visible characters of Latin-1 spell themselves; the
// other 68 bytes, in order, take the characters from U+0100 on.

#include "runtime/tokenizer/ByteAlphabet.h"
#include "runtime/tokenizer/Unicode.h"

using namespace quoin;

ByteAlphabet::ByteAlphabet() {
  byteOf.fill(-1);
  uint32_t next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool visible = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
    const uint32_t code = visible ? byte : next++;
    byteOf[code] = static_cast<int16_t>(byte);
    appendUtf8(code, spelling[byte]);
  }
}

std::string ByteAlphabet::bytesOf(std::string_view token) const {
  std::string out;
  for (size_t at = 0; at < token.size();) {
    Utf8Char c = readUtf8(token.substr(at));
    if (c.code >= byteOf.size() || byteOf[c.code] < 0)
      return std::string(token);
    out += static_cast<char>(byteOf[c.code]);
    at += c.size;
  }
  return out;
}
