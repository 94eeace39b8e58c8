// Text.h - what Python's `str` knows about characters, over UTF-8, because templates count, cut and change texts by
// characters and not by bytes.

#ifndef QUOIN_RUNTIME_TEMPLATE_TEXT_H
#define QUOIN_RUNTIME_TEMPLATE_TEXT_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quoin::jinja {

/// The character at the start of the non-empty `text`, which is valid UTF-8; `size` becomes its bytes.
uint32_t firstChar(std::string_view text, size_t &size);
void appendChar(uint32_t code, std::string &out);
/// How many characters the valid `text` has.
size_t charCount(std::string_view text);
/// Where character number `index` begins, or the end of `text`.
size_t byteOfChar(std::string_view text, size_t index);
/// A copy with U+FFFD in place of bytes that are no UTF-8.
std::string validText(std::string_view text);
/// On one line and at most about `limit` bytes, for a message.
std::string shown(std::string_view text, size_t limit = 80);

/// `str.isspace` of a character, which is also what `strip` and `split` mean.
bool isSpace(uint32_t code);
bool isAlpha(uint32_t code);
bool isDecimal(uint32_t code);
bool isDigit(uint32_t code);
bool isNumeric(uint32_t code);
bool isLower(uint32_t code);
bool isUpper(uint32_t code);
bool isTitle(uint32_t code);
bool isCased(uint32_t code);
/// Whether `repr` shows the character itself.
bool isPrintable(uint32_t code);

enum class Case { Upper, Lower, Title };
/// The character's full mapping: `ß` in upper case is `SS`.
void appendCase(uint32_t code, Case to, std::string &out);
/// Appends the character at the start of `rest` in lower case: a capital sigma as it is written behind `before`, which
/// depends on whether it ends a word.
void appendLower(std::string_view before, std::string_view rest, std::string &out);
/// `str.upper` and `str.lower`.
std::string toUpper(std::string_view text);
std::string toLower(std::string_view text);

std::string_view strip(std::string_view text, bool left, bool right);
/// Strips characters of the set `chars`.
std::string_view strip(std::string_view text, std::string_view chars, bool left, bool right);
/// `str.splitlines`.
std::vector<std::string_view> splitLines(std::string_view text, bool keepEnds);

/// Python's `repr` of a text and of a float.
void appendRepr(std::string_view text, std::string &out);
std::string floatText(double value);

} // namespace quoin::jinja

#endif // QUOIN_RUNTIME_TEMPLATE_TEXT_H
