//===- RowSpaces.cpp - whose rows the values of a model's body have --------===//

#include "dialects/quoin/RowSpaces.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace quoin;

#include "dialects/quoin/ModelInterfaces.cpp.inc"

StringRef quoin::nameOf(RowSpace space) {
  switch (space) {
  case RowSpace::Call:
    return "rows of the call";
  case RowSpace::Read:
    return "rows read";
  case RowSpace::Sequence:
    return "rows of sequences";
  case RowSpace::Indices:
    break;
  }
  return "the indices of rows read";
}

bool quoin::isRowsType(RankedTensorType type) {
  if (type.getRank() < 2 || type.getRank() > 4 || !type.isDynamicDim(0) || type.getEncoding() ||
      !(type.getElementType().isF32() || type.getElementType().isInteger(32)))
    return false;
  int64_t numbers = 1;
  for (int64_t size : type.getShape().drop_front())
    if (size < 1 || size > INT32_MAX / numbers)
      return false;
    else
      numbers *= size;
  return true;
}

int64_t quoin::rowNumbersOf(Value rows) {
  int64_t numbers = 1;
  for (int64_t size : cast<RankedTensorType>(rows.getType()).getShape().drop_front())
    numbers *= size;
  return numbers;
}

LogicalResult quoin::inferSameRowSpace(Operation *op, ArrayRef<RowSpace> operands, RowSpace &result) {
  // model_c5
  result = operands.empty() ? RowSpace::Call : operands.front();
  // Rows of sequences go with any.
  for (RowSpace other : operands)
    if (result == RowSpace::Sequence)
      result = other;
  if (llvm::is_contained(operands, RowSpace::Indices))
    return op->emitOpError("expects ") << nameOf(RowSpace::Call) << " or " << nameOf(RowSpace::Read) << ", but found "
                                       << nameOf(RowSpace::Indices);
  for (RowSpace other : operands)
    if (other != result && other != RowSpace::Sequence)
      return op->emitOpError("expects operands over the same rows, but found ")
             << nameOf(result) << " and " << nameOf(other);
  return success();
}

LogicalResult GatherRowsOp::inferRowSpace(ArrayRef<RowSpace> operands, RowSpace &result) {
  // model_c6
  result = RowSpace::Read;
  if (operands[0] != RowSpace::Call)
    return emitOpError("expects ") << nameOf(RowSpace::Call) << " to gather from, but found " << nameOf(operands[0]);
  // model_c12
  if (isRows(getRows()))
    return emitOpError("expects rows that the program reads: every layer runs all rows of a call, but found some that "
                       "the body selects by ")
           << getRows().getType();
  if (operands[1] != RowSpace::Indices)
    return emitOpError("expects the body's third argument after 'at', but found ") << nameOf(operands[1]);
  return success();
}

LogicalResult AttentionMassOp::inferRowSpace(ArrayRef<RowSpace> operands, RowSpace &result) {
  // model_c7, model_c12
  result = RowSpace::Call;
  for (auto [name, space] : llvm::zip_equal(ArrayRef<StringRef>{"queries", "keys", "groups"}, operands))
    if (space != RowSpace::Call)
      return emitOpError("expects ") << name << " of " << nameOf(RowSpace::Call)
                                     << ", all of which run in every layer, but found " << nameOf(space);
  return success();
}

LogicalResult AttentionOp::inferRowSpace(ArrayRef<RowSpace> operands, RowSpace &result) {
  // model_c7, model_c12
  result = operands[0];
  for (auto [name, space] : {std::pair("keys", operands[1]), std::pair("values", operands[2])})
    if (space != RowSpace::Call)
      return emitOpError("expects ") << name << " of " << nameOf(RowSpace::Call)
                                     << ", all of which run in every layer, but found " << nameOf(space);
  if (getRows() && operands[3] != RowSpace::Indices)
    return emitOpError("expects the body's third argument after 'rows', but found ") << nameOf(operands[3]);
  RowSpace wanted = getRows() ? RowSpace::Read : RowSpace::Call;
  if (result != wanted)
    return emitOpError("expects a query of ")
           << nameOf(wanted) << (getRows() ? " with" : " without") << " 'rows', but found " << nameOf(result);
  return success();
}

FailureOr<RowSpaces> RowSpaces::infer(Operation *owner, Block &body, Value read, ValueRange once) {
  RowSpaces result;
  for (BlockArgument argument : body.getArguments())
    result.spaces[argument] = RowSpace::Call;
  if (read)
    result.spaces[read] = RowSpace::Indices;
  for (Value column : once)
    result.spaces[column] = RowSpace::Sequence;
  for (Operation &op : body.without_terminator()) {
    auto modelOp = dyn_cast<ModelOpInterface>(op);
    // model_c12
    if (!modelOp && isa_and_present<tensor::TensorDialect>(op.getDialect()) &&
        llvm::any_of(op.getOperands(), [&](Value v) { return result.spaces.contains(v); })) {
      emitError(op.getLoc()) << "'" << owner->getName()
                             << "' op expects every layer to run all rows of a call, but found '" << op.getName()
                             << "', which may select some";
      return failure();
    }
    // model_c4
    if (!modelOp) {
      emitError(op.getLoc()) << "'" << owner->getName() << "' op expects a body of model ops, but found '"
                             << op.getName() << "'";
      return failure();
    }
    SmallVector<RowSpace> operands;
    for (auto [i, operand] : llvm::enumerate(op.getOperands())) {
      // MLIR's own verifier looks at the order of ops only after this one.
      auto known = result.spaces.find(operand);
      if (known == result.spaces.end()) {
        op.emitOpError("expects operands that are made above it, but operand #") << i << " is made below";
        return failure();
      }
      operands.push_back(known->second);
    }
    RowSpace space = RowSpace::Call;
    if (failed(modelOp.inferRowSpace(operands, space)))
      return failure();
    for (Value made : op.getResults())
      result.spaces[made] = space;
  }
  return result;
}

FailureOr<RowSpaces> RowSpaces::infer(ModelOp model) {
  SmallVector<Value> once;
  if (model.isOfTokens())
    for (BlockArgument column : model.getColumns())
      if (model.isOfSequence(column))
        once.push_back(column);
  FailureOr<RowSpaces> result = infer(model, model.getBody().front(), model.getRead(), once);
  if (failed(result) || !model.isOfTokens())
    return result;
  // model_c8
  RowSpace wanted = model.getRead() ? RowSpace::Read : RowSpace::Call;
  Operation *end = model.getBody().front().getTerminator();
  for (Value rows : end->getOperands()) {
    auto found = result->spaces.find(rows);
    if (found != result->spaces.end() && found->second == wanted)
      continue;
    end->emitOpError("expects ") << nameOf(wanted) << " in a model " << (model.getRead() ? "with" : "without")
                                 << " a third argument, but found "
                                 << (found == result->spaces.end() ? "a value that is made below"
                                                                   : nameOf(found->second));
    return failure();
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Upstream's ops
//===----------------------------------------------------------------------===//

namespace {
struct AddRows : ModelOpInterface::ExternalModel<AddRows, arith::AddFOp> {
  RowRelation getRelation(Operation *) const { return RowRelation::RowByRow; }
};
} // namespace

void quoin::attachModelInterfaces(MLIRContext &context) { arith::AddFOp::attachInterface<AddRows>(context); }
