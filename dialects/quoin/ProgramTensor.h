//===- ProgramTensor.h - tensors that decoder programs have ----------------===//
//
// A decoder's tensors are vectors, or matrices of a static width: whoever holds one needs no shape beside the number
// of its elements. Interpreter and compiled programs both keep them as elements, row after row.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_QUOIN_PROGRAMTENSOR_H
#define QUOIN_DIALECTS_QUOIN_PROGRAMTENSOR_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <optional>

namespace quoin {

/// Most elements of a tensor in a program (QUOIN_MAX_ELEMENTS).
inline constexpr int64_t maxProgramElements = int64_t(1) << 28;

struct ProgramTensor {
  mlir::Type element;
  int64_t rank = 0;  ///< 0: a number
  int64_t rows = -1; ///< of a tensor; -1: not known
  int64_t width = 1; ///< elements of a row
};

/// Nothing for a tensor that no program has: of another rank, of a width that is not static, or with an encoding.
std::optional<ProgramTensor> programTensor(mlir::Type type);

/// Why a program cannot take this slice of a tensor, or nothing: of a matrix it takes rows with a range of columns that
/// is static, inside it, and without gaps.
std::string whyNoSlice(mlir::tensor::ExtractSliceOp slice);

} // namespace quoin

#endif
