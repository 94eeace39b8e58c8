//===- ApplyOps.cpp - verifiers of calls on rows ---------------------------===//

#include "dialects/quoin/QuoinDialect.h"

using namespace mlir;
using namespace quoin;

/// Fails unless the symbol is a model without a head that takes and gives these. A step that a model became has seen to
/// it before.
static LogicalResult expectRowModel(Operation *op, SymbolTableCollection &table, FlatSymbolRefAttr symbol,
                                    TypeRange inputs, TypeRange outputs) {
  Operation *found = table.lookupNearestSymbolFrom(op, symbol);
  if (!found || !found->hasTrait<IsModel>())
    return op->emitOpError("expects a quoin.model, but found ") << symbol;
  auto model = dyn_cast<ModelOp>(found);
  if (!model)
    return success();
  if (model.isOfTokens())
    return op->emitOpError("expects a model that is a function of rows, but ") << symbol << " takes tokens";
  auto agree = [&](StringRef what, TypeRange wanted, TypeRange given) -> LogicalResult {
    if (wanted == given)
      return success();
    return op->emitOpError("expects ") << what << " " << wanted << " of " << symbol << ", but found " << given;
  };
  auto results = cast<ResultsOp>(model.getBody().front().back());
  return failure(failed(agree("operands", model.getBody().getArgumentTypes(), inputs)) ||
                 failed(agree("results", results.getRows().getTypes(), outputs)));
}

LogicalResult ApplyOp::verifySymbolUses(SymbolTableCollection &table) {
  // apply_c1, apply_c2
  return expectRowModel(*this, table, getModelAttr(), getInputs().getTypes(), getOutputs().getTypes());
}

SuccessorOperands SuspendApplyOp::getSuccessorOperands(unsigned) {
  return SuccessorOperands(static_cast<unsigned>(getCount()), getLiveMutable());
}

LogicalResult SuspendApplyOp::verify() {
  if (getCount() < getResume()->getNumArguments() + 1)
    return success();
  return emitOpError("expects a successor with ")
         << getCount() << " results as first arguments, but found " << getResume()->getNumArguments() << " arguments";
}

LogicalResult SuspendApplyOp::verifySymbolUses(SymbolTableCollection &table) {
  // suspend_apply_c1, suspend_apply_c2
  TypeRange given = TypeRange(getResume()->getArgumentTypes()).take_front(static_cast<size_t>(getCount()));
  return expectRowModel(*this, table, getModelAttr(), getInputs().getTypes(), given);
}
