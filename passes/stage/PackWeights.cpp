//===- PackWeights.cpp - layouts of weights and their places in the file ---===//
//
// Front to back, one step of the module after the other: each weight gets the layout that its stage reads and lies
// behind the one before, or where the same one lies already. Models that share a weight share its piece. A table whose
// matrix is a head's, too, is read from the head's tiles.
//
//===----------------------------------------------------------------------===//

#include "dialects/stage/ScanStage.h"
#include "passes/Counters.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::stage;

namespace quoin {
#define GEN_PASS_DEF_PACKWEIGHTSPASS
#include "passes/Passes.h.inc"
} // namespace quoin

namespace {
struct PackWeights : quoin::impl::PackWeightsPassBase<PackWeights> {
  Counter numPieces{"pack-weights", "num-pieces"};
  Counter numShared{"pack-weights", "num-pieces-shared"};

  void runOnOperation() override {
    placed.clear();
    scored.clear();
    end = 0;
    SmallVector<StepOp> steps(getOperation().getOps<StepOp>());
    for (StepOp step : steps)
      for (Operation &op : step.getBody().front())
        for (WeightAttr weight : weightsOf(&op))
          if (weight.isPacked()) {
            remark::missed(step.getLoc(), remarkOn<PackWeights>("Weights")) << "they lie in a file already";
            return;
          }
    for (StepOp step : steps)
      if (HeadOp head = step.getHead())
        scored.insert(head.getWeight());
    for (StepOp step : steps)
      for (Operation &op : step.getBody().front())
        if (failed(pack(&op)))
          return signalPassFailure();
    if (!steps.empty())
      remark::passed(steps.front().getLoc(), remarkOn<PackWeights>("Weights"))
          << std::to_string(placed.size()) + " pieces, " + std::to_string(end) + " bytes";
  }

private:
  DenseMap<Attribute, WeightAttr> placed; ///< by the piece, as if it lay at 0
  DenseSet<Attribute> scored;             ///< matrices of heads
  int64_t end = 0;

  /// A table's row is a column of the head's tiles, gathered next to the worker: once for each row that runs, where the
  /// head reads the whole matrix.
  bool isReadFromTiles(WeightAttr weight, int64_t width) {
    constexpr int64_t most = 16384; // bytes
    return scored.contains(weight) && !weight.getScaled() &&
           width * storageBytes(storedAs(weight.getElement()).storage) <= most;
  }

  /// How a stage reads weight `i` of its own.
  LayoutAttrInterface layoutFor(Operation *op, size_t i, WeightAttr weight) {
    // The verifier has seen to it that the weight has this shape.
    auto shapeOf = [&] {
      auto source = SymbolTable::lookupNearestSymbolFrom<WeightOp>(op, weight.getSources()[0]);
      return cast<RankedTensorType>(source.getType()).getShape();
    };
    auto rowsOf = [&] { return shapeOf()[0]; };
    return llvm::TypeSwitch<Operation *, LayoutAttrInterface>(op)
        .Case([&](stage::EachRowOp rows) -> LayoutAttrInterface {
          if (i < rows.getWeights().size())
            return LineAttr::get(&getContext(), rowsOf());
          if (isReadFromTiles(weight, shapeOf()[1]))
            return TilesAttr::get(&getContext(), rowsOf(), shapeOf()[1]);
          return TableAttr::get(&getContext(), rowsOf(), shapeOf()[1]);
        })
        .Case([&](stage::ScanOp scan) { return layoutOf(scan, i, shapeOf()); })
        .Case([&](ProductOp product) -> LayoutAttrInterface {
          int64_t out = product.getOutput().getType().getWidth(), in = product.getInput().getType().getWidth();
          if (i > 0)
            return LineAttr::get(&getContext(), out);
          return TilesAttr::get(&getContext(), out, in);
        })
        .Case([&](ExpertsOp) { return StackAttr::get(&getContext(), shapeOf()[0], shapeOf()[1], shapeOf()[2]); })
        .Case([&](HeadOp head) -> LayoutAttrInterface {
          if (i > 0)
            return LineAttr::get(&getContext(), rowsOf());
          return TilesAttr::get(&getContext(), rowsOf(), head.getInput().getType().getWidth());
        })
        .Default([](Operation *) { return LayoutAttrInterface(); });
  }

  WeightAttr place(WeightAttr weight, LayoutAttrInterface layout) {
    WeightAttr &piece = placed[weight.packed(layout, 0)];
    if (piece) {
      ++numShared;
      return piece;
    }
    piece = weight.packed(layout, roundUp(end, 64));
    end = piece.getOffset() + piece.getBytes();
    ++numPieces;
    return piece;
  }

  LogicalResult pack(Operation *op) {
    SmallVector<WeightAttr, 2> all = weightsOf(op);
    for (auto [i, weight] : llvm::enumerate(all)) {
      if (!weight.getElement())
        return op->emitOpError("expects a weight with a stored type, but found ") << weight;
      // What is made of no weight says how it lies.
      weight = place(weight, weight.getLayout() ? weight.getLayout() : layoutFor(op, i, weight));
    }
    if (!all.empty())
      setWeights(op, all);
    return success();
  }
};
} // namespace
