//===- StaticOrders.cpp - proposals of orders, judged by their tiles ----------===//

#include "passes/StaticOrders.h"
#include "llvm/ADT/STLExtras.h"
#include <set>

using namespace mlir;
using namespace quoin;
using MaskTerm = BlockMask::Op;

namespace {
struct Proposal {
  std::string name;
  SortedBy by;
  std::vector<int64_t> keys = {}; ///< of all tokens
  AffineMap map = {};
};
} // namespace

/// A node that depends on the position of one side alone.
static std::optional<AffineExpr> positionExpr(const BlockMask &mask, int32_t index, bool query, AffineExpr position) {
  const BlockMask::Node &n = mask.nodes()[static_cast<size_t>(index)];
  auto operand = [&](int32_t i) { return positionExpr(mask, i, query, position); };
  switch (n.op) {
  case MaskTerm::QueryPosition:
  case MaskTerm::QuerySlot:
    return query ? std::optional(position) : std::nullopt;
  case MaskTerm::KeyPosition:
  case MaskTerm::KeySlot:
    return query ? std::nullopt : std::optional(position);
  case MaskTerm::Constant:
    return getAffineConstantExpr(n.value, position.getContext());
  case MaskTerm::Add:
  case MaskTerm::Sub: {
    auto a = operand(n.lhs), b = operand(n.rhs);
    return a && b ? std::optional(n.op == MaskTerm::Add ? *a + *b : *a - *b) : std::nullopt;
  }
  case MaskTerm::Mul:
  case MaskTerm::FloorDiv:
  case MaskTerm::Mod: {
    auto a = operand(n.lhs);
    if (!a)
      return std::nullopt;
    return n.op == MaskTerm::Mul ? *a * n.value : n.op == MaskTerm::Mod ? *a % n.value : a->floorDiv(n.value);
  }
  default:
    return std::nullopt;
  }
}

/// Keys that the formula compares.
static void proposeOwnKeys(const BlockMask &mask, MLIRContext &context,
                           function_ref<void(std::string, AffineMap)> propose) {
  AffineExpr position = getAffineDimExpr(0, &context);
  for (const BlockMask::Node &n : mask.nodes()) {
    if (n.op < MaskTerm::Le || n.op > MaskTerm::Ne)
      continue;
    for (bool first : {false, true}) {
      auto a = positionExpr(mask, n.lhs, first, position), b = positionExpr(mask, n.rhs, !first, position);
      if (!a || !b || *a != *b || isa<AffineConstantExpr>(*a))
        continue;
      std::string name;
      llvm::raw_string_ostream os(name);
      a->print(os);
      // Printed as d0; the field says position.
      for (size_t at; (at = name.find("d0")) != std::string::npos;)
        name.replace(at, 2, "position");
      propose(name, AffineMap::get(1, 0, *a));
    }
  }
}

static void proposeGrids(const BlockMask &mask, MLIRContext &context,
                         function_ref<void(std::string, AffineMap)> propose) {
  std::set<int64_t> divisors;
  for (const BlockMask::Node &n : mask.nodes())
    if ((n.op == MaskTerm::FloorDiv || n.op == MaskTerm::Mod) && n.value > 1)
      divisors.insert(n.value);
  for (int64_t width : divisors) {
    auto text = std::to_string(width);
    propose("wavefront " + text, wavefrontKey(context, width));
    propose("position mod " + text, remainderKey(context, width));
    for (int64_t part : divisors)
      if (part < width && width % part == 0) {
        propose("cells " + text + " by " + std::to_string(part), cellKey(context, width, part));
        propose("subsamples " + text + " by " + std::to_string(part), subsampleKey(context, width, part));
      }
  }
}

/// Keys that the rows' own sight suggests: the first key seen, and how many are.
static void proposeBySight(const BlockMask &mask, ArrayRef<MaskToken> tokens, ArrayRef<int64_t> symbols,
                           std::vector<Proposal> &out) {
  auto size = static_cast<int64_t>(tokens.size());
  Proposal first{"first key seen", SortedBy::Data}, many{"keys seen", SortedBy::Data};
  for (const MaskToken &q : tokens) {
    int64_t lowest = size, count = 0;
    for (auto [k, token] : llvm::enumerate(tokens))
      if (mask.see(q, token, symbols)) {
        lowest = std::min(lowest, static_cast<int64_t>(k));
        ++count;
      }
    first.keys.push_back(lowest);
    many.keys.push_back(count);
  }
  out.push_back(std::move(first));
  out.push_back(std::move(many));
}

