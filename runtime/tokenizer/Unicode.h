// Unicode.h - character classes, UTF-8 and NFC as Hugging Face's `tokenizers`
// sees them, in one place because ids depend on every detail of them.

#ifndef QUOIN_RUNTIME_TOKENIZER_UNICODE_H
#define QUOIN_RUNTIME_TOKENIZER_UNICODE_H

#include "runtime/tokenizer/UnicodeTables.h"

#include <string>
#include <string_view>

namespace quoin {

/// One step of reading UTF-8.
struct Utf8Char {
  /// U+FFFD where the bytes are invalid.
  uint32_t code = 0;
  /// Bytes consumed: of an invalid sequence its maximal valid prefix, at
  /// least 1, so that each step is one replacement character.
  uint32_t size = 0;
  bool valid = false;
  /// Not valid only because the text ends here.
  bool truncated = false;
};

/// Reads the character at the start of the non-empty `text`.
Utf8Char readUtf8(std::string_view text);

/// The start of the character that ends at `end` > 0 of the valid `text`.
size_t previousUtf8(std::string_view text, size_t end);

bool isValidUtf8(std::string_view text);

/// Appends `text` to `out` with one U+FFFD for each maximal invalid part: the
/// rule of Python's `errors="replace"` and of Rust's lossy conversion.
void appendLossyUtf8(std::string_view text, std::string &out);

void appendUtf8(uint32_t code, std::string &out);

/// How an error prints text from a file: valid UTF-8, on one line, at most
/// about `limit` bytes.
std::string forMessage(std::string_view text, size_t limit = 100);

/// A flat table of classes: 1.1 MB, filled on first use.
class CharClasses {
public:
  static const CharClasses &get();

  CharClass of(uint32_t code) const { return static_cast<CharClass>(table[code]); }

private:
  CharClasses();
  std::string table;
};

/// The same of the case of letters, apart because few patterns ask for it.
class LetterCases {
public:
  static const LetterCases &get();

  LetterCase of(uint32_t code) const { return static_cast<LetterCase>(table[code]); }

private:
  LetterCases();
  std::string table;
};

inline bool isLetter(CharClass c) { return c == CharClass::Letter; }
inline bool isMark(CharClass c) { return c == CharClass::Mark; }
inline bool isSpace(CharClass c) { return c == CharClass::Space; }
inline bool isNumber(CharClass c) { return c == CharClass::Number || c == CharClass::NumberNotWord; }
/// `\w`.
inline bool isWord(CharClass c) {
  return c != CharClass::Other && c != CharClass::NumberNotWord && c != CharClass::Space;
}

/// NFC of the valid `text`, into `out`. Returns false, leaving `out` alone,
/// when `text` is in that form already and was quick to see so.
bool normalizeNFC(std::string_view text, std::string &out);

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_UNICODE_H
