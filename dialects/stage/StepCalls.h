//===- StepCalls.h - do calls and the steps that they run fit? --------------===//

#ifndef QUOIN_DIALECTS_STAGE_STEPCALLS_H
#define QUOIN_DIALECTS_STAGE_STEPCALLS_H

#include "dialects/stage/StageDialect.h"

namespace quoin::stage {

/// Fails with a diagnostic unless calls give what steps take and take what they give. Ops verify themselves against
/// models, which are gone where there are steps; a text may have changed either since.
mlir::LogicalResult verifyCalls(mlir::ModuleOp module);

} // namespace quoin::stage

#endif
