//===- ScanOps.cpp - verifiers of recurrences ------------------------------===//

#include "dialects/quoin/ScanOps.h"
#include "dialects/quoin/RowProgram.h"
#include "dialects/quoin/RowSpaces.h"

using namespace mlir;
using namespace quoin;

#define GET_OP_CLASSES
#include "dialects/quoin/QuoinScanOps.cpp.inc"

/// The most heads: what all of them have of a state is a number of 32 bits.
static constexpr int64_t maxScanHeads = 65536;

//===----------------------------------------------------------------------===//
// Parts of heads
//===----------------------------------------------------------------------===//

static HeadPart partOf(Type part, int64_t axis, int64_t heads) {
  HeadPart found;
  for (auto [d, size] : llvm::enumerate(rowShapeOf(part)))
    (static_cast<int64_t>(d) < axis ? found.outer : found.inner) *= size;
  found.heads = axis < 0 ? 1 : heads;
  return found;
}

/// Are these the sizes of `whole`, where neighbours may be joined and sizes of 1 do not count? Then the numbers lie in
/// the same order.
static bool joins(ArrayRef<int64_t> shape, ArrayRef<int64_t> whole) {
  for (int64_t size : shape) {
    int64_t joined = 1;
    while (joined < size && !whole.empty()) {
      joined *= whole.front();
      whole = whole.drop_front();
    }
    if (joined != size)
      return false;
  }
  return llvm::all_of(whole, [](int64_t size) { return size == 1; });
}

/// Fails unless numbers of this shape are those of all heads, each of which has `part`.
static LogicalResult expectPart(Operation *op, const Twine &what, ArrayRef<int64_t> shape, Type part, int64_t axis,
                                int64_t heads) {
  ArrayRef<int64_t> own = rowShapeOf(part);
  // scan_c5
  if (axis < -1 || axis > static_cast<int64_t>(own.size()))
    return op->emitOpError("expects the number of a size, -1 to ")
           << own.size() << ", after 'along' for " << what << ", but found " << axis;
  SmallVector<int64_t> whole(own);
  if (axis >= 0)
    whole.insert(whole.begin() + axis, heads);
  // scan_c6
  if (joins(shape, whole))
    return success();
  InFlightDiagnostic error = op->emitOpError("expects ") << what << " of the sizes ";
  llvm::interleave(whole, error, "x");
  error << ", of which each of " << heads << " heads has " << part << ", but found ";
  llvm::interleave(shape, error, "x");
  return error;
}

ScanShape ScanShape::of(Block &body, int64_t heads, std::optional<ArrayRef<int64_t>> axes, size_t inputs,
                        size_t initial, size_t weights) {
  ScanShape shape;
  shape.heads = heads;
  shape.states = body.getNumArguments() - inputs - weights;
  size_t number = 0;
  auto add = [&](SmallVectorImpl<HeadPart> &list, Type part) {
    list.push_back(partOf(part, axes ? (*axes)[number++] : 0, heads));
  };
  auto types = body.getArgumentTypes();
  for (size_t i = 0; i < inputs; ++i)
    add(shape.inputs, types[shape.states + i]);
  for (size_t i = 0; i < initial; ++i)
    add(shape.initial, types[i]);
  for (size_t i = 0; i < weights; ++i)
    add(shape.weights, types[shape.states + inputs + i]);
  for (Value row : cast<RowOp>(body.getTerminator()).getRows().drop_front(shape.states))
    add(shape.outputs, row.getType());
  return shape;
}

