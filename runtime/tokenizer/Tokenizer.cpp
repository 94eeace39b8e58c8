// Tokenizer.cpp - puts the parts together. Encoding in five steps:
//   1. replace invalid UTF-8;
//   2. cut at the added tokens that are looked for in the text as it is;
//   3. normalize what lies between, and cut at the other added tokens;
//   4. cut the rest into pieces by the pre-tokenizer;
//   5. merge the bytes or characters of each piece, or take its best tokens.

#include "runtime/tokenizer/Tokenizer.h"
#include "runtime/tokenizer/AddedTokens.h"
#include "runtime/tokenizer/ByteAlphabet.h"
#include "runtime/tokenizer/BytePair.h"
#include "runtime/tokenizer/ChatTemplate.h"
#include "runtime/tokenizer/TokenizerConfig.h"
#include "runtime/tokenizer/TokenizerFile.h"
#include "runtime/tokenizer/Unicode.h"
#include "runtime/tokenizer/Unigram.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

using namespace quoin;

struct Tokenizer::Impl {
  ByteAlphabet alphabet;
  BytePair bytePair;
  Symbols symbols;
  std::optional<Unigram> unigram; ///< In place of byte pairs.
  Normalizer normalizer;
  PreTokenizer preTokenizer;
  TokenDecoder decoder;
  bool ignoreMerges = false;
  AddedTokenMatcher rawMatcher, normalizedMatcher;

  /// The model's tokens by their spelling, and the added ones which are not
  /// among them; the keys are `spellings`.
  std::unordered_map<std::string_view, int32_t> ids, addedIds;
  std::vector<std::string> spellings;
  /// What bytesOf answers, one after the other: `bytes` from byteEnds[id - 1] to byteEnds[id].
  std::string bytes;
  std::vector<size_t> byteEnds;
  std::vector<bool> special, known;
  std::vector<std::string> warnings;
  std::vector<int32_t> prefix, suffix;
  std::unique_ptr<ChatTemplate> chat;

  /// Held by one encoding at a time; another does without the cache.
  mutable std::mutex cacheMutex;
  mutable PieceCache cache;

  bool build(TokenizerFile &&file, const TokenizerConfig &config, std::string &error);
  void encodePiece(std::string_view piece, PieceCache *cacheOrNull, std::vector<int32_t> &out) const;
  void encodeText(std::string_view text, PieceCache *cacheOrNull, std::vector<int32_t> &out) const;

private:
  bool addMerges(const TokenizerFile &file, std::string &error);
  bool addSymbols(const TokenizerFile &file, std::string &error);
  bool addScores(const TokenizerFile &file, std::string &error);
  bool addVocabulary(TokenizerFile &file, std::string &error);
  static void mergeAddedTokens(TokenizerFile &file, const TokenizerConfig &config);
  std::vector<AddedToken> numberAddedTokens(TokenizerFile &file);
  void spellIds(const std::vector<AddedToken> &added);
  int32_t find(const std::string &token) const {
    auto found = ids.find(token);
    return found == ids.end() ? BytePair::noToken : found->second;
  }
};

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

bool Tokenizer::Impl::build(TokenizerFile &&file, const TokenizerConfig &config, std::string &error) {
  mergeAddedTokens(file, config);
  if (!addVocabulary(file, error) || !(file.unigram ? addScores(file, error) : addSymbols(file, error)))
    return false;
  normalizer = std::move(file.normalizer);
  preTokenizer = std::move(file.preTokenizer);
  decoder = std::move(file.decoder);
  ignoreMerges = file.ignoreMerges;
  prefix = std::move(file.prefix);
  suffix = std::move(file.suffix);

  const std::vector<AddedToken> added = numberAddedTokens(file);
  std::string normal;
  for (const AddedToken &token : added) {
    if (token.special && config.splitsSpecial)
      continue;
    if (!token.normalized)
      rawMatcher.insert(token.content, token);
    else if (normalizer.apply(token.content, normal))
      normalizedMatcher.insert(normal, token);
    else
      normalizedMatcher.insert(token.content, token);
  }
  spellIds(added);
  const bool knowsChatML = ids.count("<|im_start|>") || addedIds.count("<|im_start|>");
  chat = std::make_unique<ChatTemplate>(config, knowsChatML);
  return true;
}

