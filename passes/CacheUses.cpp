//===- CacheUses.cpp - lineages of sequences, masks of their calls ---------===//

#include "passes/CacheUses.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/Matchers.h"
#include "passes/IndexFacts.h"

using namespace mlir;
using namespace quoin;

//===----------------------------------------------------------------------===//
// Lineages
//===----------------------------------------------------------------------===//

/// The value that a loop's or branch's value starts from, or null if it starts here.
static Value stepBack(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *parent = argument.getOwner()->getParentOp();
    unsigned number = argument.getArgNumber();
    if (auto loop = dyn_cast<scf::ForOp>(parent))
      return number == 0 ? Value() : loop.getInitArgs()[number - 1];
    if (auto loop = dyn_cast<scf::WhileOp>(parent))
      return argument.getOwner() == loop.getBeforeBody() ? loop.getInits()[number]
                                                         : loop.getConditionOp().getArgs()[number];
    if (auto denoise = dyn_cast<DenoiseOp>(parent))
      return number == 0 ? Value(denoise.getSequence()) : number == 1 ? Value() : denoise.getInits()[number - 2];
    return {};
  }
  auto result = cast<OpResult>(value);
  Operation *op = result.getOwner();
  unsigned number = result.getResultNumber();
  if (isa<ReopenOp>(op))
    return {};
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return branch.thenYield().getOperand(number);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return loop.getInitArgs()[number];
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return loop.getConditionOp().getArgs()[number];
  if (auto denoise = dyn_cast<DenoiseOp>(op))
    return number == 0 ? Value(denoise.getSequence()) : denoise.getInits()[number - 1];
  for (Value operand : op->getOperands())
    if (isa<SequenceType>(operand.getType()))
      return operand;
  return {};
}

static Value findRoot(Value sequence) {
  llvm::SmallDenseSet<Value> seen;
  while (seen.insert(sequence).second) {
    Value back = stepBack(sequence);
    if (!back)
      break;
    sequence = back;
  }
  return sequence;
}

