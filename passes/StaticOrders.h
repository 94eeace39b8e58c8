//===- StaticOrders.h - which order of known tokens visits fewest tiles ------===//
//
// For a mask over tokens that are all known, orders are proposed and each is judged by its exact tile map:
//
//   segments    by each label array of the mask, and by the first key that a row sees: rows that see the same things
//               come together (clusters, documents, scales)
//   depth       by how many keys a row sees: what sees less comes first (wavefronts, causal orders in disguise)
//   grids       for each divisor of the formula as the width of a grid: by Manhattan distance from its corner, and for
//   each
//               smaller one by cell and by subsample
//
// The best is taken if it visits at least a tenth fewer tiles than the order as it is. Positions and labels travel with
// the tokens; who sees whom is never changed, so any choice is right.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_PASSES_STATICORDERS_H
#define QUOIN_PASSES_STATICORDERS_H

#include "dialects/quoin/TileMap.h"
#include "dialects/quoin/TokenOrder.h"

namespace quoin {

struct OrderChoice {
  TokenOrder order; ///< the identity if none is better
  std::string name; ///< of the winner: "wavefront 16"
  int64_t visitedBefore = 0, visitedAfter = 0;
};

/// More tokens than this are left as they are: judging an order looks at pairs.
inline constexpr int64_t mostTokensToOrder = 2048;

OrderChoice chooseOrder(const BlockMask &mask, llvm::ArrayRef<MaskToken> tokens, llvm::ArrayRef<int64_t> symbols,
                        int64_t tile = 64);

} // namespace quoin

#endif
