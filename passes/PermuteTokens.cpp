//===- PermuteTokens.cpp - tokens in the order that suits their mask ---------===//
//
// Calls of decoders, whose tokens are known only at run time:
//
//   1. Calls on one cache are taken together; so are stateless calls on one sequence, which got no cache because no cut
//      was provable in the order of positions.
//   2. For each key that their masks ask for, it is proven that a stable sort by it makes every mask causal and that
//      the masks agree on known tokens (MaskOrder.h). Or the masks are block-causal by groups of one key, a label or
//      a function of the position that the formula suggests (StaticOrders.h), and the order of positions has no groups
//      as small.
//   3. Each call then runs over sorted tokens: what the cache has as the leading slots is taken, all known slots are
//      kept, or all groups that are known. A mask that sees everything up to its own slot becomes just that.
//   4. Stateless calls for which nothing is provable are sorted by what lowers the number of visited tiles, if anything
//      does. They stay stateless.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/CacheUses.h"
#include "passes/Counters.h"
#include "passes/MaskOrder.h"
#include "passes/Notes.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "passes/StaticOrders.h"
#include "llvm/ADT/MapVector.h"
#include <set>

using namespace mlir;
using namespace quoin;
using MaskTerm = BlockMask::Op;

namespace quoin {
#define GEN_PASS_DEF_PERMUTETOKENSPASS
#include "passes/Passes.h.inc"
} // namespace quoin

static BlockMask causalBySlot() {
  return BlockMask({{MaskTerm::KeySlot}, {MaskTerm::QuerySlot}, {MaskTerm::Le, 0, 0, 1}}, {});
}

namespace {
/// Calls that share a cache, or could.
struct CallGroup {
  Value cache; ///< null: none yet
  FlatSymbolRefAttr model;
  SmallVector<Operation *> calls;
};

MaskAttr maskOf(Operation *op) {
  if (auto cached = dyn_cast<ForwardCachedOp>(op))
    return cached.getMaskAttr();
  return cast<ForwardOp>(op).getMaskAttr();
}

Value sequenceOf(Operation *op) {
  if (auto cached = dyn_cast<ForwardCachedOp>(op))
    return cached.getSequence();
  return cast<ForwardOp>(op).getSequence();
}

bool hasThenRows(Operation *op) {
  if (auto cached = dyn_cast<ForwardCachedOp>(op))
    return static_cast<bool>(cached.getIds());
  return static_cast<bool>(cast<ForwardOp>(op).getIds());
}

bool isZero(Value index) {
  APInt number;
  return matchPattern(index, m_ConstantInt(&number)) && number.isZero();
}

/// A cache that is there for the passes of commits alone, since nothing was provable in the order of positions, keeps
/// no slot.
bool keepsAnything(const CallGroup &group) {
  return llvm::any_of(group.calls, [](Operation *op) {
    auto cached = dyn_cast<ForwardCachedOp>(op);
    return cached && !isZero(cached.getKeep());
  });
}

/// How the calls of a group are sorted.
struct SortPlan {
  OrderKey key;
  bool groups = false; ///< tokens of one key see each other
  bool cached = true;  ///< what comes first can be kept
  std::string why;     ///< for the remark
};

StringRef nameOf(const OrderKey &key) { return stringifySortKey(key.by); }

struct PermuteTokens : quoin::impl::PermuteTokensPassBase<PermuteTokens> {
  Counter numSorted{"permute-tokens", "num-forwards-sorted"};
  Counter numMasks{"permute-tokens", "num-masks-made-causal"};
  Counter numGroups{"permute-tokens", "num-masks-made-block-causal"};
  Counter numFewerTiles{"permute-tokens", "num-forwards-sorted-for-tiles"};
  Counter numRefused{"permute-tokens", "num-masks-refused"};

  void runOnOperation() override {
    DecoderOp decoder = getOperation();
    labels =
        decoder.walk([](Operation *op) { return labelsGivenBy(op) ? WalkResult::interrupt() : WalkResult::advance(); })
            .wasInterrupted();
    if (decoder->getParentOp() && decoder->getParentOp()->hasAttr(module_attr::inexact)) {
      remark::missed(decoder.getLoc(), remarkOn<PermuteTokens>("Sort")) << "the program is approximate";
      return;
    }
    if (givesPositions(decoder)) {
      remark::missed(decoder.getLoc(), remarkOn<PermuteTokens>("Sort")) << "the program says where its tokens stand";
      return;
    }
    bool changed = false;
    for (CallGroup &group : collectGroups(decoder))
      if (std::optional<SortPlan> plan = findPlan(group)) {
        sort(decoder, group, *plan);
        changed = true;
      }
    if (changed)
      eraseDead(decoder);
  }

private:
  std::vector<CallGroup> collectGroups(DecoderOp decoder);
  std::optional<SortPlan> findPlan(const CallGroup &group);
  std::string refusal(const CallGroup &group, const OrderKey &key, bool groups);
  std::optional<SortPlan> findGroups(const CallGroup &group);
  std::optional<SortPlan> findFewerTiles(const CallGroup &group);
  void sort(DecoderOp decoder, CallGroup &group, const SortPlan &plan);
  static void eraseDead(DecoderOp decoder);

