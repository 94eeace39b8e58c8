//===- EmitModel.cpp - the stages of a step as calls of kernels --------------------===//

#include "compiler/cpu/EmitModel.h"
#include "compiler/cpu/StepEmitter.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;
using namespace quoin::stage;

std::string quoin::cpu::layersStepName(StringRef model) { return ("layers_step." + model).str(); }
std::string quoin::cpu::headStepName(StringRef model) { return ("head_step." + model).str(); }

static void emitLayersStep(KernelBuilder &kb, StepOp step, const StepFacts &facts, ArrayRef<BlockMask> masks) {
  kb.function(
      layersStepName(step.getSymName()), {kb.ptr, kb.i64, kb.i64},
      [&](ArrayRef<Val> a) {
        StepEmitter emitter(kb, facts, masks, a[0], a[1], a[2]);
        LLVM::LLVMFuncOp meet = barrierKernel(kb);
        for (auto stage : step.getBody().getOps<StageOpInterface>()) {
          if (stage.getBarrier())
            kb.call(meet, {emitter.getBarrier(), a[2]});
          emitter.emit(stage);
        }
      },
      true);
}

FailureOr<StepFacts> quoin::cpu::emitModel(ModuleOp program, StepOp step, ArrayRef<BlockMask> masks,
                                           const KernelOptions &kernels, int64_t positions) {
  FailureOr<StepFacts> facts = readStep(step, kernels, positions);
  if (failed(facts))
    return failure();
  KernelBuilder kb(program, kernels);
  emitLayersStep(kb, step, *facts, masks);
  if (step.getHead())
    headStep(kb, facts->head, headStepName(step.getSymName()));
  return facts;
}
