//===- AttentionShape.h - what ops of attention in a body agree on -----------===//

#ifndef QUOIN_DIALECTS_QUOIN_ATTENTIONSHAPE_H
#define QUOIN_DIALECTS_QUOIN_ATTENTIONSHAPE_H

#include "dialects/quoin/QuoinDialect.h"

namespace quoin {

struct AttentionShape {
  int64_t heads = 0, kvHeads = 0, headDim = 0;
  mlir::FloatAttr scale;
  MaskAttr within; ///< or null
};

/// Constraints (C1) to (C5) of `quoin.attention`, which others have, too; `keys` are as wide as keys are, by what they
/// are called.
llvm::LogicalResult verifyAttention(mlir::Operation *op, const AttentionShape &shape, mlir::Value query,
                                    llvm::ArrayRef<std::pair<llvm::StringRef, mlir::Value>> keys);

} // namespace quoin

#endif
