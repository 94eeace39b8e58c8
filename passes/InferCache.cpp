//===- InferCache.cpp - caches from what the masks prove -------------------===//
//
//   1. Collect the calls that share a cache and the masks they use (CacheUses.h).
//   2. Prove how many rows a change reaches back to, and how many leading rows see the same at every call
//      (MaskFacts.h).
//   3. Rewrite each call by itself: `reuse` finds how many slots are as the cache has them, the cut of that is where
//      the call starts.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "passes/CacheUses.h"
#include "passes/Counters.h"
#include "passes/Notes.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

using namespace mlir;
using namespace quoin;

namespace quoin {
#define GEN_PASS_DEF_INFERCACHEPASS
#include "passes/Passes.h.inc"
} // namespace quoin

namespace {
/// Arithmetic on slots before a call.
struct SlotBuilder : ImplicitLocOpBuilder {
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  Value number(int64_t n) { return arith::ConstantIndexOp::create(*this, n); }
  Value least(Value a, Value b) { return isSameIndex(a, b) ? a : arith::MinSIOp::create(*this, a, b).getResult(); }
  Value notNegative(Value a) { return arith::MaxSIOp::create(*this, a, number(0)); }
  Value plus(Value a, int64_t n) { return n == 0 ? a : arith::AddIOp::create(*this, a, number(n)).getResult(); }
  Value roundDown(Value a, int64_t block) {
    if (block == 1)
      return a;
    Value b = number(block);
    return arith::MulIOp::create(*this, arith::DivUIOp::create(*this, a, b), b);
  }
  Value subtract(Value a, Value b) { return arith::SubIOp::create(*this, a, b); }
  Value isAtLeast(Value a, Value b) { return arith::CmpIOp::create(*this, arith::CmpIPredicate::sge, a, b); }

  /// f(d), for d that is not negative.
  Value cut(const RowCut &f, Value d, ArrayRef<Value> shared) {
    if (f.kind == RowCut::Kind::Steps) {
      Value last = number(0);
      for (int64_t each : f.starts) {
        Value here = number(each);
        last = arith::SelectOp::create(*this, isAtLeast(d, here), here, last);
      }
      return last;
    }
    Value start = f.shared < 0 ? number(f.offset) : plus(shared[f.shared], f.offset);
    switch (f.kind) {
    case RowCut::Kind::Nothing:
      return number(0);
    case RowCut::Kind::Aligned:
      return roundDown(d, f.block);
    case RowCut::Kind::Clipped:
      return roundDown(notNegative(least(d, start)), f.block);
    case RowCut::Kind::Steps:
    case RowCut::Kind::Guarded:
      break;
    }
    Value zero = number(0), beyond = isAtLeast(d, start);
    if (f.block == 1)
      return arith::SelectOp::create(*this, beyond, d, zero);
    Value distance = arith::SelectOp::create(*this, beyond, subtract(d, start), zero);
    Value row = notNegative(arith::AddIOp::create(*this, start, roundDown(distance, f.block)));
    return arith::SelectOp::create(*this, beyond, row, zero);
  }
};

bool isConstantZero(Value value) {
  APInt number;
  return matchPattern(value, m_ConstantInt(&number)) && number.isZero();
}

/// Rewrites the calls on one cache.
class CallRewriter {
public:
  CallRewriter(const CacheUses &uses, const MaskFacts &facts, Value cache) : uses(uses), facts(facts), cache(cache) {}

  /// A call whose `then` rows are kept as the text is (`proveCausalBySlot`).
  void rewriteRows(ForwardOp op) {
    SlotBuilder b(op.getLoc(), op);
    Value all = tensor::DimOp::create(b, op.getIds(), 0);
    if (!isConstantZero(op.getTo()))
      all = arith::AddIOp::create(b, op.getTo(), all);
    Value from = ReuseOp::create(b, cache, op.getSequence(), op.getTo(), op.getIds(), op.getPositions(), op.getLabels(),
                                 op.getColumns(), op.getRead(), all);
    replace(b, op, from, all);
  }

  /// `snapshot`: how many `then` rows are kept with the sequence's; null: none.
  void rewrite(ForwardOp op, unsigned use, Value snapshot) {
    SlotBuilder b(op.getLoc(), op);
    auto makeReuse = [&](Value limit) -> Value {
      return ReuseOp::create(b, cache, op.getSequence(), op.getTo(), op.getIds(), op.getPositions(), op.getLabels(),
                             op.getColumns(), op.getRead(), limit);
    };
    auto [from, keep] = rowsToRun(b, use, op.getSequence(), op.getTo(), op.getSymbols(), Value(), makeReuse);
    if (snapshot) {
      keep = arith::AddIOp::create(b, op.getTo(), snapshot);
      from = arith::SelectOp::create(b, b.isAtLeast(makeReuse(keep), keep), keep, from);
    }
    replace(b, op, from, keep);
  }

