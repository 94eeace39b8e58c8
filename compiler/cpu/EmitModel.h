//===- EmitModel.h - a model as machine code: what a driver calls -----------------===//
//
//   auto facts = emitModel(program, step, masks, target.kernels, positions); // adds layers_step and head_step
//   writeWeights(facts->weights, path, read, progress, checksum, error);
//   lowerToLLVM(program); emitObject(program, target, {"quoin_program_query"}, error, name); linkShared(...);
//
// The numbers of quoin_program_t come from the facts: hidden, head.vocabulary, layers, pageBytes, weights.bytes(), the
// scratch sizes; the worker scratch sizes are 0.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_CPU_EMITMODEL_H
#define QUOIN_COMPILER_CPU_EMITMODEL_H

#include "compiler/cpu/StepReader.h"

namespace quoin::cpu {

inline constexpr llvm::StringLiteral layersStepName = "layers_step";
inline constexpr llvm::StringLiteral headStepName = "head_step";

/// Adds `llvm.func`s @layers_step and @head_step, and the kernels they call, to the end of `program`. Masks are
/// numbered as in quoin_group_t.mask. The step, which all stage passes have seen, may lie in another module. Fails as
/// `readStep` does.
mlir::FailureOr<StepFacts> emitModel(mlir::ModuleOp program, stage::StepOp step, llvm::ArrayRef<BlockMask> masks,
                                     const KernelOptions &kernels, int64_t positions);

} // namespace quoin::cpu

#endif
