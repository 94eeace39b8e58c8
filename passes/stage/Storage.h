//===- Storage.h - what weights are stored as ------------------------------===//

#ifndef QUOIN_PASSES_STAGE_STORAGE_H
#define QUOIN_PASSES_STAGE_STORAGE_H

#include "passes/Passes.h"

namespace quoin {

/// The type of a matrix in the weight file.
inline mlir::Type storedAs(WeightOp weight, WeightStorage choice) {
  mlir::Builder b(weight.getContext());
  if (wideStorage(choice) == WeightStorage::Keep)
    return llvm::cast<mlir::RankedTensorType>(weight.getType()).getElementType();
  return choice == WeightStorage::F32 ? mlir::Type(b.getF32Type()) : b.getBF16Type();
}

} // namespace quoin

#endif
