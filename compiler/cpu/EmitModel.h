//===- EmitModel.h - a model as machine code: what a driver calls -----------------===//
//
//   auto facts = emitModel(program, step, masks, target.kernels, positions); // adds the functions of the model's steps
//   writeWeights(facts->weights, path, read, progress, checksum, error); // of all models together
//   lowerToLLVM(program); emitObject(program, target, {"quoin_program_query"}, error, name); linkShared(...);
//
// The numbers of quoin_program_model_t come from the facts; the worker scratch sizes are 0.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_CPU_EMITMODEL_H
#define QUOIN_COMPILER_CPU_EMITMODEL_H

#include "compiler/cpu/StepReader.h"

namespace quoin::cpu {

std::string layersStepName(llvm::StringRef model);
std::string headStepName(llvm::StringRef model);

/// Adds `llvm.func`s of these names, and the kernels they call, to the end of `program`; kernels that another model of
/// the program has already are the same. Masks are
/// numbered as in quoin_group_t.mask. The step, which all stage passes have seen, may lie in another module. Fails as
/// `readStep` does.
mlir::FailureOr<StepFacts> emitModel(mlir::ModuleOp program, stage::StepOp step, llvm::ArrayRef<BlockMask> masks,
                                     const KernelOptions &kernels, int64_t positions);

} // namespace quoin::cpu

#endif
