//===- MaskBounds.h - what questions about masks require of numbers --------===//

#ifndef QUOIN_PASSES_MASKBOUNDS_H
#define QUOIN_PASSES_MASKBOUNDS_H

#include "passes/MaskCases.h"
#include "passes/MaskFacts.h"

namespace quoin {

inline void addBetween(MaskQuestion &question, const LinearForm &low, const LinearForm &value, const LinearForm &high) {
  question.requireLe(low, value);
  question.requireLe(value, high);
}

/// Below the end of a prefix by at least so much, if it ends at a symbol.
inline void addBelowPrefix(MaskQuestion &question, const LinearForm &value, const StablePrefix &prefix,
                           llvm::ArrayRef<LinearForm> symbols, int64_t gap) {
  if (prefix.kind != StablePrefix::Kind::Symbol)
    return;
  LinearForm limit = symbols[prefix.symbol];
  limit.constant += prefix.offset;
  question.requireLe(value, limit, gap);
}

/// Ends of 32 bits bound every label and tell nothing.
inline void addLabelRange(MaskQuestion &question, const LinearForm &label, int64_t low, int64_t high) {
  if (low > INT32_MIN)
    question.requireLe(LinearForm(low), label);
  if (high < INT32_MAX)
    question.requireLe(label, LinearForm(high));
}

/// A slot of the sequence stands where the program gave it, if it gives positions; else `position` stays.
inline void placeAnywhere(MaskQuestion &question, const MaskFactsOptions &options, LinearForm &position) {
  if (!options.sequencePositions)
    return;
  position = LinearForm::variable(question.addVariable());
  question.requireLe(LinearForm(0), position);
}

} // namespace quoin

#endif
