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
#include "dialects/stage/StageDialect.h"

namespace quoin::ref {

/// A weight of a stage as it is stored: whole numbers are what they stand for, all else as it was read.
const Weight &storedWeight(const Weights &weights, stage::WeightAttr weight, size_t source = 0);

/// The cosines of a position's angles, then their sines.
std::vector<double> anglesOf(int64_t position, int64_t pairs, double theta);

/// Turns each head's pairs of features by the position of row `r`.
Matrix turn(const Matrix &in, int64_t headDim, double theta, llvm::function_ref<int64_t(int64_t r)> position);

/// Row `number(r)` of a table, for each of so many rows; zeros where it has none.
Matrix rowsOfTable(const Matrix &table, int64_t count, llvm::function_ref<int64_t(int64_t r)> number);

/// `x W^T`, plus a bias if there is one.
Matrix product(const Matrix &x, const Weight &weight, const Weight *bias);

/// Each row's products with the experts of its choices, the weight's matrices; what is no expert's number gives zeros.
/// A row of x is as wide as a matrix is deep, or has so many numbers for each choice.
Matrix expertProduct(const Matrix &x, const Matrix &choice, const Weight &weight);

Matrix sum(const Matrix &a, const Matrix &b);

/// The rows of these slots, of rows that begin with slot `from`.
Matrix rowsAt(const Matrix &in, llvm::ArrayRef<int64_t> slots, int64_t from);

/// What a formula on numbers makes of each element of these matrices of one size.
Matrix formulaOf(mlir::Block &formula, llvm::ArrayRef<Matrix> matrices);

struct HeadShape {
  int64_t heads = 0, kvHeads = 0, headDim = 0;
  double scale = 0;
  mlir::Block *score = nullptr; ///< a formula of the score, the head, the positions of query and key
};

/// Row `r` of the queries is that of slot `slot(r)` of the call; keys and values are those of all its slots. `lse`, if
/// it is not null, becomes the logarithm of the sum of exponentials of each row and head.
Matrix attend(const Matrix &queries, const Matrix &keys, const Matrix &values, const HeadShape &shape,
              const Visibility &visible, llvm::ArrayRef<Slot> slots, llvm::function_ref<int64_t(int64_t r)> slot,
              Matrix *lse = nullptr);

/// The probability that a row's heads have, on their mean, for the keys of each of so many groups. `group` has the
/// number of each key's; a number that is none is no group's.
Matrix attentionMass(const Matrix &queries, const Matrix &keys, const Matrix &group, int64_t groups,
                     const HeadShape &shape, const Visibility &visible, llvm::ArrayRef<Slot> slots,
                     llvm::function_ref<int64_t(int64_t r)> slot);

} // namespace quoin::ref

#endif
