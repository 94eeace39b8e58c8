// Unigram.cpp - one walk over the characters of a piece, in which each place remembers the best token that ends there,
// and one walk back. Sums are made in the order of the text, and the first of equals stays, as in Hugging Face's
// `tokenizers`.

#include "runtime/tokenizer/Unigram.h"
#include "runtime/tokenizer/Unicode.h"

#include <algorithm>

using namespace quoin;

/// How much worse an unknown character is than the worst token.
static constexpr double unknownPenalty = 10;

bool Unigram::build(const std::vector<std::pair<std::string_view, double>> &tokens, int64_t unknownId,
                    bool byteFallback, const Ids &ids, std::string &error) {
  if (unknownId < 0 || static_cast<size_t>(unknownId) >= tokens.size()) {
    error = "expects the number of a token as 'unk_id', below " + std::to_string(tokens.size()) + ", but found " +
            (unknownId < 0 ? "none" : std::to_string(unknownId));
    return false;
  }
  unknown = static_cast<int32_t>(unknownId);
  known = &ids;
  tokenAt = {none};
  double lowest = tokens[0].second;
  for (const auto &[token, score] : tokens) {
    scores.push_back(score);
    lowest = std::min(lowest, score);
    int32_t node = 0;
    for (char c : token) {
      const auto byte = static_cast<int32_t>(static_cast<unsigned char>(c));
      if (const MergeTable::Merge *found = next.find(node, byte)) {
        node = found->id;
        continue;
      }
      const auto made = static_cast<int32_t>(tokenAt.size());
      next.insert(node, byte, {0, made});
      tokenAt.push_back(none);
      node = made;
    }
    if (node != 0)
      tokenAt[static_cast<size_t>(node)] = ids.at(token);
  }
  unknownScore = lowest - unknownPenalty;
  fallbackTokens.fill(none);
  if (byteFallback)
    for (unsigned byte = 0; byte < 256; ++byte) {
      constexpr char digits[] = "0123456789ABCDEF";
      auto found = ids.find(std::string("<0x") + digits[byte / 16] + digits[byte % 16] + ">");
      fallbackTokens[byte] = found == ids.end() ? none : found->second;
    }
  return true;
}

void Unigram::put(std::string_view text, std::vector<int32_t> &out) const {
  if (auto found = known->find(text); found != known->end()) {
    out.push_back(found->second);
    return;
  }
  auto token = [&](char byte) { return fallbackTokens[static_cast<unsigned char>(byte)]; };
  if (!std::all_of(text.begin(), text.end(), [&](char byte) { return token(byte) != none; })) {
    out.push_back(unknown);
    return;
  }
  for (char byte : text)
    out.push_back(token(byte));
}

void Unigram::append(std::string_view piece, std::vector<int32_t> &out) const {
  struct Best {
    double score = 0;
    size_t from = std::string_view::npos;
    int32_t id = none;
  };
  std::vector<Best> endsAt(piece.size() + 1);
  auto offer = [&](size_t at, size_t from, double score, int32_t id) {
    Best &best = endsAt[at];
    if (best.from == std::string_view::npos || score > best.score)
      best = {score, from, id};
  };
  for (size_t at = 0; at < piece.size();) {
    const size_t size = readUtf8(piece.substr(at)).size;
    const double before = endsAt[at].score;
    bool alone = false;
    int32_t node = 0;
    for (size_t end = at; end < piece.size();) {
      const MergeTable::Merge *step = next.find(node, static_cast<int32_t>(static_cast<unsigned char>(piece[end])));
      if (!step)
        break;
      ++end;
      node = step->id;
      if (const int32_t id = tokenAt[static_cast<size_t>(node)]; id != none) {
        offer(end, at, scores[static_cast<size_t>(id)] + before, id);
        alone |= end - at == size;
      }
    }
    if (!alone)
      offer(at + size, at, unknownScore + before, unknown);
    at += size;
  }
  // From the end: where each token begins, a run of unknown ones as one.
  std::vector<std::pair<size_t, size_t>> parts;
  bool run = false;
  for (size_t end = piece.size(); end > 0;) {
    const Best &best = endsAt[end];
    if (run && best.id == unknown)
      parts.back().first = best.from;
    else
      parts.emplace_back(best.from, end);
    run = best.id == unknown;
    end = best.from;
  }
  for (auto part = parts.rbegin(); part != parts.rend(); ++part)
    put(piece.substr(part->first, part->second - part->first), out);
}
