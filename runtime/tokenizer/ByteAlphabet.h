// ByteAlphabet.h - the printable character by which byte-level vocabularies
// write each byte, and the way back.

#ifndef QUOIN_RUNTIME_TOKENIZER_BYTEALPHABET_H
#define QUOIN_RUNTIME_TOKENIZER_BYTEALPHABET_H

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace quoin {

class ByteAlphabet {
public:
  ByteAlphabet();

  /// The character for `byte`, in UTF-8.
  const std::string &spell(unsigned char byte) const { return spelling[byte]; }
  /// The bytes that the valid UTF-8 `token` spells; the token itself if one
  /// of its characters spells none, as in most added tokens.
  std::string bytesOf(std::string_view token) const;

private:
  std::array<std::string, 256> spelling;
  /// Indexed by code point: all are below U+0144.
  std::array<int16_t, 0x144> byteOf;
};

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_BYTEALPHABET_H
