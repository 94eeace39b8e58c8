// SplitPattern.cpp - reads a regular expression as a list of alternatives for
// which matchers exist: families differ in single alternatives, so that
// recognising these covers more checkpoints than recognising whole patterns.

#include "runtime/tokenizer/SplitPattern.h"
#include "runtime/tokenizer/Unicode.h"

using namespace quoin;

namespace {

// The two kinds of words of Tekken's and GPT-4o's patterns, which the latter ends with the former's contractions.
#define QUOIN_LOWER_WORD R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
#define QUOIN_UPPER_WORD R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
#define QUOIN_CONTRACTION R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"

struct KnownAlternative {
  std::string_view text;
  SplitRule rule;
};

// Possessive forms (`?+`, `++`) match the same: what they refuse to give back
// never helps the rest of their alternative.
constexpr KnownAlternative knownAlternatives[] = {
    {R"('s)", SplitRule::Literal},
    {R"('t)", SplitRule::Literal},
    {R"('re)", SplitRule::Literal},
    {R"('ve)", SplitRule::Literal},
    {R"('m)", SplitRule::Literal},
    {R"('ll)", SplitRule::Literal},
    {R"('d)", SplitRule::Literal},
    {R"('(?:[sdmt]|ll|ve|re))", SplitRule::Contraction},
    {R"('(?i:[sdmt]|ll|ve|re))", SplitRule::ContractionAnyCase},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d))", SplitRule::ContractionAnyCase},
    {R"([^\r\n\p{L}\p{N}]?\p{L}+)", SplitRule::LeadWord},
    {R"([^\r\n\p{L}\p{N}]?+\p{L}+)", SplitRule::LeadWord},
    {R"([^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+)", SplitRule::LeadMarkedWord},
    {QUOIN_LOWER_WORD, SplitRule::LeadLowerWord},
    {QUOIN_UPPER_WORD, SplitRule::LeadUpperWord},
    {QUOIN_LOWER_WORD QUOIN_CONTRACTION, SplitRule::LeadLowerWordContraction},
    {QUOIN_UPPER_WORD QUOIN_CONTRACTION, SplitRule::LeadUpperWordContraction},
    {R"( ?\p{L}+)", SplitRule::SpaceWord},
    {R"(\p{N})", SplitRule::Digit},
    {R"(\p{N}{1,3})", SplitRule::DigitsUpTo3},
    {R"(\p{N}+)", SplitRule::Digits},
    {R"( ?\p{N}+)", SplitRule::SpaceDigits},
    {R"( ?[^\s\p{L}\p{N}]+)", SplitRule::Symbols},
    {R"( ?[^\s\p{L}\p{N}]+[\r\n]*)", SplitRule::SymbolsLines},
    {R"( ?[^\s\p{L}\p{N}]++[\r\n]*)", SplitRule::SymbolsLines},
    {R"( ?[^\s\p{L}\p{N}]+[\r\n/]*)", SplitRule::SymbolsLinesSlashes},
    {R"( ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*)", SplitRule::UnmarkedSymbolsLines},
    {R"(\s*[\r\n]+)", SplitRule::Lines},
    {R"(\s*[\r\n])", SplitRule::Lines},
    {R"(\s+(?!\S))", SplitRule::SpacesButLast},
    {R"(\s+)", SplitRule::Spaces},
};

/// Files hold line breaks as the escape or as the character itself.
std::string escapeLineBreaks(std::string_view pattern) {
  std::string out;
  for (char c : pattern) {
    if (c == '\r')
      out += "\\r";
    else if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

/// Cuts at each `|` outside of groups. None of the known alternatives has a
/// parenthesis or bar in a character class, so any that does is refused later.
std::vector<std::string> cutAlternatives(const std::string &pattern) {
  std::vector<std::string> out(1);
  int depth = 0;
  for (char c : pattern) {
    depth += (c == '(') - (c == ')');
    if (c == '|' && depth == 0)
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

} // namespace

bool SplitPattern::parse(std::string_view pattern, SplitPattern &out, std::string &error) {
  out.alternatives.clear();
  // Beyond any published pattern; keeps a hostile one from costing much a
  // character.
  constexpr size_t maxAlternatives = 32;
  bool lookAhead = false, spaces = false, lowerWords = false, upperWords = false;
  for (std::string &text : cutAlternatives(escapeLineBreaks(pattern))) {
    const KnownAlternative *known = nullptr;
    for (const KnownAlternative &candidate : knownAlternatives)
      if (candidate.text == text)
        known = &candidate;
    if (!known || out.alternatives.size() == maxAlternatives) {
      error = "expects a split pattern made of the alternatives of the GPT-2, "
              "cl100k, GPT-4o, Llama-3, Tekken, Qwen or Ling families, but '" +
              forMessage(text, 200) + "' in pattern '" + forMessage(pattern, 400) + "' is none of them";
      return false;
    }
    lookAhead |= known->rule == SplitRule::Lines || known->rule == SplitRule::SpacesButLast;
    spaces |= known->rule == SplitRule::Spaces;
    lowerWords |= known->rule == SplitRule::LeadLowerWord || known->rule == SplitRule::LeadLowerWordContraction;
    upperWords |= known->rule == SplitRule::LeadUpperWord || known->rule == SplitRule::LeadUpperWordContraction;
    out.alternatives.push_back({known->rule, std::move(text)});
  }
  // Without it a run of spaces would be read again from each of its
  // characters, in quadratic time.
  if (lookAhead && !spaces) {
    error = "expects the alternative '\\s+' in a split pattern that looks "
            "ahead over white space, but pattern '" +
            forMessage(pattern, 400) + "' has none";
    return false;
  }
  // The same of a run of capital letters, which none of the one kind ends.
  if (lowerWords && !upperWords) {
    error = "expects words of capital letters among the alternatives of a split pattern with words that end in small "
            "ones, but pattern '" +
            forMessage(pattern, 400) + "' has none";
    return false;
  }
  return true;
}

SplitPattern SplitPattern::digits(bool individual) {
  SplitPattern out;
  out.alternatives.push_back({individual ? SplitRule::Digit : SplitRule::Digits, ""});
  return out;
}

SplitPattern SplitPattern::gpt2() {
  SplitPattern out;
  std::string error;
  parse(R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+)"
        R"(|\s+(?!\S)|\s+)",
        out, error);
  return out;
}
