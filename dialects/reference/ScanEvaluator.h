//===- ScanEvaluator.h - recurrences in float64 ---------------------------===//

#ifndef QUOIN_DIALECTS_REFERENCE_SCANEVALUATOR_H
#define QUOIN_DIALECTS_REFERENCE_SCANEVALUATOR_H

#include "dialects/quoin/ScanOps.h"
#include "dialects/reference/Matrix.h"

namespace quoin::ref {

/// The rows that a recurrence makes of `count` rows of one sequence. `states` has a row of all states for each slot
/// before the first of them, and gets those behind each of them. `before` says which slot's states a row goes on from,
/// -1 if it begins; without it that is the slot before.
llvm::SmallVector<Matrix> evaluateScan(mlir::Block &body, const ScanShape &shape, llvm::ArrayRef<const Matrix *> inputs,
                                       llvm::ArrayRef<const Matrix *> initial,
                                       llvm::ArrayRef<llvm::ArrayRef<double>> weights, int64_t count, Matrix &states,
                                       llvm::function_ref<int64_t(int64_t row)> before = {});

} // namespace quoin::ref

#endif
