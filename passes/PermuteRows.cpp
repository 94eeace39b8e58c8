//===- PermuteRows.cpp - rows of attention in a better order -----------------===//
//
//   1. The order that visits fewest tiles is chosen (StaticOrders.h).
//   2. The formula is rewritten over sorted slots: the position of slot i becomes the i-th value of an array, label
//      arrays are sorted along. It is compared with the formula as it was, term by term: each asks of a slot what the
//      old one asks of the token that lies there.
//   3. `quoin.permute_rows` is put around the attention; where it meets its inverse, both go.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Counters.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "passes/StaticOrders.h"

using namespace mlir;
using namespace quoin;
using MaskTerm = BlockMask::Op;

namespace quoin {
#define GEN_PASS_DEF_PERMUTEROWSPASS
#include "passes/Passes.h.inc"
} // namespace quoin

static std::vector<MaskToken> tokensOf(int64_t count) {
  std::vector<MaskToken> tokens(static_cast<size_t>(count));
  for (auto [i, t] : llvm::enumerate(tokens))
    t.position = t.slot = static_cast<int64_t>(i);
  return tokens;
}

/// A name that no symbol or array of the mask has.
static std::string freshName(const BlockMask &mask) {
  std::string name = "at";
  auto taken = [&] {
    return llvm::is_contained(mask.symbols(), name) ||
           llvm::any_of(mask.arrays(), [&](const LabelArray &array) { return array.name == name; });
  };
  while (taken())
    name += "_";
  return name;
}

/// The mask over slots that hold the tokens in this order.
static BlockMask overSorted(const BlockMask &mask, const TokenOrder &order) {
  std::vector<LabelArray> arrays;
  for (const LabelArray &array : mask.arrays())
    arrays.push_back({array.name, order.apply(ArrayRef(array.values))});
  auto positions = static_cast<int64_t>(arrays.size());
  bool asked = false;
  std::vector<BlockMask::Node> nodes(mask.nodes().begin(), mask.nodes().end());
  for (BlockMask::Node &n : nodes) {
    bool query = n.op == MaskTerm::QueryPosition || n.op == MaskTerm::QuerySlot;
    if (!query && n.op != MaskTerm::KeyPosition && n.op != MaskTerm::KeySlot)
      continue;
    n = {query ? MaskTerm::QueryArray : MaskTerm::KeyArray, positions};
    asked = true;
  }
  if (asked)
    arrays.push_back({freshName(mask), order.list().vec()});
  return BlockMask(std::move(nodes), {}, std::move(arrays));
}

/// Positions and labels have travelled with their tokens: the formulas differ in terms alone, and each new term has at
/// each slot the value that the old one has for the token there. So they say the same of every pair.
static bool isSameAfter(const BlockMask &mask, const BlockMask &sorted, const TokenOrder &order) {
  return llvm::equal(mask.nodes(), sorted.nodes(), [&](const BlockMask::Node &before, const BlockMask::Node &after) {
    bool query = before.op == MaskTerm::QueryPosition || before.op == MaskTerm::QuerySlot;
    bool position = query || before.op == MaskTerm::KeyPosition || before.op == MaskTerm::KeySlot;
    bool label = before.op == MaskTerm::QueryArray || before.op == MaskTerm::KeyArray;
    if (!position && !label)
      return before == after;
    MaskTerm op = label ? before.op : query ? MaskTerm::QueryArray : MaskTerm::KeyArray;
    if (after.op != op)
      return false;
    const LabelArray &values = sorted.arrays()[static_cast<size_t>(after.value)];
    return llvm::all_of(llvm::enumerate(order.list()), [&, &before = before](auto slot) {
      int64_t token = slot.value(), was = label ? mask.arrays()[static_cast<size_t>(before.value)].at(token) : token;
      return values.at(static_cast<int64_t>(slot.index())) == was;
    });
  });
}

namespace {
struct PermuteRows : quoin::impl::PermuteRowsPassBase<PermuteRows> {
  Counter numPermuted{"permute-rows", "num-attentions-permuted"};
  Counter numBefore{"permute-rows", "num-tiles-visited-before"};
  Counter numAfter{"permute-rows", "num-tiles-visited-after"};
  Counter numFolded{"permute-rows", "num-permutations-folded"};

