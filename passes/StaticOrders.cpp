//===- StaticOrders.cpp - proposals of orders, judged by their tiles ----------===//

#include "passes/StaticOrders.h"
#include "llvm/ADT/STLExtras.h"
#include <set>

using namespace quoin;
using Op = BlockMask::Op;

namespace {
struct Proposal {
  std::string name;
  std::vector<int64_t> keys;
};
} // namespace

static int64_t visited(const BlockMask &mask, llvm::ArrayRef<MaskToken> tokens, llvm::ArrayRef<int64_t> symbols,
                       int64_t tile) {
  TileMap map(mask, tokens, tokens, symbols, tile);
  return map.rows() * map.columns() - map.count(Tile::Empty);
}

/// Keys that the rows' own sight suggests: the first key seen, and how many are.
static void proposeBySight(const BlockMask &mask, llvm::ArrayRef<MaskToken> tokens, llvm::ArrayRef<int64_t> symbols,
                           std::vector<Proposal> &out) {
  auto size = static_cast<int64_t>(tokens.size());
  Proposal first{"first key seen", {}}, many{"keys seen", {}};
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

static std::vector<Proposal> propose(const BlockMask &mask, llvm::ArrayRef<MaskToken> tokens,
                                     llvm::ArrayRef<int64_t> symbols) {
  auto size = static_cast<int64_t>(tokens.size());
  std::vector<Proposal> r;
  for (const LabelArray &array : mask.arrays()) {
    Proposal p{"label " + array.name, {}};
    for (const MaskToken &t : tokens)
      p.keys.push_back(array.at(t.slot));
    r.push_back(std::move(p));
  }
  for (auto [name, property] : {std::pair("label", &MaskToken::label), std::pair("open", &MaskToken::open)}) {
    Proposal p{name, {}};
    for (const MaskToken &t : tokens)
      p.keys.push_back(t.*property);
    if (llvm::any_of(p.keys, [&](int64_t key) { return key != p.keys.front(); }))
      r.push_back(std::move(p));
  }
  std::set<int64_t> divisors;
  for (const BlockMask::Node &n : mask.nodes())
    if ((n.op == Op::FloorDiv || n.op == Op::Mod) && n.value > 1 && n.value < size)
      divisors.insert(n.value);
  for (int64_t width : divisors) {
    auto text = std::to_string(width);
    r.push_back({"wavefront " + text, wavefrontKeys(size, width)});
    for (int64_t part : divisors)
      if (part < width && width % part == 0) {
        r.push_back({"cells " + text + " by " + std::to_string(part), cellKeys(size, width, part)});
        r.push_back({"subsamples " + text + " by " + std::to_string(part), subsampleKeys(size, width, part)});
      }
  }
  proposeBySight(mask, tokens, symbols, r);
  return r;
}

OrderChoice quoin::chooseOrder(const BlockMask &mask, llvm::ArrayRef<MaskToken> tokens, llvm::ArrayRef<int64_t> symbols,
                               int64_t tile) {
  OrderChoice choice{TokenOrder::identity(static_cast<int64_t>(tokens.size())), "as written", 0, 0};
  choice.visitedBefore = choice.visitedAfter = visited(mask, tokens, symbols, tile);
  if (static_cast<int64_t>(tokens.size()) > mostTokensToOrder)
    return choice;
  int64_t most = choice.visitedBefore - (choice.visitedBefore + 9) / 10;
  std::set<std::vector<int64_t>> tried;
  for (Proposal &p : propose(mask, tokens, symbols)) {
    TokenOrder order = TokenOrder::sortedBy(p.keys);
    if (order.isIdentity() || !tried.insert(order.list().vec()).second)
      continue;
    int64_t after = visited(mask, order.apply(tokens), symbols, tile);
    if (after > most || after >= choice.visitedAfter)
      continue;
    choice.order = std::move(order);
    choice.name = std::move(p.name);
    choice.visitedAfter = after;
  }
  return choice;
}
