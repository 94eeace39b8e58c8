//===- Overhang.h - how far sequences go beyond what a request asks for -----===//
//
// A request may ask for as many positions as the capacity. Decoders round up to whole blocks, append the first token of
// the block after the last, or look a window ahead: their sequences and `then` rows go beyond, as those of the
// published loops do. How far is a matter of the sizes in the decoder's text.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_QUOIN_OVERHANG_H
#define QUOIN_DIALECTS_QUOIN_OVERHANG_H

#include "mlir/IR/BuiltinOps.h"

namespace quoin {

/// Positions that sequences and rows of the module's decoders have room for beyond `capacity`: twice the largest whole
/// number in a decoder (a constant or a setting) that is no larger than the capacity, in whole pages of 64. A size
/// beyond the capacity is no block of anything that fits.
int64_t overhang(mlir::ModuleOp module, int64_t capacity);

/// Positions that a step may have rows for: the module's capacity and what is beyond it.
int64_t positionsOf(mlir::ModuleOp module);

} // namespace quoin

#endif
