//===- RowProgram.h - what the body of a `quoin.each_row` may hold -------------===//
//
// One list for verifier, interpreter and compiler: who reads a row program handles these ops and no other.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_QUOIN_ROWPROGRAM_H
#define QUOIN_DIALECTS_QUOIN_ROWPROGRAM_H

#include "dialects/quoin/QuoinDialect.h"

namespace mlir::arith {
class MulFOp;
} // namespace mlir::arith
namespace mlir::linalg {
class ReduceOp;
} // namespace mlir::linalg

namespace quoin {

/// An op of `arith` or `math` that a row program may apply to numbers, or to tensors element by element.
bool isRowFunction(mlir::Operation *op);

/// The op by which a reduction joins two numbers; null if it is none that a row program may use, or not one op alone.
mlir::Operation *rowCombiner(mlir::linalg::ReduceOp op);

/// Marks an `arith.mulf` whose result is rounded by itself.
inline constexpr llvm::StringLiteral roundedAttr = "quoin.rounded";

/// The product whose sum with something else is rounded once, where the two are not told apart: nobody else reads it.
mlir::arith::MulFOp fusedProduct(mlir::Value v);
/// Tells the two apart: from here on the value is rounded by itself if it is a product.
void keepRounded(mlir::Value v);

/// Fails unless the body of `op`, which has the constraints of `quoin.each_row`, makes rows of type `results` from
/// arguments of type `rows`, behind which stand `vectors` vectors.
llvm::LogicalResult verifyRowProgram(mlir::Operation *op, mlir::TypeRange rows, size_t vectors,
                                     mlir::TypeRange results);

/// What it verifies of all ops of a body, and of the type of a value.
llvm::LogicalResult verifyRowOps(mlir::Operation *op);
llvm::LogicalResult verifyRowType(mlir::Operation *op, mlir::Type type);

/// Fails unless the symbols name weights of the lengths of a row program's arguments from the `first` one on.
llvm::LogicalResult verifyRowVectors(mlir::Operation *op, mlir::SymbolTableCollection &table, size_t first,
                                     llvm::ArrayRef<mlir::FlatSymbolRefAttr> symbols);

/// Fails unless the region is a formula on numbers: one block of f32 and i32 that ends in `quoin.number`. `what` it is,
/// for messages.
llvm::LogicalResult verifyFormula(mlir::Operation *op, mlir::Region &region, mlir::TypeRange arguments,
                                  llvm::StringRef what);

/// The types of what `score` of an attention is made of: the score, the query head, the positions of query and key.
llvm::SmallVector<mlir::Type, 4> scoreTypes(mlir::MLIRContext *context);

/// The type of the argument that stands for one row of an operand: `tensor<Wxf32>`, or the number that a column holds.
mlir::Type rowTypeOf(mlir::Type rows);

/// The shape of a value: none for a number.
llvm::ArrayRef<int64_t> rowShapeOf(mlir::Type type);
/// How many elements it has, 1 for a number.
int64_t rowElementsOf(mlir::Type type);

} // namespace quoin

#endif