  /// The published engine runs the rows that the commit adds, even if the cache's are right. The commit, which checks
  /// its range, stays in front of them.
  void rewrite(CommitOp op, unsigned use) {
    SlotBuilder b(op.getLoc(), op);
    Value done = CommittedOp::create(b, op.getSequence());
    Value more = arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, op.getTo(), done);
    b.setInsertionPointAfter(op);
    auto branch = scf::IfOp::create(b, more, /*withElseRegion=*/false);
    b.setInsertionPointToStart(branch.thenBlock());
    auto [from, keep] =
        rowsToRun(b, use, op.getSequence(), op.getTo(), op.getSymbols(), done, [&](Value limit) -> Value {
          return ReuseOp::create(b, cache, op.getSequence(), op.getTo(), Value(), Value(), Value(), ValueRange(),
                                 Value(), limit);
        });
    auto model = SymbolTable::lookupNearestSymbolFrom<ModelOp>(op, op.getModelAttr());
    ForwardCachedOp::create(b, model.getHead() ? Type(b.getType<LogitsType>()) : Type(),
                            model.getResultRows().getTypes(), cache, from, keep, op.getModelAttr(), op.getSequence(),
                            op.getTo(), Value(), Value(), Value(), ValueRange(), Value(), op.getMaskAttr(),
                            op.getSymbols(), b.getUnitAttr());
    op.removeModelAttr();
    op.removeMaskAttr();
    op.getSymbolsMutable().clear();
  }

private:
  void replace(SlotBuilder &b, ForwardOp op, Value from, Value keep) {
    auto call = ForwardCachedOp::create(
        b, op.getLogits() ? op.getLogits().getType() : Type(), op.getOutputs().getTypes(), cache, from, keep,
        op.getModelAttr(), op.getSequence(), op.getTo(), op.getIds(), op.getPositions(), op.getLabels(),
        op.getColumns(), op.getRead(), op.getMaskAttr(), op.getSymbols(), /*pass=*/UnitAttr());
    op->replaceAllUsesWith(call);
    op.erase();
  }

  /// The first row of a call that must run and how many slots stay valid after it. At most `atMost` are reused, if
  /// given.
  std::pair<Value, Value> rowsToRun(SlotBuilder &b, unsigned use, Value sequence, Value to, ValueRange symbols,
                                    Value atMost, function_ref<Value(Value)> makeReuse) {
    const StablePrefix &prefix = facts.prefixes[use];
    if (prefix.kind == StablePrefix::Kind::Nothing || facts.cut.kind == RowCut::Kind::Nothing) {
      Value zero = b.number(0);
      return {zero, zero};
    }
    Value keep = to;
    if (prefix.kind == StablePrefix::Kind::Symbol)
      if (Value stable = b.plus(symbols[prefix.symbol], prefix.offset); !isSameIndex(stable, to))
        keep = b.notNegative(b.least(stable, to));
    Value limit = atMost ? b.least(keep, atMost) : keep;
    Value from = b.cut(facts.cut, makeReuse(limit), uses.shared);
    if (facts.cutAtOpen)
      keep = b.least(keep, FirstOpenOp::create(b, sequence, b.number(0), to));
    return {from, keep};
  }

  const CacheUses &uses;
  const MaskFacts &facts;
  Value cache;
};

struct InferCache : quoin::impl::InferCachePassBase<InferCache> {
  Counter numCaches{"infer-cache", "num-caches-made"};
  Counter numForwards{"infer-cache", "num-forwards-cached"};
  Counter numPasses{"infer-cache", "num-commit-passes-made"};
  Counter numRefused{"infer-cache", "num-masks-refused"};
  Counter numShared{"infer-cache", "num-caches-shared"};
  Counter numSnapshots{"infer-cache", "num-snapshots-kept"};
  Counter numStates{"infer-cache", "num-caches-with-states"};

