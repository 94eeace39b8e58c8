//===- TensorOps.cpp - elements, constants, vectors and matrices -----------===//
//
// A matrix of a program has a static width, so its elements, row after row, are all that is kept of it.
//
//===----------------------------------------------------------------------===//

#include "dialects/quoin/ProgramTensor.h"
#include "dialects/reference/Elementwise.h"
#include "dialects/reference/Machine.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::ref;

LogicalResult Machine::setInteger(Operation *op, int64_t value) {
  set(op->getResult(0), Number::ofInteger(value));
  return success();
}

LogicalResult Machine::setTensor(Operation *op, Tensor tensor) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (type.hasStaticShape() && type.getNumElements() != static_cast<int64_t>(tensor.size()))
    return op->emitOpError("expects a result of ") << type.getNumElements() << " elements, but found " << tensor.size();
  set(op->getResult(0), datum(std::move(tensor)));
  return success();
}

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

/// Says why an op has no result for these numbers.
static LogicalResult refuse(Operation *op, ArrayRef<Number> in) {
  Type element = getElementTypeOrSelf(op->getResult(0).getType());
  unsigned bits = element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 64;
  if (isa<arith::FPToSIOp, arith::FPToUIOp>(op))
    return op->emitOpError("expects a number that fits in ")
           << bits << " bits, but found " << std::to_string(in[0].real);
  if (isa<math::SinOp, math::CosOp>(op))
    return op->emitOpError("expects an angle of f64 below 2^24 in size, but found ") << std::to_string(in[0].real);
  if (isa<arith::ShLIOp, arith::ShRSIOp, arith::ShRUIOp>(op))
    return op->emitOpError("expects to shift by less than ") << bits << " bits, but found " << in[1].integer;
  return op->emitOpError("expects ") << (in[1].integer ? "a quotient that fits" : "a divisor other than zero")
                                     << ", but found " << in[0].integer << " and " << in[1].integer;
}

Machine::Answer Machine::evaluateElementwise(Operation *op) {
  if (isa<arith::SelectOp>(op))
    return select(op);
  ElementFunction f = elementFunction(op);
  if (!f)
    return std::nullopt;
  auto one = [&](ArrayRef<Number> in) -> FailureOr<Number> {
    if (std::optional<Number> result = f(in))
      return *result;
    return refuse(op, in);
  };

  SmallVector<Number, 3> in(op->getNumOperands());
  if (!isa<RankedTensorType>(op->getResult(0).getType())) {
    for (auto [i, v] : llvm::enumerate(op->getOperands()))
      in[i] = number(v);
    FailureOr<Number> result = one(in);
    if (failed(result))
      return failure();
    set(op->getResult(0), *result);
    return success();
  }
  size_t size = tensor(op->getOperand(0)).size();
  for (Value v : op->getOperands())
    if (failed(expectEqual(op, "elements", size, tensor(v).size())))
      return failure();
  Tensor out(size);
  for (size_t i = 0; i < size; ++i) {
    for (auto [j, v] : llvm::enumerate(op->getOperands()))
      in[j] = tensor(v)[i];
    FailureOr<Number> result = one(in);
    if (failed(result))
      return failure();
    out[i] = *result;
  }
  return setTensor(op, std::move(out));
}

/// Also of values that are no numbers, if the condition is one truth value.
LogicalResult Machine::select(Operation *op) {
  auto s = cast<arith::SelectOp>(op);
  if (!isa<ShapedType>(s.getCondition().getType())) {
    set(s.getResult(), get(integer(s.getCondition()) ? s.getTrueValue() : s.getFalseValue()));
    return success();
  }
  const Tensor &condition = tensor(s.getCondition()), &yes = tensor(s.getTrueValue()), &no = tensor(s.getFalseValue());
  if (failed(expectEqual(op, "elements", condition.size(), yes.size())) ||
      failed(expectEqual(op, "elements", condition.size(), no.size())))
    return failure();
  Tensor out(condition.size());
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = condition[i].integer ? yes[i] : no[i];
  return setTensor(op, std::move(out));
}

