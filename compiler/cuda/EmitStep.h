//===- EmitStep.h - the steps of models as launches --------------------------===//
//
//   CudaProgram program(context, brain, masks);
//   program.addModel(step, facts);        // of each model, in order
//   program.makePtx(error);               // of all kernels
//
// A stage is a launch (runtime/include/quoin/cuda.h). Its kernel calls the one that the CPU has for it, with a block as
// a worker; two stages that differ in nothing but places are one kernel, to which these are constants.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_CUDA_EMITSTEP_H
#define QUOIN_COMPILER_CUDA_EMITSTEP_H

#include "compiler/cpu/StepReader.h"
#include "compiler/decoder/ProgramTable.h"

namespace quoin::cuda {

class CudaProgram {
public:
  /// `brain`: steps have products of pairs of bf16.
  CudaProgram(mlir::MLIRContext *context, bool brain, llvm::ArrayRef<BlockMask> masks);

  /// Fails with a diagnostic where a stage cannot be compiled.
  mlir::LogicalResult addModel(stage::StepOp step, const cpu::StepFacts &facts);
  /// PTX of all kernels, for compute capability 8.0; nothing after an error.
  std::optional<std::string> makePtx(std::string &error);

  /// What the program's table says; images come from elsewhere.
  std::vector<std::vector<decoder::CudaStep>> models;

private:
  using Body = llvm::function_ref<void(llvm::ArrayRef<cpu::Val> arguments, llvm::SmallVectorImpl<int64_t> &constants)>;
  /// A kernel, or an earlier one of the same text, and its constants.
  mlir::FailureOr<decoder::CudaLaunch> launch(mlir::Operation *stage, llvm::StringRef name, Body body);
  mlir::FailureOr<decoder::CudaLaunch> launchStage(mlir::Operation *stage, const cpu::StepFacts &facts);

  mlir::OwningOpRef<mlir::ModuleOp> module;
  cpu::KernelBuilder kb;
  llvm::SmallVector<BlockMask> masks;
  std::map<std::string, std::string> kernels; ///< names, by text
};

} // namespace quoin::cuda

#endif
