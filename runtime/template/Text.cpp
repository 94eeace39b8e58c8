// Text.cpp - characters by utf8proc's categories and the generated tables of what these do not say.

#include "runtime/template/Text.h"
#include "runtime/template/CaseTables.h"

#include <utf8proc.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <iterator>

using namespace quoin::jinja;

//===----------------------------------------------------------------------===//
// UTF-8
//===----------------------------------------------------------------------===//

/// As utf8proc reads it: less than 1 for what is no character.
static utf8proc_ssize_t read(std::string_view text, utf8proc_int32_t &code) {
  return utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t *>(text.data()),
                          static_cast<utf8proc_ssize_t>(std::min<size_t>(text.size(), 4)), &code);
}

uint32_t quoin::jinja::firstChar(std::string_view text, size_t &size) {
  if (static_cast<unsigned char>(text[0]) < 0x80) {
    size = 1;
    return static_cast<unsigned char>(text[0]);
  }
  utf8proc_int32_t code = 0;
  utf8proc_ssize_t count = read(text, code);
  size = count < 1 ? 1 : static_cast<size_t>(count);
  return count < 1 ? 0xFFFD : static_cast<uint32_t>(code);
}

void quoin::jinja::appendChar(uint32_t code, std::string &out) {
  utf8proc_uint8_t bytes[4];
  utf8proc_ssize_t count = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes);
  out.append(bytes, bytes + count);
}

static bool startsChar(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

size_t quoin::jinja::charCount(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), startsChar));
}

size_t quoin::jinja::byteOfChar(std::string_view text, size_t index) {
  for (size_t at = 0; at < text.size(); ++at)
    if (startsChar(text[at]) && index-- == 0)
      return at;
  return text.size();
}

std::string quoin::jinja::validText(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    size_t size = 0;
    appendChar(firstChar(text, size), out);
    text.remove_prefix(size);
  }
  return out;
}

std::string quoin::jinja::shown(std::string_view text, size_t limit) {
  std::string out;
  while (!text.empty()) {
    if (out.size() >= limit)
      return out + "...";
    size_t size = 0;
    uint32_t code = firstChar(text, size);
    appendChar(code < 0x20 || code == 0x7F || code == 0x85 || code == 0x2028 || code == 0x2029 ? ' ' : code, out);
    text.remove_prefix(size);
  }
  return out;
}

//===----------------------------------------------------------------------===//
// Characters
//===----------------------------------------------------------------------===//

static utf8proc_category_t category(uint32_t code) { return utf8proc_category(static_cast<utf8proc_int32_t>(code)); }

static bool inRanges(uint32_t code, const CodeRange *ranges, size_t size) {
  const CodeRange *found =
      std::lower_bound(ranges, ranges + size, code, [](const CodeRange &range, uint32_t c) { return range.last < c; });
  return found != ranges + size && found->first <= code;
}

bool quoin::jinja::isSpace(uint32_t code) {
  if (code < 0x80)
    return code == ' ' || (code >= 9 && code <= 13) || (code >= 28 && code <= 31);
  return code == 0x85 || code == 0x2028 || code == 0x2029 || category(code) == UTF8PROC_CATEGORY_ZS;
}

