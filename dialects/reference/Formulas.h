//===- Formulas.h - what models and their steps make of rows ---------------===//
//
// A model's ops and the stages that they become compute the same formulas. Here is what both ask, so that lowering a
// model changes no bit of what the interpreter says.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_REFERENCE_FORMULAS_H
#define QUOIN_DIALECTS_REFERENCE_FORMULAS_H

#include "dialects/reference/Model.h"
#include "dialects/reference/Visibility.h"

namespace quoin::ref {

/// Root mean square norm of groups as long as `scale`.
Matrix normalise(const Matrix &in, llvm::ArrayRef<double> scale, double epsilon);

/// Turns each head's pairs of features by the position of row `r`.
Matrix turn(const Matrix &in, int64_t headDim, double theta, llvm::function_ref<int64_t(int64_t r)> position);

/// `silu(gate) * up`.
Matrix gated(const Matrix &gate, const Matrix &up);

/// `x W^T`, plus a bias if there is one.
Matrix product(const Matrix &x, const Weight &weight, const Weight *bias);

/// Each row's products with the experts of its choices, the weight's matrices; what is no expert's number gives zeros.
/// A row of x is as wide as a matrix is deep, or has so many numbers for each choice.
Matrix expertProduct(const Matrix &x, const Matrix &choice, const Weight &weight);

Matrix sum(const Matrix &a, const Matrix &b);

/// The rows of these slots, of rows that begin with slot `from`.
Matrix rowsAt(const Matrix &in, llvm::ArrayRef<int64_t> slots, int64_t from);

struct HeadShape {
  int64_t heads = 0, kvHeads = 0, headDim = 0;
  double scale = 0;
};

/// Row `r` of the queries is that of slot `slot(r)`; keys and values are those of all slots of the call.
Matrix attend(const Matrix &queries, const Matrix &keys, const Matrix &values, const HeadShape &shape,
              const Visibility &visible, llvm::function_ref<int64_t(int64_t r)> slot);

} // namespace quoin::ref

#endif
