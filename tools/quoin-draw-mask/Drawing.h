//===- Drawing.h - a tile map as an SVG ------------------------------------===//

#ifndef QUOIN_TOOLS_QUOIN_DRAW_MASK_DRAWING_H
#define QUOIN_TOOLS_QUOIN_DRAW_MASK_DRAWING_H

#include "dialects/quoin/TileMap.h"
#include <string>

namespace quoin {

struct Caption {
  std::string title, formula;
  int64_t queries = 0, keys = 0, tile = 0;
};

/// The same mask over its tokens as they are, and in another order.
std::string drawPair(const TileMap &before, const TileMap &after, const Caption &caption, const std::string &order);

/// Tiles as rectangles, equal ones beside and below each other as one, so that the file stays small.
std::string drawTiles(const TileMap &map, const Caption &caption);

} // namespace quoin

#endif
