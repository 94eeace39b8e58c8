//===- PermuteTokens.cpp - tokens in the order that suits their mask ---------===//
//
// Calls of decoders, whose tokens are known only at run time:
//
//   1. Calls on one cache are taken together; so are stateless calls on one sequence, which got no cache because no cut
//      was provable in the order of positions.
//   2. For each key that their masks ask for, it is proven that a stable sort by it makes every mask causal and that
//   the
//      masks agree on known tokens (MaskOrder.h).
//   3. Each call then runs over sorted tokens: what the cache has as the leading slots is taken, all known slots are
//   kept.
//      A mask that sees everything up to its own slot becomes just that.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/CacheUses.h"
#include "passes/Counters.h"
#include "passes/MaskOrder.h"
#include "passes/Passes.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace quoin;
using MaskTerm = BlockMask::Op;

namespace quoin {
#define GEN_PASS_DEF_PERMUTETOKENSPASS
#include "passes/Passes.h.inc"
} // namespace quoin

static remark::RemarkOpts remarkOn(StringRef name) {
  return remark::RemarkOpts::name(name).category("quoin-permute-tokens");
}

static std::string textOf(const BlockMask &mask) {
  std::string text;
  llvm::raw_string_ostream os(text);
  mask.print(os);
  return text;
}

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

bool hasThenRows(Operation *op) {
  if (auto cached = dyn_cast<ForwardCachedOp>(op))
    return static_cast<bool>(cached.getIds());
  return static_cast<bool>(cast<ForwardOp>(op).getIds());
}

struct PermuteTokens : quoin::impl::PermuteTokensPassBase<PermuteTokens> {
  Counter numSorted{"permute-tokens", "num-forwards-sorted"};
  Counter numMasks{"permute-tokens", "num-masks-made-causal"};
  Counter numRefused{"permute-tokens", "num-masks-refused"};

  void runOnOperation() override {
    DecoderOp decoder = getOperation();
    labels = decoder.walk([](ExtendOp op) { return op.getLabel() ? WalkResult::interrupt() : WalkResult::advance(); })
                 .wasInterrupted();
    if (decoder->getParentOp() && decoder->getParentOp()->hasAttr(module_attr::inexact)) {
      remark::missed(decoder.getLoc(), remarkOn("Sort")) << "the program is approximate";
      return;
    }
    bool changed = false;
    for (CallGroup &group : collectGroups(decoder))
      if (std::optional<OrderKey> key = findKey(group)) {
        sort(decoder, group, *key);
        changed = true;
      }
    if (changed)
      eraseDead(decoder);
  }

private:
  std::vector<CallGroup> collectGroups(DecoderOp decoder);
  std::optional<OrderKey> findKey(const CallGroup &group);
  std::string refusal(const CallGroup &group, OrderKey key);
  void sort(DecoderOp decoder, CallGroup &group, OrderKey key);
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
  return groups;
}

/// Why the calls cannot be sorted by `key`; empty if they can.
std::string PermuteTokens::refusal(const CallGroup &group, OrderKey key) {
  for (auto [i, call] : llvm::enumerate(group.calls)) {
    const BlockMask &mask = maskOf(call).getFormula();
    if (hasThenRows(call))
      return "the call has rows of its own behind the sequence";
    if (!proveCausalAfterSort(mask, key, labels))
      return "mask " + textOf(mask) + " is not provably causal after a sort by " +
             (key == OrderKey::Open ? "open" : "label");
    for (Operation *other : ArrayRef(group.calls).take_front(i))
      if (const BlockMask &before = maskOf(other).getFormula();
          !(before == mask) && !proveAgreeOnKnown(before, mask, labels))
        return "masks " + textOf(before) + " and " + textOf(mask) + " do not provably agree on known tokens";
  }
  return "";
}

/// The key by which the group's masks become causal. A mask that asks for none has nothing to gain.
std::optional<OrderKey> PermuteTokens::findKey(const CallGroup &group) {
  auto asks = [&](MaskTerm query, MaskTerm key) {
    return llvm::any_of(group.calls, [&](Operation *op) {
      const BlockMask &mask = maskOf(op).getFormula();
      return mask.uses(query) || mask.uses(key);
    });
  };
  std::string why;
  for (OrderKey key : {OrderKey::Open, OrderKey::Label}) {
    if (key == OrderKey::Open ? !asks(MaskTerm::QueryOpen, MaskTerm::KeyOpen)
                              : !labels || !asks(MaskTerm::QueryLabel, MaskTerm::KeyLabel))
      continue;
    why = refusal(group, key);
    if (why.empty())
      return key;
  }
  if (why.empty()) {
    // Nothing to sort by. A mask that is causal already needs no sort; any other stays a mask.
    for (Operation *call : group.calls)
      if (const BlockMask &mask = maskOf(call).getFormula(); !(mask == BlockMask::causal()))
        why = "mask " + textOf(mask) + " compares no run-time property of tokens, no sort makes it causal";
    if (why.empty())
      return std::nullopt;
  }
  ++numRefused;
  remark::missed(group.calls.front()->getLoc(), remarkOn("Sort")) << why;
  return std::nullopt;
}

void PermuteTokens::sort(DecoderOp decoder, CallGroup &group, OrderKey key) {
  StringRef word = key == OrderKey::Open ? "open" : "label";
  if (!group.cache) {
    int64_t number = 0;
    decoder.walk([&](CacheOp op) { number = std::max(number, static_cast<int64_t>(op.getNumber()) + 1); });
    OpBuilder entry = OpBuilder::atBlockBegin(&decoder.getBody().front());
    group.cache = CacheOp::create(entry, decoder.getLoc(), entry.getI64IntegerAttr(number), group.model);
  }
  llvm::SmallDenseMap<Attribute, MaskAttr> masks;
  for (Operation *op : group.calls) {
    MaskAttr mask = maskOf(op);
    auto [it, isNew] = masks.try_emplace(mask);
    if (isNew) {
      it->second = proveSeesAllBeforeAfterSort(mask.getFormula(), key, labels)
                       ? MaskAttr::get(op->getContext(), causalBySlot())
                       : mask;
      ++numMasks;
      std::string text = "mask " + textOf(mask.getFormula()) + " is causal once tokens are sorted by " + word.str() +
                         ": known tokens behind open ones keep their keys";
      remark::passed(op->getLoc(), remarkOn("Sort")) << text;
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
    auto sorted = PermuteTokensOp::create(b, sequence, to, key == OrderKey::Open ? SortKey::Open : SortKey::Label, all);
    Value slots = read ? Value(sorted.getSlots()) : Value();
    Value from =
        ReuseOp::create(b, group.cache, sorted.getResult(), to, Value(), Value(), Value(), slots, sorted.getKnown());
    auto call =
        ForwardCachedOp::create(b, group.cache, from, sorted.getKnown(), group.model, sorted.getResult(), to, Value(),
                                Value(), Value(), slots, it->second, ValueRange(), pass ? b.getUnitAttr() : UnitAttr());
    op->getResult(0).replaceAllUsesWith(call.getLogits());
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
