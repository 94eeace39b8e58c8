//===- MaskOrder.cpp - proofs about sorted tokens ----------------------------===//

#include "passes/MaskOrder.h"
#include "passes/MaskCases.h"
#include <functional>

using namespace mlir;
using namespace quoin;
using MaskTerm = BlockMask::Op;

static constexpr unsigned mostOrderCases = 512;

namespace {
/// A question about a query and a key of one call, whose slots nobody asks for.
struct Pair {
  int64_t budget = 8 * int64_t(mostOrderCases);
  MaskQuestion question{mostOrderCases, budget};
  MaskInstance instance;

  explicit Pair(bool labels) {
    instance.queryPosition = fresh();
    instance.keyPosition = fresh();
    instance.queryOpen = fresh();
    instance.keyOpen = fresh();
    for (const LinearForm &position : {instance.queryPosition, instance.keyPosition})
      question.requireLe(LinearForm(0), position);
    for (const LinearForm &open : {instance.queryOpen, instance.keyOpen}) {
      question.requireLe(LinearForm(0), open);
      question.requireLe(open, LinearForm(1));
    }
    if (labels) {
      instance.queryLabel = fresh();
      instance.keyLabel = fresh();
    }
  }
  LinearForm fresh() { return LinearForm::variable(question.addVariable()); }
  LinearForm keyOf(SortKey key, bool query) const {
    if (key == SortKey::Open)
      return query ? instance.queryOpen : instance.keyOpen;
    return query ? instance.queryLabel : instance.keyLabel;
  }
  /// Is there no pair for which the mask holds (or fails)?
  bool isNone(const BlockMask &mask, bool holds) {
    instance.mask = &mask;
    question.require(instance, holds);
    return question.solve() == MaskQuestion::Answer::None;
  }
};
} // namespace

bool quoin::isSortable(const BlockMask &mask) {
  return mask.symbols().empty() && mask.arrays().empty() && !mask.uses(MaskTerm::QuerySlot) &&
         !mask.uses(MaskTerm::KeySlot);
}

bool quoin::proveCausalAfterSort(const BlockMask &mask, SortKey key, bool labels) {
  if (!isSortable(mask))
    return false;
  // A key behind the query: one with a greater key, or with the same and a greater position.
  for (bool sameKey : {false, true}) {
    Pair pair(labels);
    LinearForm q = pair.keyOf(key, true), k = pair.keyOf(key, false);
    pair.question.requireLe(q, k, sameKey ? 0 : 1);
    if (sameKey) {
      pair.question.requireLe(k, q);
      pair.question.requireLe(pair.instance.queryPosition, pair.instance.keyPosition, 1);
    }
    if (!pair.isNone(mask, true))
      return false;
  }
  return true;
}

/// The formula `map(k) gt map(q)`.
static BlockMask hasGreaterKey(AffineMap map) {
  std::vector<BlockMask::Node> nodes;
  auto add = [&](BlockMask::Node n) {
    nodes.push_back(n);
    return static_cast<int32_t>(nodes.size()) - 1;
  };
  std::function<int32_t(AffineExpr, MaskTerm)> emit = [&](AffineExpr e, MaskTerm position) {
    if (auto constant = dyn_cast<AffineConstantExpr>(e))
      return add({MaskTerm::Constant, constant.getValue()});
    auto binary = dyn_cast<AffineBinaryOpExpr>(e);
    if (!binary)
      return add({position});
    int32_t a = emit(binary.getLHS(), position);
    if (e.getKind() == AffineExprKind::Add)
      return add({MaskTerm::Add, 0, a, emit(binary.getRHS(), position)});
    int64_t by = cast<AffineConstantExpr>(binary.getRHS()).getValue();
    switch (e.getKind()) {
    case AffineExprKind::Mul:
      return add({MaskTerm::Mul, by, a});
    case AffineExprKind::FloorDiv:
      return add({MaskTerm::FloorDiv, by, a});
    case AffineExprKind::CeilDiv:
      return add({MaskTerm::FloorDiv, by, add({MaskTerm::Add, 0, a, add({MaskTerm::Constant, by - 1})})});
    default:
      return add({MaskTerm::Mod, by, a});
    }
  };
  int32_t k = emit(map.getResult(0), MaskTerm::KeyPosition), q = emit(map.getResult(0), MaskTerm::QueryPosition);
  add({MaskTerm::Gt, 0, k, q});
  return BlockMask(std::move(nodes), {});
}

bool quoin::proveOrderedByKey(const BlockMask &mask, const OrderKey &key, bool labels) {
  if (!isSortable(mask))
    return false;
  Pair pair(labels);
  BlockMask greater;
  if (key.by == SortKey::Position) {
    greater = hasGreaterKey(key.map);
    pair.instance.mask = &greater;
    pair.question.require(pair.instance, true);
  } else {
    pair.question.requireLe(pair.keyOf(key.by, true), pair.keyOf(key.by, false), 1);
  }
  return pair.isNone(mask, true);
}

bool quoin::proveSeesAllBeforeAfterSort(const BlockMask &mask, SortKey key, bool labels) {
  if (!isSortable(mask))
    return false;
  for (bool sameKey : {false, true}) {
    Pair pair(labels);
    LinearForm q = pair.keyOf(key, true), k = pair.keyOf(key, false);
    pair.question.requireLe(k, q, sameKey ? 0 : 1);
    if (sameKey) {
      pair.question.requireLe(q, k);
      pair.question.requireLe(pair.instance.keyPosition, pair.instance.queryPosition);
    }
    if (!pair.isNone(mask, false))
      return false;
  }
  return true;
}

bool quoin::proveAgreeOnKnown(const BlockMask &a, const BlockMask &b, bool labels) {
  if (!isSortable(a) || !isSortable(b))
    return false;
  for (bool first : {false, true}) {
    Pair pair(labels);
    pair.instance.queryOpen = pair.instance.keyOpen = LinearForm(0);
    pair.instance.mask = &a;
    pair.question.require(pair.instance, first);
    if (!pair.isNone(b, !first))
      return false;
  }
  return true;
}
