//===- CacheUses.h - which calls of a decoder share a cache ----------------===//
//
// Calls share a cache if their sequences descend from the same one. Whatever is chosen here is right, since a call
// compares its slots with the cache's; it decides only how much is reused. So a sequence is followed back along one
// path: the sequence operand of its op, what a loop starts with, what a branch yields first. `reopen` starts another.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_PASSES_CACHEUSES_H
#define QUOIN_PASSES_CACHEUSES_H

#include "dialects/quoin/QuoinDialect.h"
#include "passes/MaskFacts.h"

namespace quoin {

/// A `quoin.forward` or a `quoin.commit .. by pass`.
struct CacheCall {
  mlir::Operation *op = nullptr;
  /// Index into `CacheUses::uses`.
  unsigned use = 0;
  /// How many of its `then` rows are a snapshot (they come first and have the lowest label), and that label; null:
  /// none.
  mlir::Value snapshot;
  int64_t snapshotLabel = 0;
};

/// All calls on one cache.
struct CacheUses {
  mlir::Value root;
  mlir::FlatSymbolRefAttr model;
  llvm::SmallVector<CacheCall> calls;
  /// Distinct masks, with the symbols that are shared.
  llvm::SmallVector<MaskUse> uses;
  /// The run-time values behind shared numbers.
  llvm::SmallVector<mlir::Value> shared;
  MaskFactsOptions options;
  /// Columns that hold for all slots of a call, the same at all of them.
  llvm::SmallVector<mlir::Value> once;
};

/// The caches of a decoder, in the order of their first calls.
std::vector<CacheUses> collectCacheUses(DecoderOp decoder);

/// The first op of a model through which rows meet otherwise than under the mask of the call, or null. Where there is
/// one, what is proven of masks says nothing of the model.
mlir::Operation *findMeetingBeyondMasks(mlir::Operation *from, mlir::FlatSymbolRefAttr model);
/// The first op whose rows depend on those before them, if no op of the model lets rows meet in yet another way.
mlir::Operation *findRecurrence(mlir::Operation *from, mlir::FlatSymbolRefAttr model);

/// Does a recurrence of the model go on from the last row that the mask shows, rather than from the one before?
bool goesOnFromSeen(mlir::Operation *from, mlir::FlatSymbolRefAttr model);

/// Is `value` the same number as `other`, as far as can be seen without folding?
bool isSameIndex(mlir::Value value, mlir::Value other);

} // namespace quoin

#endif
