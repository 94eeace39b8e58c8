//===- EmitModel.h - a model as machine code: what a driver calls -----------------===//
//
//   ModelOptions options;            options.kernels = target.kernels; options.capacity = ...
//   auto plan = emitModel(program, model, masks, options);       // adds layers_step and head_step to `program`
//   writeWeights(plan.weights, path, read, progress, checksum, error);
//   lowerToLLVM(program); emitObject(program, target, {"quoin_program_query"}, error, name); linkShared(...);
//
// The numbers of quoin_program_t come from the plan: hidden, head.vocabulary, layers, pageBytes, weights.bytes(), the
// scratch sizes; the worker scratch sizes are 0.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_CPU_EMITMODEL_H
#define QUOIN_COMPILER_CPU_EMITMODEL_H

#include "compiler/cpu/StepPlan.h"

namespace quoin::cpu {

inline constexpr llvm::StringLiteral layersStepName = "layers_step";
inline constexpr llvm::StringLiteral headStepName = "head_step";

/// Adds `llvm.func`s @layers_step and @head_step, and the kernels they call, to the end of `program`. Masks are
/// numbered as in quoin_group_t.mask. The model may lie in another module.
StepPlan emitModel(mlir::ModuleOp program, quoin::ModelOp model, llvm::ArrayRef<BlockMask> masks,
                   const ModelOptions &options);

/// Adds @layers_step for a plan.
void emitLayersStep(KernelBuilder &kb, const StepPlan &plan, llvm::ArrayRef<BlockMask> masks);

} // namespace quoin::cpu

#endif
