//===- RowEmitter.h - writes one row of a row program ----------------------===//
//
// Values that are not kept are computed where they are asked for, at an index (RowElements.cpp); what does not depend
// on the innermost loop is computed in front of it, and what is one number of the row in front of all loops. Sweeps ask
// for them, and store or join them (RowProgramKernel.cpp).
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_CPU_ROWEMITTER_H
#define QUOIN_COMPILER_CPU_ROWEMITTER_H

#include "compiler/cpu/Kernels.h"
#include "compiler/cpu/RowFunctions.h"
#include "dialects/stage/RowSchedule.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <map>

namespace quoin::cpu {

/// The index of an element, and how many neighbours along the last dimension go with it.
struct RowIndex {
  Vals outer;
  Val last; ///< the last dimension's index, less `offset`
  int64_t offset = 0;
  int64_t lanes = 16; ///< 16, or 1 for a number
  int64_t count = 16; ///< lanes that exist
};

/// Where the numbers of an argument or a constant lie.
struct RowMemory {
  Val base;
  Storage storage = Storage::F32; ///< or i32
  Val there = {};                 ///< without this flag they are zeros
};

class RowEmitter {
public:
  RowEmitter(KernelBuilder &builder, const RowProgram &theProgram)
      : kb(builder), program(theProgram), schedule(*theProgram.body) {}

  void emit(llvm::ArrayRef<Val> arguments);

private:
  //===--------------------------------------------------------------------===//
  // Types and places
  //===--------------------------------------------------------------------===//

  Val indexAt(const RowIndex &at) { return at.offset ? at.last + at.offset : at.last; }
  /// Where an index lies in a tensor of this shape.
  Val placeIn(stage::Shape shape, const RowIndex &at) {
    if (shape.empty())
      return kb.index(0);
    Val place;
    for (auto [size, i] : llvm::zip(shape, at.outer))
      place = place.kb ? place * size + i : i;
    return place.kb ? place * shape.back() + indexAt(at) : indexAt(at);
  }

  //===--------------------------------------------------------------------===//
  // Elements
  //===--------------------------------------------------------------------===//

  Val element(mlir::Value v, const RowIndex &at);
  Val compute(mlir::Value v, const RowIndex &at);
  Val number(mlir::Value v);
  Val loadFrom(const RowMemory &from, mlir::Value v, const RowIndex &at);
  Val loadStored(Storage storage, Val address, const RowIndex &at);
  void storeTo(Val base, mlir::Value whole, Val value, Val place, int64_t count);
  Val constant(mlir::arith::ConstantOp op, const RowIndex &at);
  Val reshaped(mlir::Value from, mlir::Value to, const RowIndex &at);
  Val sliced(mlir::tensor::ExtractSliceOp op, const RowIndex &at);
  Val spread(mlir::linalg::BroadcastOp op, const RowIndex &at);
  Val joined(mlir::linalg::ReduceOp op, const RowIndex &at);
  Val apply(mlir::Operation *op, llvm::ArrayRef<Val> in, int64_t lanes) { return applyFunction(kb, op, in, lanes); }
  Val added(mlir::arith::AddFOp op, const RowIndex &at);

  /// Is one block in another, or the same?
  static bool isIn(mlir::Block *inner, mlir::Block *outer) {
    while (inner && inner != outer)
      inner = inner->getParentOp()->getBlock();
    return inner;
  }
  /// Can a value be used where the builder stands?
  bool isSeen(Val v) { return isIn(kb.b.getInsertionBlock(), v.value.getParentBlock()); }
  /// Goes back to the end of an outer block, in front of the loops that are being written in it.
  void hoistTo(mlir::Block *block) {
    mlir::Operation *inside = nullptr;
    for (mlir::Block *here = kb.b.getInsertionBlock(); here != block; here = inside->getBlock())
      inside = here->getParentOp();
    if (inside)
      kb.b.setInsertionPoint(inside);
  }

  //===--------------------------------------------------------------------===//
  // Rows
  //===--------------------------------------------------------------------===//

  /// The arguments of `emit`, in its order.
  struct Bases {
    Vals arguments, results;
    Val read, groups, groupCount, begin, end;
  };
  Bases basesOf(llvm::ArrayRef<Val> arguments) const;
  /// The number of the group that a row of the step is of.
  Val groupOf(const Bases &bases, Val slot);
  void findRows(const Bases &bases, Val row);
  void findTable(const RowTable &table, mlir::BlockArgument argument, Val base);
  Val gather(const RowTable &table, Val base, Val number);

  //===--------------------------------------------------------------------===//
  // Sweeps
  //===--------------------------------------------------------------------===//

  void emitSweep(const stage::Sweep &sweep);
  void overFree(const stage::Sweep &sweep, llvm::ArrayRef<size_t> free, llvm::ArrayRef<size_t> reduced, RowIndex at);
  Vals overReduced(const stage::Sweep &sweep, llvm::ArrayRef<size_t> reduced, RowIndex at, Vals sums);
  Vals overLast(const stage::Sweep &sweep, RowIndex at, Vals sums);
  void step(const stage::Sweep &sweep, const RowIndex &at, int64_t number, Vals &sums);
  void store(const stage::Task &task, Val value, const RowIndex &at);
  void finish(const stage::Sweep &sweep, const RowIndex &at, llvm::ArrayRef<Val> sums);

  static mlir::linalg::ReduceOp reductionOf(const stage::Task &task) {
    return task.kind == stage::Task::Reduce ? task.to.getDefiningOp<mlir::linalg::ReduceOp>()
                                            : mlir::linalg::ReduceOp();
  }
  /// Accumulators of a reduction in this sweep.
  static int64_t accumulators(const stage::Sweep &sweep) {
    bool reduces = llvm::any_of(sweep.tasks, [](const stage::Task &t) { return t.kind == stage::Task::Reduce; });
    return reduces ? std::clamp<int64_t>(sweep.shape.back() / KernelBuilder::lanes, 1, 4) : 1;
  }

  KernelBuilder &kb;
  const RowProgram &program;
  stage::RowSchedule schedule;
  int level = 0;
  mlir::Block *rowBlock = nullptr;               ///< where numbers of the row are made
  mlir::Block *outerBlock = nullptr;             ///< where numbers are made that the innermost loop does not change
  llvm::DenseMap<mlir::Value, Val> kept;         ///< where kept tensors lie
  llvm::DenseMap<mlir::Value, RowMemory> memory; ///< where arguments and constants lie
  llvm::DenseMap<mlir::Value, Val> numbers;
  Vals results;
  /// Elements that were asked for already, by value and index.
  std::map<std::vector<const void *>, Val> known;
};
} // namespace quoin::cpu

#endif