SmallVector<int64_t> quoin::weightAxes(std::optional<ArrayRef<int64_t>> axes, size_t before, size_t weights) {
  return axes ? SmallVector<int64_t>(axes->slice(before, weights)) : SmallVector<int64_t>(weights, 0);
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

LogicalResult quoin::verifyScan(Operation *op, int64_t heads, std::optional<ArrayRef<int64_t>> axes,
                                const ScanSizes &sizes) {
  // scan_c1
  if (heads < 1 || heads > maxScanHeads)
    return op->emitOpError("expects 1 to ") << maxScanHeads << " heads, but found " << heads;
  // scan_c2
  Block &body = op->getRegion(0).front();
  size_t parts = sizes.inputs.size() + sizes.weights;
  if (sizes.inputs.empty())
    return op->emitOpError("expects at least one operand, but found none");
  if (body.getNumArguments() <= parts)
    return op->emitOpError("expects more than ")
           << parts << " arguments, the states before the operands' rows and the weights, but found "
           << body.getNumArguments();
  for (BlockArgument argument : body.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type || !type.getElementType().isF32() || type.getRank() == 0)
      return op->emitOpError("expects argument #")
             << argument.getArgNumber() << " to be a tensor of f32 of rank 1 to 4, but found " << argument.getType();
    if (failed(verifyRowType(op, type)))
      return failure();
  }
  size_t states = body.getNumArguments() - parts;
  // scan_c3
  if (!sizes.initial.empty() && sizes.initial.size() != states)
    return op->emitOpError("expects as many operands after 'from' as states, ")
           << states << ", but found " << sizes.initial.size();
  // scan_c7
  auto row = dyn_cast<RowOp>(body.getTerminator());
  if (!row)
    return op->emitOpError("expects a body that ends in 'quoin.row'");
  if (row.getRows().size() != states + sizes.outputs.size())
    return row.emitOpError("expects ") << states << " states and " << sizes.outputs.size() << " rows, but found "
                                       << row.getRows().size();
  for (auto [i, given] : llvm::enumerate(row.getRows())) {
    auto type = cast<RankedTensorType>(given.getType());
    if (i < states && type != body.getArgument(static_cast<unsigned>(i)).getType())
      return row.emitOpError("expects state #")
             << i << " of type " << body.getArgument(static_cast<unsigned>(i)).getType() << ", but found " << type;
    if (!type.getElementType().isF32())
      return row.emitOpError("expects rows of f32, but found ") << type;
  }
  // scan_c5
  size_t entries = parts + sizes.initial.size() + sizes.outputs.size();
  if (axes && axes->size() != entries)
    return op->emitOpError("expects ") << entries << " numbers after 'along', one for each operand, weight and "
                                       << "result, but found " << axes->size();
  size_t number = 0;
  auto expect = [&](StringRef what, size_t i, ArrayRef<int64_t> shape, Type part) {
    return expectPart(op, what + " #" + Twine(i), shape, part, axes ? (*axes)[number++] : 0, heads);
  };
  for (auto [i, shape] : llvm::enumerate(sizes.inputs))
    if (failed(expect("rows of operand", i, shape, body.getArgument(static_cast<unsigned>(states + i)).getType())))
      return failure();
  for (auto [i, shape] : llvm::enumerate(sizes.initial))
    if (failed(expect("initial state", i, shape, body.getArgument(static_cast<unsigned>(i)).getType())))
      return failure();
  number += axes ? sizes.weights : 0;
  for (auto [i, shape] : llvm::enumerate(sizes.outputs))
    if (failed(expect("rows of result", i, shape, row.getRows()[states + i].getType())))
      return failure();
  // scan_c8
  return verifyRowOps(op);
}

LogicalResult quoin::verifyScanWeights(Operation *op, SymbolTableCollection &table, ArrayRef<FlatSymbolRefAttr> symbols,
                                       int64_t heads, ArrayRef<int64_t> axes) {
  // scan_c4
  auto arguments = op->getRegion(0).getArguments().take_back(symbols.size());
  for (auto [symbol, argument, axis] : llvm::zip_equal(symbols, arguments, axes)) {
    auto weight = table.lookupNearestSymbolFrom<WeightOp>(op, symbol);
    if (!weight)
      return op->emitOpError("expects 'with' to name a quoin.weight, but found ") << symbol;
    ArrayRef<int64_t> shape = cast<RankedTensorType>(weight.getType()).getShape();
    if (failed(expectPart(op, "weight '@" + weight.getSymName() + "'", shape, argument.getType(), axis, heads)))
      return failure();
  }
  return success();
}

static SmallVector<SmallVector<int64_t>> rowSizes(ValueRange rows) {
  SmallVector<SmallVector<int64_t>> sizes;
  for (Value v : rows)
    sizes.emplace_back(cast<RankedTensorType>(v.getType()).getShape().drop_front());
  return sizes;
}

LogicalResult ScanOp::verifyRegions() {
  return verifyScan(*this, static_cast<int64_t>(getHeads()), getAxes(),
                    {rowSizes(getInputs()), rowSizes(getInitial()), rowSizes(getOutputs()), getWeights().size()});
}

LogicalResult ScanOp::verifySymbolUses(SymbolTableCollection &table) {
  return verifyScanWeights(*this, table, llvm::to_vector(getWeights().getAsRange<FlatSymbolRefAttr>()),
                           static_cast<int64_t>(getHeads()),
                           weightAxes(getAxes(), getInputs().size() + getInitial().size(), getWeights().size()));
}

LogicalResult ScanOp::inferRowSpace(ArrayRef<RowSpace> operands, RowSpace &result) {
  // model_c5
  result = RowSpace::Call;
  for (RowSpace space : operands)
    if (space != RowSpace::Call)
      return emitOpError("expects ") << nameOf(RowSpace::Call) << ", but found " << nameOf(space);
  return success();
}
