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
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "passes/CacheUses.h"
#include "passes/Counters.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;

namespace quoin {
#define GEN_PASS_DEF_APPROXIMATECACHEPASS
#include "passes/Passes.h.inc"
} // namespace quoin

namespace {

/// The rows that a call reads are open positions of [from, to), each less `shift`.
struct ReadRange {
  Value from, to;
  int64_t shift = 0;
};

/// A call that can be approximated, in its loop.
struct Candidate {
  ForwardOp call;
  ReadRange region;
  /// The sequence is this argument of the loop's body, or `reopen`ed from it.
  BlockArgument sequence;
  ReopenOp reopened;
};

/// What a loop carries in addition, inside its body, and the sequence it starts with.
struct Carried {
  BlockArgument snapshot, age;
};

/// Arithmetic before a call.
struct Builder : ImplicitLocOpBuilder {
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  RankedTensorType indices() { return RankedTensorType::get({ShapedType::kDynamic}, getIndexType()); }
  Value number(int64_t n) { return arith::ConstantIndexOp::create(*this, n); }
  Value plus(Value a, Value b) { return arith::AddIOp::create(*this, a, b); }
  Value minus(Value a, Value b) { return arith::SubIOp::create(*this, a, b); }
  Value choose(Value flag, Value a, Value b) { return arith::SelectOp::create(*this, flag, a, b); }
  Value compare(arith::CmpIPredicate p, Value a, Value b) { return arith::CmpIOp::create(*this, p, a, b); }
  Value splat(Value element, Value count) { return tensor::SplatOp::create(*this, indices(), element, count); }
  Value concat(Value a, Value b) {
    return tensor::ConcatOp::create(*this, a.getType(), getI64IntegerAttr(0), ValueRange{a, b});
  }
};

} // namespace

//===----------------------------------------------------------------------===//
// Which calls
//===----------------------------------------------------------------------===//

static bool isLoop(Operation *op) { return isa<scf::ForOp, scf::WhileOp, DenoiseOp>(op); }

static Block *bodyOf(Operation *loop) {
  return TypeSwitch<Operation *, Block *>(loop)
      .Case([](scf::ForOp op) { return op.getBody(); })
      .Case([](scf::WhileOp op) { return op.getAfterBody(); })
      .Case([](DenoiseOp op) { return &op.getBody().front(); });
}

static bool isOutside(Value value, Operation *loop) { return !loop->isAncestor(value.getParentBlock()->getParentOp()); }

/// The range whose open positions `rows` are, as far as `sequence`, of the loop's body, is asked.
static std::optional<ReadRange> regionOf(Value rows, BlockArgument sequence) {
  Operation *loop = sequence.getOwner()->getParentOp();
  if (auto argument = dyn_cast<BlockArgument>(rows)) {
    auto denoise = dyn_cast<DenoiseOp>(argument.getOwner()->getParentOp());
    if (!denoise || denoise != loop || argument.getArgNumber() != 1 || sequence.getArgNumber() != 0)
      return std::nullopt;
    return ReadRange{denoise.getFrom(), denoise.getTo()};
  }
  if (auto open = rows.getDefiningOp<OpenOp>()) {
    if (open.getSequence() != sequence || !isOutside(open.getFrom(), loop) || !isOutside(open.getTo(), loop))
      return std::nullopt;
    return ReadRange{open.getFrom(), open.getTo()};
  }
  auto less = rows.getDefiningOp<arith::SubIOp>();
  auto splat = less ? less.getRhs().getDefiningOp<tensor::SplatOp>() : nullptr;
  APInt by;
  if (!splat || !matchPattern(splat.getInput(), m_ConstantInt(&by)))
    return std::nullopt;
  std::optional<ReadRange> region = regionOf(less.getLhs(), sequence);
  if (region)
    region->shift += by.getSExtValue();
  return region;
}

/// Is what lies outside the rows that change cached exactly anyway: nothing above them, and rows below do not see them?
static bool isExactAlready(ForwardOp call, const ReadRange &region) {
  if (!isSameIndex(region.to, call.getTo()))
    return false;
  MaskUse use{call.getMask().getFormula(), std::vector<int>(call.getSymbols().size(), -1), {}};
  return proveMaskFacts({use}).cut.kind != RowCut::Kind::Nothing;
}

static bool asksForSlots(const BlockMask &mask) {
  using Op = BlockMask::Op;
  return mask.usesOpen() || mask.uses(Op::QuerySlot) || mask.uses(Op::KeySlot) || mask.uses(Op::QueryLabel) ||
         mask.uses(Op::KeyLabel);
}

/// A call that can be approximated, or why it cannot.
static std::optional<Candidate> match(ForwardOp call, std::string &reason) {
  auto refuse = [&](const char *text) {
    reason = text;
    return std::nullopt;
  };
  if (call.getIds())
    return refuse("it has rows beyond the sequence");
  if (!call.getColumns().empty())
    return refuse("it has columns besides the sequence");
  if (asksForSlots(call.getMask().getFormula()))
    return refuse("its mask asks for open positions, labels or slots");
  if (call.getSymbols().size() > 6)
    return refuse("its mask has too many symbols");
  Operation *loop = call->getParentOp();
  while (loop && !isLoop(loop))
    loop = loop->getParentOp();
  if (!loop)
    return refuse("it stands in no loop, so every call is a whole one");
  Candidate c{call, {}, dyn_cast<BlockArgument>(call.getSequence()), call.getSequence().getDefiningOp<ReopenOp>()};
  if (c.reopened)
    c.sequence = dyn_cast<BlockArgument>(c.reopened.getSequence());
  if (!c.sequence || c.sequence.getOwner() != bodyOf(loop))
    return refuse("its sequence is not the one that its loop carries");
  std::optional<ReadRange> region = regionOf(call.getRead(), c.sequence);
  if (!region)
    return refuse("the rows it reads are not the open positions of a range known before the loop");
  c.region = *region;
  if (!isOutside(call.getTo(), loop))
    return refuse("its length changes inside the loop");
  if (isExactAlready(call, c.region))
    return refuse("what is outside the rows that change is cached exactly");
  return c;
}

