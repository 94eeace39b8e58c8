//===- DraftModel.h - models whose calls are guesses ------------------------===//

#ifndef QUOIN_DIALECTS_QUOIN_DRAFTMODEL_H
#define QUOIN_DIALECTS_QUOIN_DRAFTMODEL_H

#include "mlir/IR/SymbolTable.h"

namespace quoin {

/// Marks a model, or the step that it became, whose calls are counted as evaluations of a draft, apart from the others.
inline constexpr llvm::StringLiteral draftAttr = "quoin.draft";

/// Is the model that an op calls a draft?
inline bool callsDraft(mlir::Operation *op, mlir::FlatSymbolRefAttr model) {
  mlir::Operation *found = mlir::SymbolTable::lookupNearestSymbolFrom(op, model);
  return found && found->hasAttr(draftAttr);
}

} // namespace quoin

#endif
