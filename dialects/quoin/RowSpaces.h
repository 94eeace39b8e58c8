//===- RowSpaces.h - whose rows the values of a model's body have ----------===//
//
// A body has rows of three kinds: those of the call, one a slot that runs; those that are read, which
// `quoin.gather_rows` takes out of them; and those of sequences, one for all slots of a call, which ops may use beside
// either of the others. The rows of a value follow from its op and operands; an op whose operands do
// not fit together has no meaning. This is the one place that says so: the verifier of `quoin.model` asks it for every
// body, and interpreter and compiler ask it for the rows of values.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_QUOIN_ROWSPACES_H
#define QUOIN_DIALECTS_QUOIN_ROWSPACES_H

#include "dialects/quoin/QuoinDialect.h"
#include "llvm/ADT/DenseMap.h"

namespace quoin {

/// Are these rows, of features or of choices, and not ids, positions or indices?
inline bool isRows(mlir::Value v) { return mlir::cast<mlir::RankedTensorType>(v.getType()).getRank() >= 2; }

class RowSpaces {
public:
  /// Fails with a diagnostic on the first op that may not stand in the body as it does. Never fails for a model that
  /// was verified.
  static mlir::FailureOr<RowSpaces> infer(ModelOp model);
  /// Of a body that another op holds; `read` may be null, and `once` are its rows of sequences.
  static mlir::FailureOr<RowSpaces> infer(mlir::Operation *owner, mlir::Block &body, mlir::Value read = {},
                                          mlir::ValueRange once = {});

  RowSpace of(mlir::Value value) const { return spaces.at(value); }
  bool isRead(mlir::Value value) const { return of(value) == RowSpace::Read; }
  bool isOfSequence(mlir::Value value) const { return of(value) == RowSpace::Sequence; }

private:
  llvm::DenseMap<mlir::Value, RowSpace> spaces;
};

} // namespace quoin

#endif
