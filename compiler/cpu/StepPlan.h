//===- StepPlan.h - from a model's ops to the stages of a step -------------------===//
//
// A step is one function that all workers run at the same time. It is a list of stages; each stage divides its work in
// some way:
//
//   rows     of the step, or of those read: each worker has the same rows in every such stage
//   columns  tiles of a product's result
//   items    tiles of rows times key heads (attention), blocks of rows (masks)
//
// A barrier stands before a stage only if it touches something that another worker may have touched since the last
// barrier, one of the two writing. Stages over the same rows never need one between them.
//
// The plan is made in four passes over the body of a `quoin.model`:
//   1. stages: ops become stages; a product takes a following addition or gate along, grouped products keep their
//   order; what a product of BF16 reads is narrowed by the stage that makes it where nobody else reads it, else by a
//   stage of its own;
//   2. buffers: how long each result lives; an operand that dies may give its place to the result;
//   3. places: buffers that are dead are used again;
//   4. barriers.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_CPU_STEPPLAN_H
#define QUOIN_COMPILER_CPU_STEPPLAN_H

#include "compiler/cpu/WeightPacking.h"
#include "dialects/quoin/QuoinDialect.h"

namespace quoin::cpu {

enum class StageKind { Masks, Embed, Norm, Narrow, Rotary, Linear, Cache, Attention, Add, Swiglu, Gather, Scatter };

/// How a stage divides its work among workers.
enum class Partition { Rows, ReadRows, Columns, Items };

struct Buffer {
  int64_t width = 0;
  Storage storage = Storage::F32; ///< BF16: what products of BF16 read
  int64_t firstStage = -1, lastStage = -1;
  int64_t place = -1; ///< index into StepPlan::places
};

struct Stage {
  StageKind kind = StageKind::Masks;
  Partition partition = Partition::Rows;
  llvm::SmallVector<int64_t, 3> inputs; ///< buffers; the last input of Linear with a residual is that residual
  int64_t output = -1;                  ///< buffer
  bool barrier = false;                 ///< all workers meet before it
  bool reads = false;                   ///< over the rows read

  LinearShape linear;
  int64_t weight = -1, bias = -1; ///< byte offsets in the weight file
  int64_t width = 0, group = 0, headDim = 0;
  double epsilon = 0;
  AttentionShape attention;
  int64_t layerOffset = 0;        ///< of this layer in a page
  Storage storage = Storage::F32; ///< of the embedding's table

  bool inPlaceSafe() const {
    return kind == StageKind::Norm || kind == StageKind::Rotary || kind == StageKind::Add || kind == StageKind::Swiglu;
  }
};

struct ModelOptions {
  KernelOptions kernels;
  int64_t capacity = 0;           ///< positions that the tables of angles have rows for
  std::optional<Storage> storage; ///< of matrices; none: as the checkpoint has them
};

struct StepPlan {
  std::vector<Stage> stages;
  std::vector<Buffer> buffers;
  struct Place {
    int64_t bytes = 0;  ///< of a row
    int64_t offset = 0; ///< times the number of rows, in scratch
    int64_t freeAt = -1;
  };
  std::vector<Place> places;
  WeightPlan weights;
  HeadShape head;
  int64_t hidden = 0, layers = 0, pageBytes = 0, scratchRowBytes = 0;
  int64_t fusedEpilogues = 0, barriers = 0; ///< for reports

  /// Multiplications of a row in the matrices of the layers.
  int64_t layersWork() const {
    int64_t work = 0;
    for (const Stage &s : stages)
      if (s.kind == StageKind::Linear)
        work += s.linear.k * s.linear.n * (s.linear.epilogue == Epilogue::Swiglu ? 2 : 1);
    return work;
  }
};

/// Whatever the verifier of `quoin.model` lets through can be planned.
StepPlan planStep(quoin::ModelOp model, const ModelOptions &options);

} // namespace quoin::cpu

#endif
