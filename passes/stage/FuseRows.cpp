//===- FuseRows.cpp - row programs over the same rows become one ----------------===//
//
// Front to back, a `stage.each_row` takes the row programs that make its operands into its own, if
//
//   1. they are over the same rows;
//   2. whoever else reads what they make comes behind it;
//   3. what becomes of both is a row program that its verifier and the compiler let through.
//
// What one makes is then read from where it lies in the cache, or not stored at all. Products whose sum is taken on the
// other side of the seam are rounded first, as they were in memory: what is fused changes no bit.
//
//===----------------------------------------------------------------------===//

#include "dialects/quoin/RowProgram.h"
#include "dialects/stage/RowSchedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Counters.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::stage;

namespace quoin {
#define GEN_PASS_DEF_FUSEROWSPASS
#include "passes/Passes.h.inc"
} // namespace quoin

/// What a fused program may have: ops, operands and results. Beyond, what it keeps at hand does not fit registers.
static constexpr size_t mostOps = 512, mostColumns = 12;

namespace {
struct FuseRows : quoin::impl::FuseRowsPassBase<FuseRows> {
  Counter numFused{"fuse-rows", "num-programs-fused"};

  void runOnOperation() override {
    int64_t fused = 0;
    for (auto op : llvm::make_early_inc_range(getOperation().getBody().getOps<stage::EachRowOp>()))
      for (stage::EachRowOp consumer = op; stage::EachRowOp made = takeOne(consumer); consumer = made)
        ++fused;
    numFused += fused;
    if (fused > 0)
      remark::passed(getOperation().getLoc(), remarkOn<FuseRows>("Rows"))
          << std::to_string(fused) + " row programs became part of another";
  }

private:
  /// Why the program that makes an operand cannot be part of `op`; null if it can.
  static const char *whyNot(stage::EachRowOp maker, stage::EachRowOp op) {
    if (maker.getSpace() != op.getSpace())
      return "the rows are others";
    for (auto [table, column] : op.getLookups())
      if (op.getInputs()[column].getDefiningOp() == maker)
        return "it looks up by numbers that are made there";
    for (Operation *user : maker->getUsers())
      if (user != op && user->isBeforeInBlock(op))
        return "others read what it makes before that";
    size_t ops = llvm::range_size(maker.getBody().front()) + llvm::range_size(op.getBody().front());
    size_t columns = maker->getNumOperands() + op->getNumOperands() + maker->getNumResults() + op->getNumResults();
    if (ops > mostOps || columns > mostColumns)
      return "the program would be too large";
    for (auto [input, argument] : llvm::zip(op.getInputs(), op.getBody().getArguments()))
      for (auto [output, row] :
           llvm::zip_equal(maker.getOutputs(), cast<RowOp>(maker.getBody().front().getTerminator()).getRows()))
        if (input == output && argument.getType() != row.getType() && rowShapeOf(argument.getType()).size() != 1 &&
            rowShapeOf(row.getType()).size() != 1)
          return "it sees the rows in another shape";
    return nullptr;
  }

  /// Fuses `op` with one of the programs that make its operands; what they became, or null.
  stage::EachRowOp takeOne(stage::EachRowOp op) {
    for (Value input : op.getInputs()) {
      auto maker = input.getDefiningOp<stage::EachRowOp>();
      if (!maker)
        continue;
      if (const char *why = whyNot(maker, op)) {
        remark::missed(op.getLoc(), remarkOn<FuseRows>("Rows")) << why;
        continue;
      }
      return fuse(maker, op);
    }
    return {};
  }

  /// The same numbers in another shape, of which one is a line.
  static Value as(OpBuilder &b, Value row, Type type) {
    if (row.getType() == type)
      return row;
    auto to = cast<RankedTensorType>(type), from = cast<RankedTensorType>(row.getType());
    bool expands = to.getRank() > from.getRank();
    SmallVector<int64_t> all(static_cast<size_t>(std::max(to.getRank(), from.getRank())));
    std::iota(all.begin(), all.end(), 0);
    SmallVector<ReassociationIndices, 1> groups = {ReassociationIndices(all.begin(), all.end())};
    if (expands)
      return tensor::ExpandShapeOp::create(b, row.getLoc(), to, row, groups);
    return tensor::CollapseShapeOp::create(b, row.getLoc(), to, row, groups);
  }

