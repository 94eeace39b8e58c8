//===- PlanFunction.cpp - what an attention function is made of ------------===//
//
// Positions and slots of a function's queries and keys are their indices, and nothing is open, so the formula is
// rewritten: `k` and `slot(k)` become the key's slot and `open` 0. Queries come in one of two ways:
//
//   without labels   query i has slot i, and `q` is its slot: no array of positions is read at all
//   with labels      queries have slots after the keys' (labels are looked up by slot), and `q` and `slot(q)` are
//   positions
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/Matchers.h"
#include "passes/stage/Functions.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace quoin;
using MaskTerm = BlockMask::Op;

static BlockMask overSlots(const BlockMask &mask, bool labelled) {
  std::vector<BlockMask::Node> nodes(mask.nodes().begin(), mask.nodes().end());
  for (BlockMask::Node &n : nodes) {
    switch (n.op) {
    case MaskTerm::KeyPosition:
      n.op = MaskTerm::KeySlot;
      break;
    case MaskTerm::QueryPosition:
    case MaskTerm::QuerySlot:
      n.op = labelled ? MaskTerm::QueryPosition : MaskTerm::QuerySlot;
      break;
    case MaskTerm::QueryOpen:
    case MaskTerm::KeyOpen:
      n = {MaskTerm::Constant, 0};
      break;
    case MaskTerm::QueryLabel:
    case MaskTerm::KeyLabel:
      if (!labelled)
        n = {MaskTerm::Constant, 0};
      break;
    default:
      break;
    }
  }
  return BlockMask(std::move(nodes), mask.symbols().vec());
}

func::FuncOp quoin::findFunction(ModuleOp module) {
  func::FuncOp found;
  for (Operation &op : *module.getBody()) {
    if (isa<DecoderOp>(op))
      return {};
    auto f = dyn_cast<func::FuncOp>(op);
    if (!f || f.isDeclaration())
      continue;
    if (found)
      return {};
    found = f;
  }
  if (!found || !found.walk([](BlockAttentionOp) { return WalkResult::interrupt(); }).wasInterrupted())
    return {};
  return found;
}

/// What a value was before its rows were put into another order.
static Value unordered(Value v) {
  auto permuted = v.getDefiningOp<PermuteRowsOp>();
  return permuted ? permuted.getInput() : v;
}

namespace {
struct Planner {
  func::FuncOp function;
  BlockAttentionOp op;
  FunctionPlan plan;

  /// The argument that `v` is, or -1 after an error.
  int64_t argument(Value v, StringRef role) {
    auto a = dyn_cast<BlockArgument>(v);
    if (!a) {
      InFlightDiagnostic error =
          op.emitOpError("expects arguments of the function as operands, but found the result of '")
          << v.getDefiningOp()->getName() << "' as " << role;
      error.attachNote(v.getLoc()) << "made here";
      return -1;
    }
    std::string &name = plan.arguments[a.getArgNumber()].name;
    if (name.empty()) {
      auto given = function.getArgAttrOfType<StringAttr>(a.getArgNumber(), "quoin.name");
      name = given ? given.str() : role.str();
    }
    return a.getArgNumber();
  }

  /// Labels are an argument or a constant.
  bool labels(Value v, StringRef role, int64_t &number, DenseIntElementsAttr &values) {
    return matchPattern(v, m_Constant(&values)) || (number = argument(v, role)) >= 0;
  }

  LogicalResult findAttention();
  LogicalResult findOrder();
  LogicalResult describeArguments();
  LogicalResult unifyLengths();
  LogicalResult describeResults();
};
} // namespace

LogicalResult Planner::findAttention() {
  if (!function.getBody().hasOneBlock())
    return function.emitError("expects a function of one block, but found ") << function.getBody().getBlocks().size();
  for (Operation &o : function.getBody().front()) {
    if (auto attention = dyn_cast<BlockAttentionOp>(o)) {
      if (op)
        return attention.emitOpError("expects to be the function's only attention, but there is another")
                   .attachNote(op.getLoc())
               << "the other one";
      op = attention;
    } else if (!isa<func::ReturnOp, PermuteRowsOp>(o) && !o.hasTrait<OpTrait::ConstantLike>()) {
      return o.emitOpError("expects a function of one 'quoin.block_attention' and its return, but found this");
    }
  }
  // There is one, or `findFunction` would not have chosen this function, and it is not inside another op.
  return success();
}

/// Rows in another order come from `permute-rows`: queries, keys and values go in by one, results come out by its
/// inverse.
LogicalResult Planner::findOrder() {
  auto orderOf = [](Value v) {
    auto permuted = v.getDefiningOp<PermuteRowsOp>();
    return permuted ? permuted.getOrder().getOrder() : TokenOrder();
  };
  plan.order = orderOf(op.getQuery());
  for (Value v : {op.getKey(), op.getValue()})
    if (!(orderOf(v) == plan.order))
      return op.emitOpError("expects queries, keys and values in one order, but found others");
  for (Value result : op->getResults())
    for (Operation *user : result.getUsers())
      if (auto back = dyn_cast<PermuteRowsOp>(user); back && !(back.getOrder().getOrder() == plan.order.inverse()))
        return back.emitOpError("expects the inverse of the order of queries, but found another");
  return success();
}