  void runOnOperation() override {
    DecoderOp decoder = getOperation();
    int64_t number = 0;
    for (const CacheUses &uses : collectCacheUses(decoder)) {
      // A row of a recurrence depends on all before it. So do rows that run again on those that do not: these are as
      // they were, down to the slot where what was summed up of them is kept. The host goes back to the last such slot.
      Operation *recurrence = findRecurrence(decoder, uses.model);
      Operation *beyond = recurrence ? nullptr : findMeetingBeyondMasks(decoder, uses.model);
      MaskFacts facts;
      if (beyond) {
        facts.prefixes.resize(uses.uses.size());
        remark::missed(beyond->getLoc(), remarkOn<InferCache>("Model"))
            << "its rows may depend on any other, whatever masks say; everything runs again";
      } else {
        facts = proveMaskFacts(uses.uses, uses.options);
        report(uses, facts);
      }
      // Of a slot's states only those behind the last one before a call's first row are there.
      if (recurrence && facts.cut.kind != RowCut::Kind::Nothing && goesOnFromSeen(decoder, uses.model) &&
          !proveSeesKept(uses.uses, uses.options, facts)) {
        remark::missed(recurrence->getLoc(), remarkOn<InferCache>("States"))
            << "a row may not see a slot that is kept before it, so it may go on from one whose states are not; "
               "everything runs again";
        beyond = std::exchange(recurrence, nullptr);
        facts = {};
        facts.prefixes.resize(uses.uses.size());
      }
      bool hasPass = llvm::any_of(uses.calls, [](const CacheCall &c) { return isa<CommitOp>(c.op); });
      bool snapshots = !beyond && !recurrence && keepsSnapshots(uses, facts);
      // Those of an approximation have their own rule. Of other programs all calls with rows of their own may go on
      // from the one before: forks of a text do, and a draft that is guessed again.
      auto mayKeepRows = [&](const CacheCall &c) { return isWithoutText(c) || (hasRows(c) && !snapshots); };
      bool rows = !beyond && !recurrence && llvm::any_of(uses.calls, mayKeepRows) && proveCausalBySlot(uses.uses);
      // What an approximation keeps of such rows is in their columns, and that is all.
      if (!rows && decoder->hasAttr(module_attr::inexact) && llvm::all_of(uses.calls, isOfColumnsAlone))
        continue;
      if (!beyond && !snapshots)
        noteRefusals(decoder, uses, facts, rows);
      if (facts.cut.kind == RowCut::Kind::Nothing && !hasPass && !snapshots && !rows)
        continue; // a stateless call is as good
      OpBuilder entry = OpBuilder::atBlockBegin(&decoder.getBody().front());
      auto model = SymbolTable::lookupNearestSymbolFrom<ModelOp>(decoder, uses.model);
      // Where states are kept differs by run.
      // Columns are compared in this run only, and pages of other runs are found by tokens.
      bool columns = !model.getColumns().empty();
      bool shared = !columns && !recurrence && holdAcrossRuns(facts, uses.uses, uses.options);
      bool tokenless = columns && model.getIds().use_empty() &&
                       llvm::none_of(uses.uses, [](const MaskUse &use) { return use.mask.usesOpen(); });
      Value cache =
          CacheOp::create(entry, decoder.getLoc(), entry.getI64IntegerAttr(number++), uses.model,
                          shared ? entry.getUnitAttr() : UnitAttr(), tokenless ? entry.getUnitAttr() : UnitAttr());
      if (columns)
        remark::passed(decoder.getLoc(), remarkOn<InferCache>("Columns"))
            << (tokenless ? "slots are kept while their columns stay the same, open or not"
                          : "slots are kept while their columns stay the same, too");
      ++numCaches;
      numStates += recurrence != nullptr;
      if (recurrence)
        remark::passed(recurrence->getLoc(), remarkOn<InferCache>("States"))
            << "what it has summed up is kept where calls end; a call goes on from the last of these places before its "
               "first row";
      numShared += shared;
      CallRewriter rewriter(uses, facts, cache);
      for (const CacheCall &call : uses.calls) {
        if (rows && mayKeepRows(call)) {
          remark::passed(call.op->getLoc(), remarkOn<InferCache>("Rows"))
              << (isWithoutText(call) ? "rows of calls without text are kept and reused, their mask is causal by slot"
                                      : "rows behind the text are kept and reused, their mask is causal by slot");
          rewriter.rewriteRows(cast<ForwardOp>(call.op));
          ++numForwards;
        } else if (auto forward = dyn_cast<ForwardOp>(call.op)) {
          rewriter.rewrite(forward, call.use, snapshots ? call.snapshot : Value());
          ++numForwards;
          numSnapshots += snapshots && call.snapshot;
        } else {
          rewriter.rewrite(cast<CommitOp>(call.op), call.use);
          ++numPasses;
        }
      }
    }
  }

