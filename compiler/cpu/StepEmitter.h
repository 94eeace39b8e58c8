//===- StepEmitter.h - stages as calls of kernels ---------------------------===//
//
// Each stage becomes the call of a kernel on the arguments of the step (quoin_layers_t), of which this worker does its
// share. A target that makes launches of them says where numbers come from that differ between two stages of one shape.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_CPU_STEPEMITTER_H
#define QUOIN_COMPILER_CPU_STEPEMITTER_H

#include "compiler/cpu/StepReader.h"
#include "dialects/stage/ScanStage.h"

namespace quoin::cpu {

class StepEmitter {
public:
  StepEmitter(KernelBuilder &builder, const StepFacts &facts, llvm::ArrayRef<BlockMask> masks, Val args, Val worker,
              Val workers);
  virtual ~StepEmitter() = default;

  /// Where workers meet.
  Val getBarrier() const { return barrier; }
  /// The call of a stage that is none of an end.
  void emit(mlir::Operation *stage);

protected:
  /// A place in the weight file, in a page or in scratch. Two stages of one shape differ in nothing else.
  virtual Val place(int64_t bytes) { return kb.index(bytes); }
  /// What lies so far behind an address.
  virtual Val behind(Val base, int64_t bytes) { return kb.at(base, bytes); }
  /// Tiles [first, last) of a product.
  virtual void emitTiles(stage::ProductOp op, Val first, Val last);
  /// Of a product's kernel, but for the end: which part of the work it is.
  Vals productArguments(stage::ProductOp op, Val begin, Val end);

  Val field(mlir::Type type, size_t offset) { return kb.load(type, kb.at(args, int64_t(offset))); }
  /// A column that the model takes.
  Val operand(int64_t number);
  /// Where rows of a result that the model gives go: the first, where they lie one behind the other.
  Val resultRows(int64_t number);
  Val buffer(mlir::Value v);
  Val weight(stage::WeightAttr w) { return behind(weights, w.getOffset()); }
  /// This worker's rows of a space.
  std::pair<Val, Val> shareOf(stage::Space space);
  /// How many rows a space has.
  Val countOf(stage::Space space);
  /// Where the rows of an operand or a result begin: those of the host are a list of addresses.
  Val rowsOf(mlir::Value v);
  RowTable tableOf(stage::EachRowOp op, stage::WeightAttr weight, unsigned column);

  void emit(stage::EachRowOp op);
  void emit(stage::ScanOp op);
  void emit(stage::QuantizeOp op);
  void emit(stage::ProductOp op);
  void emit(stage::ExpertsOp op);
  void emit(stage::CacheOp op);
  void emit(stage::AttendOp op);
  void emit(stage::MasksOp op);
  void emitMemory(stage::CacheOp op);

  KernelBuilder &kb;
  const StepFacts &facts;
  llvm::ArrayRef<BlockMask> masks;
  Val args, worker, workers;
  Val weights, scratch, rows, reads, read, ids, positions, barrier, room;
  Val groups, rowBegin, rowEnd, readBegin, readEnd, groupBegin, groupEnd;
};

} // namespace quoin::cpu

#endif
