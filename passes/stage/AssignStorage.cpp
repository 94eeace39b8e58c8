//===- AssignStorage.cpp - types of rows, weights and pages ----------------===//
//
//   1. weights: matrices as asked, vectors f32
//   2. pages: as narrow as the head, the largest weight
//   3. rows, front to back: bf16 where every reader is a product of pairs, or a copy for such products, and the stage
//      can store it
//   4. a product of pairs that still reads f32 gets narrow rows, made once: by the row program that makes the others,
//   or
//      by a copy in front of the first of them
//
//===----------------------------------------------------------------------===//

#include "dialects/stage/ScanStage.h"
#include "passes/Counters.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "passes/stage/Storage.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::stage;

namespace quoin {
#define GEN_PASS_DEF_ASSIGNSTORAGEPASS
#include "passes/Passes.h.inc"
} // namespace quoin

namespace {
struct AssignStorage : quoin::impl::AssignStoragePassBase<AssignStorage> {
  using AssignStoragePassBase::AssignStoragePassBase;

  Counter numNarrow{"assign-storage", "num-buffers-stored-narrow"};
  Counter numCopies{"assign-storage", "num-narrow-copies"};

  void runOnOperation() override {
    StepOp step = getOperation();
    narrowed.clear();
    for (Operation &op : step.getBody().front())
      if (failed(storeWeights(&op)))
        return signalPassFailure();
    HeadOp head = step.getHead();
    bool narrowHead = head && wideElement(head).isBF16();
    if (head)
      head.setNarrow(head.getWeight().getElement().isBF16() && pairs);
    for (Operation &op : llvm::make_early_inc_range(step.getBody().front()))
      storeRows(&op, narrowHead);
  }

private:
  DenseMap<Value, Value> narrowed; ///< copies in bf16

  LogicalResult storeWeights(Operation *op) {
    SmallVector<WeightAttr, 2> all = weightsOf(op);
    // Of a row program tables stand behind the vectors.
    size_t vectors = isa<stage::EachRowOp>(op) ? cast<stage::EachRowOp>(op).getWeights().size() : all.size();
    for (auto [i, weight] : llvm::enumerate(all)) {
      if (weight.getElement())
        continue;
      bool vector = i < vectors && (i > 0 || isa<stage::EachRowOp, stage::ScanOp>(op));
      Type element = Float32Type::get(&getContext());
      if (!vector)
        element = storedAs(SymbolTable::lookupNearestSymbolFrom<WeightOp>(op, weight.getSources()[0]), weights);
      weight = weight.withElement(element);
    }
    if (!all.empty())
      setWeights(op, all);
    return success();
  }

  /// What the head's weight would be stored as if it were not whole numbers.
  Type wideElement(HeadOp head) {
    if (!head.getWeight().getScaled())
      return head.getWeight().getElement();
    return storedAs(SymbolTable::lookupNearestSymbolFrom<WeightOp>(head, head.getWeight().getSources()[0]), weights);
  }

  bool isOfPairs(ProductOp product) { return pairs && product.getWeight().getElement().isBF16(); }

  /// Only products of pairs read it.
  bool mayBeNarrow(Value rows) {
    return !rows.use_empty() && llvm::all_of(rows.getUses(), [&](OpOperand &use) {
      if (auto rows = dyn_cast<stage::EachRowOp>(use.getOwner()))
        return rows.isCopy() && mayBeNarrow(rows.getOutputs()[0]);
      auto product = dyn_cast<ProductOp>(use.getOwner());
      return product && &use == &product.getInputMutable() && isOfPairs(product);
    });
  }

  void store(Value rows, Type element) {
    BufferType type = bufferOf(rows);
    rows.setType(BufferType::get(&getContext(), type.getSpace(), type.getWidth(), element));
    numNarrow += element.isBF16();
  }

  void storeRows(Operation *op, bool narrowPages) {
    // A memory is stored as the host has it.
    if (auto cache = dyn_cast<stage::CacheOp>(op);
        cache && narrowPages && cache.getKey().getType().getSpace() != Space::Memory) {
      PagesType pages = cache.getPages().getType();
      cache.getPages().setType(
          PagesType::get(&getContext(), pages.getHeads(), pages.getHeadDim(), BFloat16Type::get(&getContext())));
    }
    if (auto product = dyn_cast<ProductOp>(op))
      narrowInput(product);
    auto attend = dyn_cast<AttendOp>(op);
    for (Value result : scratchResults(op))
      if (cast<StageOpInterface>(op).storesNarrow() && !(attend && result == attend.getLse()) && mayBeNarrow(result))
        store(result, BFloat16Type::get(&getContext()));
  }

  /// Rows as narrow ones.
  Value narrow(ProductOp product, Value rows) {
    BufferType type = bufferOf(rows);
    auto as = BufferType::get(&getContext(), type.getSpace(), type.getWidth(), BFloat16Type::get(&getContext()));
    auto maker = rows.getDefiningOp<stage::EachRowOp>();
    if (maker && type.getElement().isF32())
      return alsoMade(maker, cast<OpResult>(rows).getResultNumber(), as);
    remark::missed(product.getLoc(), remarkOn<AssignStorage>("Narrow"))
        << "what it reads is made by a stage that stores f32, and others read it: it is copied";
    OpBuilder b(product);
    ++numCopies;
    return copyRows(b, product.getLoc(), rows, as);
  }

  /// Another result of the program: one that it has, of another type.
  Value alsoMade(stage::EachRowOp op, unsigned number, BufferType as) {
    auto rows = cast<RowOp>(op.getBody().front().getTerminator());
    rows.getRowsMutable().append(Value(rows.getRows()[number]));
    SmallVector<Type> types(op->getResultTypes());
    types.push_back(as);
    OpBuilder b(op);
    auto made =
        stage::EachRowOp::create(b, op.getLoc(), types, false, op.getInputs(), op.getNumbers(), op.getWeightsAttr(),
                                 op.getTablesAttr(), op.getColumnsAttr(), DenseI64ArrayAttr());
    made.getBody().takeBody(op.getBody());
    for (auto [old, result] : llvm::zip(op.getOutputs(), made.getOutputs())) {
      if (Value known = narrowed.lookup(old))
        narrowed[result] = known;
      narrowed.erase(old);
      old.replaceAllUsesWith(result);
    }
    op.erase();
    ++numNarrow;
    return made.getOutputs().back();
  }

  void narrowInput(ProductOp product) {
    Value rows = product.getInput();
    if (!isOfPairs(product) || bufferOf(rows).getElement().isBF16())
      return;
    Value narrowRows = narrowed.lookup(rows);
    if (!narrowRows) {
      narrowRows = narrow(product, rows);
      narrowed[product.getInput()] = narrowRows; // who makes them may be another op now
    }
    product.getInputMutable().assign(narrowRows);
  }
};
} // namespace