LogicalResult Planner::describeArguments() {
  plan.op = op;
  plan.name = function.getName().str();
  for (BlockArgument a : function.getArguments()) {
    FunctionTensor t{"", getElementTypeOrSelf(a.getType()), {}};
    if (auto tensor = dyn_cast<RankedTensorType>(a.getType()))
      t.sizes.assign(tensor.getShape().begin(), tensor.getShape().end());
    plan.arguments.push_back(t);
  }
  plan.query = argument(unordered(op.getQuery()), "q");
  plan.key = argument(unordered(op.getKey()), "k");
  plan.value = argument(unordered(op.getValue()), "v");
  if (plan.query < 0 || plan.key < 0 || plan.value < 0)
    return failure();
  BlockMask mask = op.getMask().getFormula();
  plan.labelled = static_cast<bool>(op.getQueryLabels()) || !mask.arrays().empty();
  if (!mask.arrays().empty()) {
    // The mask's own labels become one constant array of labels.
    std::vector<int32_t> values;
    std::string error;
    std::optional<BlockMask> folded = mask.foldArrays(values, error);
    if (!folded)
      return op.emitOpError(error);
    mask = std::move(*folded);
    auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, IntegerType::get(op.getContext(), 32));
    plan.queryLabelValues = plan.keyLabelValues = DenseIntElementsAttr::get(type, ArrayRef(values));
  } else if (plan.labelled && (!labels(op.getQueryLabels(), "query_labels", plan.queryLabels, plan.queryLabelValues) ||
                               !labels(op.getKeyLabels(), "key_labels", plan.keyLabels, plan.keyLabelValues)))
    return failure();
  if (op.getQueryOffsets()) {
    plan.queryOffsets = argument(op.getQueryOffsets(), "query_offsets");
    plan.keyOffsets = argument(op.getKeyOffsets(), "key_offsets");
    if (plan.queryOffsets < 0 || plan.keyOffsets < 0)
      return failure();
  }
  for (auto [value, name] : llvm::zip_equal(op.getSymbols(), mask.symbols())) {
    plan.symbols.push_back(argument(value, name));
    if (plan.symbols.back() < 0)
      return failure();
  }
  llvm::StringSet<> names;
  for (auto [i, t] : llvm::enumerate(plan.arguments)) {
    if (t.name.empty())
      return function.emitError("expects arguments that the attention uses, but argument ") << i << " is not used";
    if (!names.insert(t.name).second)
      return function.emitError("expects arguments of different names, but two are called '") << t.name << "'";
  }
  plan.mask = overSlots(mask, plan.labelled);
  return success();
}

/// Arguments with as many rows as there are queries, and those with as many as there are keys, get one size each: a
/// number where one of them has it.
LogicalResult Planner::unifyLengths() {
  auto unify = [&](ArrayRef<int64_t> members, ArrayRef<DenseIntElementsAttr> constants) -> LogicalResult {
    SmallVector<int64_t> known;
    for (DenseIntElementsAttr constant : constants)
      if (constant)
        known.push_back(constant.getNumElements());
    for (int64_t m : members)
      if (m >= 0 && plan.arguments[m].sizes[0] != ShapedType::kDynamic)
        known.push_back(plan.arguments[m].sizes[0]);
    int64_t size = known.empty() ? -1 - plan.lengths++ : known.front();
    for (int64_t other : known)
      if (other != size)
        return op.emitOpError("expects operands of one length, but found ") << size << " and " << other;
    for (int64_t m : members)
      if (m >= 0)
        plan.arguments[m].sizes[0] = size;
    return success();
  };
  int64_t queries[] = {plan.query, plan.queryLabels}, keys[] = {plan.key, plan.value, plan.keyLabels};
  // An argument that is both makes the two lengths one. So do offsets that are both: they end at either.
  bool shared = llvm::any_of(queries, [&](int64_t a) { return a >= 0 && llvm::is_contained(keys, a); });
  if (shared || (plan.ragged() && plan.queryOffsets == plan.keyOffsets)) {
    SmallVector<int64_t> all(queries, queries + 2);
    all.append(keys, keys + 3);
    if (failed(unify(all, {plan.queryLabelValues, plan.keyLabelValues})))
      return failure();
  } else if (failed(unify(queries, {plan.queryLabelValues})) || failed(unify(keys, {plan.keyLabelValues}))) {
    return failure();
  }
  if (!plan.ragged())
    return success();
  if (failed(unify({plan.queryOffsets, plan.keyOffsets}, {})))
    return failure();
  plan.arguments[plan.queryOffsets].endsAt = plan.querySize();
  plan.arguments[plan.keyOffsets].endsAt = plan.keySize();
  return success();
}

LogicalResult Planner::describeResults() {
  auto ret = cast<func::ReturnOp>(function.getBody().front().back());
  ArrayRef<int64_t> shape = op.getQuery().getType().getShape();
  for (Value returned : ret.getOperands()) {
    Value v = plan.sorted() ? unordered(returned) : returned;
    bool out = v == op.getOutput();
    if ((!out && v != op.getLse()) || (plan.sorted() && v == returned))
      return ret.emitOpError("expects results of 'quoin.block_attention', but found something else");
    int64_t &number = out ? plan.outResult : plan.lseResult;
    if (number >= 0)
      return ret.emitOpError("expects different results, but found one twice");
    number = static_cast<int64_t>(plan.results.size());
    FunctionTensor t{out ? "out" : "lse", getElementTypeOrSelf(v.getType()), {plan.querySize(), shape[1]}};
    if (out)
      t.sizes.push_back(shape[2]);
    plan.results.push_back(t);
  }
  if (plan.outResult < 0)
    return ret.emitOpError("expects the output of 'quoin.block_attention' to be returned, but it is not");
  return success();
}

FailureOr<FunctionPlan> quoin::planFunction(func::FuncOp function) {
  Planner planner{function, {}, {}};
  if (failed(planner.findAttention()) || failed(planner.findOrder()) || failed(planner.describeArguments()) ||
      failed(planner.unifyLengths()) || failed(planner.describeResults()))
    return failure();
  return std::move(planner.plan);
}
