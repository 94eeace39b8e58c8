// SplitMatch.cpp - the matchers: each returns how many bytes it takes at the
// start of a text, 0 for no match, with the result that backtracking would
// have; most patterns leave no choice, the comments name the others.

#include "runtime/tokenizer/SplitPattern.h"
#include "runtime/tokenizer/Unicode.h"

using namespace quoin;

namespace {

/// Reads classes from valid UTF-8, ASCII without decoding.
class Scanner {
public:
  explicit Scanner(std::string_view text) : classes(CharClasses::get()), text(text) {}

  bool atEnd(size_t at) const { return at >= text.size(); }
  char byte(size_t at) const { return at < text.size() ? text[at] : '\0'; }

  CharClass classAt(size_t at, size_t &size) const {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead < 0x80) {
      size = 1;
      return classes.of(lead);
    }
    Utf8Char c = readUtf8(text.substr(at));
    size = c.size;
    return classes.of(c.code);
  }

  /// The end of the run from `at` of characters whose class `accepts`.
  template <typename Predicate> size_t skip(size_t at, Predicate accepts, size_t limit = SIZE_MAX) const {
    for (size_t size; limit > 0 && !atEnd(at); at += size, --limit)
      if (!accepts(classAt(at, size)))
        break;
    return at;
  }

  size_t skipLineBreaks(size_t at, bool slashes = false) const {
    while (byte(at) == '\r' || byte(at) == '\n' || (slashes && byte(at) == '/'))
      ++at;
    return at;
  }

  /// What a character may be in a word of capital and small letters: either side of it, or both.
  struct Sides {
    bool upper = false, lower = false;
    size_t size = 0;
  };
  Sides sidesAt(size_t at) const {
    Sides out;
    const Utf8Char c = readUtf8(text.substr(at));
    const CharClass kind = classes.of(c.code);
    out.size = c.size;
    if (!isLetter(kind) && !isMark(kind))
      return out;
    const LetterCase letter = LetterCases::get().of(c.code);
    out.upper = letter != LetterCase::Lower;
    out.lower = letter != LetterCase::Upper;
    return out;
  }

private:
  const CharClasses &classes;
  std::string_view text;
};

/// `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll`, `'d`. Ignoring case also takes
/// U+017F, whose upper case is S; no other letter here has such a partner.
size_t matchContraction(std::string_view text, bool anyCase) {
  if (text.size() < 2 || text[0] != '\'')
    return 0;
  if (anyCase && text.substr(1, 2) == "\xC5\xBF")
    return 3;
  auto letter = [&](size_t i) {
    char c = i < text.size() ? text[i] : '\0';
    return anyCase && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  };
  switch (letter(1)) {
  case 's':
  case 't':
  case 'm':
  case 'd':
    return 2;
  case 'l':
    return letter(2) == 'l' ? 3 : 0;
  case 'r':
  case 'v':
    return letter(2) == 'e' ? 3 : 0;
  default:
    return 0;
  }
}

/// `[^\r\n\p{L}\p{N}]?` before a run of `accepts`. A mark may be the lead or,
/// if nothing follows it, the word itself: only there does giving the lead
/// back change the match.
template <typename Predicate> size_t matchLeadWord(const Scanner &scan, Predicate accepts) {
  size_t size = 0;
  CharClass first = scan.classAt(0, size);
  if (!isLetter(first) && !isNumber(first) && scan.byte(0) != '\r' && scan.byte(0) != '\n') {
    size_t end = scan.skip(size, accepts);
    if (end > size)
      return end;
  }
  return scan.skip(0, accepts);
}

/// The end of `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+` at `start`, or `start`: the first class
/// takes all it can and, if no small letter follows, gives back up to the last character that the second takes as well.
size_t lowerWordEnd(const Scanner &scan, size_t start) {
  size_t at = start, lastBoth = start;
  for (; !scan.atEnd(at);) {
    const auto sides = scan.sidesAt(at);
    if (!sides.upper)
      break;
    at += sides.size;
    if (sides.lower)
      lastBoth = at;
  }
  const size_t upperEnd = at;
  for (; !scan.atEnd(at);) {
    const auto sides = scan.sidesAt(at);
    if (!sides.lower)
      break;
    at += sides.size;
  }
  return at > upperEnd ? at : lastBoth;
}

/// The same with `+` behind the first class and `*` behind the second.
size_t upperWordEnd(const Scanner &scan, size_t start) {
  size_t at = start;
  for (bool Scanner::Sides::*side : {&Scanner::Sides::upper, &Scanner::Sides::lower}) {
    const size_t begin = at;
    for (; !scan.atEnd(at);) {
      const auto sides = scan.sidesAt(at);
      if (!(sides.*side))
        break;
      at += sides.size;
    }
    if (at == begin && side == &Scanner::Sides::upper)
      return start;
  }
  return at;
}