bool quoin::jinja::isAlpha(uint32_t code) {
  utf8proc_category_t c = category(code);
  return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool quoin::jinja::isDecimal(uint32_t code) { return category(code) == UTF8PROC_CATEGORY_ND; }
bool quoin::jinja::isDigit(uint32_t code) { return isDecimal(code) || inRanges(code, digitRanges, digitRangesSize); }

bool quoin::jinja::isNumeric(uint32_t code) {
  utf8proc_category_t c = category(code);
  return (c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO) || inRanges(code, numericRanges, numericRangesSize);
}

bool quoin::jinja::isLower(uint32_t code) {
  return category(code) == UTF8PROC_CATEGORY_LL || inRanges(code, otherLowerRanges, otherLowerRangesSize);
}

bool quoin::jinja::isUpper(uint32_t code) {
  return category(code) == UTF8PROC_CATEGORY_LU || inRanges(code, otherUpperRanges, otherUpperRangesSize);
}

bool quoin::jinja::isTitle(uint32_t code) { return category(code) == UTF8PROC_CATEGORY_LT; }
bool quoin::jinja::isCased(uint32_t code) { return isLower(code) || isUpper(code) || isTitle(code); }

bool quoin::jinja::isPrintable(uint32_t code) {
  switch (category(code)) {
  case UTF8PROC_CATEGORY_CN:
  case UTF8PROC_CATEGORY_CC:
  case UTF8PROC_CATEGORY_CF:
  case UTF8PROC_CATEGORY_CS:
  case UTF8PROC_CATEGORY_CO:
  case UTF8PROC_CATEGORY_ZL:
  case UTF8PROC_CATEGORY_ZP:
    return false;
  case UTF8PROC_CATEGORY_ZS:
    return code == ' ';
  default:
    return true;
  }
}

//===----------------------------------------------------------------------===//
// Upper and lower case
//===----------------------------------------------------------------------===//

void quoin::jinja::appendCase(uint32_t code, Case to, std::string &out) {
  const SpecialCase *end = specialCases + specialCasesSize;
  const SpecialCase *found =
      std::lower_bound(specialCases, end, code, [](const SpecialCase &each, uint32_t c) { return each.code < c; });
  if (code >= 0x80 && found != end && found->code == code) {
    out += to == Case::Upper ? found->upper : to == Case::Lower ? found->lower : found->title;
    return;
  }
  const auto c = static_cast<utf8proc_int32_t>(code);
  appendChar(static_cast<uint32_t>(to == Case::Upper   ? utf8proc_toupper(c)
                                   : to == Case::Lower ? utf8proc_tolower(c)
                                                       : utf8proc_totitle(c)),
             out);
}

std::string quoin::jinja::toUpper(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t size = 0;
    appendCase(firstChar(text, size), Case::Upper, out);
    text.remove_prefix(size);
  }
  return out;
}

static bool isCaseIgnorable(uint32_t code) {
  static constexpr uint32_t punctuation[] = {0x27,   0x2E,   0x3A,   0xB7,   0x387,  0x55F,  0x5F4,  0x2018, 0x2019,
                                             0x2024, 0x2027, 0xFE13, 0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A};
  if (std::binary_search(std::begin(punctuation), std::end(punctuation), code))
    return true;
  utf8proc_category_t c = category(code);
  return c == UTF8PROC_CATEGORY_MN || c == UTF8PROC_CATEGORY_ME || c == UTF8PROC_CATEGORY_CF ||
         c == UTF8PROC_CATEGORY_LM || c == UTF8PROC_CATEGORY_SK;
}

/// Whether a cased character stands next to a place, those that are ignored left out: at the end of `text`, or at its
/// start.
static bool casedAt(std::string_view text, bool end) {
  while (!text.empty()) {
    size_t at = end ? text.size() - 1 : 0, size = 0;
    while (at > 0 && !startsChar(text[at]))
      --at;
    const uint32_t code = firstChar(text.substr(at), size);
    if (!isCaseIgnorable(code))
      return isCased(code);
    text = end ? text.substr(0, at) : text.substr(size);
  }
  return false;
}

void quoin::jinja::appendLower(std::string_view before, std::string_view rest, std::string &out) {
  size_t size = 0;
  const uint32_t code = firstChar(rest, size);
  if (code == 0x3A3)
    return appendChar(casedAt(before, true) && !casedAt(rest.substr(size), false) ? 0x3C2 : 0x3C3, out);
  appendCase(code, Case::Lower, out);
}

std::string quoin::jinja::toLower(std::string_view text) {
  std::string out;
  for (size_t at = 0, size = 0; at < text.size(); at += size) {
    firstChar(text.substr(at), size);
    appendLower(text.substr(0, at), text.substr(at), out);
  }
  return out;
}

//===----------------------------------------------------------------------===//
// Cutting
//===----------------------------------------------------------------------===//