  bool labels = false;
};
} // namespace

std::vector<CallGroup> PermuteTokens::collectGroups(DecoderOp decoder) {
  llvm::MapVector<Value, CallGroup> cached;
  decoder.walk([&](ForwardCachedOp op) {
    CallGroup &group = cached[op.getCache()];
    group.cache = op.getCache();
    group.model = op.getModelAttr();
    group.calls.push_back(op);
  });
  std::vector<CallGroup> groups;
  for (auto &[cache, group] : cached)
    groups.push_back(std::move(group));
  // A commit's pass that is left stateless belongs to no cache and runs nothing.
  for (const CacheUses &uses : collectCacheUses(decoder)) {
    CallGroup group{{}, uses.model, {}};
    for (const CacheCall &call : uses.calls)
      if (isa<ForwardOp>(call.op))
        group.calls.push_back(call.op);
    if (!group.calls.empty())
      groups.push_back(std::move(group));
  }
  // What is sorted stays as it is.
  llvm::erase_if(groups, [](const CallGroup &group) {
    return llvm::any_of(group.calls,
                        [](Operation *call) { return sequenceOf(call).getDefiningOp<PermuteTokensOp>() != nullptr; });
  });
  return groups;
}

/// Why the calls cannot be sorted by `key` and keep what comes first; empty if they can.
std::string PermuteTokens::refusal(const CallGroup &group, const OrderKey &key, bool groups) {
  for (auto [i, call] : llvm::enumerate(group.calls)) {
    const BlockMask &mask = maskOf(call).getFormula();
    if (hasThenRows(call))
      return "the call has rows of its own behind the sequence";
    if (!(groups ? proveOrderedByKey(mask, key, labels) : proveCausalAfterSort(mask, key.by, labels)))
      return "mask " + textOf(mask) + " is not provably causal after a sort by " + nameOf(key).str();
    for (Operation *other : ArrayRef(group.calls).take_front(i))
      if (const BlockMask &before = maskOf(other).getFormula();
          !(before == mask) && !proveAgreeOnKnown(before, mask, labels))
        return "masks " + textOf(before) + " and " + textOf(mask) + " do not provably agree on known tokens";
  }
  return "";
}

/// The key by which the group's masks become causal. A mask that asks for none has nothing to gain.
std::optional<SortPlan> PermuteTokens::findPlan(const CallGroup &group) {
  if (Operation *beyond = findMeetingBeyondMasks(group.calls.front(), group.model)) {
    remark::missed(beyond->getLoc(), remarkOn<PermuteTokens>("Model"))
        << "its rows may depend on the order of all others, whatever masks say";
    return std::nullopt;
  }
  // Rows of columns stand in the order of slots, and nobody sorts them.
  auto hasColumns = [](Operation *op) {
    auto cached = dyn_cast<ForwardCachedOp>(op);
    return !(cached ? cached.getColumns() : cast<ForwardOp>(op).getColumns()).empty() ||
           !(cached ? cached.getOutputs() : cast<ForwardOp>(op).getOutputs()).empty();
  };
  if (llvm::any_of(group.calls, hasColumns)) {
    remark::missed(group.calls.front()->getLoc(), remarkOn<PermuteTokens>("Columns"))
        << "the call takes or gives rows besides tokens, which stand in the order of slots";
    return std::nullopt;
  }
  auto asks = [&](MaskTerm query, MaskTerm key) {
    return llvm::any_of(group.calls, [&](Operation *op) {
      const BlockMask &mask = maskOf(op).getFormula();
      return mask.uses(query) || mask.uses(key);
    });
  };
  std::string why;
  for (SortKey by : {SortKey::Open, SortKey::Label}) {
    if (by == SortKey::Open ? !asks(MaskTerm::QueryOpen, MaskTerm::KeyOpen)
                            : !labels || !asks(MaskTerm::QueryLabel, MaskTerm::KeyLabel))
      continue;
    why = refusal(group, {by, {}}, /*groups=*/false);
    if (why.empty())
      return SortPlan{{by, {}}, false, true, "known tokens behind open ones keep their keys"};
  }
  if (std::optional<SortPlan> plan = findGroups(group))
    return plan;
  if (!group.cache)
    if (std::optional<SortPlan> plan = findFewerTiles(group))
      return plan;
  if (why.empty()) {
    // Nothing to sort by. A mask that is causal already needs no sort; any other stays a mask.
    for (Operation *call : group.calls)
      if (const BlockMask &mask = maskOf(call).getFormula(); !(mask == BlockMask::causal()))
        why = "mask " + textOf(mask) + " compares no run-time property of tokens, no sort makes it causal";
    if (why.empty())
      return std::nullopt;
  }
  ++numRefused;
  remark::missed(group.calls.front()->getLoc(), remarkOn<PermuteTokens>("Sort")) << why;
  return std::nullopt;
}

