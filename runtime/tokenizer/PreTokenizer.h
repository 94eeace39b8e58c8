// PreTokenizer.h - cuts text into the pieces that byte pairs are merged in,
// by hand-written matchers for the alternatives of the published patterns,
// because ids equal those of the trained model only if every cut does.

#ifndef QUOIN_RUNTIME_TOKENIZER_PRETOKENIZER_H
#define QUOIN_RUNTIME_TOKENIZER_PRETOKENIZER_H

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace quoin {

/// What one alternative of a pattern matches; SplitPattern.cpp has the
/// regular expression beside each.
enum class SplitRule : uint8_t {
  Literal,
  Contraction,
  ContractionAnyCase,
  LeadWord,
  LeadMarkedWord,
  SpaceWord,
  Digit,
  DigitsUpTo3,
  Digits,
  SpaceDigits,
  Symbols,
  SymbolsLines,
  UnmarkedSymbolsLines,
  Lines,
  SpacesButLast,
  Spaces
};

/// A regular expression of the known families: alternatives, first match
/// wins, as in the regular expression.
class SplitPattern {
public:
  /// Fails, naming the alternative, for what no matcher is written for.
  static bool parse(std::string_view pattern, SplitPattern &out, std::string &error);
  /// What ByteLevel cuts by when it is not given a pattern.
  static SplitPattern gpt2();

  /// Appends the matches in `text` and, if `keepGaps`, what lies between.
  void split(std::string_view text, bool keepGaps, std::vector<std::string_view> &pieces) const;

private:
  struct Alternative {
    SplitRule rule;
    std::string text;
  };
  std::vector<Alternative> alternatives;

  size_t match(const Alternative &alternative, std::string_view text) const;
};

/// Pieces of one text. Views point into it or into `owned`.
struct Pieces {
  std::vector<std::string_view> views;
  std::deque<std::string> owned;
};

/// A `pre_tokenizer` of tokenizer.json: Split steps, then ByteLevel.
class PreTokenizer {
public:
  struct Step {
    SplitPattern pattern;
    bool keepGaps = true;
  };
  std::vector<Step> steps;
  /// Puts a space before each piece that has none, then cuts by `lastPattern`.
  bool addPrefixSpace = false;
  bool useLastPattern = false;
  SplitPattern lastPattern;

  void split(std::string_view text, Pieces &pieces) const;
};

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_PRETOKENIZER_H
