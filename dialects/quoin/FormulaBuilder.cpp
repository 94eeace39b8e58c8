//===- FormulaBuilder.cpp - row programs written as formulas ----------===//

#include "dialects/quoin/FormulaBuilder.h"
#include "dialects/quoin/RowProgram.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <limits>
#include <numeric>

using namespace mlir;
using namespace quoin;

ArrayRef<int64_t> Term::shape() const { return rowShapeOf(value.getType()); }

FormulaBuilder::FormulaBuilder(OpBuilder &builder, Location where, ValueRange operands,
                               ArrayRef<FlatSymbolRefAttr> vectors, ArrayRef<int64_t> lengths, TypeRange results)
    : b(builder), loc(where) {
  auto op = EachRowOp::create(b, loc, results, operands,
                              b.getArrayAttr(SmallVector<Attribute>(vectors.begin(), vectors.end())));
  body = &op.getBody().emplaceBlock();
  for (Value operand : operands)
    body->addArgument(rowTypeOf(operand.getType()), loc);
  for (int64_t length : lengths)
    body->addArgument(RankedTensorType::get({length}, b.getF32Type()), loc);
  b.setInsertionPointToEnd(body);
}

FormulaBuilder::FormulaBuilder(Location where, Block &block) : b(where.getContext()), loc(where), body(&block) {
  b.setInsertionPointToEnd(body);
}

Term FormulaBuilder::argument(unsigned number) { return {this, body->getArgument(number)}; }

SmallVector<Value, 2> FormulaBuilder::finish(ArrayRef<Term> rows) {
  RowOp::create(b, loc, SmallVector<Value>(rows.begin(), rows.end()));
  return SmallVector<Value, 2>(body->getParentOp()->getResults());
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

Term FormulaBuilder::dense(ArrayRef<int64_t> shape, Attribute number) {
  auto type = RankedTensorType::get(shape, cast<TypedAttr>(number).getType());
  return {this, arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, number))};
}

Term FormulaBuilder::constant(ArrayRef<int64_t> shape, double value) { return dense(shape, b.getF32FloatAttr(value)); }

Term FormulaBuilder::integer(ArrayRef<int64_t> shape, int32_t value) {
  return dense(shape, b.getI32IntegerAttr(value));
}

