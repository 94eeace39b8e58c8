//===- OutlineSteps.cpp - a decoder becomes steps between suspensions -------===//
//
// The runtime batches sequences that stand at different points of their programs, so a decoder must be able to stop at
// each call of the model and go on later from values that it kept. For each decoder:
//
//   1. `quoin.denoise` becomes `scf.while`, with a check that each step fills something; loops get a check of their
//   step.
//   2. `scf` becomes blocks and branches; what is dead or unreachable goes.
//   3. A block is split at each call: the call becomes the block's terminator, its results arguments of the rest.
//   4. Ops without operands and effects (constants, settings, caches) are cloned into the blocks that use them.
//   5. A value that is live where a suspension resumes is passed through it. Its uses behind may now be reached by more
//      than one definition, so blocks where different definitions meet get an argument for it.
//
// Afterwards no value of one step is used in another but through a resumed block's arguments.
//
//===----------------------------------------------------------------------===//

#include "dialects/quoin/QuoinDialect.h"
#include "mlir/Analysis/Liveness.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/Counters.h"
#include "passes/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace quoin;

namespace quoin {
#define GEN_PASS_DEF_OUTLINESTEPSPASS
#include "passes/Passes.h.inc"
} // namespace quoin

namespace {

//===----------------------------------------------------------------------===//
// Structured control flow
//===----------------------------------------------------------------------===//

/// denoise %x[a to b] -> while (open rows in [a, b)) { rows = open; body; assert fewer are open }
/// With `until`: carries beside it whether a step was the last one.
struct DenoiseToWhile : OpRewritePattern<DenoiseOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DenoiseOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value from = op.getFrom(), to = op.getTo();
    SmallVector<Value> inits = {op.getSequence()};
    llvm::append_range(inits, op.getInits());
    SmallVector<Type> types(ValueRange(inits).getTypes());
    Block &body = op.getBody().front();
    auto yield = cast<YieldOp>(body.getTerminator());
    if (yield.getLast()) {
      inits.push_back(arith::ConstantIntOp::create(rewriter, loc, /*value=*/0, /*width=*/1));
      types.push_back(rewriter.getI1Type());
    }

    auto before = [&](OpBuilder &b, Location l, ValueRange args) {
      Value first = FirstOpenOp::create(b, l, b.getIndexType(), args[0], from, to);
      Value some = arith::CmpIOp::create(b, l, arith::CmpIPredicate::ne, first, to);
      if (yield.getLast()) {
        Value yes = arith::ConstantIntOp::create(b, l, /*value=*/1, /*width=*/1);
        some = arith::AndIOp::create(b, l, some, arith::XOrIOp::create(b, l, args.back(), yes));
      }
      scf::ConditionOp::create(b, l, some, args);
    };
    auto after = [&](OpBuilder &b, Location l, ValueRange args) {
      auto vector = cast<RankedTensorType>(body.getArgument(1).getType());
      Value zero = arith::ConstantIndexOp::create(b, l, 0);
      Value rows = OpenOp::create(b, l, vector, args[0], from, to);
      IRMapping map;
      map.map(body.getArgument(0), args[0]);
      map.map(body.getArgument(1), rows);
      for (auto [inner, arg] : llvm::zip(body.getArguments().drop_front(2), args.drop_front(1))) // all but the flag
        map.map(inner, arg);
      for (Operation &inner : body.without_terminator())
        b.clone(inner, map);
      SmallVector<Value> next = {map.lookupOrDefault(yield.getSequence())};
      for (Value v : yield.getCarried())
        next.push_back(map.lookupOrDefault(v));
      Value had = tensor::DimOp::create(b, l, rows, zero);
      Value left = tensor::DimOp::create(b, l, OpenOp::create(b, l, vector, next[0], from, to), zero);
      if (yield.getLast()) {
        Value last = map.lookupOrDefault(yield.getLast());
        next.push_back(last);
        // The last step may fill nothing: fewer than the highest number stay open.
        had = arith::SelectOp::create(b, l, last, arith::ConstantIndexOp::create(b, l, -1), had);
      }
      Value less = arith::CmpIOp::create(b, l, arith::CmpIPredicate::ult, left, had);
      cf::AssertOp::create(b, l, less, "quoin.denoise expects each step to fill a position, but {0} stay open");
      scf::YieldOp::create(b, l, next);
    };
    auto loop = scf::WhileOp::create(rewriter, loc, types, inits, before, after);
    rewriter.replaceOp(op, loop.getResults().take_front(op.getNumResults()));
    return success();
  }
};

