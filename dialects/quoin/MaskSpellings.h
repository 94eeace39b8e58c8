//===- MaskSpellings.h - masks that have names of their own -----------------===//
//
// A spelling is short for a formula: `#quoin.mask<block_causal<4>>` parses to `(q, k) : k floordiv 4 le q floordiv 4`
// and is printed so. Its operands come in the order of the table: sizes, which are positive integers, then places,
// which are names (they become symbols of the mask), integers, or left out: then the place is the symbol of the table.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_QUOIN_MASKSPELLINGS_H
#define QUOIN_DIALECTS_QUOIN_MASKSPELLINGS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace quoin {

struct MaskSpelling {
  llvm::StringLiteral name;
  /// Names of sizes and places in the formula; empty where there is none.
  llvm::StringLiteral size, place;
  llvm::StringLiteral formula;
};

/// All spellings, in the order in which the documentation lists them.
llvm::ArrayRef<MaskSpelling> maskSpellings();

} // namespace quoin

#endif
