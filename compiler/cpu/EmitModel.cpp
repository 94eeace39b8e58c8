//===- EmitModel.cpp - the stages of a step as calls of kernels --------------------===//

#include "compiler/cpu/EmitModel.h"
#include "runtime/include/quoin/program.h"
#include <cstddef>

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;

namespace {
/// Emits the body of `layers_step`.
struct StepEmitter {
  KernelBuilder &kb;
  const StepPlan &plan;
  ArrayRef<BlockMask> masks;
  int64_t capacity;

  Val args, worker, workers;
  Val weights, scratch, rows, reads, read, hidden, ids, positions, barrier, room;
  Val rowBegin, rowEnd, readBegin, readEnd;

  Val field(Type type, size_t offset) { return kb.load(type, kb.at(args, int64_t(offset))); }

  StepEmitter(KernelBuilder &builder, const StepPlan &p, ArrayRef<BlockMask> m, int64_t positionsHeld, ArrayRef<Val> a)
      : kb(builder), plan(p), masks(m), capacity(positionsHeld), args(a[0]), worker(a[1]), workers(a[2]) {
    weights = field(kb.ptr, offsetof(quoin_layers_t, weights));
    scratch = field(kb.ptr, offsetof(quoin_layers_t, scratch));
    rows = field(kb.i64, offsetof(quoin_layers_t, rows));
    reads = field(kb.i64, offsetof(quoin_layers_t, reads));
    read = field(kb.ptr, offsetof(quoin_layers_t, read));
    hidden = field(kb.ptr, offsetof(quoin_layers_t, hidden));
    ids = field(kb.ptr, offsetof(quoin_layers_t, ids));
    positions = field(kb.ptr, offsetof(quoin_layers_t, positions));
    barrier = field(kb.ptr, offsetof(quoin_layers_t, barrier));
    // A buffer holds rows of the step, or rows read: room for the more of them.
    room = kb.max(rows, reads);
    std::tie(rowBegin, rowEnd) = share(kb, rows, worker, workers);
    std::tie(readBegin, readEnd) = share(kb, reads, worker, workers);
  }

  Val buffer(int64_t index) { return kb.at(scratch, room * plan.places[plan.buffers[index].place].offset); }
  Val weight(int64_t offset) { return kb.at(weights, offset); }

  void stage(const Stage &s) {
    bool readRows = s.partition == Partition::ReadRows;
    Val begin = readRows ? readBegin : rowBegin, end = readRows ? readEnd : rowEnd;
    Val out = s.output >= 0 ? buffer(s.output) : kb.null();
    Vals in;
    for (int64_t b : s.inputs)
      in.push_back(buffer(b));
    switch (s.kind) {
    case StageKind::Masks:
      return kb.call(maskKernel(kb, masks), {args, worker, workers});
    case StageKind::Embed:
      return kb.call(embedKernel(kb, s.width, s.storage), {ids, weight(s.weight), out, begin, end});
    case StageKind::Norm:
      return kb.call(normKernel(kb, s.width, s.group, s.epsilon, plan.buffers[s.output].storage),
                     {in[0], weight(s.weight), out, begin, end});
    case StageKind::Narrow:
      return kb.call(narrowKernel(kb, s.width), {in[0], out, begin, end});
    case StageKind::Rotary:
      return kb.call(rotaryKernel(kb, s.width, s.headDim, capacity, s.reads),
                     {in[0], weight(s.weight), positions, read, out, begin, end});
    case StageKind::Linear: {
      auto [first, last] = share(kb, kb.index(s.linear.tiles()), worker, workers);
      return kb.call(linearKernel(kb, s.linear), {in[0], weight(s.weight), s.linear.bias ? weight(s.bias) : kb.null(),
                                                  s.linear.epilogue == Epilogue::Residual ? in[1] : kb.null(), out,
                                                  s.reads ? reads : rows, first, last});
    }
    case StageKind::Cache:
      return kb.call(cacheKernel(kb, s.attention.page), {args, in[0], in[1], kb.index(s.layerOffset), begin, end});
    case StageKind::Attention:
      return kb.call(attentionKernel(kb, s.attention), {args, in[0], out, kb.index(s.layerOffset), worker, workers});
    case StageKind::Add:
      return kb.call(addKernel(kb, s.width), {in[0], in[1], out, begin, end});
    case StageKind::Swiglu:
      return kb.call(swigluKernel(kb, s.width), {in[0], in[1], out, begin, end});
    case StageKind::Gather:
      return kb.call(gatherKernel(kb, s.width, plan.buffers[s.output].storage), {in[0], read, out, begin, end});
    case StageKind::Scatter:
      return kb.call(scatterKernel(kb, s.width, s.reads), {in[0], read, hidden, begin, end});
    }
  }
};
} // namespace

void quoin::cpu::emitLayersStep(KernelBuilder &kb, const StepPlan &plan, ArrayRef<BlockMask> masks) {
  int64_t capacity = 0;
  for (const WeightPiece &p : plan.weights.pieces)
    if (p.kind == WeightPiece::Kind::Rotary)
      capacity = p.n;
  kb.function(
      layersStepName, {kb.ptr, kb.i64, kb.i64},
      [&](ArrayRef<Val> a) {
        StepEmitter emit(kb, plan, masks, capacity, a);
        LLVM::LLVMFuncOp meet = barrierKernel(kb);
        for (const Stage &s : plan.stages) {
          if (s.barrier)
            kb.call(meet, {emit.barrier, emit.workers});
          emit.stage(s);
        }
      },
      true);
}

StepPlan quoin::cpu::emitModel(ModuleOp program, ModelOp model, ArrayRef<BlockMask> masks,
                               const ModelOptions &options) {
  StepPlan plan = planStep(model, options);
  KernelBuilder kb(program, options.kernels);
  emitLayersStep(kb, plan, masks);
  headStep(kb, plan.head);
  return plan;
}