  void runOnOperation() override {
    SmallVector<BlockAttentionOp> attentions;
    getOperation().walk([&](BlockAttentionOp op) { attentions.push_back(op); });
    for (BlockAttentionOp op : attentions)
      permute(op);
    foldPairs();
  }

private:
  void permute(BlockAttentionOp op);
  void foldPairs();
};
} // namespace

/// Why no order can be chosen now; empty if one can.
static std::string refusal(BlockAttentionOp op) {
  int64_t queries = op.getQuery().getType().getDimSize(0), keys = op.getKey().getType().getDimSize(0);
  if (ShapedType::isDynamic(queries) || ShapedType::isDynamic(keys))
    return "the length is known at run time only";
  if (queries != keys || queries == 0)
    return "queries and keys are different tokens";
  if (op.getQueryOffsets())
    return "the lengths of its sequences are known at run time only";
  const BlockMask &mask = op.getMask().getFormula();
  if (!mask.symbols().empty() || op.getQueryLabels())
    return "symbols and labels of its mask are known at run time only";
  return "";
}

void PermuteRows::permute(BlockAttentionOp op) {
  std::string why = refusal(op);
  if (!why.empty()) {
    remark::missed(op.getLoc(), remarkOn<PermuteRows>("Order")) << why;
    return;
  }
  const BlockMask mask = op.getMask().getFormula();
  std::vector<MaskToken> tokens = tokensOf(op.getQuery().getType().getDimSize(0));
  OrderChoice choice = chooseOrder(*op.getContext(), mask, tokens, {});
  std::string counts =
      std::to_string(choice.visitedBefore) + " tiles visited before, " + std::to_string(choice.visitedAfter) + " after";
  if (choice.judged < choice.order.size())
    counts += " (of " + std::to_string(choice.judged) + " tokens)";
  if (choice.order.isIdentity()) {
    remark::missed(op.getLoc(), remarkOn<PermuteRows>("Order")) << "no order visits a tenth fewer tiles: " + counts;
    return;
  }
  BlockMask sorted = overSorted(mask, choice.order);
  std::vector<int32_t> labels;
  std::string error;
  if (!sorted.foldArrays(labels, error) || !isSameAfter(mask, sorted, choice.order)) {
    remark::missed(op.getLoc(), remarkOn<PermuteRows>("Order")) << "the mask cannot follow its tokens: " + error;
    return;
  }
  std::string text = "tokens sorted by " + choice.name + ": " + counts;
  remark::passed(op.getLoc(), remarkOn<PermuteRows>("Order")) << text;
  ++numPermuted;
  numBefore += choice.visitedBefore;
  numAfter += choice.visitedAfter;

  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto order = OrderAttr::get(op.getContext(), choice.order);
  auto inverse = OrderAttr::get(op.getContext(), choice.order.inverse());
  auto sort = [&](Value rows) -> Value { return PermuteRowsOp::create(b, rows, order); };
  op->setAttr("mask_as_written", op.getMaskAttr());
  op.setMaskAttr(MaskAttr::get(op.getContext(), std::move(sorted)));
  op.getQueryMutable().assign(sort(op.getQuery()));
  op.getKeyMutable().assign(sort(op.getKey()));
  op.getValueMutable().assign(sort(op.getValue()));
  b.setInsertionPointAfter(op);
  for (Value result : op->getResults()) {
    auto back = PermuteRowsOp::create(b, result, inverse);
    result.replaceAllUsesExcept(back.getOutput(), back);
  }
}

/// permute_rows(permute_rows(x, a), inverse of a) -> x
void PermuteRows::foldPairs() {
  SmallVector<PermuteRowsOp> ops;
  getOperation().walk([&](PermuteRowsOp op) { ops.push_back(op); });
  for (PermuteRowsOp op : ops) {
    auto before = op.getInput().getDefiningOp<PermuteRowsOp>();
    if (!before || !op.getOrder().getOrder().after(before.getOrder().getOrder()).isIdentity())
      continue;
    op.getOutput().replaceAllUsesWith(before.getInput());
    ++numFolded;
  }
  for (PermuteRowsOp op : llvm::reverse(ops))
    if (op.use_empty())
      op.erase();
}
