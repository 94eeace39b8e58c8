//===- HeadKernel.h - what is kept of a row while the vocabulary streams by ---===//

#ifndef QUOIN_COMPILER_CPU_HEADKERNEL_H
#define QUOIN_COMPILER_CPU_HEADKERNEL_H

#include "compiler/cpu/Kernels.h"

namespace quoin::cpu {

/// The statistics of one row over part of the vocabulary; 64 bytes of scratch per (row, chunk). All sums are relative
/// to `maximum`, so that parts can be joined.
struct Partial {
  Val maximum;                 ///< of all scores
  Val sum;                     ///< of e^(x - maximum)
  Val weighted;                ///< of (x - maximum) e^(x - maximum)
  Val best, second, bestToken; ///< without the forbidden token
  Val drawnSum;                ///< of e^((x - maximum) / temperature)
  /// The draw: the token whose x / temperature + Gumbel noise is the highest, and its raw score and noise.
  Val drawnNoise, drawnToken, drawnScore;
  Val of; ///< score of the token asked for

  static constexpr int64_t bytes = 64, ofOffset = 40;
  static Partial initial(KernelBuilder &kb);
  static Partial load(KernelBuilder &kb, Val address);
  void store(Val address) const;
};

/// (rows of quoin_head_row_t, scratch, begin, end): copies rows as the product reads them, with guidance applied.
mlir::LLVM::LLVMFuncOp prepareKernel(KernelBuilder &kb, const HeadShape &shape);

/// (quoin_head_row_t, partial, 64 scores, first token, last of the vocabulary + 1): takes one tile into a partial.
mlir::LLVM::LLVMFuncOp tileStatistics(KernelBuilder &kb);

/// (quoin_head_row_t, partials, their number, tokens a chunk): joins them in order and writes the row's results.
mlir::LLVM::LLVMFuncOp rowResults(KernelBuilder &kb, int64_t vocabulary);

} // namespace quoin::cpu

#endif
