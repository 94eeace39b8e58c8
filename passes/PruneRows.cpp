//===- PruneRows.cpp - rows that nobody reads leave before the last layer --===//
//
// A gather at the end moves up, against the order of the program:
//
//   1. `hidden(v)` becomes `hidden(gather(v))`. Each value is gathered at most once.
//   2. Going back through the body, an op whose result is used by its gather alone and that works row by row takes
//      gathered operands, and the gather behind it goes.
//   3. Attention takes gathered queries and is told which rows they are; its keys and values need all rows.
//
//===----------------------------------------------------------------------===//

#include "dialects/quoin/RowSpaces.h"
#include "passes/Counters.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

using namespace mlir;
using namespace quoin;

namespace quoin {
#define GEN_PASS_DEF_PRUNEROWSPASS
#include "passes/Passes.h.inc"
} // namespace quoin

/// Does row i of the results depend on row i of the operands alone, and can those be gathered?
static bool isRowWise(Operation *op) {
  return cast<ModelOpInterface>(op).getRelation() == RowRelation::RowByRow &&
         llvm::all_of(op->getOperands(), [](Value v) { return isRows(v) || getElementTypeOrSelf(v).isIndex(); });
}

namespace {
struct PruneRows : quoin::impl::PruneRowsPassBase<PruneRows> {
  Counter numOps{"prune-rows", "num-ops-on-read-rows"};
  Counter numAttentions{"prune-rows", "num-attentions-on-read-rows"};

  void runOnOperation() override {
    ModelOp model = getOperation();
    if (!model.isOfTokens()) {
      remark::missed(model.getLoc(), remarkOn<PruneRows>("Model")) << "a function of rows runs the rows it is given";
      return;
    }
    if (model.getRead()) {
      remark::missed(model.getLoc(), remarkOn<PruneRows>("Model")) << "the model already yields read rows only";
      return;
    }
    Block &body = model.getBody().front();
    sequences.clear();
    RowSpaces spaces = *RowSpaces::infer(model);
    for (BlockArgument column : model.getColumns())
      if (spaces.isOfSequence(column))
        sequences.insert(column);
    for (Operation &op : body.without_terminator())
      for (Value made : op.getResults())
        if (spaces.isOfSequence(made))
          sequences.insert(made);
    read = body.addArgument(model.getPositions().getType(), model.getLoc());
    gathered.clear();
    for (OpOperand &rows : body.getTerminator()->getOpOperands())
      rows.set(gather(rows.get()));
    int64_t moved = 0;
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body.without_terminator())))
      moved += moveAbove(&op);
    if (moved > 0)
      remark::passed(model.getLoc(), remarkOn<PruneRows>("Model"))
          << std::to_string(moved) + " ops run on read rows only";
    else
      remark::missed(model.getLoc(), remarkOn<PruneRows>("Model"))
          << "no op before the model's result works row by row";
  }

private:
  /// The rows of a value that are read; right behind the value.
  Value gather(Value rows) {
    GatherRowsOp &op = gathered[rows];
    if (!op) {
      OpBuilder b(rows.getContext());
      b.setInsertionPointAfterValue(rows);
      op = GatherRowsOp::create(b, rows.getLoc(), rows, read);
    }
    return op.getOutput();
  }

  /// gather(op(x)) -> op(gather(x)), if nobody else needs op(x).
  bool moveAbove(Operation *op) {
    auto isGathered = [&](Value result) { return gathered.contains(result); };
    if (llvm::none_of(op->getResults(), isGathered))
      return false;
    auto attention = dyn_cast<AttentionOp>(op);
    bool isNeeded = llvm::any_of(
        op->getResults(), [&](Value result) { return isGathered(result) ? !result.hasOneUse() : !result.use_empty(); });
    if (isNeeded || !(isRowWise(op) || (attention && !attention.getRows()))) {
      remark::missed(op->getLoc(), remarkOn<PruneRows>("Gather"))
          << (isNeeded ? "all of its rows are needed elsewhere" : "it does not work row by row");
      return false;
    }
    for (Value result : llvm::make_filter_range(op->getResults(), isGathered)) {
      GatherRowsOp behind = gathered[result];
      behind.getOutput().replaceAllUsesWith(result);
      gathered.erase(result);
      behind.erase();
    }
    if (attention) {
      attention.getQueryMutable().assign(gather(attention.getQuery()));
      attention.getRowsMutable().assign(read);
      ++numAttentions;
    } else {
      // Rows of sequences are there for every row.
      for (OpOperand &operand : op->getOpOperands())
        if (!isOfSequence(operand.get()))
          operand.set(gather(operand.get()));
    }
    ++numOps;
    return true;
  }

  bool isOfSequence(Value v) const { return sequences.contains(v); }

  Value read;
  llvm::DenseSet<Value> sequences; ///< rows of sequences
  llvm::DenseMap<Value, GatherRowsOp> gathered;
};
} // namespace
