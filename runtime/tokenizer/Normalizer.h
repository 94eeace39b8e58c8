// Normalizer.h - the `normalizer` of tokenizer.json: a list of steps, each a rewriting of the whole text.

#ifndef QUOIN_RUNTIME_TOKENIZER_NORMALIZER_H
#define QUOIN_RUNTIME_TOKENIZER_NORMALIZER_H

#include "runtime/tokenizer/CharsMap.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quoin {

class Normalizer {
public:
  enum class Kind : uint8_t {
    NFC,
    Replace, ///< Each `pattern`, which is not empty, by `content`.
    Prepend, ///< `content` before a text that is not empty.
    Spaces,  ///< Each run of two or more spaces by `content`.
    Strip,   ///< White space away, at the start where `pattern` is not empty, at the end where `content` is not.
    Mapped,  ///< By the table.
  };
  struct Step {
    Kind kind;
    std::string pattern, content;
    std::shared_ptr<const CharsMap> map = nullptr;
  };

  /// False, adding nothing, if the steps together could make a text more than `maxGrowth` times as long.
  bool add(Step step);
  static constexpr size_t maxGrowth = 1024;

  /// Normalizes the valid `text` into `out`; false, with `out` of no meaning, if it stays as it is.
  bool apply(std::string_view text, std::string &out) const;
  /// The first character of what `apply` makes of `text` is no longer at the start of `text`.
  bool movesStart(std::string_view text) const;

private:
  std::vector<Step> steps;
  size_t growth = 1;
};

/// Appends `text` with each `pattern`, which is not empty, replaced.
void appendReplaced(std::string_view text, std::string_view pattern, std::string_view content, std::string &out);

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_NORMALIZER_H