Term FormulaBuilder::numbers(int64_t count) {
  SmallVector<int32_t> all(static_cast<size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return {this, arith::ConstantOp::create(b, loc, b.getI32TensorAttr(all))};
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Term FormulaBuilder::compare(arith::CmpFPredicate predicate, Term x, Term y) {
  return {this, arith::CmpFOp::create(b, loc, predicate, x, y)};
}

Term FormulaBuilder::compare(arith::CmpIPredicate predicate, Term x, Term y) {
  return {this, arith::CmpIOp::create(b, loc, predicate, x, y)};
}

Term quoin::operator+(Term x, Term y) { return x.builder->make<arith::AddFOp>(x, y); }
Term quoin::operator-(Term x, Term y) { return x.builder->make<arith::SubFOp>(x, y); }
Term quoin::operator*(Term x, Term y) { return x.builder->make<arith::MulFOp>(x, y); }
Term quoin::operator/(Term x, Term y) { return x.builder->make<arith::DivFOp>(x, y); }
Term quoin::operator+(Term x, double y) { return x + x.builder->constant(x.shape(), y); }
Term quoin::operator*(Term x, double y) { return x * x.builder->constant(x.shape(), y); }
Term quoin::operator/(Term x, double y) { return x / x.builder->constant(x.shape(), y); }
Term quoin::operator/(double x, Term y) { return y.builder->constant(y.shape(), x) / y; }
Term quoin::operator-(Term x) { return x.builder->make<arith::NegFOp>(x); }
Term quoin::exp(Term x) { return x.builder->make<math::ExpOp>(x); }
Term quoin::tanh(Term x) { return x.builder->make<math::TanhOp>(x); }
Term quoin::erf(Term x) { return x.builder->make<math::ErfOp>(x); }
Term quoin::sqrt(Term x) { return x.builder->make<math::SqrtOp>(x); }
Term quoin::rsqrt(Term x) { return x.builder->make<math::RsqrtOp>(x); }
Term quoin::max(Term x, double y) { return x.builder->make<arith::MaximumFOp>(x, x.builder->constant(x.shape(), y)); }
Term quoin::select(Term condition, Term x, Term y) { return x.builder->make<arith::SelectOp>(condition, x, y); }

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

Term FormulaBuilder::reduceBy(Term x, int64_t dimension, Term start,
                              function_ref<Value(OpBuilder &, Value, Value)> joins) {
  auto join = [&](OpBuilder &in, Location at, ValueRange both) {
    linalg::YieldOp::create(in, at, joins(in, both[1], both[0]));
  };
  auto reduce = linalg::ReduceOp::create(b, loc, ValueRange{x}, ValueRange{start}, {dimension}, join);
  return {this, reduce->getResult(0)};
}

Term FormulaBuilder::spread(Term x, int64_t dimension, int64_t size) {
  SmallVector<int64_t> shape(x.shape());
  shape.insert(shape.begin() + dimension, size);
  auto empty = tensor::EmptyOp::create(b, loc, shape, getElementTypeOrSelf(x.value));
  auto broadcast = linalg::BroadcastOp::create(b, loc, x, empty, {dimension});
  return {this, broadcast->getResult(0)};
}

Term FormulaBuilder::reshape(Term x, ArrayRef<int64_t> shape) {
  auto type = RankedTensorType::get(shape, getElementTypeOrSelf(x.value));
  if (x.shape() == shape)
    return x;
  // The dimensions in front that are the same stay; behind them one is cut, or two are joined.
  ArrayRef<int64_t> longer = x.shape().size() > shape.size() ? x.shape() : shape;
  SmallVector<ReassociationIndices> groups;
  size_t same = 0;
  while (same < x.shape().size() && same < shape.size() && x.shape()[same] == shape[same] && same + 2 < longer.size())
    groups.push_back({static_cast<int64_t>(same++)});
  // So do those at the end where more than one would be left to cut.
  size_t shorter = std::min(x.shape().size(), shape.size()), last = 0;
  while (same + last + 1 < shorter && x.shape()[x.shape().size() - 1 - last] == shape[shape.size() - 1 - last])
    ++last;
  if (same + last + 1 < shorter) {
    int64_t all = 1;
    for (int64_t d : shape)
      all *= d;
    return reshape(reshape(x, {all}), shape);
  }
  ReassociationIndices rest;
  for (size_t d = same; d + last < longer.size(); ++d)
    rest.push_back(static_cast<int64_t>(d));
  groups.push_back(rest);
  for (size_t d = longer.size() - last; d < longer.size(); ++d)
    groups.push_back({static_cast<int64_t>(d)});
  if (x.shape().size() > shape.size())
    return {this, tensor::CollapseShapeOp::create(b, loc, type, x, groups)};
  return {this, tensor::ExpandShapeOp::create(b, loc, type, x, groups)};
}

Term FormulaBuilder::concat(ArrayRef<Term> parts, int64_t dimension) {
  if (parts.size() == 1)
    return parts.front();
  return {this, tensor::ConcatOp::create(b, loc, dimension, SmallVector<Value>(parts.begin(), parts.end()))};
}

Term FormulaBuilder::slice(Term x, ArrayRef<int64_t> offsets, ArrayRef<int64_t> sizes) {
  auto indices = [&](ArrayRef<int64_t> numbers) { return getAsIndexOpFoldResult(b.getContext(), numbers); };
  SmallVector<int64_t> ones(sizes.size(), 1);
  return {this, tensor::ExtractSliceOp::create(b, loc, x, indices(offsets), indices(sizes), indices(ones))};
}

Term FormulaBuilder::slice(Term x, int64_t offset, int64_t size) {
  SmallVector<int64_t> offsets(x.shape().size(), 0), sizes(x.shape());
  offsets.back() = offset;
  sizes.back() = size;
  return slice(x, offsets, sizes);
}

/// What a reduction of the last dimension starts from: one number for each of the others.
static Term startOf(Term x, double value) { return x.builder->constant(x.shape().drop_back(), value); }

int64_t quoin::lastDimension(Term x) { return static_cast<int64_t>(x.shape().size()) - 1; }

Term quoin::sumOf(Term x) { return x.builder->reduce<arith::AddFOp>(x, lastDimension(x), startOf(x, 0)); }

Term quoin::maxOf(Term x) {
  return x.builder->reduce<arith::MaximumFOp>(x, lastDimension(x),
                                              startOf(x, -std::numeric_limits<double>::infinity()));
}

Term quoin::spreadLike(Term numbers, Term x) { return x.builder->spread(numbers, lastDimension(x), x.shape().back()); }
