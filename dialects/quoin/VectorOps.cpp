//===- VectorOps.cpp - numbers of several rows at once ---------------------===//

#include "dialects/quoin/ProgramTensor.h"
#include "dialects/quoin/QuoinDialect.h"

using namespace mlir;
using namespace quoin;

static LogicalResult expectProgramTensor(Operation *op, Value values) {
  if (programTensor(values.getType()))
    return success();
  return op->emitOpError("expects a vector, or a matrix of a static width, but found ") << values.getType();
}

LogicalResult GatherOp::verify() {
  // gather_c1
  if (failed(expectProgramTensor(*this, getValues())))
    return failure();
  // gather_c2
  auto from = cast<RankedTensorType>(getValues().getType());
  SmallVector<int64_t> shape(from.getShape());
  shape[0] = ShapedType::kDynamic;
  auto expected = RankedTensorType::get(shape, from.getElementType());
  if (getResult().getType() != expected)
    return emitOpError("expects a result of type ") << expected << ", but found " << getResult().getType();
  return success();
}

LogicalResult quoin::ReduceOp::verify() {
  // reduce_c1
  if (failed(expectProgramTensor(*this, getValues())))
    return failure();
  // reduce_c2
  auto from = cast<RankedTensorType>(getValues().getType());
  Type expected = from.getElementType();
  if (from.getRank() == 2)
    expected = RankedTensorType::get({1, from.getDimSize(1)}, expected);
  if (getResult().getType() != expected)
    return emitOpError("expects a result of type ") << expected << ", but found " << getResult().getType();
  return success();
}

LogicalResult AmongOp::verify() {
  // among_c1
  Type values = getElementTypeOrSelf(getValues()), list = getElementTypeOrSelf(getList());
  return values == list ? success() : emitOpError("expects a list of ") << values << ", but found one of " << list;
}
