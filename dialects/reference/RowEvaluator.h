//===- RowEvaluator.h - row programs, one row after the other --------===//

#ifndef QUOIN_DIALECTS_REFERENCE_ROWEVALUATOR_H
#define QUOIN_DIALECTS_REFERENCE_ROWEVALUATOR_H

#include "dialects/quoin/QuoinDialect.h"
#include "dialects/reference/Datum.h"

namespace quoin::ref {

/// The rows that a row program makes of one row: `arguments` are what its block's arguments hold, element by element.
llvm::SmallVector<Tensor> evaluateRow(mlir::Block &body, llvm::ArrayRef<Tensor> arguments);

/// The same of `count` rows. `inputs` are the operands, null for a column of positions; `vectors` the weights behind
/// them.
llvm::SmallVector<Matrix> evaluateRows(mlir::Block &body, llvm::ArrayRef<const Matrix *> inputs,
                                       llvm::ArrayRef<llvm::ArrayRef<double>> vectors, int64_t count,
                                       llvm::function_ref<int64_t(int64_t row)> positionOf);

} // namespace quoin::ref

#endif
