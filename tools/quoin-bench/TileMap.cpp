//===- TileMap.cpp - how many tiles a mask leaves to visit -----------------===//

#include "tools/quoin-bench/TileMap.h"
#include <algorithm>

using namespace quoin;
using namespace quoin::bench;

namespace {
constexpr int64_t tileSize = 64;

struct Counter {
  const BlockMask &mask;
  llvm::ArrayRef<int64_t> symbols;
  llvm::ArrayRef<int32_t> labels;

  int64_t label(int64_t i) const { return labels.empty() ? 0 : labels[static_cast<size_t>(i)]; }

  MaskBox box(int64_t from, int64_t to) const {
    Interval index{from, to - 1}, seen{label(from), label(from)};
    for (int64_t i = from; i < to; ++i)
      seen = {std::min(seen.low, label(i)), std::max(seen.high, label(i))};
    return {index, index, {0, 0}, seen};
  }

  bool see(int64_t q, int64_t k) const { return mask.see({q, q, 0, label(q)}, {k, k, 0, label(k)}, symbols); }

  /// Looks until a pair that sees and one that does not are found.
  Tile exact(int64_t q0, int64_t q1, int64_t k0, int64_t k1) const {
    bool some = false, all = true;
    for (int64_t q = q0; q < q1; ++q)
      for (int64_t k = k0; k < k1; ++k) {
        bool s = see(q, k);
        some |= s;
        all &= s;
        if (some && !all)
          return Tile::Partial;
      }
    return all ? Tile::Full : Tile::Empty;
  }
};
} // namespace

TileCounts quoin::bench::countTiles(const BlockMask &mask, int64_t length, llvm::ArrayRef<int64_t> symbols,
                                    llvm::ArrayRef<int32_t> labels) {
  Counter counter{mask, symbols, labels};
  TileCounts counts;
  std::vector<MaskBox> boxes;
  for (int64_t from = 0; from < length; from += tileSize)
    boxes.push_back(counter.box(from, std::min(from + tileSize, length)));
  for (const MaskBox &q : boxes)
    for (const MaskBox &k : boxes) {
      Tile tile = mask.classify(q, k, symbols);
      if (tile == Tile::Partial)
        tile = counter.exact(q.slot.low, q.slot.high + 1, k.slot.low, k.slot.high + 1);
      ++(tile == Tile::Empty ? counts.empty : tile == Tile::Partial ? counts.partial : counts.full);
      if (tile != Tile::Empty)
        counts.visitedPairs += (q.slot.high - q.slot.low + 1) * (k.slot.high - k.slot.low + 1);
    }
  return counts;
}
