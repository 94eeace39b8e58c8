//===- AssignStorage.cpp - types of rows, weights and pages ----------------===//
//
//   1. weights: matrices as asked, vectors f32
//   2. pages: as narrow as the head, the largest weight
//   3. rows, front to back: bf16 where every reader is a product of pairs, or a gather for such products, and the stage
//      can store it
//   4. a product of pairs that still reads f32 gets a narrow copy, made once in front of the first of them
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

static bool gathers(MoveOp move) { return move.getOutput().getType().getSpace() == Space::Read && move.getRows(); }

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
    bool narrowHead = head && head.getWeight().getElement().isBF16();
    if (head)
      head.setNarrow(narrowHead && pairs);
    for (Operation &op : llvm::make_early_inc_range(step.getBody().front()))
      storeRows(&op, narrowHead);
  }

private:
  DenseMap<Value, Value> narrowed; ///< copies in bf16

  LogicalResult storeWeights(Operation *op) {
    SmallVector<WeightAttr, 2> all = weightsOf(op);
    for (auto [i, weight] : llvm::enumerate(all)) {
      if (weight.getElement())
        continue;
      bool vector = i > 0 || isa<stage::EachRowOp, stage::ScanOp>(op);
      Type element = Float32Type::get(&getContext());
      if (!vector)
        element = storedAs(SymbolTable::lookupNearestSymbolFrom<WeightOp>(op, weight.getSources()[0]), weights);
      weight = weight.withElement(element);
    }
    if (!all.empty())
      setWeights(op, all);
    return success();
  }

  bool isOfPairs(ProductOp product) { return pairs && product.getWeight().getElement().isBF16(); }

  /// Only products of pairs read it.
  bool mayBeNarrow(Value rows) {
    return !rows.use_empty() && llvm::all_of(rows.getUses(), [&](OpOperand &use) {
      if (auto move = dyn_cast<MoveOp>(use.getOwner()))
        return gathers(move) && mayBeNarrow(move.getOutput());
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
    if (auto cache = dyn_cast<stage::CacheOp>(op); cache && narrowPages) {
      PagesType pages = cache.getPages().getType();
      cache.getPages().setType(
          PagesType::get(&getContext(), pages.getHeads(), pages.getHeadDim(), BFloat16Type::get(&getContext())));
    }
    if (auto product = dyn_cast<ProductOp>(op))
      narrowInput(product);
    for (Value result : scratchResults(op))
      if (auto move = dyn_cast<MoveOp>(op); move && gathers(move))
        store(result, bufferOf(move.getInput()).getElement());
      else if (cast<StageOpInterface>(op).storesNarrow() && mayBeNarrow(result))
        store(result, BFloat16Type::get(&getContext()));
  }

  void narrowInput(ProductOp product) {
    Value rows = product.getInput();
    if (!isOfPairs(product) || bufferOf(rows).getElement().isBF16())
      return;
    Value &copy = narrowed[rows];
    if (!copy) {
      remark::missed(product.getLoc(), remarkOn<AssignStorage>("Narrow"))
          << "what it reads is made by a stage that stores f32, or is read by others: it is copied";
      OpBuilder b(product);
      BufferType type = bufferOf(rows);
      copy = MoveOp::create(b, product.getLoc(),
                            BufferType::get(&getContext(), type.getSpace(), type.getWidth(), b.getBF16Type()), false,
                            rows, Value(), IntegerAttr());
      ++numCopies;
    }
    product.getInputMutable().assign(copy);
  }
};
} // namespace
