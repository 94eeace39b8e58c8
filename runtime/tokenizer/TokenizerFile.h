// TokenizerFile.h - what a tokenizer.json says, read and checked but not yet
// put to use, so that everything about hostile files is in one place.

#ifndef QUOIN_RUNTIME_TOKENIZER_TOKENIZERFILE_H
#define QUOIN_RUNTIME_TOKENIZER_TOKENIZERFILE_H

#include "runtime/tokenizer/AddedTokens.h"
#include "runtime/tokenizer/Normalizer.h"
#include "runtime/tokenizer/PreTokenizer.h"
#include "runtime/tokenizer/Symbols.h"
#include "runtime/tokenizer/TokenDecoder.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quoin {

struct TokenizerConfig;

struct TokenizerFile {
  /// In the file's order; of equal tokens the last counts.
  std::vector<std::pair<std::string, int32_t>> vocabulary;
  std::vector<std::pair<std::string, std::string>> merges;
  /// Of a Unigram: a score for each token, and the number of the unknown one, or -1. Others have none.
  bool unigram = false;
  std::vector<double> scores;
  int64_t unknownId = -1;
  /// With the ids the file declares.
  std::vector<AddedToken> addedTokens;
  Normalizer normalizer;
  PreTokenizer preTokenizer;
  TokenDecoder decoder;
  bool ignoreMerges = false;
  UnknownRules unknown;
  /// What the post-processor puts before and behind a text.
  std::vector<int32_t> prefix, suffix;

  /// Reads the text of a tokenizer.json. On failure `error` is one line.
  static bool parse(std::string_view json, TokenizerFile &out, std::string &error);
  /// Reads the texts of a vocab.json and a merges.txt, with the steps of the class that tokenizer_config.json names.
  static bool parseSlow(std::string_view vocabulary, std::string_view merges, const TokenizerConfig &config,
                        TokenizerFile &out, std::string &error);
};

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_TOKENIZERFILE_H
