//===- Spellings.h - what spellings mean, in float64 ------------------------===//
//
// Written from their descriptions and not from what they expand to, so that interpreting a program before and after
// `expand-spellings` compares two sources.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_REFERENCE_SPELLINGS_H
#define QUOIN_DIALECTS_REFERENCE_SPELLINGS_H

#include "dialects/quoin/QuoinDialect.h"
#include "dialects/reference/Matrix.h"

namespace quoin::ref {

/// The rows that a spelling makes, a matrix for each result. `rows` are those of a value, `vector` the numbers of a
/// weight.
llvm::SmallVector<Matrix, 2>
evaluateSpelling(SpellingOpInterface op, llvm::function_ref<const Matrix &(mlir::Value)> rows,
                 llvm::function_ref<llvm::ArrayRef<double>(mlir::FlatSymbolRefAttr)> vector);

} // namespace quoin::ref

#endif
