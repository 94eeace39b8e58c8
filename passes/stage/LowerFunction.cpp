//===- LowerFunction.cpp - attention by itself as a step ----------------------===//

#include "passes/stage/Functions.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::stage;

/// Where the function says which step is its own.
static constexpr StringLiteral stepName = "step";

namespace {
/// What the columns and the results of a plan's step are.
struct StepTypes {
  SmallVector<Type, 3> columns;
  SmallVector<Type, 2> results;
  BufferType out, lse; ///< null: not given
  PagesType pages;

  explicit StepTypes(const FunctionPlan &plan) {
    BlockAttentionOp op = plan.op;
    MLIRContext *context = op.getContext();
    RankedTensorType query = op.getQuery().getType(), key = op.getKey().getType();
    int64_t heads = query.getDimSize(1), keyHeads = key.getDimSize(1), size = query.getDimSize(2);
    Type element = query.getElementType();
    out = BufferType::get(context, Space::Host, heads * size, element);
    if (plan.lseResult >= 0)
      lse = BufferType::get(context, Space::Host, heads, Float32Type::get(context));
    auto memory = BufferType::get(context, Space::Memory, keyHeads * size, element);
    columns = {out, memory, memory};
    results.resize(plan.results.size(), lse);
    results[static_cast<size_t>(plan.outResult)] = out;
    pages = PagesType::get(context, keyHeads, size, element);
  }
};
} // namespace

FailureOr<StepOp> quoin::lowerFunction(func::FuncOp function) {
  FailureOr<FunctionPlan> plan = planFunction(function);
  if (failed(plan))
    return failure();
  StepTypes types(*plan);
  BlockAttentionOp op = plan->op;
  Location loc = op.getLoc();
  OpBuilder b(function);
  SymbolTable symbols(function->getParentOfType<ModuleOp>());
  auto step = StepOp::create(b, loc, b.getStringAttr(plan->name + ".step"), DenseI64ArrayAttr(), IntegerAttr());
  symbols.insert(step);
  function->setAttr(stepName, FlatSymbolRefAttr::get(step.getSymNameAttr()));

  Block &body = step.getBody().emplaceBlock();
  b.setInsertionPointToStart(&body);
  auto column = [&](Space space, unsigned bits) {
    return BufferType::get(b.getContext(), space, 1, b.getIntegerType(bits));
  };
  for (Type type : {column(Space::Row, 32), column(Space::Row, 32), column(Space::Read, 64)})
    body.addArgument(type, loc);
  for (Type type : types.columns)
    body.addArgument(type, loc);
  auto words =
      MasksOp::create(b, loc, b.getType<WordsType>(), false, MaskAttr::get(b.getContext(), plan->mask), MaskAttr());
  auto pages = stage::CacheOp::create(b, loc, types.pages, false, plan->sorted(), step.getColumns()[1],
                                      step.getColumns()[2], IntegerAttr());
  auto attend =
      AttendOp::create(b, loc, types.out, types.lse, false, plan->sorted(), step.getColumns()[0], pages, words, Value(),
                       types.out.getWidth() / types.pages.getHeadDim(), op.getScale(), IntegerAttr(), IntegerAttr());
  SmallVector<Value, 2> results(plan->results.size(), attend.getLse());
  results[static_cast<size_t>(plan->outResult)] = attend.getOutput();
  stage::ResultsOp::create(b, loc, results);
  return step;
}

FailureOr<StepOp> quoin::stepOf(func::FuncOp function, const FunctionPlan &plan) {
  auto symbol = function->getAttrOfType<FlatSymbolRefAttr>(stepName);
  auto step = symbol ? SymbolTable::lookupNearestSymbolFrom<StepOp>(function, symbol) : StepOp();
  if (!step)
    return LogicalResult(function.emitError("expects its step as '") << stepName << "', but found none");
  StepTypes types(plan);
  auto list = [](InFlightDiagnostic &error, TypeRange all) { llvm::interleaveComma(all, error); };
  auto expect = [&](StringRef what, TypeRange wanted, TypeRange found) -> LogicalResult {
    if (wanted == found)
      return success();
    InFlightDiagnostic error = step.emitOpError("expects ") << what << " ";
    list(error, wanted);
    error << ", but found ";
    list(error, found);
    return error;
  };
  if (failed(expect("columns", types.columns, TypeRange(step.getBody().getArgumentTypes()).drop_front(3))) ||
      failed(expect("results", types.results, step.getBody().front().back().getOperandTypes())))
    return failure();
  auto attends = step.getBody().getOps<AttendOp>();
  for (Operation &stage : step.getBody().front())
    if (!isa<MasksOp, stage::CacheOp, AttendOp, stage::ResultsOp>(stage))
      return LogicalResult(stage.emitOpError("expects no such stage in the step of attention by itself"));
  if (llvm::range_size(attends) != 1)
    return LogicalResult(step.emitOpError("expects one 'stage.attend', but found ") << llvm::range_size(attends));
  AttendOp attend = *attends.begin();
  auto masks = attend.getWords().getDefiningOp<MasksOp>();
  auto cache = attend.getPages().getDefiningOp<stage::CacheOp>();
  if (attend.getSorted() != plan.sorted() || cache.getSorted() != plan.sorted())
    return LogicalResult(attend.emitOpError("expects rows ")
                         << (plan.sorted() ? "sorted" : "as they lie") << " in both 'stage.cache' and 'stage.attend'");
  // Only what the function's own formula asks for is there for each slot.
  auto print = [](const BlockMask &mask) {
    std::string text;
    llvm::raw_string_ostream os(text);
    mask.print(os);
    return text;
  };
  if (!masks.getFormulaAttr() || print(masks.getFormulaAttr().getFormula()) != print(plan.mask) ||
      masks.getWithinAttr())
    return LogicalResult(masks.emitOpError("expects the function's formula over slots, ")
                         << print(plan.mask) << ", and no other");
  return step;
}
