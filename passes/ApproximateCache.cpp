//===- ApproximateCache.cpp - keys and values that are allowed to be stale --===//
//
// A call that reads open positions of a range [a, b) runs that range alone; the rest of the text keeps the keys and
// values that it had at an earlier call. Those are the ones of the tokens that the text had then, so the approximation
// is a stateless program like any other:
//
//   1. The loop around the call carries a snapshot, the sequence as the last whole call saw it, and its age in calls.
//   2. A call is whole (and takes a new snapshot) if there is none, if it is as old as the refresh interval, or, for
//      `sub-block`, while the first position of the range is open.
//   3. Each call becomes one over: the final text, the rest as the snapshot has it (label 1), then, unless the call is
//      whole, the range as it is now (label 2). Rows of label 2 see each other instead of the snapshot of the range; no
//      other row sees them.
//
// `quoin-infer-cache` then proves that rows of label 0 and 1 need not run again, by the rule that holds for every
// program. A whole call has no row of label 2 and is the call that was written: with an interval of one call nothing
// changes.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "passes/CacheUses.h"
#include "passes/Counters.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "passes/StaleCalls.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace quoin;

namespace quoin {
#define GEN_PASS_DEF_APPROXIMATECACHEPASS
#include "passes/Passes.h.inc"
} // namespace quoin

namespace {
/// What a loop carries in addition, inside its body.
struct Carried {
  BlockArgument snapshot, age;
};
} // namespace

/// Is what lies outside the rows that change cached exactly anyway: nothing above them, and rows below do not see them?
static bool isExactAlready(ForwardOp call, const ReadRange &region) {
  if (!isSameIndex(region.to, call.getTo()))
    return false;
  MaskUse use{call.getMask().getFormula(), std::vector<int>(call.getSymbols().size(), -1), {}};
  return proveMaskFacts({use}).cut.kind != RowCut::Kind::Nothing;
}

