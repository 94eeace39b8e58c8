//===- Intrinsics.h - what threads of a block do together -------------------===//

#ifndef QUOIN_COMPILER_CUDA_INTRINSICS_H
#define QUOIN_COMPILER_CUDA_INTRINSICS_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"

namespace quoin::cuda {

/// The 16 threads of a block, as instructions of a warp name them.
inline constexpr int64_t teamMask = 0xffff;
/// LLVM's number of shared memory.
inline constexpr unsigned sharedSpace = 3;

/// The call of an intrinsic with one result.
mlir::Value intrinsic(mlir::OpBuilder &b, mlir::Location loc, mlir::Type result, llvm::StringRef name,
                      llvm::ArrayRef<mlir::Value> arguments);
/// All threads meet, and see what the others stored.
void meet(mlir::OpBuilder &b, mlir::Location loc);
/// What thread number `from` (i32) holds as `x`.
mlir::Value fromThread(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value from);

} // namespace quoin::cuda

#endif
