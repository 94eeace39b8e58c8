//===- ScanKernel.h - recurrences along the rows of sequences --------------===//

#ifndef QUOIN_COMPILER_CPU_SCANKERNEL_H
#define QUOIN_COMPILER_CPU_SCANKERNEL_H

#include "compiler/cpu/Kernels.h"
#include "dialects/quoin/ScanOps.h"

namespace quoin::cpu {

struct ScanProgram {
  mlir::Block *body;
  ScanShape shape;
  int64_t kept = 0;  ///< where its states lie in what a model keeps behind a slot
  bool seen = false; ///< rows go on from the last row before them that the masks' words show
};

/// (quoin_layers_t, inputs.., initial states.., weights.., results.., worker, workers): workers divide the heads of all
/// groups. With `seen` the last result is the states behind each row, [head]. Rows are of F32; a weight is
/// `[heads][numbers]` of F32, a head's numbers padded to multiples of 16.
mlir::LLVM::LLVMFuncOp scanKernel(KernelBuilder &kb, const ScanProgram &program);

/// What a worker has on its stack beside what the row program keeps.
int64_t scanStackBytes(const ScanProgram &program);

/// Bytes of one head of a weight.
inline int64_t headBytes(const HeadPart &weight) { return roundUp(weight.numbers(), 16) * 4; }

} // namespace quoin::cpu

#endif