//===----------------------------------------------------------------------===//
// Loops that carry more
//===----------------------------------------------------------------------===//

/// The value that the loop's body gets first as `argument`.
static Value initOf(Operation *loop, BlockArgument argument) {
  unsigned i = argument.getArgNumber();
  return TypeSwitch<Operation *, Value>(loop)
      .Case([&](scf::ForOp op) { return op.getInitArgs()[i - 1]; })
      // What the condition passes on may be anything; any sequence will do to begin with, since the first call is
      // whole.
      .Case([&](scf::WhileOp op) -> Value {
        for (Value init : op.getInits())
          if (isa<SequenceType>(init.getType()))
            return init;
        return {};
      })
      .Case([&](DenoiseOp op) { return op.getSequence(); });
}

/// The same loop with two more values, which its body yields as it got them. Gives what is carried and the new loop.
static Carried addCarried(Operation *&loop, Value snapshot) {
  OpBuilder b(loop);
  Location loc = loop->getLoc();
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value added[] = {snapshot, zero};
  Type types[] = {snapshot.getType(), zero.getType()};
  Location locs[] = {loc, loc};
  auto extend = [&](Block &block) { return block.addArguments(types, locs); };
  auto with = [&](ValueRange values) {
    SmallVector<Value> all(values);
    all.append(std::begin(added), std::end(added));
    return all;
  };
  Operation *fresh = nullptr;
  Carried carried;
  auto take = [&](Block &block) {
    auto arguments = extend(block);
    carried = {cast<BlockArgument>(*arguments.begin()), cast<BlockArgument>(*std::next(arguments.begin()))};
  };
  if (auto counted = dyn_cast<scf::ForOp>(loop)) {
    auto made = scf::ForOp::create(b, loc, counted.getLowerBound(), counted.getUpperBound(), counted.getStep(),
                                   with(counted.getInitArgs()));
    made.getRegion().takeBody(counted.getRegion());
    take(*made.getBody());
    cast<scf::YieldOp>(made.getBody()->getTerminator())
        ->insertOperands(counted.getNumResults(), {carried.snapshot, carried.age});
    fresh = made;
  } else if (auto open = dyn_cast<scf::WhileOp>(loop)) {
    SmallVector<Type> results(open.getResultTypes());
    results.append(std::begin(types), std::end(types));
    auto made = scf::WhileOp::create(b, loc, results, with(open.getInits()));
    made.getBefore().takeBody(open.getBefore());
    made.getAfter().takeBody(open.getAfter());
    auto before = extend(*made.getBeforeBody());
    made.getConditionOp().getArgsMutable().append(SmallVector<Value>(before.begin(), before.end()));
    take(*made.getAfterBody());
    made.getYieldOp().getResultsMutable().append({carried.snapshot, carried.age});
    fresh = made;
  } else {
    auto denoise = cast<DenoiseOp>(loop);
    SmallVector<Type> results(denoise.getCarried().getTypes());
    results.append(std::begin(types), std::end(types));
    auto made = DenoiseOp::create(b, loc, denoise.getSequence().getType(), results, denoise.getSequence(),
                                  denoise.getFrom(), denoise.getTo(), with(denoise.getInits()));
    made.getBody().takeBody(denoise.getBody());
    take(made.getBody().front());
    cast<YieldOp>(made.getBody().front().getTerminator()).getCarriedMutable().append({carried.snapshot, carried.age});
    fresh = made;
  }
  fresh->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  loop->replaceAllUsesWith(fresh->getResults().take_front(loop->getNumResults()));
  loop->erase();
  loop = fresh;
  return carried;
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
      std::optional<Candidate> candidate = labels || positions ? std::nullopt : match(call, reason);
      Operation *loop = candidate ? candidate->sequence.getOwner()->getParentOp() : nullptr;
      if (loops.contains(loop) && !sameRegion(*match(loops[loop].front(), reason), *candidate)) {
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
  static bool sameRegion(const Candidate &a, const Candidate &b) {
    return a.sequence == b.sequence && a.region.shift == b.region.shift && isSameIndex(a.region.from, b.region.from) &&
           isSameIndex(a.region.to, b.region.to);
  }

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
    Carried carried = addCarried(loop, initOf(loop, again(calls.front()).sequence));
    Block *body = bodyOf(loop);
    Builder b(loop->getLoc(), OpBuilder::atBlockBegin(body));
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

  void approximate(Candidate c, Value snapshot, Value whole) {
    ForwardOp call = c.call;
    Builder b(call.getLoc(), call);
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

    Value outside = SpanOp::create(b, b.indices(), base, call.getTo()),
          inside = SpanOp::create(b, b.indices(), from, end);
    Value outsideCount = b.minus(call.getTo(), base), insideCount = b.minus(end, from);
    auto tokens = [&](Value sequence, Value at) {
      return TokensOp::create(b, RankedTensorType::get({ShapedType::kDynamic}, b.getI32Type()), sequence, at);
    };
    Value ids = b.concat(tokens(snapshot, outside), tokens(call.getSequence(), inside));
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