bool quoin::isSameIndex(Value value, Value other) {
  if (value == other)
    return true;
  auto a = value.getDefiningOp<LengthOp>(), b = other.getDefiningOp<LengthOp>();
  if (a && b)
    return a.getSequence() == b.getSequence();
  APInt x, y;
  return matchPattern(value, m_ConstantInt(&x)) && matchPattern(other, m_ConstantInt(&y)) && x == y;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

namespace {
/// What both kinds of calls have.
struct CallParts {
  Value sequence, to, positions, labels;
  FlatSymbolRefAttr model;
  BlockMask mask;
  ValueRange symbols;
};
} // namespace

static std::optional<CallParts> partsOf(Operation *op) {
  if (auto call = dyn_cast<ForwardOp>(op))
    return CallParts{call.getSequence(), call.getTo(),        call.getPositions(),
                     call.getLabels(),   call.getModelAttr(), call.getMask().getFormula(),
                     call.getSymbols()};
  auto commit = dyn_cast<CommitOp>(op);
  if (!commit || !commit.getModelAttr())
    return std::nullopt;
  return CallParts{
      commit.getSequence(), commit.getTo(), Value(), Value(), commit.getModelAttr(), commit.getMaskAttr().getFormula(),
      commit.getSymbols()};
}

/// `then` rows that all have one label above 0, or whose others, behind them, all have a higher one.
static void findSnapshot(CacheCall &call) {
  auto forward = dyn_cast<ForwardOp>(call.op);
  Value labels = forward ? forward.getLabels() : Value();
  if (!labels)
    return;
  SmallVector<Value> parts = {labels};
  if (auto join = labels.getDefiningOp<tensor::ConcatOp>())
    parts = llvm::to_vector<2>(ValueRange(join.getInputs()));
  int64_t last = 0;
  for (auto [i, part] : llvm::enumerate(parts)) {
    auto splat = part.getDefiningOp<tensor::SplatOp>();
    APInt label;
    if (!splat || splat.getDynamicSizes().size() != 1 || !matchPattern(splat.getInput(), m_ConstantInt(&label)) ||
        label.getSExtValue() <= last) {
      // Rows behind the first ones that may not have a higher label: they are no call of their own.
      call.snapshot = Value();
      return;
    }
    last = label.getSExtValue();
    if (i > 0)
      continue;
    call.snapshotLabel = last;
    call.snapshot = splat.getDynamicSizes().front();
  }
}

/// Numbers the values that are the same at all calls: those of the decoder's own block, which runs once. Values that
/// dominate all calls come first, they may stand in the cut.
static void numberShared(DecoderOp decoder, CacheUses &cache) {
  DominanceInfo dominance(decoder);
  SmallVector<Value> elsewhere;
  for (const CacheCall &call : cache.calls)
    for (Value symbol : partsOf(call.op)->symbols) {
      if (symbol.getParentBlock() != &decoder.getBody().front() || llvm::is_contained(cache.shared, symbol) ||
          llvm::is_contained(elsewhere, symbol))
        continue;
      bool everywhere =
          llvm::all_of(cache.calls, [&](const CacheCall &c) { return dominance.properlyDominates(symbol, c.op); });
      (everywhere ? cache.shared : elsewhere).push_back(symbol);
    }
  cache.options.sharedInCut = static_cast<int>(cache.shared.size());
  cache.shared.append(elsewhere);
}

/// A label of more than 32 bits ends the run.
static std::pair<int64_t, int64_t> labelRange(IndexRange range) {
  int64_t low = std::max<int64_t>(range.low, INT32_MIN), high = std::min<int64_t>(range.high, INT32_MAX);
  return low <= high ? std::pair(low, high) : std::pair<int64_t, int64_t>(INT32_MIN, INT32_MAX);
}

/// The inputs of a concatenation, or the vector itself.
static SmallVector<Value> partsOfVector(Value vector) {
  if (auto join = vector.getDefiningOp<tensor::ConcatOp>())
    return llvm::to_vector(ValueRange(join.getInputs()));
  return {vector};
}

/// What is known of the `then` rows of a call: part by part, where its vectors are joined of parts of the same sizes.
static SmallVector<ThenRows> describeThen(IndexFacts &facts, const CallParts &call) {
  SmallVector<Value> positions = partsOfVector(call.positions), labels;
  if (call.labels)
    labels = partsOfVector(call.labels);
  auto sameSizes = [&] {
    return llvm::all_of(llvm::zip_equal(positions, labels),
                        [&](auto pair) { return facts.sizeOf(std::get<0>(pair)) == facts.sizeOf(std::get<1>(pair)); });
  };
  // One label holds for all parts; labels that are cut elsewhere make one part of everything.
  bool together = labels.size() > 1 && (labels.size() != positions.size() || !sameSizes());
  if (together) {
    positions = {call.positions};
    labels = {call.labels};
  }
  SmallVector<ThenRows> all;
  for (auto [i, part] : llvm::enumerate(positions)) {
    ThenRows rows;
    IndexForm zero;
    if (facts.sizeOf(part) == zero)
      continue;
    IndexForm to = facts.formOf(call.to);
    for (int64_t offset : {0, -1}) {
      IndexForm bound = to;
      bound.constant += offset;
      if (!rows.above && facts.isAtLeast(part, bound))
        rows.above = offset;
    }
    IndexRange label = {0, 0};
    if (!labels.empty())
      label = facts.rangeOf(labels[labels.size() == 1 ? 0 : i]);
    std::tie(rows.lowLabel, rows.highLabel) = labelRange(label);
    if (!llvm::is_contained(all, rows))
      all.push_back(rows);
  }
  return all;
}

static void addUse(CacheUses &cache, CacheCall &call, IndexFacts &facts) {
  CallParts parts = *partsOf(call.op);
  MaskUse use{parts.mask, {}, {}};
  for (Value symbol : parts.symbols) {
    auto *it = llvm::find(cache.shared, symbol);
    use.shared.push_back(it == cache.shared.end() ? -1 : static_cast<int>(it - cache.shared.begin()));
  }
  auto *same =
      llvm::find_if(cache.uses, [&](const MaskUse &u) { return u.mask == use.mask && u.shared == use.shared; });
  call.use = static_cast<unsigned>(same - cache.uses.begin());
  if (same == cache.uses.end()) {
    cache.uses.push_back(use);
    same = &cache.uses.back();
    same->isEnd.assign(parts.symbols.size(), true);
  }
  for (auto [i, symbol] : llvm::enumerate(parts.symbols))
    same->isEnd[i] = same->isEnd[i] && isSameIndex(symbol, parts.to);
  if (!parts.positions)
    return;
  for (const ThenRows &rows : describeThen(facts, parts))
    if (!llvm::is_contained(same->then, rows))
      same->then.push_back(rows);
}

Operation *quoin::findMeetingBeyondMasks(Operation *from, FlatSymbolRefAttr model) {
  auto body = SymbolTable::lookupNearestSymbolFrom<ModelOp>(from, model);
  for (ModelOpInterface op : body.getBody().getOps<ModelOpInterface>())
    switch (op.getRelation()) {
    case RowRelation::RowByRow:
    case RowRelation::Selection:
    case RowRelation::CallMask:
      continue;
    case RowRelation::Before:
    case RowRelation::Seen:
    case RowRelation::Everything:
      return op;
    }
  return nullptr;
}

Operation *quoin::findRecurrence(Operation *from, FlatSymbolRefAttr model) {
  auto body = SymbolTable::lookupNearestSymbolFrom<ModelOp>(from, model);
  Operation *first = nullptr;
  for (ModelOpInterface op : body.getBody().getOps<ModelOpInterface>()) {
    if (op.getRelation() == RowRelation::Everything)
      return nullptr;
    if ((op.getRelation() == RowRelation::Before || op.getRelation() == RowRelation::Seen) && !first)
      first = op;
  }
  return first;
}

bool quoin::goesOnFromSeen(Operation *from, FlatSymbolRefAttr model) {
  auto body = SymbolTable::lookupNearestSymbolFrom<ModelOp>(from, model);
  return llvm::any_of(body.getBody().getOps<ModelOpInterface>(),
                      [](ModelOpInterface op) { return op.getRelation() == RowRelation::Seen; });
}

/// What a call gives once for all slots.
static SmallVector<Value> columnsOfSequence(Operation *op) {
  SmallVector<Value> once;
  auto call = dyn_cast<ForwardOp>(op);
  if (!call)
    return once;
  auto model = SymbolTable::lookupNearestSymbolFrom<ModelOp>(op, call.getModelAttr());
  for (auto [column, value] : llvm::zip_equal(model.getColumns(), call.getColumns()))
    if (model.isOfSequence(column))
      once.push_back(value);
  return once;
}

std::vector<CacheUses> quoin::collectCacheUses(DecoderOp decoder) {
  std::vector<CacheUses> caches;
  IndexFacts facts(decoder);
  MaskFactsOptions options;
  options.sequencePositions = givesPositions(decoder);
  decoder.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (Value labels = labelsGivenBy(op)) {
      // Prompts have label 0, and so has what is added without one.
      auto [low, high] = labelRange(facts.rangeOf(labels));
      options.sequenceLabels = true;
      options.lowLabel = std::min(options.lowLabel, low);
      options.highLabel = std::max(options.highLabel, high);
    }
    std::optional<CallParts> parts = partsOf(op);
    if (!parts)
      return;
    Value root = findRoot(parts->sequence);
    // A column that holds for all slots is another cache's where it is another value: else each call would undo the
    // other's.
    SmallVector<Value> once = columnsOfSequence(op);
    auto cache = llvm::find_if(
        caches, [&](const CacheUses &c) { return c.root == root && c.model == parts->model && c.once == once; });
    if (cache == caches.end()) {
      caches.push_back({root, parts->model, {}, {}, {}, {}, {}});
      caches.back().once = once;
      cache = std::prev(caches.end());
    }
    CacheCall call;
    call.op = op;
    cache->calls.push_back(call);
  });
  for (CacheUses &cache : caches) {
    cache.options = options;
    numberShared(decoder, cache);
    for (CacheCall &call : cache.calls)
      addUse(cache, call, facts), findSnapshot(call);
  }
  return caches;
}