LogicalResult Machine::constant(Operation *op, TypedAttr value) {
  auto ofInteger = [](const APInt &v) {
    return Number::ofInteger(v.getBitWidth() == 1 ? static_cast<int64_t>(v.getZExtValue()) : v.getSExtValue());
  };
  auto ofReal = [](APFloat v) {
    bool inexact;
    v.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &inexact);
    return Number::ofReal(v.convertToDouble());
  };
  if (auto integer = dyn_cast<IntegerAttr>(value); integer && integer.getValue().getBitWidth() <= 64) {
    set(op->getResult(0), ofInteger(integer.getValue()));
    return success();
  }
  if (auto real = dyn_cast<FloatAttr>(value)) {
    set(op->getResult(0), ofReal(real.getValue()));
    return success();
  }
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (dense && programTensor(dense.getType())) {
    if (failed(expectSize(op, dense.getNumElements())))
      return failure();
    Tensor out;
    Type element = dense.getElementType();
    if (element.isIntOrIndex() && (element.isIndex() || element.getIntOrFloatBitWidth() <= 64))
      for (const APInt &v : dense.getValues<APInt>())
        out.push_back(ofInteger(v));
    else if (isa<FloatType>(element))
      for (const APFloat &v : dense.getValues<APFloat>())
        out.push_back(ofReal(v));
    else
      return op->emitOpError("expects a constant that the interpreter knows, but found ") << value;
    return setTensor(op, std::move(out));
  }
  return op->emitOpError("expects a constant that the interpreter knows, but found ") << value;
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// True if a type is a tensor that no value of a program has: of another rank or width, or not of numbers.
static bool isOtherTensor(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  return shaped && !(programTensor(type) && shaped.getElementType().isIntOrIndexOrFloat());
}

static int64_t widthOf(Value v) { return programTensor(v.getType())->width; }

