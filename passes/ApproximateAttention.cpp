//===- ApproximateAttention.cpp - attention outputs that are allowed to be stale --===//
//
// A call that reads open positions of a range [a, b) runs that range alone; what the range's rows attended to outside
// of it is not computed again but kept, layer by layer, from an earlier step of the loop: the output, and its
// log-sum-exp. Attention inside the range is of this step, and both are put together (FlashBlock).
//
//   1. Of the model two others are made. In @m.parts each attention is two, inside the range (label 1) and the rest,
//   put
//      together again; what the rest gave are results of the model. In @m.kept it is the one inside, put together with
//      what columns of the model hold.
//   2. The loop around the call carries those results and their age in steps.
//   3. A step calls @m.parts over the whole text if nothing is kept, what is kept is as old as the refresh interval, or
//      of other rows; otherwise @m.kept, over the rows of the range and nothing else.
//
// Both are stateless calls like any other. The decoder's other calls of @m become calls of @m.parts, in which they mean
// what they meant, so that all share one cache; so with an interval of one step nothing changes but rounding.
//
//===----------------------------------------------------------------------===//

#include "dialects/quoin/FormulaBuilder.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Counters.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "passes/StaleCalls.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace quoin;

namespace quoin {
#define GEN_PASS_DEF_APPROXIMATEATTENTIONPASS
#include "passes/Passes.h.inc"
} // namespace quoin

namespace {
/// What a model becomes.
struct Variants {
  ModelOp parts, kept;
  RankedTensorType outputs, sums; ///< of all layers, beside each other
};
} // namespace

/// What one row program may hold.
static constexpr int64_t mostKeptNumbers = int64_t(1) << 20;

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

/// Why attention of the model cannot be kept, or nothing.
static StringRef whyNotKept(ModelOp model) {
  if (!model.getColumns().empty() || !model.getResultRows().empty() || !model.getHead())
    return "its model takes or gives more than a model of tokens";
  if (model.getRead())
    return "its model was pruned";
  int64_t numbers = 0;
  for (ModelOpInterface op : model.getBody().getOps<ModelOpInterface>()) {
    if (auto attention = dyn_cast<AttentionOp>(*op))
      numbers += rowNumbersOf(attention.getOutput());
    else if (op.getRelation() != RowRelation::RowByRow)
      return "rows of its model meet otherwise than in attention";
  }
  if (numbers == 0)
    return "its model has no attention";
  return numbers > mostKeptNumbers ? "its model has more numbers of attention in a row than a row program may hold"
                                   : "";
}

static MaskAttr within(AttentionOp op, StringRef formula) {
  std::string error;
  BlockMask mask = *BlockMask::parse(formula.str(), error);
  return MaskAttr::get(op.getContext(), op.getWithinAttr() ? op.getWithin()->getFormula().within(mask) : mask);
}

/// The same attention over what the formula shows, with its log-sum-exp.
static AttentionOp partOf(OpBuilder &b, AttentionOp op, MaskAttr formula) {
  auto sums = RankedTensorType::get({ShapedType::kDynamic, static_cast<int64_t>(op.getHeads())}, b.getF32Type());
  auto made = AttentionOp::create(b, op.getLoc(), op.getOutput().getType(), sums, op.getQuery(), op.getKey(),
                                  op.getValue(), op.getRows(), op.getHeadsAttr(), op.getKvHeadsAttr(),
                                  op.getHeadDimAttr(), op.getScaleAttr(), formula);
  IRMapping mapping;
  op.getScore().cloneInto(&made.getScore(), mapping);
  return made;
}

static void replaceByBoth(OpBuilder &b, AttentionOp op, ValueRange one, ValueRange other) {
  auto both = MergeAttentionOp::create(b, op.getLoc(), one[0], one[1], other[0], other[1]);
  op.getOutput().replaceAllUsesWith(both.getOutput());
  if (op.getLse())
    op.getLse().replaceAllUsesWith(both.getLse());
  op.erase();
}

/// Rows beside each other.
static Value besideEachOther(OpBuilder &b, Location loc, ArrayRef<Value> rows, RankedTensorType type) {
  FormulaBuilder f(b, loc, rows, {}, {}, type);
  SmallVector<Term> all;
  for (unsigned i = 0; i < rows.size(); ++i)
    all.push_back(f.argument(i));
  return f.finish(f.concat(all))[0];
}

static SmallVector<AttentionOp> attentionsOf(ModelOp model) {
  return llvm::to_vector(model.getBody().getOps<AttentionOp>());
}

