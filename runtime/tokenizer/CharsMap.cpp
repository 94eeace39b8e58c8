// CharsMap.cpp - looks up characters as a user sees them (grapheme clusters) if they are short, else the code points
// that they are made of. Of several entries that begin a part the shortest counts, as in Hugging Face's `tokenizers`.

#include "runtime/tokenizer/CharsMap.h"
#include "runtime/tokenizer/Unicode.h"

#include <algorithm>
#include <array>
#include <utf8proc.h>

using namespace quoin;

/// Longer clusters are not looked up as a whole.
static constexpr size_t longestCluster = 5;

static std::optional<std::string> decodeBase64(std::string_view text) {
  static const std::array<int8_t, 256> values = [] {
    std::array<int8_t, 256> made;
    made.fill(-1);
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < digits.size(); ++i)
      made[static_cast<unsigned char>(digits[i])] = static_cast<int8_t>(i);
    return made;
  }();
  while (!text.empty() && text.back() == '=')
    text.remove_suffix(1);
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    const int8_t value = values[static_cast<unsigned char>(c)];
    if (value < 0)
      return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    if ((count += 6) >= 8)
      out.push_back(static_cast<char>(bits >> (count -= 8) & 0xFF));
  }
  return out;
}

std::optional<CharsMap> CharsMap::read(std::string_view base64, std::string &error) {
  std::optional<std::string> bytes = decodeBase64(base64);
  auto word = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i)
      value |= uint32_t{static_cast<unsigned char>((*bytes)[at + i])} << (8 * i);
    return value;
  };
  if (!bytes || bytes->size() < 4 || word(0) % 4 != 0 || word(0) > bytes->size() - 4) {
    error = "expects base64 of a table and its texts as 'precompiled_charsmap', but it is not";
    return std::nullopt;
  }
  CharsMap map;
  const size_t size = word(0);
  for (size_t at = 0; at < size; at += 4)
    map.units.push_back(word(4 + at));
  map.texts = bytes->substr(4 + size);
  if (!isValidUtf8(map.texts)) {
    error = "expects texts in UTF-8 in 'precompiled_charsmap', but they are not";
    return std::nullopt;
  }
  for (size_t at = 0; at < map.texts.size();) {
    const size_t end = std::min(map.texts.find('\0', at), map.texts.size());
    map.most = std::max(map.most, end - at);
    at = end + 1;
  }
  return map;
}

/// What the shortest entry becomes that begins `part`.
std::optional<std::string_view> CharsMap::find(std::string_view part) const {
  auto unit = [&](size_t at) { return at < units.size() ? units[at] : 0; };
  auto offset = [](uint32_t u) { return static_cast<size_t>(u >> 10) << ((u & 1u << 9) >> 6); };
  size_t node = offset(unit(0));
  for (char c : part) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0)
      break;
    node ^= byte;
    const uint32_t at = unit(node);
    if ((at & (1u << 31 | 0xFF)) != byte)
      break;
    node ^= offset(at);
    if ((at >> 8 & 1) == 0)
      continue;
    const size_t text = unit(node) & ((1u << 31) - 1);
    // A place inside a character would be no text.
    if (text > texts.size() || (text < texts.size() && (static_cast<unsigned char>(texts[text]) & 0xC0) == 0x80))
      return std::nullopt;
    return std::string_view(texts).substr(text, std::min(texts.find('\0', text), texts.size()) - text);
  }
  return std::nullopt;
}

bool CharsMap::apply(std::string_view text, std::string &out) const {
  out.clear();
  bool changed = false;
  auto put = [&](std::string_view part) {
    std::optional<std::string_view> found = find(part);
    changed |= found.has_value();
    if (found)
      out.append(*found);
    return found.has_value();
  };
  for (size_t at = 0; at < text.size();) {
    // A cluster ends where one may be broken off.
    Utf8Char c = readUtf8(text.substr(at));
    size_t end = at + c.size;
    utf8proc_int32_t state = 0;
    for (auto before = static_cast<utf8proc_int32_t>(c.code); end < text.size();) {
      const Utf8Char next = readUtf8(text.substr(end));
      const auto code = static_cast<utf8proc_int32_t>(next.code);
      if (utf8proc_grapheme_break_stateful(before, code, &state))
        break;
      before = code;
      end += next.size;
    }
    const std::string_view cluster = text.substr(at, end - at);
    at = end;
    if (cluster.size() <= longestCluster && put(cluster))
      continue;
    for (size_t from = 0; from < cluster.size();) {
      const std::string_view one = cluster.substr(from, readUtf8(cluster.substr(from)).size);
      if (!put(one))
        out.append(one);
      from += one.size();
    }
  }
  return changed;
}