/// `[^\r\n\p{L}\p{N}]?` before such a word, which may begin with the lead if that is a mark and else nothing matches.
size_t matchCasedWord(const Scanner &scan, size_t (*wordEnd)(const Scanner &, size_t)) {
  size_t size = 0;
  const CharClass first = scan.classAt(0, size);
  if (!isLetter(first) && !isNumber(first) && scan.byte(0) != '\r' && scan.byte(0) != '\n')
    if (const size_t end = wordEnd(scan, size); end > size)
      return end;
  return wordEnd(scan, 0);
}

/// ` ?` before a run of `accepts`, to which no space belongs.
template <typename Predicate> size_t matchSpaceRun(const Scanner &scan, Predicate accepts) {
  size_t start = scan.byte(0) == ' ' ? 1 : 0;
  size_t end = scan.skip(start, accepts);
  return end > start ? end : 0;
}

/// `\s*[\r\n]+`: white space up to the last line break of the run.
size_t matchLines(const Scanner &scan, std::string_view text) {
  size_t end = scan.skip(0, isSpace);
  size_t last = text.substr(0, end).find_last_of("\r\n");
  return last == std::string_view::npos ? 0 : last + 1;
}

/// `\s+(?!\S)`: white space that the text or more white space follows.
size_t matchSpacesButLast(const Scanner &scan, std::string_view text) {
  size_t end = scan.skip(0, isSpace);
  return end == 0 || end == text.size() ? end : previousUtf8(text, end);
}

} // namespace

size_t SplitPattern::match(const Alternative &alternative, std::string_view text) const {
  Scanner scan(text);
  auto isSymbol = [](CharClass c) { return !isSpace(c) && !isLetter(c) && !isNumber(c); };
  switch (alternative.rule) {
  case SplitRule::Literal:
    return text.substr(0, alternative.text.size()) == alternative.text ? alternative.text.size() : 0;
  case SplitRule::Contraction:
    return matchContraction(text, /*anyCase=*/false);
  case SplitRule::ContractionAnyCase:
    return matchContraction(text, /*anyCase=*/true);
  case SplitRule::LeadWord:
    return matchLeadWord(scan, isLetter);
  case SplitRule::LeadMarkedWord:
    return matchLeadWord(scan, [](CharClass c) { return isLetter(c) || isMark(c); });
  case SplitRule::LeadLowerWord:
    return matchCasedWord(scan, lowerWordEnd);
  case SplitRule::LeadUpperWord:
    return matchCasedWord(scan, upperWordEnd);
  case SplitRule::LeadLowerWordContraction:
  case SplitRule::LeadUpperWordContraction: {
    const bool lower = alternative.rule == SplitRule::LeadLowerWordContraction;
    const size_t end = matchCasedWord(scan, lower ? lowerWordEnd : upperWordEnd);
    return end == 0 ? 0 : end + matchContraction(text.substr(end), /*anyCase=*/true);
  }
  case SplitRule::SpaceWord:
    return matchSpaceRun(scan, isLetter);
  case SplitRule::Digit:
    return scan.skip(0, isNumber, 1);
  case SplitRule::DigitsUpTo3:
    return scan.skip(0, isNumber, 3);
  case SplitRule::Digits:
    return scan.skip(0, isNumber);
  case SplitRule::SpaceDigits:
    return matchSpaceRun(scan, isNumber);
  case SplitRule::Symbols:
    return matchSpaceRun(scan, isSymbol);
  case SplitRule::SymbolsLines: {
    size_t end = matchSpaceRun(scan, isSymbol);
    return end == 0 ? 0 : scan.skipLineBreaks(end);
  }
  case SplitRule::SymbolsLinesSlashes: {
    size_t end = matchSpaceRun(scan, isSymbol);
    return end == 0 ? 0 : scan.skipLineBreaks(end, /*slashes=*/true);
  }
  case SplitRule::UnmarkedSymbolsLines: {
    size_t end = matchSpaceRun(scan, [&](CharClass c) { return isSymbol(c) && !isMark(c); });
    return end == 0 ? 0 : scan.skipLineBreaks(end);
  }
  case SplitRule::Lines:
    return matchLines(scan, text);
  case SplitRule::SpacesButLast:
    return matchSpacesButLast(scan, text);
  case SplitRule::Spaces:
    return scan.skip(0, isSpace);
  }
  return 0;
}

void SplitPattern::find(std::string_view text, std::vector<SplitRange> &ranges) const {
  size_t gap = 0, at = 0;
  auto endGap = [&] {
    if (at > gap)
      ranges.push_back({gap, at, false});
  };
  while (at < text.size()) {
    size_t length = 0;
    for (const Alternative &alternative : alternatives)
      if ((length = match(alternative, text.substr(at))) != 0)
        break;
    if (length == 0) {
      at += readUtf8(text.substr(at)).size;
      continue;
    }
    endGap();
    ranges.push_back({at, at + length, true});
    gap = at += length;
  }
  endGap();
}
