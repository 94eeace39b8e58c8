// Symbols.cpp - looks bytes and characters up, in the order in which Hugging Face's `tokenizers` tries what stands for
// one that is not in the vocabulary.

#include "runtime/tokenizer/Symbols.h"
#include "runtime/tokenizer/Unicode.h"

#include <algorithm>

using namespace quoin;

bool Symbols::build(bool spellsBytes, const UnknownRules &rules, const Ids &vocabulary, const ByteAlphabet &spellings,
                    std::string &error) {
  auto find = [&](const std::string &token) {
    auto found = vocabulary.find(token);
    return found == vocabulary.end() ? none : found->second;
  };
  byteLevel = spellsBytes;
  fused = rules.fused;
  alphabet = &spellings;
  fallbackTokens.fill(none);
  for (unsigned byte = 0; byte < 256; ++byte) {
    byteTokens[byte] = find(spellings.spell(static_cast<unsigned char>(byte)));
    constexpr char digits[] = "0123456789ABCDEF";
    if (rules.byteFallback)
      fallbackTokens[byte] = find(std::string("<0x") + digits[byte / 16] + digits[byte % 16] + ">");
  }
  plainBytes = (!rules.byteFallback && rules.token.empty()) ||
               std::find(byteTokens.begin(), byteTokens.end(), none) == byteTokens.end();
  if (byteLevel && plainBytes)
    return true;
  for (const auto &[token, id] : vocabulary)
    if (!token.empty())
      if (const Utf8Char c = readUtf8(token); c.valid && c.size == token.size())
        characters[c.code] = id;
  if (rules.token.empty())
    return true;
  unknown = find(rules.token);
  const bool mayNeed =
      !rules.byteFallback || std::find(fallbackTokens.begin(), fallbackTokens.end(), none) != fallbackTokens.end();
  if (unknown == none && mayNeed) {
    error = "expects the 'unk_token' in 'vocab', but '" + forMessage(rules.token) + "' is not there";
    return false;
  }
  return true;
}

void Symbols::append(std::string_view piece, std::vector<int32_t> &ids) const {
  if (!byteLevel)
    return appendCharacters(piece, ids);
  if (plainBytes) {
    for (char c : piece)
      if (int32_t id = byteTokens[static_cast<unsigned char>(c)]; id != none)
        ids.push_back(id);
    return;
  }
  std::string spelled;
  for (char c : piece)
    spelled += alphabet->spell(static_cast<unsigned char>(c));
  appendCharacters(spelled, ids);
}

void Symbols::appendCharacters(std::string_view text, std::vector<int32_t> &ids) const {
  // An unknown token waits for the next known character, so that the bytes of others come before it.
  bool waiting = false;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = readUtf8(text.substr(at));
    const std::string_view bytes = text.substr(at, c.size);
    at += c.size;
    if (auto found = characters.find(c.code); found != characters.end()) {
      if (waiting)
        ids.push_back(unknown);
      waiting = false;
      ids.push_back(found->second);
      continue;
    }
    auto hasToken = [&](char byte) { return fallbackTokens[static_cast<unsigned char>(byte)] != none; };
    if (std::all_of(bytes.begin(), bytes.end(), hasToken)) {
      for (char byte : bytes)
        ids.push_back(fallbackTokens[static_cast<unsigned char>(byte)]);
      continue;
    }
    if (unknown == none)
      continue;
    if (waiting && !fused)
      ids.push_back(unknown);
    waiting = true;
  }
  if (waiting)
    ids.push_back(unknown);
}
