//===- TensorLowering.cpp - vectors and matrices in the session's arena ------===//
//
// Tensors are values, never written once made, so a slice with stride 1 and a cast share their operand's elements. The
// width of a matrix is static; it is kept as its elements, row after row.
//
//===----------------------------------------------------------------------===//

#include "compiler/decoder/Emitter.h"
#include "dialects/quoin/ProgramTensor.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::decoder;

using Pred = LLVM::ICmpPredicate;

/// An attribute or a value of the decoder, as i64.
static Value size(Emitter &e, OpFoldResult fold) {
  if (auto value = dyn_cast<Value>(fold))
    return e.get(value);
  return e.constant(cast<IntegerAttr>(cast<Attribute>(fold)).getInt());
}

static int64_t widthOf(Type type) { return programTensor(type)->width; }

/// How many rows a tensor has.
static Value rowsOf(Emitter &e, Value tensor) {
  int64_t width = widthOf(tensor.getType());
  Value elements = e.tensor(tensor).size;
  return width == 1 ? elements : LLVM::UDivOp::create(e.b, elements, e.constant(width));
}

/// Room for a result with so many rows.
static TensorParts allocateRows(Emitter &e, RankedTensorType type, Value rows, StringRef op) {
  Type element = scalarType(type.getElementType());
  int64_t width = widthOf(type);
  if (width == 1)
    return e.allocateTensor(element, rows, op);
  e.requireSize(rows, op); // so that their elements can be counted
  return e.allocateTensor(element, e.mul(rows, e.constant(width)), op);
}

/// The rows of a result: its type's, or the one operand that says it.
static Value resultRows(Emitter &e, RankedTensorType type, ValueRange sizes) {
  return type.isDynamicDim(0) ? e.get(sizes.front()) : e.constant(type.getDimSize(0));
}

static Type elementOf(Type type) { return scalarType(cast<RankedTensorType>(type).getElementType()); }

//===----------------------------------------------------------------------===//
// tensor
//===----------------------------------------------------------------------===//

static void fillWith(Emitter &e, const TensorParts &t, Value value) {
  e.forEach(t.size, [&](Value i) { e.storeElement(t, i, value); });
}

static void lowerSplat(Emitter &e, tensor::SplatOp op) {
  Value rows = resultRows(e, op.getType(), op.getDynamicSizes());
  TensorParts made = allocateRows(e, op.getType(), rows, "tensor.splat");
  fillWith(e, made, e.get(op.getInput()));
  e.set(op.getAggregate(), made);
}

/// Its elements have no values yet; zeros, so that a program that reads them does the same each time.
static void lowerEmpty(Emitter &e, tensor::EmptyOp op) {
  Type element = elementOf(op.getType());
  Value rows = resultRows(e, op.getType(), op.getDynamicSizes());
  TensorParts made = allocateRows(e, op.getType(), rows, "tensor.empty");
  fillWith(e, made, LLVM::ZeroOp::create(e.b, element));
  e.set(op.getResult(), made);
}

static void lowerDim(Emitter &e, tensor::DimOp op) {
  int64_t rank = cast<RankedTensorType>(op.getSource().getType()).getRank();
  std::optional<int64_t> known = op.getConstantIndex();
  Value index = e.get(op.getIndex()), rows = rowsOf(e, op.getSource());
  if (!known || *known < 0 || *known >= rank)
    e.require(e.compare(Pred::ult, index, e.constant(rank)), "tensor.dim expects an index in [0, {1}), but found {0}",
              index, e.constant(rank));
  if (rank == 1 || known == 0)
    return e.set(op.getResult(), rows);
  Value first = e.compare(Pred::eq, index, e.constant(0)), width = e.constant(widthOf(op.getSource().getType()));
  e.set(op.getResult(), Value(LLVM::SelectOp::create(e.b, first, rows, width)));
}

static void lowerExtract(Emitter &e, tensor::ExtractOp op) {
  TensorParts from = e.tensor(op.getTensor());
  Value index = e.get(op.getIndices().front()), rows = rowsOf(e, op.getTensor());
  auto require = [&](Value i, Value size) {
    e.require(e.compare(Pred::ult, i, size), "tensor.extract expects an index in [0, {1}), but found {0}", i, size);
  };
  require(index, rows);
  if (op.getIndices().size() > 1) {
    Value column = e.get(op.getIndices()[1]), width = e.constant(widthOf(op.getTensor().getType()));
    require(column, width);
    index = e.add(e.mul(index, width), column);
  }
  e.set(op.getResult(), e.loadElement(from, index));
}

