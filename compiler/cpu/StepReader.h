//===- StepReader.h - what machine code needs to know of a step -----------------===//
//
// A `stage.step` that all stage passes have seen, in numbers: those of quoin_program_t, the list of the weight file's
// pieces, and the head's shape.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_CPU_STEPREADER_H
#define QUOIN_COMPILER_CPU_STEPREADER_H

#include "compiler/cpu/WeightPacking.h"
#include "dialects/stage/StageDialect.h"

namespace quoin::cpu {

/// A column that a model takes besides ids and positions, or gives.
struct StepColumn {
  int64_t width = 0;
  mlir::Type element; ///< f32, bf16 or i32
  stage::Space space = stage::Space::Row;
};

struct StepFacts {
  WeightPlan weights;
  HeadShape head; ///< of a model that has one: its vocabulary is not 0
  llvm::SmallVector<StepColumn> columns;
  llvm::SmallVector<StepColumn> results;   ///< what it gives: its hidden rows, if it has a head, are the first
  llvm::SmallVector<int64_t> placeOffsets; ///< of each place; times the number of rows, in scratch
  int64_t hidden = 0, layers = 0, pageBytes = 0, scratchRowBytes = 0;
  int64_t stateBytes = 0;                   ///< what its recurrences leave behind a slot; 0: it has none
  int64_t layersWork = 0;                   ///< multiplications of a row in the matrices of the layers
  int64_t fusedEpilogues = 0, barriers = 0; ///< for reports
};

/// `positions` are those that rows may be at (positionsOf). Fails with a diagnostic where a decision is missing, angles
/// are of other positions, or workers would not meet although they must; also where the step multiplies pairs of bf16
/// and the target cannot. None of this happens to a step that the passes made for this target.
mlir::FailureOr<StepFacts> readStep(stage::StepOp step, const KernelOptions &kernels, int64_t positions);

/// The product of a stage, as kernels have it.
LinearShape linearShape(stage::ProductOp product);
ExpertShape expertShape(stage::ExpertsOp experts);

} // namespace quoin::cpu

#endif
