// SplitPattern.h - the regular expressions that published tokenizers cut by, with hand-written matchers for their
// alternatives, because ids equal those of the trained model only if every cut does.

#ifndef QUOIN_RUNTIME_TOKENIZER_SPLITPATTERN_H
#define QUOIN_RUNTIME_TOKENIZER_SPLITPATTERN_H

#include <cstddef>
#include <cstdint>
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
  LeadLowerWord,
  LeadUpperWord,
  LeadLowerWordContraction,
  LeadUpperWordContraction,
  SpaceWord,
  Digit,
  DigitsUpTo3,
  Digits,
  SpaceDigits,
  Symbols,
  SymbolsLines,
  SymbolsLinesSlashes,
  UnmarkedSymbolsLines,
  Lines,
  SpacesButLast,
  Spaces
};

/// A stretch of text that a pattern matched, or that lies between two such.
struct SplitRange {
  size_t begin = 0, end = 0;
  bool matched = false;
};

/// A regular expression of the known families: alternatives, first match
/// wins, as in the regular expression.
class SplitPattern {
public:
  /// Fails, naming the alternative, for what no matcher is written for.
  static bool parse(std::string_view pattern, SplitPattern &out, std::string &error);
  /// What ByteLevel cuts by when it is not given a pattern.
  static SplitPattern gpt2();
  /// Runs of digits, or each digit.
  static SplitPattern digits(bool individual);

  /// Appends the matches in `text` and what lies between, from left to right.
  void find(std::string_view text, std::vector<SplitRange> &ranges) const;

private:
  struct Alternative {
    SplitRule rule;
    std::string text;
  };
  std::vector<Alternative> alternatives;

  size_t match(const Alternative &alternative, std::string_view text) const;
};

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_SPLITPATTERN_H