namespace {
/// A function of the position, over some positions. Only the choice depends on it.
struct KeyCandidate {
  NamedKey key;
  bool ascends = true;
  size_t groups;

  explicit KeyCandidate(NamedKey k) : key(std::move(k)) {
    std::set<int64_t> seen;
    for (int64_t p = 0, last = INT64_MIN; p < 4096; ++p) {
      int64_t now = positionKey(key.map, p);
      ascends &= now >= last;
      last = now;
      seen.insert(now);
    }
    groups = seen.size();
  }
};
} // namespace

/// The key of the smallest groups that make the masks block-causal. If it is the order of positions, there is nothing
/// to sort.
std::optional<SortPlan> PermuteTokens::findGroups(const CallGroup &group) {
  auto plan = [](SortKey by, const NamedKey &key) {
    return SortPlan{{by, key.map}, true, true, "groups of one " + key.name + " are kept as they are known"};
  };
  auto proven = [&](SortKey by, AffineMap map) { return refusal(group, {by, map}, /*groups=*/true).empty(); };
  if (labels && !keepsAnything(group) && proven(SortKey::Label, {}))
    return plan(SortKey::Label, {"label", {}});
  std::vector<KeyCandidate> candidates;
  candidates.push_back(KeyCandidate({"position", AffineMap::get(1, 0, getAffineDimExpr(0, &getContext()))}));
  for (Operation *call : group.calls)
    for (NamedKey &key : proposePositionKeys(getContext(), maskOf(call).getFormula()))
      candidates.push_back(KeyCandidate(std::move(key)));
  if (llvm::all_of(candidates, [](const KeyCandidate &c) { return c.ascends; }))
    return std::nullopt;
  // Smallest groups first, then the order of positions, then as proposed.
  SmallVector<const KeyCandidate *> best;
  for (const KeyCandidate &c : candidates)
    best.push_back(&c);
  llvm::sort(best, [](const KeyCandidate *a, const KeyCandidate *b) {
    auto rank = [](const KeyCandidate *c) { return std::tuple(-static_cast<int64_t>(c->groups), !c->ascends, c); };
    return rank(a) < rank(b);
  });
  for (const KeyCandidate *c : best)
    if (proven(SortKey::Position, c->key.map))
      return c->ascends ? std::nullopt : std::optional(plan(SortKey::Position, c->key));
  return std::nullopt;
}

/// A key that lowers the number of tiles which stateless calls visit, over a sample of what may come.
std::optional<SortPlan> PermuteTokens::findFewerTiles(const CallGroup &group) {
  constexpr size_t size = 1024;
  std::vector<MaskToken> tokens(size);
  for (auto [i, t] : llvm::enumerate(tokens)) {
    auto mixed = static_cast<uint32_t>(i) * 2654435761u; // open bits and labels that follow no pattern
    t.position = t.slot = static_cast<int64_t>(i);
    t.open = mixed >> 31;
    t.label = labels ? mixed >> 28 & 7 : 0;
  }
  std::optional<OrderChoice> best;
  for (Operation *call : group.calls) {
    const BlockMask &mask = maskOf(call).getFormula();
    if (!isa<ForwardOp>(call) || hasThenRows(call) || !isSortable(mask))
      return std::nullopt;
    OrderChoice choice = chooseOrder(getContext(), mask, tokens, {}, {64, /*data=*/false});
    // Calls of one group are sorted alike, so each of them must agree.
    if (choice.by == SortedBy::Nothing || (best && (choice.by != best->by || choice.map != best->map)))
      return std::nullopt;
    best = std::move(choice);
  }
  if (!best)
    return std::nullopt;
  OrderKey key{best->by == SortedBy::Open    ? SortKey::Open
               : best->by == SortedBy::Label ? SortKey::Label
                                             : SortKey::Position,
               best->map};
  return SortPlan{key, false, false,
                  "sorted by " + best->name + " " + std::to_string(size) + " tokens visit " +
                      std::to_string(best->visitedAfter) + " tiles instead of " + std::to_string(best->visitedBefore)};
}

