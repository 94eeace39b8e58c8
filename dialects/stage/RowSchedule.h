//===- RowSchedule.h - a row program as sweeps over its row ----------------===//
//
// A reduction is known only when the whole row was seen, so a row program runs in *sweeps*: loops over the elements of
// one shape, which make all that needs no more than the sweeps before. A value is either computed again wherever it is
// needed, from what lies in memory, or *kept*: stored by a sweep and loaded by later ones. Kept are
//
//   - reductions (those of a whole tensor as a number) and concatenations;
//   - what is read in another order than it is made: the operand of a slice with a stride, of a reshape that cuts the
//     last dimension anew;
//   - what later sweeps need too and what costs more than a load.
//
// Nothing here is about a target: each takes the same sweeps, and has its own order within a reduction.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_STAGE_ROWSCHEDULE_H
#define QUOIN_DIALECTS_STAGE_ROWSCHEDULE_H

#include "dialects/quoin/QuoinDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/DenseMap.h"

namespace quoin::stage {

using Shape = llvm::ArrayRef<int64_t>;

/// One thing that a sweep makes of `value`, element by element.
struct Task {
  enum Kind {
    Keep,   ///< it is (a part of) the kept value `to`
    Reduce, ///< it is joined to the reduction `to`
    Give    ///< it is (a part of) row `row` of the program's results
  } kind;
  mlir::Value value;
  mlir::Value to = {};
  unsigned row = 0;
  /// Where it goes: element i of it is element i of a tensor of this shape, but for dimension `along`, shifted by
  /// `shift`.
  Shape whole = {};
  size_t along = 0;
  int64_t shift = 0;
};

/// Tasks over the elements of one shape, which no one of them needs another for.
struct Sweep {
  int level;
  Shape shape;
  llvm::SmallVector<Task, 4> tasks;
};

class RowSchedule {
public:
  explicit RowSchedule(mlir::Block &body);

  /// In order; those of one level do not need each other.
  llvm::ArrayRef<Sweep> getSweeps() const { return sweeps; }

  bool isKept(mlir::Value v) const { return madeAt.contains(v); }
  /// Can a sweep of this level load it? Else it is computed where it is needed.
  bool isLoadedAt(mlir::Value v, int level) const {
    auto made = madeAt.find(v);
    return made != madeAt.end() && made->second < level;
  }

  /// Bytes that a kept tensor takes: 4 an element, and room to read and write whole vectors of 16.
  static int64_t bytesOf(mlir::Value kept);
  /// All that is kept of a row; machine code has it on the stack.
  int64_t getKeptBytes() const;

  /// May result `row` lie where argument `argument` lies? Only if each of the argument's elements is read for the last
  /// time in the iteration that writes there.
  bool mayTakePlace(unsigned argument, unsigned row) const;

private:
  void keepWhatIsReadInAnotherOrder();
  void chooseLevels();
  void keepWhatCosts();
  int lastNeed(mlir::Value v);
  int64_t costOf(mlir::Value v);
  int levelOf(mlir::Value v) const { return levels.lookup(v); }
  void add(int level, Task task);
  void addTasks(mlir::Operation *op);
  void give(unsigned row, mlir::Value value);

  mlir::Block &body;
  llvm::DenseSet<mlir::Value> apart;       ///< kept, and known only to the level after
  llvm::DenseMap<mlir::Value, int> levels; ///< from which on a value can be computed or loaded
  llvm::DenseMap<mlir::Value, int> madeAt; ///< of what is kept
  llvm::DenseMap<mlir::Value, int> needs;
  llvm::DenseMap<mlir::Value, int64_t> costs;
  std::vector<Sweep> sweeps;
};

/// Is the last dimension of a reduction's operand among those that it joins?
bool reducesLast(mlir::linalg::ReduceOp op);

} // namespace quoin::stage

#endif
