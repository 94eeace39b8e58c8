//===- HandWritten.h - kernels written for one formula each ---------------===//
//
// What row programs replaced, in the same builder: each formula's loads, operations and stores spelled out. Kept to
// race against.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_BENCH_KERNELS_HANDWRITTEN_H
#define QUOIN_BENCH_KERNELS_HANDWRITTEN_H

#include "compiler/cpu/Kernels.h"

namespace quoin::bench {

/// (x, weight, out, begin, end): root mean square norm of groups, with one accumulator.
mlir::LLVM::LLVMFuncOp handNorm(cpu::KernelBuilder &kb, int64_t width, int64_t group, double epsilon,
                                cpu::Storage result);
/// (x, angles, positions, out, begin, end): of each position its cosines, then its sines.
mlir::LLVM::LLVMFuncOp handRotary(cpu::KernelBuilder &kb, int64_t width, int64_t headDim);
/// (gate, up, out, begin, end)
mlir::LLVM::LLVMFuncOp handSwiglu(cpu::KernelBuilder &kb, int64_t width, cpu::Storage result);

/// (ids, table, out, begin, end): rows of a table whose rows are padded to vectors.
mlir::LLVM::LLVMFuncOp handEmbed(cpu::KernelBuilder &kb, int64_t width, cpu::Storage table);

} // namespace quoin::bench

#endif
