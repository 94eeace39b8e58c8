//===- RowEvaluator.h - row programs, one row after the other --------===//

#ifndef QUOIN_DIALECTS_REFERENCE_ROWEVALUATOR_H
#define QUOIN_DIALECTS_REFERENCE_ROWEVALUATOR_H

#include "dialects/quoin/QuoinDialect.h"
#include "dialects/reference/Datum.h"

namespace quoin::ref {

/// The rows that a row program makes of one row: `arguments` are what its block's arguments hold, element by element.
llvm::SmallVector<Tensor> evaluateRow(mlir::Block &body, llvm::ArrayRef<Tensor> arguments);

/// A formula on numbers (`quoin.number`), `count` times: arguments of as many numbers, or of one that is the same each
/// time.
Tensor evaluateFormula(mlir::Block &body, llvm::ArrayRef<Tensor> arguments, size_t count);

/// A table behind the vectors: the numbers of a position.
using TableRow = std::function<std::vector<double>(int64_t position)>;

/// A row program of `count` rows. `inputs` are the operands, null for a column of positions; `vectors` the weights
/// behind them, then come rows of `tables` by the row's position.
llvm::SmallVector<Matrix> evaluateRows(mlir::Block &body, llvm::ArrayRef<const Matrix *> inputs,
                                       llvm::ArrayRef<llvm::ArrayRef<double>> vectors, int64_t count,
                                       llvm::function_ref<int64_t(int64_t row)> positionOf,
                                       llvm::ArrayRef<TableRow> tables = {});

} // namespace quoin::ref

#endif
