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

/// The numbers of an operand's row, of what a table has for it, or of the one number that a column holds.
using RowNumbers = std::function<llvm::ArrayRef<double>(int64_t row)>;

/// A row program of `count` rows: what each argument holds for a row, operands, vectors and rows of tables.
llvm::SmallVector<Matrix> evaluateRows(mlir::Block &body, llvm::ArrayRef<RowNumbers> arguments, int64_t count);

} // namespace quoin::ref

#endif
