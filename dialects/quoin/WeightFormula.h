//===- WeightFormula.h - what the formula of a weight may hold -------------===//

#ifndef QUOIN_DIALECTS_QUOIN_WEIGHTFORMULA_H
#define QUOIN_DIALECTS_QUOIN_WEIGHTFORMULA_H

#include "dialects/quoin/QuoinDialect.h"

namespace quoin {

/// An op of `arith` or `math` that the formula of a weight's element may apply to numbers.
bool isFormulaFunction(mlir::Operation *op);

} // namespace quoin

#endif
