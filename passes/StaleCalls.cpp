//===- StaleCalls.cpp - calls of a loop of which a part may be stale --------===//

#include "passes/StaleCalls.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "passes/CacheUses.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;

//===----------------------------------------------------------------------===//
// Which calls
//===----------------------------------------------------------------------===//

static bool isLoop(Operation *op) { return isa<scf::ForOp, scf::WhileOp, DenoiseOp>(op); }

Block *quoin::bodyOfLoop(Operation *loop) {
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

static bool asksForSlots(const BlockMask &mask) {
  using Op = BlockMask::Op;
  return mask.usesOpen() || mask.uses(Op::QuerySlot) || mask.uses(Op::KeySlot) || mask.uses(Op::QueryLabel) ||
         mask.uses(Op::KeyLabel);
}

std::optional<StaleCall> quoin::matchStaleCall(ForwardOp call, std::string &reason) {
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
  StaleCall c{call, {}, dyn_cast<BlockArgument>(call.getSequence()), call.getSequence().getDefiningOp<ReopenOp>()};
  if (c.reopened)
    c.sequence = dyn_cast<BlockArgument>(c.reopened.getSequence());
  if (!c.sequence || c.sequence.getOwner() != bodyOfLoop(loop))
    return refuse("its sequence is not the one that its loop carries");
  std::optional<ReadRange> region = regionOf(call.getRead(), c.sequence);
  if (!region)
    return refuse("the rows it reads are not the open positions of a range known before the loop");
  c.region = *region;
  if (!isOutside(call.getTo(), loop))
    return refuse("its length changes inside the loop");
  return c;
}

//===----------------------------------------------------------------------===//
// Loops that carry more
//===----------------------------------------------------------------------===//

Value quoin::initOfCarried(Operation *loop, BlockArgument argument) {
  unsigned i = argument.getArgNumber();
  return TypeSwitch<Operation *, Value>(loop)
      .Case([&](scf::ForOp op) { return op.getInitArgs()[i - 1]; })
      .Case([&](scf::WhileOp op) -> Value {
        for (Value init : op.getInits())
          if (isa<SequenceType>(init.getType()))
            return init;
        return {};
      })
      .Case([&](DenoiseOp op) { return op.getSequence(); });
}

SmallVector<BlockArgument> quoin::addCarried(Operation *&loop, ValueRange added) {
  OpBuilder b(loop);
  Location loc = loop->getLoc();
  SmallVector<Type> types(added.getTypes());
  SmallVector<Location> locs(added.size(), loc);
  auto extend = [&](Block &block) { return block.addArguments(types, locs); };
  auto with = [&](ValueRange values) {
    SmallVector<Value> all(values);
    all.append(added.begin(), added.end());
    return all;
  };
  Operation *fresh = nullptr;
  SmallVector<BlockArgument> carried;
  auto take = [&](Block &block) {
    for (BlockArgument argument : extend(block))
      carried.push_back(argument);
  };
  if (auto counted = dyn_cast<scf::ForOp>(loop)) {
    auto made = scf::ForOp::create(b, loc, counted.getLowerBound(), counted.getUpperBound(), counted.getStep(),
                                   with(counted.getInitArgs()));
    made.getRegion().takeBody(counted.getRegion());
    take(*made.getBody());
    cast<scf::YieldOp>(made.getBody()->getTerminator())
        ->insertOperands(counted.getNumResults(), SmallVector<Value>(carried.begin(), carried.end()));
    fresh = made;
  } else if (auto open = dyn_cast<scf::WhileOp>(loop)) {
    SmallVector<Type> results(open.getResultTypes());
    results.append(types);
    auto made = scf::WhileOp::create(b, loc, results, with(open.getInits()));
    made.getBefore().takeBody(open.getBefore());
    made.getAfter().takeBody(open.getAfter());
    auto before = extend(*made.getBeforeBody());
    made.getConditionOp().getArgsMutable().append(SmallVector<Value>(before.begin(), before.end()));
    take(*made.getAfterBody());
    made.getYieldOp().getResultsMutable().append(SmallVector<Value>(carried.begin(), carried.end()));
    fresh = made;
  } else {
    auto denoise = cast<DenoiseOp>(loop);
    SmallVector<Type> results(denoise.getCarried().getTypes());
    results.append(types);
    auto made = DenoiseOp::create(b, loc, denoise.getSequence().getType(), results, denoise.getSequence(),
                                  denoise.getFrom(), denoise.getTo(), with(denoise.getInits()));
    made.getBody().takeBody(denoise.getBody());
    take(made.getBody().front());
    cast<YieldOp>(made.getBody().front().getTerminator())
        .getCarriedMutable()
        .append(SmallVector<Value>(carried.begin(), carried.end()));
    fresh = made;
  }
  fresh->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  loop->replaceAllUsesWith(fresh->getResults().take_front(loop->getNumResults()));
  loop->erase();
  loop = fresh;
  return carried;
}

bool quoin::readSameRange(const StaleCall &a, const StaleCall &b) {
  return a.sequence == b.sequence && a.region.shift == b.region.shift && isSameIndex(a.region.from, b.region.from) &&
         isSameIndex(a.region.to, b.region.to);
}
