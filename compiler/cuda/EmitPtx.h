//===- EmitPtx.h - from MLIR to PTX, in this process ------------------------===//

#ifndef QUOIN_COMPILER_CUDA_EMITPTX_H
#define QUOIN_COMPILER_CUDA_EMITPTX_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"
#include <optional>
#include <string>

namespace quoin::cuda {

/// The text of a module without vectors: functions of these names are kernels, and all else goes into them. It runs
/// from compute capability 8.0 on. Nothing after an error.
std::optional<std::string> emitPtx(mlir::ModuleOp module, llvm::ArrayRef<llvm::StringRef> kernels, std::string &error);

} // namespace quoin::cuda

#endif