bool Tokenizer::Impl::addVocabulary(TokenizerFile &file, std::string &error) {
  // The keys of the maps point into `spellings`, which must never move.
  spellings.reserve(file.vocabulary.size() + file.addedTokens.size());
  ids.reserve(file.vocabulary.size());
  // One id too large must not make the tables by id large.
  const size_t limit = 4 * file.vocabulary.size() + 65536;
  for (auto &[token, id] : file.vocabulary) {
    if (static_cast<size_t>(id) >= limit) {
      error = "expects ids below " + std::to_string(limit) + " for " + std::to_string(file.vocabulary.size()) +
              " tokens, but '" + forMessage(token) + "' has " + std::to_string(id);
      return false;
    }
    spellings.push_back(std::move(token));
    ids[spellings.back()] = id;
  }
  return true;
}

bool Tokenizer::Impl::addScores(const TokenizerFile &file, std::string &error) {
  std::vector<std::pair<std::string_view, double>> tokens;
  for (size_t i = 0; i < file.scores.size(); ++i)
    tokens.emplace_back(spellings[i], file.scores[i]);
  return unigram.emplace().build(tokens, file.unknownId, file.unknown.byteFallback, ids, error);
}

bool Tokenizer::Impl::addSymbols(const TokenizerFile &file, std::string &error) {
  return addMerges(file, error) && symbols.build(file.preTokenizer.byteLevel, file.unknown, ids, alphabet, error);
}

bool Tokenizer::Impl::addMerges(const TokenizerFile &file, std::string &error) {
  bytePair.merges.reserve(file.merges.size());
  std::string joined;
  uint32_t rank = 0;
  for (const auto &[left, right] : file.merges) {
    joined.assign(left).append(right);
    const int32_t leftId = find(left), rightId = find(right);
    const int32_t id = find(joined);
    for (const auto &[token, found] :
         {std::pair(&left, leftId), std::pair(&right, rightId), std::pair(&std::as_const(joined), id)})
      if (found == BytePair::noToken) {
        error = "expects the tokens of each merge in 'vocab', but '" + forMessage(*token) + "' of merge " +
                std::to_string(rank) + " is not there";
        return false;
      }
    bytePair.merges.insert(leftId, rightId, {rank++, id});
  }
  return true;
}

/// Puts the tokens that other files declare behind those of tokenizer.json, in
/// the order in which AutoTokenizer adds them.
void Tokenizer::Impl::mergeAddedTokens(TokenizerFile &file, const TokenizerConfig &config) {
  std::vector<AddedToken> &tokens = file.addedTokens;
  tokens.insert(tokens.end(), config.declared.begin(), config.declared.end());
  // That class starts from the vocabulary alone, so that the ids count with
  // which tokens are declared and not the file in which.
  if (config.numbersByDeclaration) {
    // Of one that two files declare, the later declaration stays behind.
    std::vector<std::pair<int32_t, size_t>> order;
    for (size_t i = 0; i < tokens.size(); ++i)
      order.emplace_back(tokens[i].id, i);
    std::sort(order.begin(), order.end());
    std::vector<AddedToken> sorted;
    for (const auto &[id, index] : order)
      sorted.push_back(std::move(tokens[index]));
    tokens = std::move(sorted);
  }
  std::unordered_set<std::string> known;
  for (const AddedToken &token : tokens)
    known.insert(token.content);
  for (const auto &[key, token] : config.named)
    if (known.insert(token.content).second)
      tokens.push_back(token);
  for (const AddedToken &token : config.extra)
    if (known.insert(token.content).second)
      tokens.push_back(token);
}

/// The ids that Hugging Face's loader gives: those of the vocabulary where it
/// has the token, else ascending from its size, whatever the file declares.
std::vector<AddedToken> Tokenizer::Impl::numberAddedTokens(TokenizerFile &file) {
  std::vector<AddedToken> added;
  // Of a Unigram tokens that are there twice count twice.
  const auto size = static_cast<int32_t>(unigram ? file.scores.size() : ids.size());
  int32_t next = size;
  std::unordered_map<std::string_view, size_t> seen;
  for (AddedToken &token : file.addedTokens) {
    if (token.content.empty())
      continue;
    // Of a token given twice the flags are the later's, the id the first's,
    // and it is special if either is.
    auto [entry, isNew] = seen.emplace(token.content, added.size());
    if (!isNew) {
      AddedToken &earlier = added[entry->second];
      token.id = earlier.id;
      token.special |= earlier.special;
      earlier = token;
      continue;
    }
    const int32_t declared = token.id;
    token.id = find(token.content);
    if (token.id == BytePair::noToken) {
      token.id = next;
      spellings.push_back(token.content);
      addedIds[spellings.back()] = next;
    }
    next = std::max(next, token.id + 1);
    if (token.id != declared && declared >= 0)
      warnings.push_back("added token '" + forMessage(token.content) + "' is declared with id " +
                         std::to_string(declared) + ", but gets " + std::to_string(token.id) +
                         " as in Hugging Face's loader");
    added.push_back(token);
  }
  return added;
}

