//===- ScanOps.h - recurrences, and the parts that heads have of rows ------===//

#ifndef QUOIN_DIALECTS_QUOIN_SCANOPS_H
#define QUOIN_DIALECTS_QUOIN_SCANOPS_H

#include "dialects/quoin/QuoinDialect.h"

#define GET_OP_CLASSES
#include "dialects/quoin/QuoinScanOps.h.inc"

namespace quoin {

/// How the numbers of one head lie among those of all: as `[outer][heads][inner]`, or `[outer * inner]` where all heads
/// have the same.
struct HeadPart {
  int64_t outer = 1, heads = 1, inner = 1;

  int64_t numbers() const { return outer * inner; }
  int64_t allNumbers() const { return outer * heads * inner; }
  /// Do they lie together?
  bool isWhole() const { return outer == 1 || heads == 1; }
  bool isShared() const { return heads == 1; }
};

/// What a `quoin.scan`, or the stage it becomes, says of its operands: in the order of `along`.
struct ScanShape {
  int64_t heads = 1;
  size_t states = 0;
  llvm::SmallVector<HeadPart> inputs, initial, weights, outputs;

  /// Of an op that was verified.
  static ScanShape of(mlir::Block &body, int64_t heads, std::optional<llvm::ArrayRef<int64_t>> axes, size_t inputs,
                      size_t initial, size_t weights);
};

/// What is verified of both: rows and weights by their sizes, of rows one dimension where their shape is not known.
struct ScanSizes {
  llvm::SmallVector<llvm::SmallVector<int64_t>> inputs, initial, outputs;
  size_t weights = 0;
};
llvm::LogicalResult verifyScan(mlir::Operation *op, int64_t heads, std::optional<llvm::ArrayRef<int64_t>> axes,
                               const ScanSizes &sizes);
/// Fails unless the symbols name weights that have the parts which the body's last arguments say.
llvm::LogicalResult verifyScanWeights(mlir::Operation *op, mlir::SymbolTableCollection &table,
                                      llvm::ArrayRef<mlir::FlatSymbolRefAttr> symbols, int64_t heads,
                                      llvm::ArrayRef<int64_t> axes);
/// The entries of `along` that are of weights; zeros where there are none.
llvm::SmallVector<int64_t> weightAxes(std::optional<llvm::ArrayRef<int64_t>> axes, size_t before, size_t weights);

} // namespace quoin

#endif