  /// The call has no text, but columns.
  static bool isOfColumnsAlone(const CacheCall &call) {
    return isWithoutText(call) && !cast<ForwardOp>(call.op).getColumns().empty();
  }

  /// The call has `then` rows.
  static bool hasRows(const CacheCall &call) {
    auto forward = dyn_cast<ForwardOp>(call.op);
    return forward && forward.getIds();
  }

  /// All rows of the call are `then` rows.
  static bool isWithoutText(const CacheCall &call) {
    return hasRows(call) && isConstantZero(cast<ForwardOp>(call.op).getTo());
  }

  /// May the calls on this cache that have a snapshot keep it? MaskFacts.h says when.
  static bool keepsSnapshots(const CacheUses &uses, const MaskFacts &facts) {
    SmallVector<MaskUse> masks;
    int64_t label = 0;
    for (const CacheCall &call : uses.calls) {
      if (!call.snapshot)
        continue;
      if (label && label != call.snapshotLabel)
        return false;
      label = call.snapshotLabel;
      masks.push_back(uses.uses[call.use]);
      if (facts.cut.kind != RowCut::Kind::Nothing && facts.prefixes[call.use].kind != StablePrefix::Kind::All)
        return false;
    }
    bool proven = label && !uses.options.sequenceLabels && proveSnapshot(masks, label);
    for (const CacheCall &call : uses.calls)
      if (call.snapshot && proven)
        remark::passed(call.op->getLoc(), remarkOn<InferCache>("Snapshot"))
            << "rows of label " + std::to_string(label) + " are kept and reused";
      else if (call.snapshot)
        remark::missed(call.op->getLoc(), remarkOn<InferCache>("Snapshot"))
            << "rows of labels up to " + std::to_string(label) +
                   " see provably the same neither at every call nor by themselves";
    return proven;
  }

  /// Why nothing of a mask's calls is kept.
  static std::string reasonOf(const CacheUses &uses, const MaskFacts &facts, size_t use) {
    if (facts.gaveUp)
      return "its conditions make too many cases to go through";
    std::string why = "no cut is provable, a change may reach every row";
    if (facts.thenIsSeen[use])
      why = "a row of the text may see a 'then' row, as far as their positions and labels are known";
    else if (facts.cut.kind != RowCut::Kind::Nothing)
      why = "no rows see provably the same keys at every call";
    std::string witness = findWitness(uses.uses, uses.options, facts, use);
    return witness.empty() ? why : why + " (" + witness + ")";
  }

  /// `rows`: calls of `then` rows alone keep them.
  static void noteRefusals(DecoderOp decoder, const CacheUses &uses, const MaskFacts &facts, bool rows) {
    for (auto [i, use] : llvm::enumerate(uses.uses)) {
      size_t number = i;
      auto isOfUse = [&](const CacheCall &call) { return call.use == number; };
      bool text = llvm::any_of(uses.calls, [&](const CacheCall &c) { return isOfUse(c) && !isWithoutText(c); });
      std::string why;
      if (text && facts.isRefused(i))
        why = reasonOf(uses, facts, i);
      else if (!text && !rows)
        why = "all its rows are 'then' rows, which are kept only if a row sees provably none behind it, wherever they "
              "stand, and the same at every call";
      if (!why.empty())
        addNote(decoder, MaskAttr::get(decoder.getContext(), use.mask),
                "no cache, each call runs everything again: " + why);
    }
  }

  /// One remark per mask.
  void report(const CacheUses &uses, const MaskFacts &facts) {
    for (auto [i, use] : llvm::enumerate(uses.uses)) {
      std::string text;
      llvm::raw_string_ostream os(text);
      os << "mask " << textOf(use.mask);
      const CacheCall *call = llvm::find_if(uses.calls, [&](const CacheCall &c) { return c.use == i; });
      if (facts.isRefused(i)) {
        ++numRefused;
        os << ": " << reasonOf(uses, facts, i) << "; everything runs again";
        remark::missed(call->op->getLoc(), remarkOn<InferCache>("Mask")) << text;
        continue;
      }
      os << ": rows from f(d) = " << facts.cut.print() << " run again if slots from d on change, stable prefix "
         << facts.prefixes[i].print(use.mask);
      remark::passed(call->op->getLoc(), remarkOn<InferCache>("Mask")) << text;
    }
  }
};
} // namespace