unsigned widthOf(Type type) { return type.isIndex() ? 64 : type.getIntOrFloatBitWidth(); }

/// A loop whose step is not positive would never end, nor one that counts beyond what an index holds: asserts before
/// the loop that it does neither.
void checkLoopStep(scf::ForOp loop) {
  APInt step;
  bool isUnsigned = loop.getUnsignedCmp();
  bool isConstant = matchPattern(loop.getStep(), m_ConstantInt(&step));
  if (isConstant && step.isOne())
    return;
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  Value by = loop.getStep(), end = loop.getUpperBound();
  if (!isConstant || !(isUnsigned ? !step.isZero() : step.isStrictlyPositive())) {
    Value zero = arith::ConstantOp::create(b, b.getIntegerAttr(by.getType(), 0));
    auto predicate = isUnsigned ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::sgt;
    Value positive = arith::CmpIOp::create(b, predicate, by, zero);
    cf::AssertOp::create(b, positive, "scf.for expects a step of at least 1, but found {0}");
  }
  APInt last;
  if (isConstant && matchPattern(end, m_ConstantInt(&last)) && last.getSignificantBits() < 32 &&
      step.getSignificantBits() < 32)
    return;
  // end + step >= end, told as end <= most - step so that the message has both.
  unsigned width = widthOf(by.getType());
  APInt largest = isUnsigned ? APInt::getMaxValue(width) : APInt::getSignedMaxValue(width);
  Value most = arith::ConstantOp::create(b, b.getIntegerAttr(by.getType(), largest));
  Value room = arith::SubIOp::create(b, most, by);
  Value fits = arith::CmpIOp::create(b, isUnsigned ? arith::CmpIPredicate::ule : arith::CmpIPredicate::sle, end, room);
  cf::AssertOp::create(b, fits, "scf.for expects an end of at most {1} with its step, but found {0}");
}

