//===- FormulaBuilder.h - row programs written as formulas -----------------===//
//
// What a spelling expands to is a `quoin.each_row` of upstream's ops, which are too wordy to write by hand: each
// constant has a shape, each reduction a region, each number that meets a row is broadcast. This gives values
// operators, so that an expansion reads as its formula.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_QUOIN_FORMULABUILDER_H
#define QUOIN_DIALECTS_QUOIN_FORMULABUILDER_H

#include "dialects/quoin/QuoinDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace quoin {

class FormulaBuilder;

/// A value of a row program that knows its builder. A real beside one is a constant of its shape.
struct Term {
  FormulaBuilder *builder = nullptr;
  mlir::Value value;

  operator mlir::Value() const { return value; }
  llvm::ArrayRef<int64_t> shape() const;
};

class FormulaBuilder {
public:
  /// Begins a `quoin.each_row` over operands with vectors behind them, whose lengths are given.
  FormulaBuilder(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange operands,
                 llvm::ArrayRef<mlir::FlatSymbolRefAttr> vectors, llvm::ArrayRef<int64_t> lengths,
                 mlir::TypeRange results);

  /// Goes on at the end of a row program's body.
  FormulaBuilder(mlir::Location loc, mlir::Block &body);

  /// Operand, or vector, `number`.
  Term argument(unsigned number);
  /// Ends it; the results of the op.
  llvm::SmallVector<mlir::Value, 2> finish(llvm::ArrayRef<Term> rows);

  Term constant(llvm::ArrayRef<int64_t> shape, double value);
  Term integer(llvm::ArrayRef<int64_t> shape, int32_t value);
  /// 0, 1, .. along the last dimension of a shape of one.
  Term numbers(int64_t count);

  template <typename Op, typename... Operands> Term make(Operands... operands) {
    return {this, Op::create(b, loc, mlir::Value(operands)...)};
  }
  Term compare(mlir::arith::CmpFPredicate predicate, Term x, Term y);
  Term compare(mlir::arith::CmpIPredicate predicate, Term x, Term y);
  /// Joins along one dimension by an op of `arith`, from `start` on.
  template <typename Op> Term reduce(Term x, int64_t dimension, Term start) {
    return reduceBy(x, dimension, start,
                    [&](mlir::OpBuilder &in, mlir::Value a, mlir::Value c) { return Op::create(in, loc, a, c); });
  }
  /// A row again: every number of a new dimension is the same.
  Term spread(Term x, int64_t dimension, int64_t size);
  /// The same elements in another shape.
  Term reshape(Term x, llvm::ArrayRef<int64_t> shape);
  Term concat(llvm::ArrayRef<Term> parts, int64_t dimension = 0);
  /// Elements from `offsets` on, neighbours.
  Term slice(Term x, llvm::ArrayRef<int64_t> offsets, llvm::ArrayRef<int64_t> sizes);
  /// `size` neighbours along the last dimension.
  Term slice(Term x, int64_t offset, int64_t size);

private:
  Term reduceBy(Term x, int64_t dimension, Term start,
                llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Value, mlir::Value)> joins);
  Term dense(llvm::ArrayRef<int64_t> shape, mlir::Attribute number);

  mlir::OpBuilder b;
  mlir::Location loc;
  mlir::Block *body;
};

Term operator+(Term x, Term y);
Term operator-(Term x, Term y);
Term operator*(Term x, Term y);
Term operator/(Term x, Term y);
Term operator+(Term x, double y);
Term operator*(Term x, double y);
Term operator/(Term x, double y);
Term operator/(double x, Term y);

Term exp(Term x);
Term tanh(Term x);
Term erf(Term x);
Term sqrt(Term x);
Term rsqrt(Term x);
Term operator-(Term x);
Term max(Term x, double y); ///< NaN stays
Term select(Term condition, Term x, Term y);

/// Along the last dimension, which then goes.
Term sumOf(Term x);
Term maxOf(Term x);
int64_t lastDimension(Term x);
/// The other way: each number again and again along the last dimension of x.
Term spreadLike(Term numbers, Term x);

} // namespace quoin

#endif
