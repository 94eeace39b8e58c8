//===- ValueLayout.h - how a decoder's values lie in registers and memory ---===//
//
//   index          i64                     integer of the frame
//   i1, i8, i32, i64, f32, f64  as such    integer or real of the frame
//   tensor<?xT>, tensor<?xWxT>  pointer and number of elements (i64)  elements as T, i1 as one byte
//   sequence, logits  pointer              quoin_sequence_t, quoin_logits_t
//   cache          i64                     its number
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_DECODER_VALUELAYOUT_H
#define QUOIN_COMPILER_DECODER_VALUELAYOUT_H

#include "mlir/IR/Types.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace quoin::decoder {

struct ValueLayout {
  llvm::SmallVector<mlir::Type, 2> types; ///< of the LLVM values
  int kind = 0;                           ///< QUOIN_KIND_*
  mlir::Type element;                     ///< of a tensor, as a scalar in registers; null else
};

/// The scalar that stands for a scalar type, or null if decoders do not have it.
mlir::Type scalarType(mlir::Type type);

/// Nothing if decoders do not have values of this type.
std::optional<ValueLayout> layoutOf(mlir::Type type);

/// The type in memory of a tensor's element: i8 for i1.
mlir::Type storedType(mlir::Type element);
int64_t storedBytes(mlir::Type element);

} // namespace quoin::decoder

#endif
