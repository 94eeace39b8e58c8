//===- TileMap.h - which tiles of an attention are empty, partial or full --===//
//
// For tokens that are known, exactly: each tile is first judged by intervals (BlockMask::classify); a tile that is
// neither proven empty nor full is judged by its pairs. This is what the compiled mask stage does with each call; here
// it serves drawings, reports and tests.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_QUOIN_TILEMAP_H
#define QUOIN_DIALECTS_QUOIN_TILEMAP_H

#include "dialects/quoin/BlockMask.h"

namespace quoin {

/// The properties of tokens, as one box.
MaskBox boundingBox(llvm::ArrayRef<MaskToken> tokens);

class TileMap {
public:
  /// `values` are the symbols'; `size` is positive.
  TileMap(const BlockMask &mask, llvm::ArrayRef<MaskToken> queries, llvm::ArrayRef<MaskToken> keys,
          llvm::ArrayRef<int64_t> values, int64_t size = 64);

  int64_t rows() const { return height; }
  int64_t columns() const { return width; }
  Tile at(int64_t row, int64_t column) const { return tiles[static_cast<size_t>(row * width + column)]; }
  int64_t count(Tile kind) const;
  /// Tiles that intervals alone could not judge.
  int64_t undecided() const { return judgedByPairs; }

private:
  int64_t height, width, judgedByPairs = 0;
  std::vector<Tile> tiles;
};

} // namespace quoin

#endif
