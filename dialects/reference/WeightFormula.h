//===- WeightFormula.h - weights that are computed -------------------------===//

#ifndef QUOIN_DIALECTS_REFERENCE_WEIGHTFORMULA_H
#define QUOIN_DIALECTS_REFERENCE_WEIGHTFORMULA_H

#include "dialects/reference/Weights.h"

namespace quoin::ref {

/// The numbers of a weight by formula, in row-major order, each rounded to the weight's type. `weights` has what the
/// formula reads. Errors are on the weight or on ops of its formula.
mlir::LogicalResult evaluateFormula(WeightOp weight, const Weights &weights, std::vector<double> &numbers);

/// The bytes of numbers that were rounded to f32, bf16 or f16.
void storeAs(mlir::Type type, llvm::ArrayRef<double> numbers, std::vector<uint8_t> &bytes);

} // namespace quoin::ref

#endif
