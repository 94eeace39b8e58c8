//===- DistributeLanes.h - vectors of 16 lanes become 16 threads ------------===//
//
// Kernels are written for vectors of 16 lanes (compiler/cpu/KernelBuilder.h). On a GPU the 16 threads of a block hold a
// lane each, so one source serves both, and every sum has the same order: where the CPU has fused multiply-adds, and no
// dot product of pairs of bf16 (which rounds in its own way), a row has the same bits on both. Numbers that are no
// vectors are the same in all threads.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_CUDA_DISTRIBUTELANES_H
#define QUOIN_COMPILER_CUDA_DISTRIBUTELANES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"

namespace quoin::cuda {

/// Threads of a block.
inline constexpr int64_t teamThreads = 16;

/// Rewrites all functions of a module of scf, arith, vector and llvm: what is left has no vectors, its stacks are
/// shared memory, and threads meet (bar.warp.sync) wherever one may read what another wrote. Fails with a diagnostic on
/// an op that has no meaning lane by lane.
mlir::LogicalResult distributeLanes(mlir::ModuleOp module);

} // namespace quoin::cuda

#endif
