//===- RowEvaluator.cpp - upstream's ops on one row, in float64 ------------===//
//
// Every value is the list of its elements in row-major order, a number a list of one. The verifier has seen that the
// body holds nothing but what RowProgram.h lists, on static shapes.
//
//===----------------------------------------------------------------------===//

#include "dialects/reference/RowEvaluator.h"
#include "dialects/quoin/RowProgram.h"
#include "dialects/reference/Elementwise.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::ref;

namespace {
using Shape = ArrayRef<int64_t>;

/// Calls `body` with the place of each index of a shape, in row-major order.
void eachIndex(Shape shape, function_ref<void(ArrayRef<int64_t>)> body) {
  SmallVector<int64_t, 4> index(shape.size());
  for (;;) {
    body(index);
    size_t d = shape.size();
    while (d > 0 && ++index[d - 1] == shape[d - 1])
      index[--d] = 0;
    if (d == 0)
      return;
  }
}

/// Where an index lies in a list of a shape's elements.
size_t flatIndex(Shape shape, ArrayRef<int64_t> index) {
  int64_t place = 0;
  for (auto [size, i] : llvm::zip_equal(shape, index))
    place = place * size + i;
  return static_cast<size_t>(place);
}

class RowRun {
public:
  explicit RowRun(size_t lanes = 1) : lanes(lanes) {}

  SmallVector<Tensor> run(Block &body, ArrayRef<Tensor> arguments) {
    for (auto [argument, value] : llvm::zip_equal(body.getArguments(), arguments))
      values[argument] = value;
    for (Operation &o : body.without_terminator())
      values[o.getResult(0)] = evaluate(&o);
    SmallVector<Tensor> made;
    for (Value row : body.getTerminator()->getOperands())
      made.push_back(values[row]);
    return made;
  }

private:
  const Tensor &of(Value v) { return values.find(v)->second; }
  size_t sizeOf(Value v) { return static_cast<size_t>(rowElementsOf(v.getType())) * lanes; }

  Tensor constant(arith::ConstantOp op);
  Tensor elementwise(Operation *op);
  Tensor reduce(linalg::ReduceOp op);
  Tensor broadcast(linalg::BroadcastOp op);
  Tensor slice(tensor::ExtractSliceOp op);
  Tensor concat(tensor::ConcatOp op);
  Tensor evaluate(Operation *op);

  size_t lanes; ///< what a number stands for: in a formula so many, which are computed together
  DenseMap<Value, Tensor> values;
};
} // namespace

Tensor RowRun::constant(arith::ConstantOp op) {
  auto number = [](Attribute value) {
    if (auto real = dyn_cast<FloatAttr>(value))
      return Number::ofReal(real.getValueAsDouble());
    auto integer = cast<IntegerAttr>(value);
    return Number::ofInteger(integer.getType().isInteger(1) ? integer.getValue().getBoolValue()
                                                            : integer.getValue().getSExtValue());
  };
  auto dense = dyn_cast<ElementsAttr>(op.getValue());
  if (!dense)
    return {number(op.getValue())};
  Tensor out;
  for (Attribute value : dense.getValues<Attribute>())
    out.push_back(number(value));
  return out;
}

Tensor RowRun::elementwise(Operation *op) {
  Tensor out(sizeOf(op->getResult(0)));
  // A condition may be one for all elements.
  auto at = [&](Value v, size_t i) { return of(v)[of(v).size() == 1 ? 0 : i]; };
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = at(at(select.getCondition(), i).integer ? select.getTrueValue() : select.getFalseValue(), i);
    return out;
  }
  ElementFunction f = elementFunction(op, /*anyRank=*/true);
  SmallVector<Number, 3> in(op->getNumOperands());
  for (size_t i = 0; i < out.size(); ++i) {
    for (auto [number, v] : llvm::zip_equal(in, op->getOperands()))
      number = at(v, i);
    out[i] = *f(in);
  }
  return out;
}

Tensor RowRun::reduce(linalg::ReduceOp op) {
  Value input = op.getInputs()[0];
  Operation *joins = rowCombiner(op);
  ElementFunction f = elementFunction(joins);
  Tensor out = of(op.getInits()[0]);
  Shape shape = rowShapeOf(input.getType()), kept = rowShapeOf(op->getResult(0).getType());
  const Tensor &in = of(input);
  eachIndex(shape, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t, 4> to;
    for (auto [d, i] : llvm::enumerate(index))
      if (!llvm::is_contained(op.getDimensions(), static_cast<int64_t>(d)))
        to.push_back(i);
    Number &sum = out[flatIndex(kept, to)];
    sum = *f({sum, in[flatIndex(shape, index)]});
  });
  return out;
}