  static stage::EachRowOp fuse(stage::EachRowOp maker, stage::EachRowOp op) {
    OpBuilder b(op);
    Block &before = maker.getBody().front(), &after = op.getBody().front();
    auto isInside = [&](Value rows) { return rows.getDefiningOp() == maker; };
    // Operands of both, each once.
    SmallVector<Value> inputs;
    for (Value rows : llvm::concat<Value>(SmallVector<Value>(maker.getInputs()), SmallVector<Value>(op.getInputs())))
      if (!isInside(rows) && !llvm::is_contained(inputs, rows))
        inputs.push_back(rows);
    SmallVector<Attribute> vectors(maker.getWeights().begin(), maker.getWeights().end());
    vectors.append(op.getWeights().begin(), op.getWeights().end());
    // Results that anybody reads but `op` itself.
    SmallVector<Value> outputs;
    for (Value rows : maker.getOutputs())
      if (llvm::any_of(rows.getUsers(), [&](Operation *user) { return user != op; }))
        outputs.push_back(rows);
    llvm::append_range(outputs, op.getOutputs());
    Value numbers = maker.getNumbers() ? maker.getNumbers() : op.getNumbers();
    SmallVector<Attribute> tables;
    SmallVector<int64_t> columns;
    for (stage::EachRowOp part : {maker, op})
      for (auto [table, column] : part.getLookups()) {
        tables.push_back(table);
        columns.push_back(llvm::find(inputs, part.getInputs()[column]) - inputs.begin());
      }
    auto made = stage::EachRowOp::create(b, op.getLoc(), ValueRange(outputs).getTypes(), false, inputs, numbers,
                                         b.getArrayAttr(vectors), tables.empty() ? ArrayAttr() : b.getArrayAttr(tables),
                                         tables.empty() ? DenseI64ArrayAttr() : b.getDenseI64ArrayAttr(columns),
                                         DenseI64ArrayAttr());
    Block &body = made.getBody().emplaceBlock();

    IRMapping map;
    DenseMap<Value, Value> rows; ///< of buffers, as the first of the two sees them
    for (Value input : inputs)
      rows[input] = Value();
    auto addArguments = [&](stage::EachRowOp part, Block &old) {
      for (auto [input, argument] : llvm::zip(part.getInputs(), old.getArguments()))
        if (!isInside(input) && !rows[input])
          rows[input] = body.addArgument(argument.getType(), argument.getLoc());
    };
    addArguments(maker, before);
    addArguments(op, after);
    b.setInsertionPointToEnd(&body);
    auto add = [&](ArrayRef<BlockArgument> some) {
      for (BlockArgument argument : some)
        map.map(argument, body.addArgument(argument.getType(), argument.getLoc()));
    };
    for (stage::EachRowOp part : {maker, op})
      add(part.getBody().getArguments().slice(part.getInputs().size(), part.getWeights().size()));
    for (stage::EachRowOp part : {maker, op})
      add(part.getBody().getArguments().take_back(part.getLookups().size()));
    auto inlineBody = [&](stage::EachRowOp part, Block &old) {
      for (auto [input, argument] : llvm::zip(part.getInputs(), old.getArguments()))
        map.map(argument, as(b, rows[input], argument.getType()));
      for (Operation &o : old.without_terminator())
        b.clone(o, map);
      return cast<RowOp>(old.getTerminator()).getRows();
    };
    for (auto [output, row] : llvm::zip_equal(maker.getOutputs(), inlineBody(maker, before)))
      rows[output] = map.lookup(row);
    for (auto [output, row] : llvm::zip_equal(op.getOutputs(), inlineBody(op, after)))
      rows[output] = map.lookup(row);
    for (Value output : maker.getOutputs())
      keepRounded(rows[output]);
    SmallVector<Value> given;
    for (Value output : outputs)
      given.push_back(rows[output]);
    RowOp::create(b, op.getLoc(), given);
    for (auto [old, output] : llvm::zip_equal(outputs, made.getOutputs()))
      old.replaceAllUsesWith(output);
    op.erase();
    maker.erase();
    return made;
  }
};
} // namespace
