//===- IndexFacts.h - what is known of a program's numbers -----------------===//
//
// Where the `then` rows of a call stand and which labels they have is index arithmetic of the program. This file proves
// bounds of it on the program as it is written, before anything is folded:
//
//   Forms. An index is a sum of atoms with coefficients and a constant, looked up through additions, products with
//   constants, lengths of sequences and sizes of vectors. An atom is anything else: a value, the length of a sequence
//   or the size of a vector, the last two named by the sequence or vector itself. One form is above another if the
//   difference is, at the ranges of the atoms.
//
//   Ranges. What a number, or each element of a vector, lies between, by interval arithmetic. What a loop carries has
//   the range of its start if each turn keeps it; a side that is not kept is unbounded.
//
//   Bounds. A value, or each element of a vector, is at least a form. What a loop carries is if its start is and each
//   turn keeps it, for a form that the loop does not change.
//
// Arithmetic wraps at 64 bits. A range that leaves them is unknown; a counter that only adds small constants is taken
// not to reach their end, since no program runs that long. Positions and labels are checked again when they are used
// (docs/Spec.md, R16), so that one which wrapped does not get through.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_PASSES_INDEXFACTS_H
#define QUOIN_PASSES_INDEXFACTS_H

#include "dialects/quoin/QuoinDialect.h"
#include "llvm/ADT/SmallVector.h"

namespace quoin {

struct IndexForm {
  llvm::SmallVector<std::pair<mlir::Value, int64_t>, 4> terms;
  int64_t constant = 0;

  bool operator==(const IndexForm &o) const { return constant == o.constant && terms == o.terms; }
};

/// Both ends included; the ends of int64_t stand for no bound.
struct IndexRange {
  int64_t low = INT64_MIN, high = INT64_MAX;

  bool isBelow(int64_t limit) const { return high <= limit && low >= -limit; }
};

class IndexFacts {
public:
  explicit IndexFacts(DecoderOp decoder) : decoder(decoder) {}

  IndexForm formOf(mlir::Value index) { return formOf(index, 0); }
  /// How many elements a vector has.
  IndexForm sizeOf(mlir::Value vector) { return sizeOf(vector, 0); }
  /// Of a number or of all elements of a vector.
  IndexRange rangeOf(mlir::Value value) { return rangeOf(value, 0); }
  /// Is a number, or each element of a vector, at least this? False also if it was not proven.
  bool isAtLeast(mlir::Value value, const IndexForm &bound) { return isAtLeast(value, bound, 0); }

  static IndexForm sum(const IndexForm &a, const IndexForm &b, int64_t factor = 1);

private:
  IndexForm formOf(mlir::Value index, int depth);
  IndexForm lengthOf(mlir::Value sequence, int depth);
  IndexForm sizeOf(mlir::Value vector, int depth);
  IndexRange rangeOf(mlir::Value value, int depth);
  IndexRange rangeOfOp(mlir::Operation *op, int depth);
  IndexRange rangeOfAtom(mlir::Value atom, int depth);
  bool isAtLeast(mlir::Value value, const IndexForm &bound, int depth);
  bool isNotNegative(const IndexForm &form, int depth);
  bool isTooLong(int depth) { return depth > mostDepth || ++steps > mostSteps; }

  static constexpr int mostDepth = 60;
  static constexpr int64_t mostSteps = 20000;

  DecoderOp decoder;
  int64_t steps = 0;
  /// What is assumed of values that loops carry, while it is checked.
  llvm::SmallVector<std::pair<mlir::Value, IndexRange>> assumedRanges;
  llvm::SmallVector<std::pair<mlir::Value, IndexForm>> assumedBounds;
};

} // namespace quoin

#endif