void PermuteTokens::sort(DecoderOp decoder, CallGroup &group, const SortPlan &plan) {
  if (plan.cached && !group.cache) {
    int64_t number = 0;
    decoder.walk([&](CacheOp op) { number = std::max(number, static_cast<int64_t>(op.getNumber()) + 1); });
    OpBuilder entry = OpBuilder::atBlockBegin(&decoder.getBody().front());
    group.cache = CacheOp::create(entry, decoder.getLoc(), entry.getI64IntegerAttr(number), group.model);
  }
  // Pages of another run may end inside a group.
  if (plan.groups)
    group.cache.getDefiningOp<CacheOp>().setShared(false);
  llvm::SmallDenseMap<Attribute, MaskAttr> masks;
  for (Operation *op : group.calls) {
    MaskAttr mask = maskOf(op);
    auto [it, isNew] = masks.try_emplace(mask);
    if (isNew) {
      bool full = plan.cached && !plan.groups && proveSeesAllBeforeAfterSort(mask.getFormula(), plan.key.by, labels);
      it->second = full ? MaskAttr::get(op->getContext(), causalBySlot()) : mask;
      std::string text = "mask " + textOf(mask.getFormula());
      if (plan.cached) {
        withdrawNote(decoder, mask);
        ++(plan.groups ? numGroups : numMasks);
        text += std::string(plan.groups ? " is block-causal" : " is causal") + " once tokens are sorted by " +
                nameOf(plan.key).str();
      }
      text += ": " + plan.why;
      remark::passed(op->getLoc(), remarkOn<PermuteTokens>("Sort")) << text;
    }
    ImplicitLocOpBuilder b(op->getLoc(), op);
    Value sequence, to, read;
    bool pass = false;
    if (auto cached = dyn_cast<ForwardCachedOp>(op)) {
      std::tie(sequence, to, read) = std::tuple(cached.getSequence(), cached.getTo(), cached.getRead());
      pass = cached.getPass();
    } else {
      auto forward = cast<ForwardOp>(op);
      std::tie(sequence, to, read) = std::tuple(forward.getSequence(), forward.getTo(), forward.getRead());
    }
    Value all = read;
    if (!all) {
      Value zero = arith::ConstantIndexOp::create(b, 0);
      all = SpanOp::create(b, zero, zero);
    }
    auto map = plan.key.by == SortKey::Position ? AffineMapAttr::get(plan.key.map) : AffineMapAttr();
    auto sorted = PermuteTokensOp::create(b, sequence, to, plan.key.by, map, plan.groups, all);
    Value slots = read ? Value(sorted.getSlots()) : Value(), logits;
    if (plan.cached) {
      // What a commit adds runs, even if the cache has it, as it does without a sort.
      Value limit = sorted.getKnown();
      if (pass)
        limit = arith::MinSIOp::create(b, limit, CommittedOp::create(b, sequence));
      Value from = ReuseOp::create(b, group.cache, sorted.getResult(), to, Value(), Value(), Value(), ValueRange(),
                                   slots, limit);
      logits = ForwardCachedOp::create(b, b.getType<LogitsType>(), TypeRange(), group.cache, from, sorted.getKnown(),
                                       group.model, sorted.getResult(), to, Value(), Value(), Value(), ValueRange(),
                                       slots, it->second, ValueRange(), pass ? b.getUnitAttr() : UnitAttr())
                   .getLogits();
    } else {
      logits = ForwardOp::create(b, b.getType<LogitsType>(), TypeRange(), group.model, sorted.getResult(), to, Value(),
                                 Value(), Value(), ValueRange(), slots, it->second, ValueRange())
                   .getLogits();
      ++numFewerTiles;
    }
    op->getResult(0).replaceAllUsesWith(logits);
    op->erase();
    ++numSorted;
  }
}

/// What only the unsorted calls needed goes.
void PermuteTokens::eraseDead(DecoderOp decoder) {
  SmallVector<Operation *> ops;
  decoder.walk([&](Operation *op) {
    if (op != decoder.getOperation())
      ops.push_back(op);
  });
  for (Operation *op : llvm::reverse(ops))
    if (op->getNumRegions() == 0 && isOpTriviallyDead(op))
      op->erase();
}
