//===- ScanStage.h - the stage of a recurrence -----------------------------===//

#ifndef QUOIN_DIALECTS_STAGE_SCANSTAGE_H
#define QUOIN_DIALECTS_STAGE_SCANSTAGE_H

#include "dialects/quoin/ScanOps.h"
#include "dialects/stage/StageDialect.h"

#define GET_OP_CLASSES
#include "dialects/stage/ScanStage.h.inc"

namespace quoin::stage {

/// Bytes that its states take behind a slot, of all heads.
int64_t keptBytes(ScanOp op);
/// The parts of heads; of an op that was verified.
quoin::ScanShape shapeOf(ScanOp op);
/// How weight `number` of it lies, which has this shape in the checkpoint.
HeadsAttr layoutOf(ScanOp op, size_t number, llvm::ArrayRef<int64_t> shape);

} // namespace quoin::stage

#endif