static void splitAttention(Variants all) {
  SmallVector<Value> outputs, sums;
  for (AttentionOp op : attentionsOf(all.parts)) {
    OpBuilder b(op);
    AttentionOp inside = partOf(b, op, within(op, "(q, k) : label(k) eq 1 and label(q) eq 1"));
    AttentionOp outside = partOf(b, op, within(op, "(q, k) : label(k) ne 1 or label(q) ne 1"));
    outputs.push_back(outside.getOutput());
    sums.push_back(outside.getLse());
    replaceByBoth(b, op, outside.getResults(), inside.getResults());
  }
  auto end = cast<HiddenOp>(all.parts.getBody().front().getTerminator());
  OpBuilder b(end);
  end.getResultsMutable().append(
      {besideEachOther(b, end.getLoc(), outputs, all.outputs), besideEachOther(b, end.getLoc(), sums, all.sums)});
}

static void keepAttention(Variants all) {
  Block &body = all.kept.getBody().front();
  Location loc = all.kept.getLoc();
  Value columns[] = {body.insertArgument(2u, all.outputs, loc), body.insertArgument(3u, all.sums, loc)};
  int64_t first[] = {0, 0};
  for (AttentionOp op : attentionsOf(all.kept)) {
    OpBuilder b(op);
    AttentionOp inside = partOf(b, op, within(op, "(q, k) : label(k) eq 1 and label(q) eq 1"));
    FormulaBuilder f(b, op.getLoc(), columns, {}, {}, inside.getResultTypes());
    SmallVector<Term, 2> own;
    for (unsigned i = 0; i < 2; ++i) {
      int64_t width = rowNumbersOf(inside.getResult(i));
      own.push_back(f.slice(f.argument(i), first[i], width));
      first[i] += width;
    }
    replaceByBoth(b, op, f.finish(own), inside.getResults());
  }
}