template <typename Test> static std::string_view stripIf(std::string_view text, bool left, bool right, Test test) {
  size_t size = 0;
  while (left && !text.empty() && test(firstChar(text, size)))
    text.remove_prefix(size);
  while (right && !text.empty()) {
    size_t at = text.size() - 1;
    while (at > 0 && !startsChar(text[at]))
      --at;
    if (!test(firstChar(text.substr(at), size)))
      break;
    text = text.substr(0, at);
  }
  return text;
}

std::string_view quoin::jinja::strip(std::string_view text, bool left, bool right) {
  return stripIf(text, left, right, isSpace);
}

std::string_view quoin::jinja::strip(std::string_view text, std::string_view chars, bool left, bool right) {
  std::vector<uint32_t> set;
  for (size_t size = 0; !chars.empty(); chars.remove_prefix(size))
    set.push_back(firstChar(chars, size));
  return stripIf(text, left, right,
                 [&](uint32_t code) { return std::find(set.begin(), set.end(), code) != set.end(); });
}

static bool breaksLine(uint32_t code) {
  return (code >= 0x0A && code <= 0x0D) || (code >= 0x1C && code <= 0x1E) || code == 0x85 || code == 0x2028 ||
         code == 0x2029;
}

std::vector<std::string_view> quoin::jinja::splitLines(std::string_view text, bool keepEnds) {
  std::vector<std::string_view> lines;
  size_t start = 0, size = 0;
  for (size_t at = 0; at < text.size();) {
    uint32_t code = firstChar(text.substr(at), size);
    if (!breaksLine(code)) {
      at += size;
      continue;
    }
    size_t end = at + size;
    if (code == '\r' && end < text.size() && text[end] == '\n')
      ++end;
    lines.push_back(text.substr(start, (keepEnds ? end : at) - start));
    start = at = end;
  }
  if (start < text.size())
    lines.push_back(text.substr(start));
  return lines;
}

//===----------------------------------------------------------------------===//
// How Python prints
//===----------------------------------------------------------------------===//

void quoin::jinja::appendRepr(std::string_view text, std::string &out) {
  const char quote = text.find('\'') != text.npos && text.find('"') == text.npos ? '"' : '\'';
  out += quote;
  while (!text.empty()) {
    size_t size = 0;
    uint32_t code = firstChar(text, size);
    text.remove_prefix(size);
    char escape[16];
    if (code == static_cast<unsigned char>(quote) || code == '\\') {
      out += '\\';
      appendChar(code, out);
    } else if (code == '\n' || code == '\r' || code == '\t') {
      out += code == '\n' ? "\\n" : code == '\r' ? "\\r" : "\\t";
    } else if (isPrintable(code)) {
      appendChar(code, out);
    } else {
      std::snprintf(escape, sizeof(escape), code < 0x100 ? "\\x%02x" : code < 0x10000 ? "\\u%04x" : "\\U%08x", code);
      out += escape;
    }
  }
  out += quote;
}

std::string quoin::jinja::floatText(double value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value < 0 ? "-inf" : "inf";
  char buffer[64];
  // The shortest digits that give the number again, as d.ddde+XX.
  auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific);
  std::string_view all(buffer, static_cast<size_t>(end - buffer));
  const size_t e = all.find('e');
  int exponent = 0;
  std::from_chars(all.data() + e + (all[e + 1] == '+' ? 2 : 1), end, exponent);
  std::string digits, out;
  for (char c : all.substr(0, e))
    if (c >= '0' && c <= '9')
      digits += c;
  if (all[0] == '-')
    out = "-";
  const int count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (count > 1)
      out += "." + digits.substr(1);
    std::snprintf(buffer, sizeof(buffer), "e%c%02d", exponent < 0 ? '-' : '+', std::abs(exponent));
    return out + buffer;
  }
  if (exponent < 0)
    return out + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  if (count <= exponent + 1)
    return out + digits + std::string(static_cast<size_t>(exponent + 1 - count), '0') + ".0";
  return out + digits.substr(0, static_cast<size_t>(exponent) + 1) + "." +
         digits.substr(static_cast<size_t>(exponent) + 1);
}
