//===- StepCalls.cpp - do calls and the steps that they run fit? ------------===//

#include "dialects/stage/StepCalls.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::stage;

namespace {
/// What a call gives and takes.
struct Call {
  FlatSymbolRefAttr model; ///< null: it is no call
  SmallVector<Type> columns;
  std::optional<SmallVector<Type>> results; ///< none: it takes nothing
};
} // namespace

static Call callOf(Operation *op) {
  auto list = [](TypeRange types) { return SmallVector<Type>(types.begin(), types.end()); };
  auto resumed = [&](Block *resume, uint64_t given) {
    TypeRange all = resume->getArgumentTypes();
    return list(all.take_front(std::min<uint64_t>(given, all.size())));
  };
  return llvm::TypeSwitch<Operation *, Call>(op)
      .Case<ForwardOp, ForwardCachedOp>([&](auto o) -> Call {
        return {o.getModelAttr(), list(o.getColumns().getTypes()), list(o->getResultTypes())};
      })
      .Case([&](SuspendForwardOp o) -> Call {
        return {o.getModelAttr(), list(o.getColumns().getTypes()), resumed(o.getResume(), o.getGives().value_or(1))};
      })
      .Case([&](ApplyOp o) -> Call {
        return {o.getModelAttr(), list(o.getInputs().getTypes()), list(o->getResultTypes())};
      })
      .Case([&](SuspendApplyOp o) -> Call {
        return {o.getModelAttr(), list(o.getInputs().getTypes()), resumed(o.getResume(), o.getCount())};
      })
      .Case([&](ReuseOp o) -> Call {
        auto cache = o.getCache().getDefiningOp<quoin::CacheOp>();
        return {cache ? cache.getModelAttr() : FlatSymbolRefAttr(), list(o.getColumns().getTypes()), std::nullopt};
      })
      .Default([](Operation *) { return Call(); });
}

/// Rows as a program has them.
static Type tensorOf(Value rows) {
  BufferType buffer = bufferOf(rows);
  return RankedTensorType::get({ShapedType::kDynamic, buffer.getWidth()}, buffer.getElement());
}

static LogicalResult verifyCall(Operation *op) {
  Call call = callOf(op);
  Operation *model = call.model ? SymbolTable::lookupNearestSymbolFrom(op, call.model) : nullptr;
  SmallVector<Type> columns, results;
  if (auto step = dyn_cast_if_present<StepOp>(model)) {
    if (step.isFunction())
      return op->emitOpError("expects a step of a model, but ") << call.model << " is attention by itself";
    for (BlockArgument column : step.getColumns())
      columns.push_back(tensorOf(column));
    Operation &end = step.getBody().front().back();
    for (Value rows : end.getOperands())
      results.push_back(tensorOf(rows));
    // Rows of the head are its logits.
    if (step.getHead())
      results[0] = LogitsType::get(op->getContext());
  } else if (auto of = dyn_cast_if_present<ModelOp>(model); of && !call.results) {
    for (BlockArgument column : of.getColumns())
      columns.push_back(column.getType());
  } else {
    return success();
  }
  auto expect = [&](StringRef what, ArrayRef<Type> wanted, ArrayRef<Type> found) -> LogicalResult {
    if (wanted == found)
      return success();
    auto list = [](InFlightDiagnostic &error, ArrayRef<Type> types) {
      if (types.empty())
        error << "none";
      llvm::interleaveComma(types, error);
    };
    InFlightDiagnostic error = op->emitOpError("expects ") << what << " of " << call.model << ", ";
    list(error, wanted);
    error << ", but found ";
    list(error, found);
    return error;
  };
  if (failed(expect("columns", columns, call.columns)))
    return failure();
  return call.results ? expect("results", results, *call.results) : success();
}

LogicalResult quoin::stage::verifyCalls(ModuleOp module) {
  return LogicalResult::success(
      !module
           .walk([](Operation *op) { return failed(verifyCall(op)) ? WalkResult::interrupt() : WalkResult::advance(); })
           .wasInterrupted());
}