static Variants makeVariants(ModelOp model, SymbolTable &symbols) {
  OpBuilder b(model.getContext());
  b.setInsertionPointAfter(model);
  int64_t numbers = 0, heads = 0;
  for (AttentionOp op : attentionsOf(model)) {
    numbers += rowNumbersOf(op.getOutput());
    heads += static_cast<int64_t>(op.getHeads());
  }
  auto copy = [&](StringRef suffix) {
    auto made = cast<ModelOp>(model->clone());
    made.setSymName((model.getSymName() + suffix).str());
    symbols.insert(made, b.getInsertionPoint());
    b.setInsertionPointAfter(made);
    return made;
  };
  Variants all;
  all.parts = copy(".parts");
  all.kept = copy(".kept");
  all.outputs = RankedTensorType::get({ShapedType::kDynamic, numbers}, b.getF32Type());
  all.sums = RankedTensorType::get({ShapedType::kDynamic, heads}, b.getF32Type());
  splitAttention(all);
  keepAttention(all);
  return all;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// Are these logits, or some of their rows, guided by others or guide them? Those have to be of one model.
static bool meetOthers(Value logits) {
  return llvm::any_of(logits.getUsers(), [](Operation *user) {
    auto rows = dyn_cast<RowsOp>(user);
    return isa<GuideOp>(user) || (rows && meetOthers(rows.getResult()));
  });
}

namespace {
struct ApproximateAttention : quoin::impl::ApproximateAttentionPassBase<ApproximateAttention> {
  using ApproximateAttentionPassBase::ApproximateAttentionPassBase;

  Counter numCalls{"approximate-attention", "num-calls-approximated"};
  Counter numRefused{"approximate-attention", "num-calls-refused"};

  void runOnOperation() override {
    if (refresh < 1) {
      getOperation().emitError("expects a refresh interval of at least 1, but found ") << int64_t(refresh);
      return signalPassFailure();
    }
    made.clear();
    for (DecoderOp decoder : getOperation().getOps<DecoderOp>())
      approximate(decoder);
    for (auto &[model, variants] : made)
      if (SymbolTable::symbolKnownUseEmpty(model, getOperation()))
        model->erase();
  }

private:
  llvm::MapVector<Operation *, Variants> made; ///< by model

  /// The call, or nothing and why not; `known`: why no call of its decoder is one.
  std::optional<StaleCall> match(ForwardOp call, StringRef known, std::string &reason) {
    std::optional<StaleCall> found = matchStaleCall(call, reason);
    if (!found)
      return std::nullopt;
    auto model = SymbolTable::lookupNearestSymbolFrom<ModelOp>(call, call.getModelAttr());
    if (!known.empty())
      reason = known;
    else if (call->getBlock() != found->sequence.getOwner())
      reason = "it stands in a branch of its loop";
    else if (call.getLogits() && meetOthers(call.getLogits()))
      reason = "its scores are guided";
    else
      reason = whyNotKept(model);
    return reason.empty() ? found : std::nullopt;
  }

  void approximate(DecoderOp decoder) {
    StringRef known = givesPositions(decoder) ? "the program says where its tokens stand" : "";
    decoder.walk([&](Operation *op) {
      if (labelsGivenBy(op))
        known = "its sequence has labels";
    });
    llvm::MapVector<Operation *, SmallVector<ForwardOp>> loops;
    llvm::SetVector<StringAttr> models;
    decoder.walk([&](ForwardOp call) {
      std::string reason;
      if (std::optional<StaleCall> found = match(call, known, reason)) {
        loops[found->sequence.getOwner()->getParentOp()].push_back(call);
        models.insert(call.getModelAttr().getAttr());
        return;
      }
      ++numRefused;
      remark::missed(call.getLoc(), remarkOn<ApproximateAttention>("Call")) << reason;
    });
    if (loops.empty())
      return;
    SymbolTable symbols(getOperation());
    for (StringAttr name : models) {
      auto model = symbols.lookup<ModelOp>(name);
      if (!made.contains(model))
        made[model] = makeVariants(model, symbols);
    }
    for (auto &[loop, calls] : loops)
      rewrite(loop, calls);
    for (StringAttr name : models)
      useParts(decoder, FlatSymbolRefAttr::get(name));
    decoder->setAttr(
        module_attr::inexact,
        StringAttr::get(&getContext(),
                        (stringifyPolicy(ApproximationPolicy::AttentionOutput) + ",refresh=" + Twine(refresh)).str()));
  }

  Variants variantsOf(ForwardOp call) { return made[SymbolTable::lookupNearestSymbolFrom(call, call.getModelAttr())]; }

  /// Rows of a call, at each step of its loop.
  struct StepRows {
    Value outputs, sums;      ///< what is kept
    Value from, first, count; ///< where the range begins, the first row that is read, rows up to the range's end
  };

  void rewrite(Operation *loop, ArrayRef<ForwardOp> calls) {
    std::string reason;
    CallBuilder before(loop->getLoc(), loop);
    SmallVector<Value> added = {before.number(0)};
    for (ForwardOp call : calls)
      for (RankedTensorType type : {variantsOf(call).outputs, variantsOf(call).sums})
        added.push_back(tensor::EmptyOp::create(before, type, ValueRange{added[0]}));
    SmallVector<BlockArgument> carried = addCarried(loop, added);
    Block *body = bodyOfLoop(loop);
    CallBuilder b(loop->getLoc(), OpBuilder::atBlockBegin(body));
    using Compare = arith::CmpIPredicate;
    Value zero = b.number(0), one = b.number(1), age = carried[0];
    Value whole = b.either(b.compare(Compare::eq, age, zero), b.compare(Compare::uge, age, b.number(refresh)));
    SmallVector<StepRows> rows;
    for (auto [i, call] : llvm::enumerate(calls)) {
      // Values may be results of loops that have been replaced meanwhile, so the call is looked at anew.
      StaleCall c = *matchStaleCall(call, reason);
      StepRows own{carried[2 * i + 1], carried[2 * i + 2], c.region.from, {}, {}};
      // What is final has its label.
      if (!c.reopened)
        own.from = arith::MinUIOp::create(b, arith::MaxUIOp::create(b, own.from, CommittedOp::create(b, c.sequence)),
                                          c.region.to);
      own.first = own.from;
      if (c.region.shift > 0)
        own.first = arith::MaxSIOp::create(b, b.minus(own.from, b.number(c.region.shift)), zero);
      own.count = b.minus(c.region.to, own.first);
      Value there = tensor::DimOp::create(b, own.outputs, zero);
      whole =
          b.either(whole, b.either(b.compare(Compare::ne, there, own.count), b.compare(Compare::eq, own.count, zero)));
      rows.push_back(own);
    }
    body->getTerminator()->replaceUsesOfWith(age, b.choose(whole, one, b.plus(age, one)));
    for (auto [call, own] : llvm::zip_equal(calls, rows)) {
      approximate(*matchStaleCall(call, reason), own, whole, *body->getTerminator());
      ++numCalls;
    }
  }

  void approximate(const StaleCall &c, const StepRows &own, Value whole, Operation &yield) {
    ForwardOp call = c.call;
    Variants variants = variantsOf(call);
    CallBuilder b(call.getLoc(), call);
    Type logits = call.getLogits().getType();
    SmallVector<Type> types = {logits, variants.outputs, variants.sums};
    Value zero = b.number(0), one = b.number(1), read = tensor::DimOp::create(b, call.getRead(), zero);
    Value inside = b.span(own.first, c.region.to), marked = b.minus(c.region.to, own.from);
    auto branch = scf::IfOp::create(b, types, whole, /*withElseRegion=*/true);
    auto forward = [&](ModelOp model, TypeRange outputs, Value sequence, Value to, ValueRange then, ValueRange columns,
                       Value rows) {
      bool rowsBehind = !then.empty();
      auto made =
          ForwardOp::create(b, logits, outputs, FlatSymbolRefAttr::get(model), sequence, to,
                            rowsBehind ? then[0] : Value(), rowsBehind ? then[1] : Value(),
                            rowsBehind ? then[2] : Value(), columns, rows, call.getMaskAttr(), call.getSymbols());
      made->setDiscardableAttrs(call->getDiscardableAttrDictionary());
      return made;
    };

    b.setInsertionPointToStart(branch.thenBlock());
    Value labelled = RelabelOp::create(b, call.getSequence().getType(), call.getSequence(),
                                       b.span(own.from, c.region.to), b.splat(one, marked), Value());
    ForwardOp all = forward(variants.parts, {variants.outputs, variants.sums}, labelled, call.getTo(), {}, {},
                            b.concat(call.getRead(), inside));
    SmallVector<Value> results = {RowsOp::create(b, all.getLogits(), zero, read)};
    for (Value output : all.getOutputs()) {
      auto type = cast<RankedTensorType>(output.getType());
      OpFoldResult none = b.getIndexAttr(0), each = b.getIndexAttr(1), width = b.getIndexAttr(type.getDimSize(1));
      results.push_back(tensor::ExtractSliceOp::create(b, type, output, ArrayRef<OpFoldResult>{read, none},
                                                       ArrayRef<OpFoldResult>{own.count, width},
                                                       ArrayRef<OpFoldResult>{each, each}));
    }
    scf::YieldOp::create(b, results);

    b.setInsertionPointToStart(branch.elseBlock());
    Value labels = b.splat(one, marked);
    if (own.first != own.from)
      labels = b.concat(b.splat(zero, b.minus(own.from, own.first)), labels);
    Value moved = arith::SubIOp::create(b, call.getRead(), b.splat(own.first, read));
    ForwardOp some = forward(variants.kept, {}, call.getSequence(), zero,
                             {b.tokens(call.getSequence(), inside), inside, labels}, {own.outputs, own.sums}, moved);
    scf::YieldOp::create(b, ValueRange{some.getLogits(), own.outputs, own.sums});

    yield.replaceUsesOfWith(own.outputs, branch.getResult(1));
    yield.replaceUsesOfWith(own.sums, branch.getResult(2));
    remark::passed(call.getLoc(), remarkOn<ApproximateAttention>("Call"))
        << "attention to what is outside the rows that change is kept for up to " + std::to_string(refresh) + " steps";
    call.getLogits().replaceAllUsesWith(branch.getResult(0));
    call.erase();
  }

  /// The decoder's other calls of the model, so that all have one cache.
  void useParts(DecoderOp decoder, FlatSymbolRefAttr name) {
    Variants variants = made[SymbolTable::lookupNearestSymbolFrom(decoder, name)];
    auto parts = FlatSymbolRefAttr::get(variants.parts);
    SmallVector<ForwardOp> calls;
    decoder.walk([&](Operation *op) {
      if (auto commit = dyn_cast<CommitOp>(op); commit && commit.getModelAttr() == name)
        commit.setModelAttr(parts);
      if (auto call = dyn_cast<ForwardOp>(op); call && call.getModelAttr() == name)
        calls.push_back(call);
    });
    for (ForwardOp call : calls) {
      OpBuilder b(call);
      auto other =
          ForwardOp::create(b, call.getLoc(), call.getLogits().getType(), TypeRange{variants.outputs, variants.sums},
                            parts, call.getSequence(), call.getTo(), call.getIds(), call.getPositions(),
                            call.getLabels(), call.getColumns(), call.getRead(), call.getMaskAttr(), call.getSymbols());
      other->setDiscardableAttrs(call->getDiscardableAttrDictionary());
      call.getLogits().replaceAllUsesWith(other.getLogits());
      call.erase();
    }
  }
};
} // namespace