static LogicalResult lowerSlice(Emitter &e, tensor::ExtractSliceOp op) {
  if (std::string why = whyNoSlice(op); !why.empty())
    return op.emitOpError(why);
  TensorParts from = e.tensor(op.getSource());
  int64_t width = widthOf(op.getSource().getType()), first = 0, columns = 1;
  if (op.getSourceType().getRank() == 2)
    first = *getConstantIntValue(op.getMixedOffsets()[1]), columns = *getConstantIntValue(op.getMixedSizes()[1]);
  Value length = rowsOf(e, op.getSource());
  Value offset = size(e, op.getMixedOffsets().front()), count = size(e, op.getMixedSizes().front());
  e.require(e.compare(Pred::ule, offset, length), "tensor.extract_slice expects an offset in [0, {1}], but found {0}",
            offset, length);
  Value left = e.sub(length, offset);
  OpFoldResult step = op.getMixedStrides().front();
  if (isConstantIntValue(step, 1) && columns == width) {
    e.require(e.compare(Pred::ule, count, left), "tensor.extract_slice expects a size in [0, {1}], but found {0}",
              count, left);
    Value begin = e.mul(offset, e.constant(width)), elements = e.mul(count, e.constant(width));
    Value data =
        LLVM::GEPOp::create(e.b, e.pointer, storedType(from.element), from.data, ArrayRef<LLVM::GEPArg>{begin});
    e.set(op.getResult(), TensorParts{data, elements, from.element});
    return success();
  }
  Value stride = size(e, step);
  e.require(e.compare(Pred::sgt, stride, e.constant(0)),
            "tensor.extract_slice expects a stride of at least 1, but found {0}", stride, count);
  // ceil(left / stride) elements fit; left is not negative, and stride - 1 is taken off first so that nothing
  // overflows.
  Value none = e.compare(Pred::eq, left, e.constant(0));
  Value rest = LLVM::UDivOp::create(e.b, e.sub(left, e.constant(1)), stride);
  Value fit = LLVM::SelectOp::create(e.b, none, left, e.add(rest, e.constant(1)));
  e.require(e.compare(Pred::ule, count, fit), "tensor.extract_slice expects a size in [0, {1}], but found {0}", count,
            fit);
  Value wide = e.constant(columns);
  TensorParts made = e.allocateTensor(from.element, e.mul(count, wide), "tensor.extract_slice");
  e.forEach(count, [&](Value i) {
    Value row = e.mul(e.add(offset, e.mul(i, stride)), e.constant(width)), to = e.mul(i, wide);
    e.forEach(wide, [&](Value j) {
      Value column = e.add(j, e.constant(first));
      e.storeElement(made, e.add(to, j), e.loadElement(from, e.add(row, column)));
    });
  });
  e.set(op.getResult(), made);
  return success();
}

static void requireResult(Emitter &e, StringRef op, RankedTensorType type, Value found) {
  Value expected = e.constant(type.getNumElements());
  e.require(e.compare(Pred::eq, found, expected), (op + " expects a result of {1} elements, but found {0}").str(),
            found, expected);
}

static LogicalResult lowerConcat(Emitter &e, tensor::ConcatOp op) {
  if (op.getDim() != 0)
    return op.emitOpError("expects rows to be joined, dim(0), but found dim(") << op.getDim() << ")";
  Value total = e.constant(0);
  for (Value v : op.getInputs())
    total = e.add(total, e.tensor(v).size);
  TensorParts made = e.allocateTensor(elementOf(op.getType()), total, "tensor.concat");
  Value offset = e.constant(0);
  for (Value v : op.getInputs()) {
    e.copyElements(e.tensor(v), made, offset);
    offset = e.add(offset, e.tensor(v).size);
  }
  auto type = cast<RankedTensorType>(op.getType());
  if (!type.isDynamicDim(0))
    requireResult(e, "tensor.concat", type, total);
  e.set(op.getResult(), made);
  return success();
}

static void lowerCast(Emitter &e, tensor::CastOp op) {
  TensorParts from = e.tensor(op.getSource());
  auto type = cast<RankedTensorType>(op.getType());
  if (!type.isDynamicDim(0))
    requireResult(e, "tensor.cast", type, from.size);
  e.set(op.getDest(), from);
}

static void lowerExpand(Emitter &e, tensor::ExpandShapeOp op) {
  TensorParts from = e.tensor(op.getSrc());
  Value rows = size(e, op.getMixedOutputShape().front());
  e.requireSize(rows, "tensor.expand_shape");
  Value elements = e.mul(rows, e.constant(widthOf(op.getType())));
  e.requireSize(elements, "tensor.expand_shape");
  e.require(e.compare(Pred::eq, from.size, elements), "tensor.expand_shape expects {1} elements, but found {0}",
            from.size, elements);
  e.set(op.getResult(), from);
}

std::optional<LogicalResult> quoin::decoder::lowerTensorOp(Emitter &e, Operation *op) {
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return lowerSlice(e, slice);
  if (auto concat = dyn_cast<tensor::ConcatOp>(op))
    return lowerConcat(e, concat);
  bool mine = true;
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](tensor::SplatOp o) { lowerSplat(e, o); })
      .Case([&](tensor::EmptyOp o) { lowerEmpty(e, o); })
      .Case([&](tensor::DimOp o) { lowerDim(e, o); })
      .Case([&](tensor::ExtractOp o) { lowerExtract(e, o); })
      .Case([&](tensor::CollapseShapeOp o) { e.set(o.getResult(), e.tensor(o.getSrc())); })
      .Case([&](tensor::ExpandShapeOp o) { lowerExpand(e, o); })
      .Case([&](tensor::CastOp o) { lowerCast(e, o); })
      .Default([&](Operation *) { mine = false; });
  if (!mine)
    return std::nullopt;
  return success();
}