void Tokenizer::Impl::spellIds(const std::vector<AddedToken> &added) {
  std::vector<const std::string_view *> tokens;
  auto put = [&](const std::string_view &token, int32_t id) {
    const auto index = static_cast<size_t>(id);
    tokens.resize(std::max(tokens.size(), index + 1));
    tokens[index] = &token;
  };
  for (const auto &[token, id] : ids)
    put(token, id);
  // An id is an added token's first, the vocabulary's second.
  for (const auto &[token, id] : addedIds)
    put(token, id);
  special.resize(tokens.size());
  for (const AddedToken &token : added)
    special[static_cast<size_t>(token.id)] = token.special;
  // An added token that is looked for in normalized text is spelled so.
  std::unordered_map<int32_t, std::string> normal;
  for (const AddedToken &token : added)
    if (std::string content; token.normalized && normalizer.apply(token.content, content))
      normal[token.id] = std::move(content);
  std::unordered_map<int32_t, std::string_view> views(normal.begin(), normal.end());
  for (const auto &[id, content] : views)
    put(content, id);
  byteEnds.reserve(tokens.size());
  for (const std::string_view *token : tokens) {
    known.push_back(token != nullptr);
    if (token)
      bytes += decoder.byteLevel ? alphabet.bytesOf(*token) : std::string(*token);
    byteEnds.push_back(bytes.size());
  }
}

std::unique_ptr<Tokenizer> Tokenizer::fromJson(std::string_view json, std::string &error) {
  return fromJson(json, TokenizerConfig(), error);
}

std::unique_ptr<Tokenizer> Tokenizer::fromJson(std::string_view json, const TokenizerConfig &config,
                                               std::string &error) {
  return build([&](TokenizerFile &file) { return TokenizerFile::parse(json, file, error); }, json.size(), config,
               error);
}

std::unique_ptr<Tokenizer> Tokenizer::fromVocabulary(std::string_view vocabulary, std::string_view merges,
                                                     const TokenizerConfig &config, std::string &error) {
  auto read = [&](TokenizerFile &file) { return TokenizerFile::parseSlow(vocabulary, merges, config, file, error); };
  return build(read, vocabulary.size() + merges.size(), config, error);
}

std::unique_ptr<Tokenizer> Tokenizer::build(const std::function<bool(TokenizerFile &)> &read, size_t size,
                                            const TokenizerConfig &config, std::string &error) {
  // Nothing here throws but the allocator, which a large enough file can make.
  try {
    auto impl = std::make_unique<Impl>();
    TokenizerFile file;
    if (!read(file) || !impl->build(std::move(file), config, error))
      return nullptr;
    return std::unique_ptr<Tokenizer>(new Tokenizer(std::move(impl)));
  } catch (const std::exception &) {
    error = "expects enough memory for a tokenizer of " + std::to_string(size) + " bytes, but there is not";
    return nullptr;
  }
}

//===----------------------------------------------------------------------===//
// Encoding
//===----------------------------------------------------------------------===//

void Tokenizer::Impl::encodePiece(std::string_view piece, PieceCache *cacheOrNull, std::vector<int32_t> &out) const {
  if (cacheOrNull && cacheOrNull->find(piece, out))
    return;
  const size_t start = out.size();
  std::string spelling;
  if (ignoreMerges || unigram) {
    if (preTokenizer.byteLevel)
      for (char c : piece)
        spelling += alphabet.spell(static_cast<unsigned char>(c));
    else
      spelling = piece;
  }
  if (unigram)
    unigram->append(spelling, out);
  else if (const int32_t id = ignoreMerges ? find(spelling) : BytePair::noToken; id != BytePair::noToken)
    out.push_back(id);
  else {
    symbols.append(piece, out);
    bytePair.merge(out, start);
  }
  if (cacheOrNull)
    cacheOrNull->insert(piece, out, start);
}

