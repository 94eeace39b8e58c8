//===- MaskOrder.h - masks that a sort of the tokens makes causal ------------===//
//
// Some masks compare a property of the tokens before their positions: WeDLM's rows see known tokens first, then the
// open ones up to their own. Sorted stably by that property, positions travelling with the tokens, such a mask says
// "everything up to yourself": row i sees no slot behind i. A cache of sorted calls then holds the longest run of slots
// that are the same (token, position, label, open bit), however their positions lie: a known token behind an open one
// keeps its keys.
//
// Why a sorted cache is right. Let calls c and c' share a cache, v = the common prefix of their sorted slots, cut at
// the first open one. Rows below v see slots below v only (causal after the sort), in both calls. These slots are
// known, and the masks agree on known tokens. So, layer by layer, they compute the same, and so does each call between
// them, by induction over the calls as in MaskFacts.h, with the cut f(d) = d and the first open slot as what is kept.
//
// Other masks see everything with a key up to their own, in both directions among equal keys: the scales of VAR, the
// wavefronts of NAR, the cells of xAR. The key is a label or a function of the position. Sorted, they are block-causal
// by groups of one key, and the argument holds with a cut v where a group ends, in both calls.
//
// Proven by Presburger arithmetic, for all positions, open bits and labels: there is no counterexample.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_PASSES_MASKORDER_H
#define QUOIN_PASSES_MASKORDER_H

#include "dialects/quoin/BlockMask.h"
#include "dialects/quoin/QuoinDialect.h"

namespace quoin {

/// The property by which tokens are sorted; equal ones stay in the order of their positions.
struct OrderKey {
  SortKey by = SortKey::Open;
  mlir::AffineMap map; ///< with SortKey::Position
};

/// May the tokens of a call under this mask be sorted? Slots are what a sort changes; symbols and label arrays are not
/// looked at.
bool isSortable(const BlockMask &mask);
/// Does a row see no slot behind its own, once the tokens are sorted? `labels`: tokens may have labels other than 0.
/// The mask must not ask for slots, which the sort changes.
bool proveCausalAfterSort(const BlockMask &mask, SortKey key, bool labels);
/// Does a row see no token of a greater key?
bool proveOrderedByKey(const BlockMask &mask, const OrderKey &key, bool labels);
/// Does a row, sorted so that it sees no slot behind its own, see all slots up to it, too?
bool proveSeesAllBeforeAfterSort(const BlockMask &mask, SortKey key, bool labels);
/// Do two masks agree on known tokens?
bool proveAgreeOnKnown(const BlockMask &a, const BlockMask &b, bool labels);

} // namespace quoin

#endif