Tensor RowRun::broadcast(linalg::BroadcastOp op) {
  Value input = op.getInput();
  Shape shape = rowShapeOf(op->getResult(0).getType()), small = rowShapeOf(input.getType());
  Tensor out;
  eachIndex(shape, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t, 4> from;
    for (auto [d, i] : llvm::enumerate(index))
      if (!llvm::is_contained(op.getDimensions(), static_cast<int64_t>(d)))
        from.push_back(i);
    out.push_back(of(input)[flatIndex(small, from)]);
  });
  return out;
}

Tensor RowRun::slice(tensor::ExtractSliceOp op) {
  Shape whole = op.getSourceType().getShape();
  Tensor out;
  eachIndex(op.getType().getShape(), [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t, 4> from;
    for (auto [i, offset, stride] : llvm::zip_equal(index, op.getStaticOffsets(), op.getStaticStrides()))
      from.push_back(offset + i * stride);
    out.push_back(of(op.getSource())[flatIndex(whole, from)]);
  });
  return out;
}

Tensor RowRun::concat(tensor::ConcatOp op) {
  Tensor out(sizeOf(op.getResult()));
  int64_t offset = 0;
  size_t along = op.getDim();
  for (Value part : op.getInputs()) {
    Shape shape = rowShapeOf(part.getType());
    eachIndex(shape, [&](ArrayRef<int64_t> index) {
      SmallVector<int64_t, 4> to(index);
      to[along] += offset;
      out[flatIndex(op.getResultType().getShape(), to)] = of(part)[flatIndex(shape, index)];
    });
    offset += shape[along];
  }
  return out;
}

Tensor RowRun::evaluate(Operation *op) {
  return TypeSwitch<Operation *, Tensor>(op)
      .Case([&](arith::ConstantOp o) { return constant(o); })
      .Case([&](linalg::ReduceOp o) { return reduce(o); })
      .Case([&](linalg::BroadcastOp o) { return broadcast(o); })
      .Case([&](tensor::ExtractSliceOp o) { return slice(o); })
      .Case([&](tensor::ConcatOp o) { return concat(o); })
      // The same elements in the same order.
      .Case<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ExtractOp>(
          [&](auto o) { return of(o->getOperand(0)); })
      .Case([&](tensor::SplatOp o) { return Tensor(sizeOf(o), of(o.getInput())[0]); })
      // Only broadcast into.
      .Case([&](tensor::EmptyOp o) { return Tensor(); })
      .Default([&](Operation *o) { return elementwise(o); });
}

SmallVector<Tensor> quoin::ref::evaluateRow(Block &body, ArrayRef<Tensor> arguments) {
  return RowRun().run(body, arguments);
}

Tensor quoin::ref::evaluateFormula(Block &body, ArrayRef<Tensor> arguments, size_t count) {
  Tensor made = RowRun(count).run(body, arguments)[0];
  return made.size() == count ? made : Tensor(count, made[0]);
}

SmallVector<Matrix> quoin::ref::evaluateRows(Block &body, ArrayRef<RowNumbers> numbers, int64_t count) {
  // Rows of integers lie in matrices, too: a double holds any i32.
  auto isReal = [](Value v) { return getElementTypeOrSelf(v).isF32(); };
  auto rows = cast<RowOp>(body.getTerminator()).getRows();
  SmallVector<Matrix> made;
  for (Value row : rows)
    made.emplace_back(count, rowElementsOf(row.getType()));
  SmallVector<Tensor> arguments(numbers.size());
  for (int64_t r = 0; r < count; ++r) {
    for (auto [argument, own, value] : llvm::zip_equal(arguments, numbers, body.getArguments())) {
      argument.clear();
      for (double number : own(r))
        argument.push_back(isReal(value) ? Number::ofReal(number) : Number::ofInteger(static_cast<int64_t>(number)));
    }
    for (auto [matrix, result, row] : llvm::zip_equal(made, evaluateRow(body, arguments), rows))
      llvm::transform(result, matrix.row(r), [&](const Number &number) {
        return isReal(row) ? number.real : static_cast<double>(number.integer);
      });
  }
  return made;
}