void Tokenizer::Impl::encodeText(std::string_view text, PieceCache *cacheOrNull, std::vector<int32_t> &out) const {
  std::vector<Segment> rawSegments, segments;
  std::string normal;
  Pieces pieces;
  rawMatcher.split(text, rawSegments);
  for (const Segment &raw : rawSegments) {
    if (raw.id != Segment::isText) {
      out.push_back(raw.id);
      continue;
    }
    std::string_view part = raw.text;
    bool atStart = part.data() == text.data() && !normalizer.movesStart(part);
    if (normalizer.apply(part, normal))
      part = normal;
    segments.clear();
    normalizedMatcher.split(part, segments);
    for (const Segment &segment : segments) {
      if (segment.id == Segment::isText)
        preTokenizer.split(segment.text, atStart, pieces);
      atStart = false;
      if (segment.id != Segment::isText) {
        out.push_back(segment.id);
        continue;
      }
      for (std::string_view piece : pieces.views)
        encodePiece(piece, cacheOrNull, out);
    }
  }
}

void Tokenizer::encode(std::string_view text, std::vector<int32_t> &ids) const {
  std::string valid;
  if (!isValidUtf8(text)) {
    appendLossyUtf8(text, valid);
    text = valid;
  }
  std::unique_lock lock(impl->cacheMutex, std::try_to_lock);
  impl->encodeText(text, lock.owns_lock() ? &impl->cache : nullptr, ids);
}

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<int32_t> ids;
  encode(text, ids);
  return ids;
}

std::vector<int32_t> Tokenizer::encodePrompt(std::string_view text) const {
  std::vector<int32_t> ids = impl->prefix;
  encode(text, ids);
  ids.insert(ids.end(), impl->suffix.begin(), impl->suffix.end());
  return ids;
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

std::string_view Tokenizer::bytesOf(int32_t id) const {
  if (id < 0 || id >= idLimit())
    return {};
  const auto index = static_cast<size_t>(id);
  const size_t start = index == 0 ? 0 : impl->byteEnds[index - 1];
  return std::string_view(impl->bytes).substr(start, impl->byteEnds[index] - start);
}

std::string Tokenizer::decode(const std::vector<int32_t> &ids, bool skipSpecials) const {
  std::string raw, out;
  if (!impl->decoder.byteLevel) {
    StreamDecoder stream(*this, skipSpecials);
    for (int32_t id : ids)
      out += stream.push(id);
    return out + stream.finish();
  }
  for (int32_t id : ids)
    if (!skipSpecials || !isSpecial(id))
      raw += bytesOf(id);
  appendLossyUtf8(raw, out);
  return out;
}

StreamDecoder::StreamDecoder(const Tokenizer &tokenizer, bool skipSpecials)
    : tokenizer(tokenizer), skipSpecials(skipSpecials) {
  if (!tokenizer.impl->decoder.byteLevel)
    stream.emplace(tokenizer.impl->decoder);
}

std::string StreamDecoder::push(int32_t id) {
  std::string out;
  if (skipSpecials && tokenizer.isSpecial(id))
    return out;
  if (stream) {
    if (tokenizer.hasToken(id))
      stream->push(tokenizer.bytesOf(id), out);
    return out;
  }
  pending += tokenizer.bytesOf(id);
  // Only a character at the very end can be unfinished; it has at most 4
  // bytes, so look for its lead byte among the last 3.
  size_t end = pending.size();
  for (size_t back = 1; back <= std::min<size_t>(3, pending.size()); ++back) {
    const size_t at = pending.size() - back;
    if ((static_cast<unsigned char>(pending[at]) & 0xC0) == 0x80)
      continue;
    Utf8Char c = readUtf8(std::string_view(pending).substr(at));
    if (c.truncated)
      end = at;
    break;
  }
  appendLossyUtf8(std::string_view(pending).substr(0, end), out);
  pending.erase(0, end);
  return out;
}

std::string StreamDecoder::finish() {
  std::string out;
  if (stream)
    stream->finish(out);
  appendLossyUtf8(pending, out);
  pending.clear();
  return out;
}

//===----------------------------------------------------------------------===//
// The rest of the interface
//===----------------------------------------------------------------------===//

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;

bool Tokenizer::isSpecial(int32_t id) const {
  return id >= 0 && id < idLimit() && impl->special[static_cast<size_t>(id)];
}

bool Tokenizer::hasToken(int32_t id) const { return id >= 0 && id < idLimit() && impl->known[static_cast<size_t>(id)]; }

std::optional<int32_t> Tokenizer::idOf(std::string_view token) const {
  for (const auto *map : {&impl->ids, &impl->addedIds})
    if (auto found = map->find(token); found != map->end())
      return found->second;
  return std::nullopt;
}

int32_t Tokenizer::idLimit() const { return static_cast<int32_t>(impl->byteEnds.size()); }

const ChatTemplate &Tokenizer::chat() const { return *impl->chat; }

const std::vector<std::string> &Tokenizer::warnings() const { return impl->warnings; }