/// Fails with a diagnostic if the decoder holds what can be in no step.
LogicalResult checkOps(DecoderOp decoder) {
  WalkResult result = decoder.getBody().walk([](Operation *op) {
    if (auto call = dyn_cast<func::CallOp>(op)) {
      op->emitOpError("expects calls to be inlined before steps are outlined, but found a call of '")
          << call.getCallee() << "'";
      return WalkResult::interrupt();
    }
    bool structured = isa<DenoiseOp, scf::ForOp, scf::WhileOp, scf::IfOp, scf::ExecuteRegionOp, scf::IndexSwitchOp>(op);
    if (op->getNumRegions() != 0 && !structured) {
      op->emitOpError("expects no regions in a decoder's steps but those of quoin.denoise and scf");
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// Steps 1 and 2.
LogicalResult flatten(DecoderOp decoder) {
  MLIRContext *context = decoder.getContext();
  decoder.getBody().walk([](scf::ForOp loop) { checkLoopStep(loop); });

  // Loops of denoising are nested in each other or in scf, innermost first.
  SmallVector<DenoiseOp> loops;
  decoder.getBody().walk([&](DenoiseOp op) { loops.push_back(op); });
  PatternRewriter rewriter(context);
  DenoiseToWhile toWhile(context);
  for (DenoiseOp op : loops) {
    rewriter.setInsertionPoint(op);
    if (failed(toWhile.matchAndRewrite(op, rewriter)))
      return failure();
  }

  RewritePatternSet patterns(context);
  populateSCFToControlFlowConversionPatterns(patterns);
  ConversionTarget target(*context);
  target.addIllegalDialect<scf::SCFDialect>();
  target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
  if (failed(applyPartialConversion(decoder, target, std::move(patterns))))
    return failure();

  (void)eraseUnreachableBlocks(rewriter, decoder->getRegions());
  (void)runRegionDCE(rewriter, decoder->getRegions());

  for (Block &block : decoder.getBody()) {
    Operation *last = block.getTerminator();
    if (last->getNumSuccessors() != 0 && !isa<BranchOpInterface>(last))
      return last->emitOpError("expects a branch whose operands are known, in a decoder's steps");
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Suspensions
//===----------------------------------------------------------------------===//

bool isCall(Operation *op) {
  return isa<ForwardOp, ForwardCachedOp, ScoreOp, DrawResidualOp, MaterializeOp, LikeliestOp, ApplyOp>(op);
}
bool isSuspension(Operation *op) { return isa<SuspendForwardOp, SuspendScoreOp, SuspendScoresOp, SuspendApplyOp>(op); }

/// Makes the terminator that stands for `op` and goes on at `rest`.
void createSuspension(OpBuilder &b, Operation *op, Block *rest) {
  Location loc = op->getLoc();
  ValueRange none;
  // Logits alone need no word.
  auto gives = [&] {
    bool plain = op->getNumResults() == 1 && isa<LogitsType>(op->getResult(0).getType());
    return plain ? IntegerAttr() : b.getI64IntegerAttr(op->getNumResults());
  };
  if (auto f = dyn_cast<ForwardOp>(op)) {
    SuspendForwardOp::create(b, loc, f.getModelAttr(), Value(), Value(), Value(), f.getSequence(), f.getTo(),
                             f.getIds(), f.getPositions(), f.getLabels(), f.getColumns(), f.getRead(), f.getMaskAttr(),
                             f.getSymbols(), gives(), none, UnitAttr(), rest);
  } else if (auto c = dyn_cast<ForwardCachedOp>(op)) {
    SuspendForwardOp::create(b, loc, c.getModelAttr(), c.getCache(), c.getFrom(), c.getKeep(), c.getSequence(),
                             c.getTo(), c.getIds(), c.getPositions(), c.getLabels(), c.getColumns(), c.getRead(),
                             c.getMaskAttr(), c.getSymbols(), gives(), none, c.getPassAttr(), rest);
  } else if (auto s = dyn_cast<ScoreOp>(op)) {
    SuspendScoreOp::create(b, loc, s.getLogits(), Value(), s.getStatisticsAttr(), s.getOf(), s.getSamplerAttr(),
                           s.getPositions(), s.getEvaluation(), none, rest);
  } else if (auto m = dyn_cast<MaterializeOp>(op)) {
    SuspendScoresOp::create(b, loc, m.getLogits(), Value(), none, rest);
  } else if (auto l = dyn_cast<LikeliestOp>(op)) {
    SuspendScoresOp::create(b, loc, l.getLogits(), l.getCounts(), none, rest);
  } else if (auto a = dyn_cast<ApplyOp>(op)) {
    SuspendApplyOp::create(b, loc, a.getModelAttr(), a.getInputs(), b.getI64IntegerAttr(a.getNumResults()), none, rest);
  } else {
    auto r = cast<DrawResidualOp>(op);
    auto token = StatisticsAttr::get(op->getContext(), {Statistic::Token});
    SuspendScoreOp::create(b, loc, r.getLogits(), r.getMinus(), token, Value(), SamplerAttr(), r.getPositions(),
                           r.getEvaluation(), none, rest);
  }
}

/// Step 3; returns how many suspensions were made.
int64_t splitAtCalls(Region &body) {
  int64_t made = 0;
  SmallVector<Block *> work(llvm::make_pointer_range(body));
  while (!work.empty()) {
    Block *block = work.pop_back_val();
    auto call = llvm::find_if(*block, [](Operation &op) { return isCall(&op); });
    if (call == block->end())
      continue;
    Block *rest = block->splitBlock(std::next(call));
    for (Value result : call->getResults())
      result.replaceAllUsesWith(rest->addArgument(result.getType(), result.getLoc()));
    OpBuilder b = OpBuilder::atBlockEnd(block);
    createSuspension(b, &*call, rest);
    call->erase();
    work.push_back(rest);
    ++made;
  }
  return made;
}

/// Without a cache there is nothing that a commit's pass could fill.
void dropPasses(Region &body) {
  for (Block &block : body)
    for (auto commit : block.getOps<CommitOp>()) {
      commit.removeModelAttr();
      commit.removeMaskAttr();
      commit.getSymbolsMutable().clear();
    }
}

/// Step 4: each block gets its own clone of what costs nothing to make again.
void rematerialize(Region &body) {
  SmallVector<Operation *> cheap;
  for (Block &block : body)
    for (Operation &op : block)
      if (op.getNumOperands() == 0 && op.getNumResults() != 0 && op.getNumRegions() == 0 && isPure(&op))
        cheap.push_back(&op);
  for (Operation *op : cheap) {
    // In program order of the uses, so that the result does not depend on addresses.
    llvm::SmallSetVector<Block *, 8> users;
    for (Operation *user : op->getUsers())
      if (user->getBlock() != op->getBlock())
        users.insert(user->getBlock());
    for (Block *block : users) {
      Operation *clone = op->clone();
      block->getOperations().push_front(clone);
      for (auto [from, to] : llvm::zip(op->getResults(), clone->getResults()))
        from.replaceUsesWithIf(to, [&](OpOperand &use) { return use.getOwner()->getBlock() == block; });
    }
    if (op->use_empty())
      op->erase();
  }
}

//===----------------------------------------------------------------------===//
// Values that live across
//===----------------------------------------------------------------------===//

/// Gives one value new definitions where suspensions resume, and joins where definitions meet.
class Keeper {
public:
  Keeper(Region &body, const llvm::SmallSetVector<Block *, 8> &resumed) : resumed(resumed), order(&body.front()) {}

  void keep(Value value, const Liveness &liveness) {
    home = value.getParentBlock();
    live.clear();
    joins.clear();
    for (Block *block : order)
      if (liveness.getLiveness(block)->isLiveIn(value))
        live.push_back(block);
    for (Block *block : live)
      if (resumed.contains(block))
        joins.insert(block);
    while (!settle()) {
    }

    // One argument per join; each edge into a join passes what reaches its start.
    DenseMap<Block *, Value> made = {{home, value}};
    for (Block *block : joins)
      made[block] = block->addArgument(value.getType(), value.getLoc());
    SmallVector<std::pair<OpOperand *, Value>> changes;
    for (OpOperand &use : value.getUses())
      if (use.getOwner()->getBlock() != home)
        changes.emplace_back(&use, made.lookup(reaching.lookup(use.getOwner()->getBlock())));
    for (auto [use, replacement] : changes)
      use->set(replacement);
    for (Block *block : order) {
      auto branch = dyn_cast<BranchOpInterface>(block->getTerminator());
      for (unsigned i = 0, n = block->getNumSuccessors(); branch && i < n; ++i)
        if (joins.contains(block->getSuccessor(i)))
          branch.getSuccessorOperands(i).append(made.lookup(definitionAfter(block)));
    }
  }

private:
  /// The block whose definition (the value itself at home, else an argument) holds at the end of `block`.
  Block *definitionAfter(Block *block) { return block == home ? home : reaching.lookup(block); }

  /// Finds which definition reaches each block; false if two meet in a block that is no join, which becomes one.
  bool settle() {
    reaching.clear();
    for (bool changed = true; changed;) {
      changed = false;
      for (Block *block : live) {
        Block *&definition = reaching[block];
        if (joins.contains(block)) {
          changed |= !definition;
          definition = block;
          continue;
        }
        for (Block *before : block->getPredecessors()) {
          Block *other = definitionAfter(before);
          if (!other || other == definition)
            continue;
          if (definition) {
            joins.insert(block);
            return false;
          }
          reaching[block] = other;
          changed = true;
          break;
        }
      }
    }
    return true;
  }

  const llvm::SmallSetVector<Block *, 8> &resumed;
  llvm::ReversePostOrderTraversal<Block *> order;
  Block *home = nullptr;
  SmallVector<Block *> live;
  llvm::SmallSetVector<Block *, 8> joins;
  DenseMap<Block *, Block *> reaching;
};

/// Steps 4 and 5; returns how many values are kept, summed over suspensions.
int64_t keepLiveValues(DecoderOp decoder) {
  Region &body = decoder.getBody();
  llvm::SmallSetVector<Block *, 8> resumed;
  for (Block &block : body)
    if (isSuspension(block.getTerminator()))
      resumed.insert(block.getSuccessor(0));
  if (resumed.empty())
    return 0;

  rematerialize(body);
  Liveness liveness(decoder);
  SmallVector<Value> values;
  auto add = [&](Value v) {
    if (llvm::any_of(resumed, [&](Block *block) { return liveness.getLiveness(block)->isLiveIn(v); }))
      values.push_back(v);
  };
  for (Block &block : body) {
    llvm::for_each(block.getArguments(), add);
    for (Operation &op : block)
      llvm::for_each(op.getResults(), add);
  }
  Keeper keeper(body, resumed);
  for (Value v : values)
    keeper.keep(v, liveness);

  int64_t kept = 0;
  for (Block &block : body)
    if (isSuspension(block.getTerminator()))
      kept += cast<BranchOpInterface>(block.getTerminator()).getSuccessorOperands(0).getForwardedOperands().size();
  return kept;
}

struct OutlineSteps : quoin::impl::OutlineStepsPassBase<OutlineSteps> {
  Counter numSuspensions{"outline-steps", "num-suspensions-outlined"};
  Counter numKept{"outline-steps", "num-values-kept"};

  void runOnOperation() override {
    DecoderOp decoder = getOperation();
    if (failed(checkOps(decoder)) || failed(flatten(decoder)))
      return signalPassFailure();
    Region &body = decoder.getBody();
    dropPasses(body);
    numSuspensions += splitAtCalls(body);
    numKept += keepLiveValues(decoder);
  }
};

} // namespace
