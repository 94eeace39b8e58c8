//===- StageDialect.h - the stage dialect in C++ ---------------------------===//

#ifndef QUOIN_DIALECTS_STAGE_STAGEDIALECT_H
#define QUOIN_DIALECTS_STAGE_STAGEDIALECT_H

#include "dialects/quoin/QuoinDialect.h"
#include "dialects/stage/Geometry.h"

namespace quoin::stage {
class HeadOp;

/// The most features of a row, and rows of a table.
inline constexpr int64_t maxWidth = (int64_t(1) << 31) - 1;
/// The most numbers that share a scale: sums of their products are exact in i32.
inline constexpr int64_t maxGroup = int64_t(1) << 17;
/// The most elements of a weight.
inline constexpr int64_t maxElements = int64_t(1) << 40;
} // namespace quoin::stage

#include "dialects/stage/StageEnums.h.inc"

#include "dialects/stage/StageDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/stage/StageTypes.h.inc"

#include "dialects/stage/StageAttrInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/stage/StageAttributes.h.inc"

#include "dialects/stage/StageOpInterfaces.h.inc"

#define GET_OP_CLASSES
#include "dialects/stage/StageOps.h.inc"

namespace quoin::stage {

/// How numbers of this type are stored; it is f32, bf16, f16, i8 or scaled.
Storage storageOf(mlir::Type element);
/// The same with the group of what is scaled.
Stored storedAs(mlir::Type element);

/// The buffer's type.
inline BufferType bufferOf(mlir::Value v) { return llvm::cast<BufferType>(v.getType()); }

/// The place in scratch of a buffer; none for the step's arguments, for rows of the host and before
/// `quoin-place-buffers`.
std::optional<int64_t> placeOf(mlir::Value buffer);
/// The buffer is a stage's, and not the host's.
void setPlace(mlir::Value buffer, int64_t place);
/// The buffers that a stage makes in scratch.
llvm::SmallVector<mlir::Value, 1> scratchResults(mlir::Operation *op);

/// Rows made the same of another space or type, by a row program where the builder stands, in a step.
mlir::Value copyRows(mlir::OpBuilder &b, mlir::Location loc, mlir::Value rows, BufferType as);

/// The weights of a stage or the head, in the order in which they lie in the file.
llvm::SmallVector<WeightAttr, 2> weightsOf(mlir::Operation *op);
/// Gives them back, changed.
void setWeights(mlir::Operation *op, llvm::ArrayRef<WeightAttr> weights);

} // namespace quoin::stage

#endif