Machine::Answer Machine::evaluateTensor(Operation *op) {
  if (auto c = dyn_cast<arith::ConstantOp>(op))
    return constant(op, c.getValue());
  if (!isa_and_present<tensor::TensorDialect>(op->getDialect()) || llvm::any_of(op->getOperandTypes(), isOtherTensor) ||
      llvm::any_of(op->getResultTypes(), isOtherTensor))
    return std::nullopt;
  auto indexOf = [&](OpFoldResult v) {
    if (auto attr = dyn_cast<Attribute>(v))
      return cast<IntegerAttr>(attr).getInt();
    return integer(cast<Value>(v));
  };
  auto expectElement = [&](int64_t i, size_t size) -> LogicalResult {
    if (i >= 0 && i < static_cast<int64_t>(size))
      return success();
    return op->emitOpError("expects an index in [0, ") << size << "), but found " << i;
  };
  // How many rows a result has whose type may leave it to an operand.
  auto rowsOf = [&](RankedTensorType type, ValueRange dynamic) {
    return type.hasStaticShape() ? type.getDimSize(0) : integer(dynamic.front());
  };
  // The place of an element, or nothing after an error.
  auto placeOf = [&](Value source, OperandRange indices) -> std::optional<size_t> {
    int64_t width = widthOf(source), row = integer(indices.front()),
            column = indices.size() > 1 ? integer(indices[1]) : 0;
    if (failed(expectElement(row, tensor(source).size() / static_cast<size_t>(width))) ||
        failed(expectElement(column, static_cast<size_t>(width))))
      return std::nullopt;
    return static_cast<size_t>(row * width + column);
  };

  return llvm::TypeSwitch<Operation *, Answer>(op)
      .Case([&](tensor::DimOp dim) -> Answer {
        int64_t width = widthOf(dim.getSource()), which = integer(dim.getIndex());
        if (failed(expectElement(which, static_cast<size_t>(cast<ShapedType>(dim.getSource().getType()).getRank()))))
          return failure();
        return setInteger(op, which ? width : static_cast<int64_t>(tensor(dim.getSource()).size()) / width);
      })
      .Case([&](tensor::SplatOp splat) -> Answer {
        int64_t rows = rowsOf(splat.getType(), splat.getDynamicSizes()), width = widthOf(splat.getAggregate());
        if (failed(expectRows(op, rows, width)))
          return failure();
        return setTensor(op, Tensor(static_cast<size_t>(rows * width), number(splat.getInput())));
      })
      .Case([&](tensor::EmptyOp empty) -> Answer {
        int64_t rows = rowsOf(empty.getType(), empty.getDynamicSizes()), width = widthOf(empty.getResult());
        if (failed(expectRows(op, rows, width)))
          return failure();
        return setTensor(op, Tensor(static_cast<size_t>(rows * width)));
      })
      .Case([&](tensor::FromElementsOp from) -> Answer {
        Tensor out;
        for (Value v : from.getElements())
          out.push_back(number(v));
        return setTensor(op, std::move(out));
      })
      .Case([&](tensor::ExtractOp extract) -> Answer {
        std::optional<size_t> place = placeOf(extract.getTensor(), extract.getIndices());
        if (!place)
          return failure();
        set(extract.getResult(), tensor(extract.getTensor())[*place]);
        return success();
      })
      .Case([&](tensor::InsertOp insert) -> Answer {
        Tensor out = tensor(insert.getDest());
        std::optional<size_t> place = placeOf(insert.getDest(), insert.getIndices());
        if (!place)
          return failure();
        out[*place] = number(insert.getScalar());
        return setTensor(op, std::move(out));
      })
      .Case([&](tensor::ExtractSliceOp slice) -> Answer {
        const Tensor &in = tensor(slice.getSource());
        if (std::string why = whyNoSlice(slice); !why.empty())
          return op->emitOpError(why);
        int64_t offset = indexOf(slice.getMixedOffsets().front()), size = indexOf(slice.getMixedSizes().front());
        int64_t width = widthOf(slice.getSource()), first = 0, columns = 1;
        if (slice.getSourceType().getRank() == 2)
          first = indexOf(slice.getMixedOffsets()[1]), columns = indexOf(slice.getMixedSizes()[1]);
        int64_t stride = indexOf(slice.getMixedStrides().front()), length = static_cast<int64_t>(in.size()) / width;
        if (offset < 0 || offset > length)
          return op->emitOpError("expects an offset in [0, ") << length << "], but found " << offset;
        if (stride < 1)
          return op->emitOpError("expects a stride of at least 1, but found ") << stride;
        int64_t fits = offset == length ? 0 : (length - offset - 1) / stride + 1;
        if (size < 0 || size > fits)
          return op->emitOpError("expects a size in [0, ") << fits << "], but found " << size;
        Tensor out;
        for (int64_t i = 0; i < size; ++i)
          for (int64_t j = 0; j < columns; ++j)
            out.push_back(in[static_cast<size_t>((offset + i * stride) * width + first + j)]);
        return setTensor(op, std::move(out));
      })
      .Case([&](tensor::ConcatOp concat) -> Answer {
        if (concat.getDim() != 0)
          return op->emitOpError("expects rows to be joined, dim(0), but found dim(") << concat.getDim() << ")";
        Tensor out;
        for (Value v : concat.getInputs())
          llvm::append_range(out, tensor(v));
        if (failed(expectSize(op, static_cast<int64_t>(out.size()))))
          return failure();
        return setTensor(op, std::move(out));
      })
      .Case([&](tensor::CastOp castOp) -> Answer { return setTensor(op, tensor(castOp.getSource())); })
      .Case([&](tensor::CollapseShapeOp collapse) -> Answer { return setTensor(op, tensor(collapse.getSrc())); })
      .Case([&](tensor::ExpandShapeOp expand) -> Answer {
        // Its sizes are said twice: by the operand's elements and by themselves.
        int64_t width = widthOf(expand.getResult()), rows = indexOf(expand.getMixedOutputShape().front());
        auto size = static_cast<int64_t>(tensor(expand.getSrc()).size());
        if (failed(expectRows(op, rows, width)))
          return failure();
        if (size != rows * width)
          return op->emitOpError("expects ") << rows * width << " elements, but found " << size;
        return setTensor(op, tensor(expand.getSrc()));
      })
      .Default([](Operation *) { return std::nullopt; });
}
