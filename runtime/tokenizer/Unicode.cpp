// Unicode.cpp - reads the generated tables and UTF-8, and drives utf8proc to
// give the NFC of an older Unicode.
//
// NFC in three steps, each at most n log n also on hostile text (utf8proc's
// own ordering of marks is quadratic):
//   1. cut at the characters Hugging Face's normalizer does not know: to it
//      they are inert, so nothing moves or composes across them;
//   2. decompose, and sort each run of marks by combining class, stably;
//   3. compose.

#include "runtime/tokenizer/Unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <vector>

using namespace quoin;

//===----------------------------------------------------------------------===//
// UTF-8
//===----------------------------------------------------------------------===//

Utf8Char quoin::readUtf8(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80)
    return {lead, 1, true, false};
  // Bounds of the second byte: they keep out overlong forms, surrogates and
  // everything above U+10FFFF.
  unsigned length = 0, low = 0x80, high = 0xBF;
  uint32_t code = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
    code = lead & 0x1F;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    code = lead & 0x0F;
    low = lead == 0xE0 ? 0xA0 : 0x80;
    high = lead == 0xED ? 0x9F : 0xBF;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    code = lead & 0x07;
    low = lead == 0xF0 ? 0x90 : 0x80;
    high = lead == 0xF4 ? 0x8F : 0xBF;
  } else {
    return {0xFFFD, 1, false, false};
  }
  for (unsigned i = 1; i < length; ++i) {
    if (i == text.size())
      return {0xFFFD, i, false, true};
    if (byte(i) < low || byte(i) > high)
      return {0xFFFD, i, false, false};
    code = code << 6 | (byte(i) & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return {code, length, true, false};
}

size_t quoin::previousUtf8(std::string_view text, size_t end) {
  do
    --end;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80);
  return end;
}

bool quoin::isValidUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    Utf8Char c = readUtf8(text.substr(at));
    if (!c.valid)
      return false;
    at += c.size;
  }
  return true;
}

void quoin::appendLossyUtf8(std::string_view text, std::string &out) {
  for (size_t at = 0; at < text.size();) {
    Utf8Char c = readUtf8(text.substr(at));
    if (c.valid)
      out.append(text, at, c.size);
    else
      out.append("\xEF\xBF\xBD");
    at += c.size;
  }
}

void quoin::appendUtf8(uint32_t code, std::string &out) {
  auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80)
    return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xE0 | code >> 12);
    } else {
      put(0xF0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3F));
    }
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

std::string quoin::forMessage(std::string_view text, size_t limit) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (out.size() >= limit)
      return out + "...";
    Utf8Char c = readUtf8(text.substr(at));
    at += c.size;
    appendUtf8(c.code < 0x20 || c.code == 0x7F ? '?' : c.code, out);
  }
  return out;
}

//===----------------------------------------------------------------------===//
// Character classes
//===----------------------------------------------------------------------===//

CharClasses::CharClasses() : table(0x110000, static_cast<char>(CharClass::Other)) {
  size_t at = 0;
  for (size_t i = 0; i < charClassRunsSize; ++i) {
    const size_t length = charClassRuns[i] >> 3;
    std::fill_n(table.begin() + at, length, static_cast<char>(charClassRuns[i] & 7));
    at += length;
  }
}

const CharClasses &CharClasses::get() {
  static const CharClasses classes;
  return classes;
}

LetterCases::LetterCases() : table(0x110000, static_cast<char>(LetterCase::None)) {
  size_t at = 0;
  for (size_t i = 0; i < letterCaseRunsSize; ++i) {
    const size_t length = letterCaseRuns[i] >> 2;
    std::fill_n(table.begin() + at, length, static_cast<char>(letterCaseRuns[i] & 3));
    at += length;
  }
}

const LetterCases &LetterCases::get() {
  static const LetterCases cases;
  return cases;
}

//===----------------------------------------------------------------------===//
// NFC
//===----------------------------------------------------------------------===//

