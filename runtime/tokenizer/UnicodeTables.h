// UnicodeTables.h - declares the generated character tables, apart from the
// code that reads them so that regenerating touches one file.

#ifndef QUOIN_RUNTIME_TOKENIZER_UNICODETABLES_H
#define QUOIN_RUNTIME_TOKENIZER_UNICODETABLES_H

#include <cstddef>
#include <cstdint>

namespace quoin {

/// What the published patterns can ask of a character. `\p{L}` is Letter,
/// `\p{M}` Mark, `\p{N}` both Numbers, `\s` Space, and `\w` everything but
/// Other, NumberNotWord and Space.
enum class CharClass : uint8_t { Other, Letter, Mark, Number, NumberNotWord, Space, Word };

/// Runs over all code points from 0: `length << 3 | class`.
extern const uint16_t charClassRuns[];
extern const size_t charClassRunsSize;

/// `\p{Lu}` and `\p{Lt}` are Upper, `\p{Ll}` Lower.
enum class LetterCase : uint8_t { None, Upper, Lower };

/// Runs over all code points from 0: `length << 2 | case`.
extern const uint16_t letterCaseRuns[];
extern const size_t letterCaseRunsSize;

/// Characters which Hugging Face's normalizer, being older than they are,
/// neither reorders nor composes: pairs of (gap since the last range, length).
extern const uint32_t nfcBarrierRanges[];
extern const size_t nfcBarrierRangesSize;

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_UNICODETABLES_H
