// CharsMap.h - SentencePiece's compiled table of characters and what each becomes: a `Precompiled` normalizer.

#ifndef QUOIN_RUNTIME_TOKENIZER_CHARSMAP_H
#define QUOIN_RUNTIME_TOKENIZER_CHARSMAP_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quoin {

class CharsMap {
public:
  /// Reads the base64 text of a table, or says what is wrong with it.
  static std::optional<CharsMap> read(std::string_view base64, std::string &error);

  /// Normalizes the valid `text` into `out`; false if nothing of it is in the table.
  bool apply(std::string_view text, std::string &out) const;

  /// Bytes of the longest text that something becomes.
  size_t longest() const { return most; }

private:
  std::vector<uint32_t> units; ///< a double array over bytes
  std::string texts;           ///< each ends in a zero
  size_t most = 0;

  std::optional<std::string_view> find(std::string_view part) const;
};

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_CHARSMAP_H