namespace {

using CodePoints = std::vector<utf8proc_int32_t>;

/// Characters of the big scripts which stand alone: never reordered, never
/// the second half of a composition, never changed. The list may be
/// incomplete (the long way gives the same text), but not wrong.
bool isInert(uint32_t code) {
  return code < 0x300 || (code >= 0x4E00 && code < 0xA000) || (code >= 0x3000 && code < 0x302A) ||
         (code >= 0x3041 && code < 0x3097) || (code >= 0x30A1 && code < 0x30FB) || (code >= 0xAC00 && code < 0xD7A4) ||
         (code >= 0x0400 && code < 0x0483) || (code >= 0x2010 && code < 0x2028) || (code >= 0xFF01 && code < 0xFF9E) ||
         (code >= 0x1F300 && code < 0x1FA00);
}

bool isBarrier(uint32_t code) {
  // The place before the trailing consonants, which utf8proc takes for one of
  // them and swallows. It stands alone and composes with nothing.
  if (code == 0x11A7)
    return true;
  static const std::vector<bool> barriers = [] {
    std::vector<bool> bits;
    for (size_t i = 0; i + 1 < nfcBarrierRangesSize; i += 2) {
      bits.resize(bits.size() + nfcBarrierRanges[i], false);
      bits.resize(bits.size() + nfcBarrierRanges[i + 1], true);
    }
    return bits;
  }();
  return code < barriers.size() && barriers[code];
}

int combiningClass(utf8proc_int32_t code) { return utf8proc_get_property(code)->combining_class; }

/// Orders, composes and empties `chunk`, which is decomposed.
void composeChunk(CodePoints &chunk, std::string &out) {
  auto hasClass = [](utf8proc_int32_t c) { return combiningClass(c) != 0; };
  std::vector<uint64_t> keys;
  for (auto it = chunk.begin(); it != chunk.end();) {
    it = std::find_if(it, chunk.end(), hasClass);
    const auto end = std::find_if_not(it, chunk.end(), hasClass);
    // Class, place, character: sorting keeps the order within a class.
    keys.clear();
    for (auto mark = it; mark != end; ++mark)
      keys.push_back(uint64_t(combiningClass(*mark)) << 56 | uint64_t(keys.size()) << 21 | uint64_t(*mark));
    std::sort(keys.begin(), keys.end());
    for (uint64_t key : keys)
      *it++ = static_cast<utf8proc_int32_t>(key & 0x1FFFFF);
  }
  // STABLE keeps the composition exclusions apart, as NFC demands.
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE);
  const auto length = utf8proc_normalize_utf32(chunk.data(), static_cast<utf8proc_ssize_t>(chunk.size()), options);
  for (utf8proc_ssize_t i = 0; i < length; ++i)
    appendUtf8(static_cast<uint32_t>(chunk[static_cast<size_t>(i)]), out);
  chunk.clear();
}

} // namespace

bool quoin::normalizeNFC(std::string_view text, std::string &out) {
  size_t at = 0;
  while (at < text.size()) {
    Utf8Char c = readUtf8(text.substr(at));
    if (!isInert(c.code))
      break;
    at += c.size;
  }
  if (at == text.size())
    return false;

  out.clear();
  out.reserve(text.size());
  CodePoints chunk;
  for (at = 0; at < text.size();) {
    Utf8Char c = readUtf8(text.substr(at));
    at += c.size;
    if (isBarrier(c.code)) {
      composeChunk(chunk, out);
      appendUtf8(c.code, out);
      continue;
    }
    // Canonical decompositions have at most four characters.
    utf8proc_int32_t parts[8];
    int boundary = 0;
    const auto count =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c.code), parts, 8, UTF8PROC_DECOMPOSE, &boundary);
    if (count > 0 && count <= 8)
      chunk.insert(chunk.end(), parts, parts + count);
    else
      chunk.push_back(static_cast<utf8proc_int32_t>(c.code));
  }
  composeChunk(chunk, out);
  return true;
}