std::vector<NamedKey> quoin::proposePositionKeys(MLIRContext &context, const BlockMask &mask) {
  std::vector<NamedKey> keys;
  auto propose = [&](std::string name, AffineMap map) {
    auto known = llvm::find_if(keys, [&](const NamedKey &k) { return k.map == map; });
    if (known == keys.end())
      keys.push_back({std::move(name), map});
    else
      known->name = std::move(name); // a grid's is shorter than a formula
  };
  proposeOwnKeys(mask, context, propose);
  proposeGrids(mask, context, propose);
  return keys;
}

static std::vector<Proposal> propose(MLIRContext &context, const BlockMask &mask, ArrayRef<MaskToken> tokens,
                                     ArrayRef<int64_t> symbols, bool data) {
  std::vector<Proposal> r;
  auto add = [&](std::string name, SortedBy by, function_ref<int64_t(const MaskToken &)> keyOf, AffineMap map = {}) {
    Proposal p{std::move(name), by, {}, map};
    for (const MaskToken &t : tokens)
      p.keys.push_back(keyOf(t));
    if (!llvm::is_sorted(p.keys))
      r.push_back(std::move(p));
  };
  if (data)
    for (const LabelArray &array : mask.arrays())
      add("label " + array.name, SortedBy::Data, [&](const MaskToken &t) { return array.at(t.slot); });
  add("label", SortedBy::Label, [](const MaskToken &t) { return t.label; });
  add("open", SortedBy::Open, [](const MaskToken &t) { return t.open; });
  for (const NamedKey &key : proposePositionKeys(context, mask))
    add(key.name, SortedBy::Position, [&](const MaskToken &t) { return positionKey(key.map, t.position); }, key.map);
  if (data && static_cast<int64_t>(tokens.size()) <= mostTokensJudged)
    proposeBySight(mask, tokens, symbols, r);
  return r;
}

/// The tokens by which orders are judged, by their numbers.
static std::vector<int64_t> pickJudged(int64_t size) {
  constexpr int64_t run = 64, runs = mostTokensJudged / run;
  std::vector<int64_t> judged;
  if (size <= mostTokensJudged) {
    for (int64_t i = 0; i < size; ++i)
      judged.push_back(i);
    return judged;
  }
  for (int64_t r = 0; r < runs; ++r)
    for (int64_t i = 0; i < run; ++i)
      judged.push_back((size / run - 1) * r / (runs - 1) * run + i);
  return judged;
}

OrderChoice quoin::chooseOrder(MLIRContext &context, const BlockMask &mask, ArrayRef<MaskToken> tokens,
                               ArrayRef<int64_t> symbols, const OrderOptions &options) {
  std::vector<int64_t> judged = pickJudged(static_cast<int64_t>(tokens.size()));
  std::vector<MaskToken> some;
  for (int64_t i : judged)
    some.push_back(tokens[static_cast<size_t>(i)]);
  auto visited = [&](ArrayRef<MaskToken> in) {
    TileMap map(mask, in, in, symbols, options.tile);
    return map.rows() * map.columns() - map.count(Tile::Empty);
  };
  OrderChoice choice;
  choice.order = TokenOrder::identity(static_cast<int64_t>(tokens.size()));
  choice.name = "as written";
  choice.judged = static_cast<int64_t>(some.size());
  choice.visitedBefore = choice.visitedAfter = visited(some);
  int64_t most = choice.visitedBefore - (choice.visitedBefore + 9) / 10;
  std::set<std::vector<int64_t>> tried;
  for (Proposal &p : propose(context, mask, tokens, symbols, options.data)) {
    std::vector<int64_t> keys;
    for (int64_t i : judged)
      keys.push_back(p.keys[static_cast<size_t>(i)]);
    TokenOrder order = TokenOrder::sortedBy(keys);
    if (order.isIdentity() || !tried.insert(order.list().vec()).second)
      continue;
    int64_t after = visited(order.apply(ArrayRef(some)));
    if (after > most || after >= choice.visitedAfter)
      continue;
    choice.order = TokenOrder::sortedBy(p.keys);
    choice.name = std::move(p.name);
    choice.visitedAfter = after;
    choice.by = p.by;
    choice.map = p.map;
  }
  return choice;
}
