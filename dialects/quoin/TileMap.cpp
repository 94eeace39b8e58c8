//===- TileMap.cpp - exact classes of tiles --------------------------------===//

#include "dialects/quoin/TileMap.h"
#include <algorithm>

using namespace quoin;

static void widen(Interval &i, int64_t value) {
  i.low = std::min(i.low, value);
  i.high = std::max(i.high, value);
}

MaskBox quoin::boundingBox(llvm::ArrayRef<MaskToken> tokens) {
  const MaskToken &first = tokens.front();
  MaskBox box{
      {first.position, first.position}, {first.slot, first.slot}, {first.open, first.open}, {first.label, first.label}};
  for (const MaskToken &t : tokens) {
    widen(box.position, t.position);
    widen(box.slot, t.slot);
    widen(box.open, t.open);
    widen(box.label, t.label);
  }
  return box;
}

static Tile judgePairs(const BlockMask &mask, llvm::ArrayRef<MaskToken> queries, llvm::ArrayRef<MaskToken> keys,
                       llvm::ArrayRef<int64_t> values) {
  bool some = false, all = true;
  for (const MaskToken &q : queries)
    for (const MaskToken &k : keys) {
      bool seen = mask.see(q, k, values);
      some |= seen;
      all &= seen;
      if (some && !all)
        return Tile::Partial;
    }
  return some ? Tile::Full : Tile::Empty;
}

TileMap::TileMap(const BlockMask &mask, llvm::ArrayRef<MaskToken> queries, llvm::ArrayRef<MaskToken> keys,
                 llvm::ArrayRef<int64_t> values, int64_t size)
    : height((static_cast<int64_t>(queries.size()) + size - 1) / size),
      width((static_cast<int64_t>(keys.size()) + size - 1) / size) {
  auto part = [&](llvm::ArrayRef<MaskToken> all, int64_t tile) {
    size_t from = static_cast<size_t>(tile * size);
    return all.slice(from, std::min(static_cast<size_t>(size), all.size() - from));
  };
  std::vector<MaskBox> boxes;
  for (int64_t c = 0; c < width; ++c)
    boxes.push_back(boundingBox(part(keys, c)));
  for (int64_t r = 0; r < height; ++r) {
    MaskBox box = boundingBox(part(queries, r));
    for (int64_t c = 0; c < width; ++c) {
      Tile tile = mask.classify(box, boxes[static_cast<size_t>(c)], values);
      if (tile == Tile::Partial) {
        ++judgedByPairs;
        tile = judgePairs(mask, part(queries, r), part(keys, c), values);
      }
      tiles.push_back(tile);
    }
  }
}

int64_t TileMap::count(Tile kind) const { return std::count(tiles.begin(), tiles.end(), kind); }
