//===- ModelInterfaces.h - what is asked of an op in a model's body --------===//

#ifndef QUOIN_DIALECTS_QUOIN_MODELINTERFACES_H
#define QUOIN_DIALECTS_QUOIN_MODELINTERFACES_H

#include "mlir/IR/OpDefinition.h"
#include <cstdint>

namespace quoin {

/// On which rows of its operands a row of an op's result depends.
enum class RowRelation {
  RowByRow,  ///< the same row of each operand
  Selection, ///< one other row: row i is row `rows[i]`
  CallMask,  ///< the rows that the mask of the call shows it
  Before,    ///< the same row and those of its sequence in slots before it
  Seen,      ///< the same row, and the last one before it that the mask of the call shows it, which depends on its own
  Everything ///< any row
};

/// Whose rows a value of a body has.
enum class RowSpace {
  Call,    ///< one a slot that runs: ids, positions, and what is made of them
  Read,    ///< one a row that is read, after `quoin.gather_rows`
  Indices, ///< the body's last argument: no rows, but which of the call's are read
  Sequence ///< one for all slots of a call, which every row of it may use
};

llvm::StringRef nameOf(RowSpace space);

/// What an op costs in a step; the rest is small beside it.
struct ModelOpCost {
  /// A product with a weight `[out, in]`, which is read once a step; each row takes `2 * out * in` operations.
  int64_t out = 0, in = 0;
  /// Of so many such weights each row takes `chosen`; a step reads those that a row of it chose.
  int64_t experts = 1, chosen = 1;
  int64_t flopsPerRowAndKey = 0;
};

/// May a value of a body have this type, as rows? One dynamic size, then one to three static ones of at most 2^31 - 1
/// numbers in all, f32 or i32.
bool isRowsType(mlir::RankedTensorType type);

/// How many numbers one row of it has.
int64_t rowNumbersOf(mlir::Value rows);

/// The rule of most ops: operands over the same rows, rows of the call or rows read, give a result over them.
llvm::LogicalResult inferSameRowSpace(mlir::Operation *op, llvm::ArrayRef<RowSpace> operands, RowSpace &result);

/// Gives upstream's ops that a body may hold the interface: `arith.addf`.
void attachModelInterfaces(mlir::MLIRContext &context);

} // namespace quoin

#include "dialects/quoin/ModelInterfaces.h.inc"

#endif
