//===- PlaceBarriers.cpp - where the workers of a CPU meet -----------------===//
//
// All workers run all stages, each of them its share: rows of a space, tiles of a product's columns, or items that are
// dealt as they come. A stage needs a barrier if it touches what another worker may have touched since the last one,
// one of the two writing. Stages over rows of one space divide them alike, so each worker finds there what it made
// itself, unless it reads rows of others on purpose, or the place held rows of another size: those of one worker lie
// then where another's lay. Products beside each other are one stage, whose first has the barrier.
//
//===----------------------------------------------------------------------===//

#include "passes/Counters.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "passes/stage/Barriers.h"
#include <variant>

using namespace mlir;
using namespace quoin;
using namespace quoin::stage;

namespace quoin {
#define GEN_PASS_DEF_PLACEBARRIERSPASS
#include "passes/Passes.h.inc"
} // namespace quoin

namespace {
/// How a stage divides its work.
enum class Share {
  Rows, ///< of the step
  Read, ///< rows that are read
  Once, ///< sequences
  Any   ///< in another way; workers may touch anything
};

/// Scratch is one resource a place; words, and the pages of each layer, are others.
constexpr int64_t wordsPlace = -1;
struct Access {
  std::variant<int64_t, Value> resource;
  bool write;
  Share share;
  int64_t rowBytes = 0;
};
} // namespace

static bool conflict(const Access &a, const Access &b) {
  bool sameWorker = a.share == b.share && a.share != Share::Any && a.rowBytes == b.rowBytes;
  return a.resource == b.resource && (a.write || b.write) && !sameWorker;
}

static Share shareOf(StageOpInterface op) {
  if (!op.dividesRows())
    return Share::Any;
  auto result = dyn_cast<BufferType>(op->getResult(0).getType());
  if (result && result.getSpace() == Space::Sequence)
    return Share::Once;
  return result && result.getSpace() != Space::Row ? Share::Read : Share::Rows;
}

static LogicalResult accessesOf(StageOpInterface stage, SmallVectorImpl<Access> &own) {
  Share share = shareOf(stage);
  auto touch = [&](Value v, bool write, Share by) -> LogicalResult {
    auto type = dyn_cast<BufferType>(v.getType());
    if (!type) {
      if (isa<WordsType>(v.getType()))
        own.push_back({wordsPlace, write, by});
      else
        own.push_back({v, write, by});
      return success();
    }
    // The step's arguments are only read, rows of the host only written, each by one worker.
    if (isa<BlockArgument>(v) || type.getSpace() == Space::Host)
      return success();
    std::optional<int64_t> place = placeOf(v);
    if (!place)
      return stage->emitOpError("expects buffers that have places, but found one without");
    own.push_back({*place, write, by, type.getRowBytes()});
    return success();
  };
  for (OpOperand &operand : stage->getOpOperands())
    if (failed(touch(operand.get(), false, stage.readsElsewhere(operand) ? Share::Any : share)))
      return failure();
  for (Value result : stage->getResults())
    if (failed(touch(result, true, share)))
      return failure();
  return success();
}

static bool conflict(ArrayRef<Access> mine, ArrayRef<Access> others) {
  return llvm::any_of(mine, [&](const Access &one) {
    return llvm::any_of(others, [&](const Access &other) { return conflict(one, other); });
  });
}

static bool isBeside(Operation *op) {
  auto product = dyn_cast_if_present<ProductOp>(op);
  return product && product.getBeside();
}

/// Asks `meets` at each stage, which hears whether it needs a barrier and says whether it has one.
static LogicalResult walkStages(StepOp step, function_ref<FailureOr<bool>(StageOpInterface, bool needed)> meets) {
  SmallVector<Access> since;
  SmallVector<StageOpInterface> stages(step.getBody().getOps<StageOpInterface>());
  for (size_t i = 0; i < stages.size();) {
    StageOpInterface first = stages[i];
    SmallVector<Access> own;
    do {
      SmallVector<Access> its;
      if (failed(accessesOf(stages[i], its)))
        return failure();
      if (conflict(its, own))
        return stages[i]->emitOpError("expects places that no product beside it writes, but found one");
      own.append(its);
    } while (++i < stages.size() && isBeside(stages[i]));
    FailureOr<bool> has = meets(first, conflict(own, since));
    if (failed(has))
      return failure();
    if (*has)
      since.clear();
    since.append(own);
  }
  return success();
}

LogicalResult quoin::stage::verifyBarriers(StepOp step) {
  return walkStages(step, [](StageOpInterface stage, bool needed) -> FailureOr<bool> {
    if (needed && !stage.getBarrier())
      return LogicalResult(stage->emitOpError("expects a barrier, since another worker may have touched what it "
                                              "touches, but found none"));
    return stage.getBarrier();
  });
}

namespace {
struct PlaceBarriers : quoin::impl::PlaceBarriersPassBase<PlaceBarriers> {
  Counter numBarriers{"place-barriers", "num-barriers"};
  Counter numSpared{"place-barriers", "num-stages-without"};

  void runOnOperation() override {
    int64_t barriers = 0, stages = 0;
    auto place = [&](StageOpInterface stage, bool needed) -> FailureOr<bool> {
      stage.setBarrier(needed);
      barriers += needed;
      ++stages;
      return needed;
    };
    if (failed(walkStages(getOperation(), place)))
      return signalPassFailure();
    numBarriers += barriers;
    numSpared += stages - barriers;
    remark::passed(getOperation().getLoc(), remarkOn<PlaceBarriers>("Barriers"))
        << std::to_string(barriers) + " before " + std::to_string(stages) + " stages";
  }
};
} // namespace
