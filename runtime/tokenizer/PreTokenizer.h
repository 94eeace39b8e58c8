// PreTokenizer.h - cuts text into the pieces that byte pairs are merged in: the `pre_tokenizer` of tokenizer.json, a
// list of steps of which each cuts the pieces of the one before.

#ifndef QUOIN_RUNTIME_TOKENIZER_PRETOKENIZER_H
#define QUOIN_RUNTIME_TOKENIZER_PRETOKENIZER_H

#include "runtime/tokenizer/SplitPattern.h"

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace quoin {

/// Pieces of one text. Views point into it or into `owned`.
struct Pieces {
  std::vector<std::string_view> views;
  std::deque<std::string> owned;
};

/// What becomes of the matches of a Split and of what lies between them.
enum class SplitBehavior : uint8_t { Isolated, Removed, MergedWithPrevious, MergedWithNext, Contiguous };

class PreTokenizer {
public:
  enum class Prepend : uint8_t { Never, First, Always };
  struct Step {
    /// A Split cuts by a pattern or, where `literal` has one, by a text.
    SplitPattern pattern;
    std::string literal;
    SplitBehavior behavior = SplitBehavior::Isolated;
    bool invert = false;
    /// A Metaspace, where it has one: what it writes for a space.
    std::string replacement;
    Prepend prepend = Prepend::Never;
    bool cuts = true; ///< before each of them
  };
  std::vector<Step> steps;
  /// The last step is ByteLevel: tokens spell bytes.
  bool byteLevel = false;
  /// Puts a space before each piece that has none, then cuts by `lastPattern`.
  bool addPrefixSpace = false;
  bool useLastPattern = false;
  SplitPattern lastPattern;

  /// `atStart`: nothing stands before `text`.
  void split(std::string_view text, bool atStart, Pieces &pieces) const;
};

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_PRETOKENIZER_H