/// A call that can be approximated, or why it cannot.
static std::optional<StaleCall> match(ForwardOp call, std::string &reason) {
  std::optional<StaleCall> found = matchStaleCall(call, reason);
  if (found && isExactAlready(call, found->region)) {
    reason = "what is outside the rows that change is cached exactly";
    return std::nullopt;
  }
  return found;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// m, but rows of label 2 see each other instead of [a, b) of label 1, and nobody else sees them.
static BlockMask staleMask(const BlockMask &mask) {
  std::string text = textOf(mask);
  size_t colon = text.find(" : ");
  auto unused = [&](std::string name) {
    while (llvm::is_contained(mask.symbols(), name))
      name += "_";
    return name;
  };
  std::string a = unused("a"), b = unused("b"), symbols;
  for (const std::string &name : mask.symbols())
    symbols += name + ", ";
  std::string stale = "(q, k)[" + symbols + a + ", " + b + "] : (" + text.substr(colon + 3) +
                      ") and (label(k) le 1 or label(q) ge 2) and (label(q) le 1 or label(k) ne 1 or k lt " + a +
                      " or k ge " + b + ")";
  std::string error;
  return *BlockMask::parse(stale, error);
}

namespace {
struct ApproximateCache : quoin::impl::ApproximateCachePassBase<ApproximateCache> {
  using ApproximateCachePassBase::ApproximateCachePassBase;

  Counter numCalls{"approximate-cache", "num-calls-approximated"};
  Counter numRefused{"approximate-cache", "num-calls-refused"};

  void runOnOperation() override {
    DecoderOp decoder = getOperation();
    if (policy == ApproximationPolicy::BlockExternal && refresh == 0) {
      decoder.emitError("expects policy 'block-external' with a refresh interval of at least 1, but found 0");
      return signalPassFailure();
    }
    llvm::MapVector<Operation *, SmallVector<ForwardOp>> loops;
    bool labels = false, positions = givesPositions(decoder);
    decoder.walk([&](Operation *op) { labels |= static_cast<bool>(labelsGivenBy(op)); });
    decoder.walk([&](ForwardOp call) {
      std::string reason = labels ? "its sequence has labels" : "the program says where its tokens stand";
      std::optional<StaleCall> candidate = labels || positions ? std::nullopt : match(call, reason);
      Operation *loop = candidate ? candidate->sequence.getOwner()->getParentOp() : nullptr;
      if (loops.contains(loop) && !readSameRange(*match(loops[loop].front(), reason), *candidate)) {
        loop = nullptr;
        reason = "another call of its loop reads other rows";
      }
      if (!loop) {
        ++numRefused;
        remark::missed(call.getLoc(), remarkOn<ApproximateCache>("Call")) << reason;
        return;
      }
      loops[loop].push_back(call);
    });
    for (auto &[loop, calls] : loops)
      rewrite(loop, calls);
    if (!loops.empty())
      decoder->setAttr(module_attr::inexact, StringAttr::get(&getContext(), name()));
  }

private:
  std::string name() const {
    std::string text = stringifyPolicy(policy).str();
    if (refresh > 0)
      text += ",refresh=" + std::to_string(refresh);
    return text;
  }

  void rewrite(Operation *loop, ArrayRef<ForwardOp> calls) {
    std::string reason;
    // Values of a candidate may be results of loops that have been replaced meanwhile, so it is looked at anew.
    auto again = [&](ForwardOp call) { return *match(call, reason); };
    OpBuilder before(loop);
    Value start = arith::ConstantIndexOp::create(before, loop->getLoc(), 0);
    auto added = addCarried(loop, {initOfCarried(loop, again(calls.front()).sequence), start});
    Carried carried{added[0], added[1]};
    Block *body = bodyOfLoop(loop);
    CallBuilder b(loop->getLoc(), OpBuilder::atBlockBegin(body));
    auto [first, region, now, reopened] = again(calls.front());
    Value zero = b.number(0), one = b.number(1);

    // Is the next call a whole one?
    Value whole = b.compare(arith::CmpIPredicate::eq, carried.age, zero);
    auto alsoIf = [&](Value reason) { whole = arith::OrIOp::create(b, whole, reason); };
    if (refresh > 0)
      alsoIf(b.compare(arith::CmpIPredicate::uge, carried.age, b.number(refresh)));
    if (policy == ApproximationPolicy::SubBlock)
      alsoIf(b.compare(arith::CmpIPredicate::eq, FirstOpenOp::create(b, b.getIndexType(), now, region.from, region.to),
                       region.from));
    Value snapshot = b.choose(whole, now, carried.snapshot);
    Value age = b.choose(whole, one, b.plus(carried.age, one));
    body->getTerminator()->replaceUsesOfWith(carried.snapshot, snapshot);
    body->getTerminator()->replaceUsesOfWith(carried.age, age);

    for (ForwardOp call : calls) {
      approximate(again(call), snapshot, whole);
      ++numCalls;
    }
  }

  void approximate(StaleCall c, Value snapshot, Value whole) {
    ForwardOp call = c.call;
    CallBuilder b(call.getLoc(), call);
    Value zero = b.number(0);
    if (c.reopened)
      snapshot = ReopenOp::create(b, snapshot.getType(), snapshot, c.reopened.getFrom(), c.reopened.getTo());
    // A reopened range may lie below what is final.
    Value base = c.reopened ? zero : arith::MinUIOp::create(b, CommittedOp::create(b, snapshot), call.getTo());
    // Shifted rows lie one before the range, except that a sub-block's first token is known when it runs alone.
    Value from = c.region.from;
    if (c.region.shift > 0 && policy != ApproximationPolicy::SubBlock)
      from = b.minus(from, b.number(c.region.shift));
    from = arith::MaxSIOp::create(b, from, base);
    Value end = b.choose(whole, from, c.region.to);

    Value outside = b.span(base, call.getTo()), inside = b.span(from, end);
    Value outsideCount = b.minus(call.getTo(), base), insideCount = b.minus(end, from);
    Value ids = b.concat(b.tokens(snapshot, outside), b.tokens(call.getSequence(), inside));
    Value positions = b.concat(outside, inside);
    Value labels = b.concat(b.splat(b.number(1), outsideCount), b.splat(b.number(2), insideCount));
    // Where the rows that are read stand now.
    Value count = tensor::DimOp::create(b, call.getRead(), zero);
    Value distance = b.choose(whole, zero, b.minus(call.getTo(), from));
    Value moved = b.plus(call.getRead(), b.splat(distance, count));
    Value isInside = b.compare(arith::CmpIPredicate::uge, call.getRead(), b.splat(from, count));
    Value read = b.choose(isInside, moved, call.getRead());

    SmallVector<Value> symbols(call.getSymbols());
    symbols.append({from, c.region.to});
    auto mask = MaskAttr::get(&getContext(), staleMask(call.getMask().getFormula()));
    auto made = ForwardOp::create(b, call.getLogits() ? call.getLogits().getType() : Type(),
                                  call.getOutputs().getTypes(), call.getModelAttr(), call.getSequence(), base, ids,
                                  positions, labels, ValueRange(), read, mask, symbols);
    remark::passed(call.getLoc(), remarkOn<ApproximateCache>("Call"))
        << name() + ": what is outside the rows that change may be stale";
    call->replaceAllUsesWith(made);
    call.erase();
  }
};
} // namespace
