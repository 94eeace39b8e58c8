//===- ScaledDepth.h - what weights of whole numbers ask of a depth --------===//

#ifndef QUOIN_DIALECTS_STAGE_SCALEDDEPTH_H
#define QUOIN_DIALECTS_STAGE_SCALEDDEPTH_H

#include "dialects/stage/StageDialect.h"

namespace quoin::stage {

/// Fails unless groups of a scaled weight fill its depth, whether a stage says the depth or a layout.
inline mlir::LogicalResult expectFilledDepth(llvm::function_ref<mlir::InFlightDiagnostic()> error, ScaledType scaled,
                                             int64_t depth) {
  if (scaled.getGroup() ? depth % scaled.getGroup() == 0 : depth <= maxGroup)
    return mlir::success();
  return error() << "expects a depth that is a multiple of the group, or without one at most " << maxGroup
                 << ", but found " << depth << " for " << scaled;
}

} // namespace quoin::stage

#endif
