//===- TileMap.h - how many tiles a mask leaves to visit -------------------===//
//
// Work on masked attention is counted in tiles of 64 queries and 64 keys: empty ones are skipped, partial ones test
// each pair, full ones test nothing. The counts come from the formula alone and not from the compiled function, so that
// what is divided by them cannot flatter itself. Intervals decide most tiles; pair by pair those that they leave open.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_TOOLS_BENCH_TILEMAP_H
#define QUOIN_TOOLS_BENCH_TILEMAP_H

#include "dialects/quoin/BlockMask.h"
#include <cstdint>
#include <vector>

namespace quoin::bench {

struct TileCounts {
  int64_t empty = 0, partial = 0, full = 0;
  int64_t visitedPairs = 0; // of a query and a key, in partial and full tiles
};

/// Positions and slots are indices, `labels` (one per token, may be empty) belong to queries and keys alike.
TileCounts countTiles(const BlockMask &mask, int64_t length, llvm::ArrayRef<int64_t> symbols,
                      llvm::ArrayRef<int32_t> labels);

} // namespace quoin::bench

#endif
