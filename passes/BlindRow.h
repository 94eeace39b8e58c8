//===- BlindRow.h - rows that see nothing -----------------------------------===//
//
// A mask that leaves a row without keys is nearly always a mistake in the formula: the row's attention is 0, and
// nothing says so. It is looked for in calls whose queries are their keys, as all calls of models are:
//
//   1. Lengths are tried from 1 up, then those around which the formula's constants and divisors matter; of each,
//      all rows of short calls, and those near the ends and the constants of long ones.
//   2. A row that sees itself, its neighbours, the first or the last key is done. The others look at all keys, in
//      squares that intervals decide where they can.
//   3. If the formula asks for run-time properties (open bits, labels, symbols), some values are drawn; a row that
//      none of them lets see anything is given to Presburger arithmetic, which must show that no values do.
//
// What is found is a proof, and small. That nothing is found is none: the work is bounded.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_PASSES_BLINDROW_H
#define QUOIN_PASSES_BLINDROW_H

#include "dialects/quoin/BlockMask.h"

namespace quoin {

struct BlindRow {
  int64_t row = 0, length = 0;
  std::string term; ///< the smallest part of the formula that is to blame

  /// "expects each row to see a key, but row 0 of 1 sees none in 'k lt q'"
  std::string message() const;
};

/// A row that sees no key whatever open bits, labels and symbols are, in a call of `length` tokens, or of any.
std::optional<BlindRow> findBlindRow(const BlockMask &mask, std::optional<int64_t> length = std::nullopt);

} // namespace quoin

#endif
