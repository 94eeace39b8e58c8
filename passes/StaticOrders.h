//===- StaticOrders.h - which order of tokens visits fewest tiles ------------===//
//
// Orders are proposed by the formula of the mask, and each is judged by tile maps:
//
//   its own keys   `f(k) le f(q)`, and any other comparison of a function of the key's position with the same of the
//                  query's, suggests f: what comes first is seen by what comes later, what is equal belongs together
//   grids          each divisor of the formula is the width of a grid: wavefronts, remainders, and for each
//                  smaller divisor cells and subsamples (PositionKey.h)
//   labels         the mask's label arrays, and labels and open bits that differ: clusters, documents, scales
//   sight          the first key that a row sees, and how many it sees
//
// The best is taken if it visits at least a tenth fewer tiles than the order as it is. Positions and labels travel with
// the tokens; who sees whom is never changed, so any choice is right.
//
// Of more than 2,048 tokens as many are looked at, in runs of 64 that lie evenly over all; `sight`, which compares all
// pairs, proposes nothing then. So a choice takes bounded time, whatever the length.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_PASSES_STATICORDERS_H
#define QUOIN_PASSES_STATICORDERS_H

#include "dialects/quoin/PositionKey.h"
#include "dialects/quoin/TileMap.h"
#include "dialects/quoin/TokenOrder.h"

namespace quoin {

/// A function of the position, and what it is called: "wavefront 16".
struct NamedKey {
  std::string name;
  mlir::AffineMap map;
};

/// Functions of the position that the formula suggests: its own keys, and grids.
std::vector<NamedKey> proposePositionKeys(mlir::MLIRContext &context, const BlockMask &mask);

/// How the tokens of an order are sorted.
enum class SortedBy : uint8_t { Nothing, Position, Open, Label, Data };

struct OrderChoice {
  TokenOrder order;                            ///< the identity if none is better
  std::string name;                            ///< of the winner: "wavefront 16"
  int64_t judged = 0;                          ///< so many tokens
  int64_t visitedBefore = 0, visitedAfter = 0; ///< tiles of those
  SortedBy by = SortedBy::Nothing;
  mlir::AffineMap map; ///< with SortedBy::Position
};

/// The most tokens that are looked at.
inline constexpr int64_t mostTokensJudged = 2048;

struct OrderOptions {
  int64_t tile = 64;
  bool data = true; ///< orders of these very tokens, too: label arrays and sight
};

/// `symbols` are the values of the mask's.
OrderChoice chooseOrder(mlir::MLIRContext &context, const BlockMask &mask, llvm::ArrayRef<MaskToken> tokens,
                        llvm::ArrayRef<int64_t> symbols, const OrderOptions &options = {});

} // namespace quoin

#endif
