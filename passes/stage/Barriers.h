//===- Barriers.h - where the workers of a CPU must meet -------------------===//

#ifndef QUOIN_PASSES_STAGE_BARRIERS_H
#define QUOIN_PASSES_STAGE_BARRIERS_H

#include "dialects/stage/StageDialect.h"

namespace quoin::stage {

/// Fails on the first stage that needs a barrier and has none; more of them do no harm.
llvm::LogicalResult verifyBarriers(StepOp step);

} // namespace quoin::stage

#endif
