//===- Elementwise.h - arith and math, one element at a time ---------------===//

#ifndef QUOIN_DIALECTS_REFERENCE_ELEMENTWISE_H
#define QUOIN_DIALECTS_REFERENCE_ELEMENTWISE_H

#include "dialects/reference/Datum.h"
#include <functional>

namespace quoin::ref {

/// One element of the result from one element of each operand; nothing where the op defines no result (a division by
/// zero, a shift by more than the width).
using ElementFunction = std::function<std::optional<Number>(llvm::ArrayRef<Number>)>;

/// The function of an `arith` or `math` op, or null if it is none that the interpreter knows. `arith.constant` and
/// `arith.select` are not among them. Tensors have one dimension, or any number of them with `anyRank`.
ElementFunction elementFunction(mlir::Operation *op, bool anyRank = false);

} // namespace quoin::ref

#endif
