//===- CudaKernels.h - kernels that a GPU has of its own --------------------===//
//
// Most kernels are those of the CPU (compiler/cpu/Kernels.h), of which a block of threads is a worker. Products are cut
// otherwise: there are far more blocks than workers, so they share rows, too.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_CUDA_CUDAKERNELS_H
#define QUOIN_COMPILER_CUDA_CUDAKERNELS_H

#include "compiler/cpu/HeadKernel.h"
#include "compiler/cpu/Kernels.h"

namespace quoin::cuda {

/// Rows that a block multiplies with a tile at once.
inline constexpr int64_t rowsAtOnce = 4;

/// The sums of `rowsAtOnce` rows from `first` on with a tile, [row][64] in shared memory. Beyond the last row, `rows` -
/// 1, that one is taken again: its sums are dropped by whoever reads so many as there are.
void multiplyTile(cpu::KernelBuilder &kb, const cpu::LinearShape &shape, cpu::Val a, cpu::Val first, cpu::Val rows,
                  cpu::Val weight, cpu::Val sums);

/// (A, packed W, bias or null, others.., out, rows, worker, workers)
mlir::LLVM::LLVMFuncOp productKernel(cpu::KernelBuilder &kb, const cpu::LinearShape &shape);

/// (quoin_head_t, worker, workers), each a launch of its own, in this order.
mlir::LLVM::LLVMFuncOp headRows(cpu::KernelBuilder &kb, const cpu::HeadShape &shape);
mlir::LLVM::LLVMFuncOp headChunks(cpu::KernelBuilder &kb, const cpu::HeadShape &shape);
mlir::LLVM::LLVMFuncOp headResults(cpu::KernelBuilder &kb, const cpu::HeadShape &shape);

} // namespace quoin::cuda

#endif
