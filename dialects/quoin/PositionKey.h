//===- PositionKey.h - keys of tokens that follow from their positions -------===//
//
// Tokens are sorted by keys. Those known before a program runs are functions of the position: affine maps of one
// dimension and one result, `floordiv` and `mod` by positive constants included. The named ones are those of the field,
// over tokens that lie as a grid, `width` to a line:
//
//   wavefront    Manhattan distance from the corner (NAR)
//   cells        square by square, `side` tokens each way (xAR)
//   subsamples   every `step`-th token of every `step`-th line at a time (xAR)
//   remainders   tokens of streams that take turns
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_QUOIN_POSITIONKEY_H
#define QUOIN_DIALECTS_QUOIN_POSITIONKEY_H

#include "mlir/IR/AffineMap.h"
#include <string>

namespace quoin {

mlir::AffineMap wavefrontKey(mlir::MLIRContext &context, int64_t width);
mlir::AffineMap cellKey(mlir::MLIRContext &context, int64_t width, int64_t side);
mlir::AffineMap subsampleKey(mlir::MLIRContext &context, int64_t width, int64_t step);
mlir::AffineMap remainderKey(mlir::MLIRContext &context, int64_t streams);

/// Empty if `map` is a key; else what it should be.
std::string checkPositionKey(mlir::AffineMap map);
/// The key of a position; sums and products wrap around as they do in compiled programs.
int64_t positionKey(mlir::AffineMap map, int64_t position);

} // namespace quoin

#endif
