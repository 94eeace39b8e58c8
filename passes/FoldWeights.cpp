//===- FoldWeights.cpp - what no argument changes becomes a weight ---------===//
//
// A row of a body is *fixed* if it is the same in every call: made of weights and constants alone. For each model,
// front to back:
//
//   1. Find fixed values: a result of a row program that reads no row but fixed ones, the result of another op that
//      works row by row on fixed rows.
//   2. Where a fixed value meets one that is not, it becomes a weight whose formula is what made it: the ops that it
//      alone needs are in the formula, of what others need, too, the formula reads the weight. A row program then reads
//      a vector; another op gets the vector as each row.
//   3. What is left without a reader goes.
//
// Formulas are text: numbers are made when somebody reads the weight, one weight at a time.
//
//===----------------------------------------------------------------------===//

#include "dialects/quoin/RowProgram.h"
#include "dialects/quoin/RowSpaces.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Counters.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "llvm/ADT/BitVector.h"

using namespace mlir;
using namespace quoin;

namespace quoin {
#define GEN_PASS_DEF_FOLDWEIGHTSPASS
#include "passes/Passes.h.inc"
} // namespace quoin

/// Numbers of weights that one formula may read: it holds them in float64.
static constexpr int64_t mostRead = int64_t(1) << 28;

namespace {
/// The arguments that each result of a row program needs.
SmallVector<llvm::BitVector> argumentsOf(EachRowOp op) {
  Block &body = op.getBody().front();
  DenseMap<Value, llvm::BitVector> needs;
  for (BlockArgument argument : body.getArguments()) {
    llvm::BitVector own(body.getNumArguments());
    own.set(argument.getArgNumber());
    needs[argument] = own;
  }
  for (Operation &o : body.without_terminator()) {
    llvm::BitVector all(body.getNumArguments());
    for (Value operand : o.getOperands())
      all |= needs[operand];
    for (Value result : o.getResults())
      needs[result] = all;
  }
  return llvm::map_to_vector(cast<RowOp>(body.getTerminator()).getRows(), [&](Value row) { return needs[row]; });
}

class ModelFolding {
public:
  ModelFolding(ModelOp m, SymbolTable &table) : model(m), body(m.getBody().front()), symbols(table) {}

  int64_t run();

private:
  using Symbols = SmallVector<FlatSymbolRefAttr>;

  bool isFixed(Value v) const { return fixed.contains(v); }
  void find(Operation &op);
  FlatSymbolRefAttr spreadOf(Value v);
  FlatSymbolRefAttr weightOf(Value v);
  Value build(Value v, OpBuilder &b, WeightOp weight, Symbols &reads);
  Value buildRow(EachRowOp op, unsigned number, OpBuilder &b, WeightOp weight, Symbols &reads);
  Value argumentFor(FlatSymbolRefAttr symbol, int64_t width, WeightOp weight, Symbols &reads);
  FlatSymbolRefAttr sourceOfNothing();
  bool tooLarge(Value v);
  void useVectors(EachRowOp op);
  void useVector(arith::AddFOp op);
  void spread(OpOperand &operand);
  void rewrite(Operation &op);

  ModelOp model;
  Block &body;
  SymbolTable &symbols;
  DenseSet<Value> fixed;
  DenseMap<Value, FlatSymbolRefAttr> weights;
  FlatSymbolRefAttr nothing;
  int64_t made = 0;
};

struct FoldWeights : quoin::impl::FoldWeightsPassBase<FoldWeights> {
  Counter numWeights{"fold-weights", "num-weights-made"};

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (ModelOp model : getOperation().getOps<ModelOp>()) {
      int64_t made = ModelFolding(model, symbols).run();
      numWeights += made;
      if (made > 0)
        remark::passed(model.getLoc(), remarkOn<FoldWeights>("Model")) << std::to_string(made) + " weights made";
      else
        remark::missed(model.getLoc(), remarkOn<FoldWeights>("Model")) << "every row that is read depends on the call";
    }
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// What is fixed
//===----------------------------------------------------------------------===//

/// Rows of numbers that a vector can stand for.
static bool isVectorRow(Value v) {
  auto type = cast<RankedTensorType>(v.getType());
  return type.getRank() == 2 && type.getElementType().isF32();
}

void ModelFolding::find(Operation &op) {
  if (auto program = dyn_cast<EachRowOp>(op)) {
    for (auto [result, needed] : llvm::zip_equal(program.getOutputs(), argumentsOf(program))) {
      bool all = isVectorRow(result);
      for (auto [i, input] : llvm::enumerate(program.getInputs()))
        all &= !needed.test(static_cast<unsigned>(i)) || isFixed(input);
      if (all && !tooLarge(result))
        fixed.insert(result);
    }
    return;
  }
  bool all = cast<ModelOpInterface>(op).getRelation() == RowRelation::RowByRow && op.getNumOperands() > 0 &&
             llvm::all_of(op.getOperands(), [&](Value v) { return isFixed(v); }) &&
             llvm::all_of(op.getResults(), isVectorRow);
  if (all && !tooLarge(op.getResult(0)))
    fixed.insert_range(op.getResults());
}

/// Would the op that makes it read more than may be held?
bool ModelFolding::tooLarge(Value v) {
  int64_t read = 0;
  v.getDefiningOp()->getAttrDictionary().walk([&](FlatSymbolRefAttr symbol) {
    if (auto weight = symbols.lookup<WeightOp>(symbol.getValue()))
      read += cast<RankedTensorType>(weight.getType()).getNumElements();
  });
  if (read <= mostRead)
    return false;
  remark::missed(v.getLoc(), remarkOn<FoldWeights>("Value"))
      << "the weights that it is made of have " + std::to_string(read) + " numbers, more than are held at once";
  return true;
}

/// The vector that a row program gives as it stands, or null.
FlatSymbolRefAttr ModelFolding::spreadOf(Value v) {
  auto program = v.getDefiningOp<EachRowOp>();
  if (!program)
    return {};
  Value row = cast<RowOp>(program.getBody().front().getTerminator()).getRows()[cast<OpResult>(v).getResultNumber()];
  auto argument = dyn_cast<BlockArgument>(row);
  size_t rows = program.getInputs().size();
  if (!argument || argument.getArgNumber() < rows)
    return {};
  return cast<FlatSymbolRefAttr>(program.getWeights()[argument.getArgNumber() - rows]);
}

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

/// The weight that a fixed value is.
FlatSymbolRefAttr ModelFolding::weightOf(Value v) {
  if (FlatSymbolRefAttr vector = spreadOf(v))
    return vector;
  FlatSymbolRefAttr &known = weights[v];
  if (known)
    return known;
  OpBuilder b(v.getContext());
  b.setInsertionPointAfter(model);
  auto type = RankedTensorType::get({rowNumbersOf(v)}, b.getF32Type());
  OperationState state(v.getLoc(), WeightOp::getOperationName());
  auto &properties = state.getOrAddProperties<WeightOp::Properties>();
  properties.sym_name = b.getStringAttr("folded");
  properties.type = TypeAttr::get(type);
  properties.weights = b.getArrayAttr({});
  state.addRegion()->emplaceBlock();
  auto weight = cast<WeightOp>(b.create(state));
  symbols.insert(weight);
  Symbols reads;
  OpBuilder in = OpBuilder::atBlockEnd(&weight.getFormula().front());
  Value row = build(v, in, weight, reads);
  ResultsOp::create(in, v.getLoc(), row);
  weight.setWeightsAttr(b.getArrayAttr(SmallVector<Attribute>(reads.begin(), reads.end())));
  ++made;
  return weights[v] = FlatSymbolRefAttr::get(weight);
}

/// The argument of a formula that has the rows of a weight.
Value ModelFolding::argumentFor(FlatSymbolRefAttr symbol, int64_t width, WeightOp weight, Symbols &reads) {
  Block &block = weight.getFormula().front();
  if (auto it = llvm::find(reads, symbol); it != reads.end())
    return block.getArgument(static_cast<unsigned>(it - reads.begin()));
  reads.push_back(symbol);
  auto type = RankedTensorType::get({ShapedType::kDynamic, width}, Float32Type::get(weight.getContext()));
  return block.addArgument(type, weight.getLoc());
}

/// A weight of one number, for formulas that read none: each needs rows to run on.
FlatSymbolRefAttr ModelFolding::sourceOfNothing() {
  if (nothing)
    return nothing;
  OpBuilder b(model.getContext());
  b.setInsertionPointAfter(model);
  OperationState state(model.getLoc(), WeightOp::getOperationName());
  auto &properties = state.getOrAddProperties<WeightOp::Properties>();
  properties.sym_name = b.getStringAttr("nothing");
  properties.type = TypeAttr::get(RankedTensorType::get({1}, b.getF32Type()));
  properties.weights = b.getArrayAttr({});
  state.addRegion()->emplaceBlock();
  auto weight = cast<WeightOp>(b.create(state));
  Block &block = weight.getFormula().front();
  block.addArgument(b.getIndexType(), model.getLoc());
  OpBuilder in = OpBuilder::atBlockEnd(&block);
  ElementOp::create(in, model.getLoc(),
                    arith::ConstantOp::create(in, model.getLoc(), in.getF64FloatAttr(0)).getResult());
  symbols.insert(weight);
  return nothing = FlatSymbolRefAttr::get(weight);
}

/// A fixed value inside a formula: by the ops that make it if only it needs them, else as a weight that is read.
Value ModelFolding::build(Value v, OpBuilder &b, WeightOp weight, Symbols &reads) {
  Operation *op = v.getDefiningOp();
  if (auto program = dyn_cast<EachRowOp>(op))
    return buildRow(program, cast<OpResult>(v).getResultNumber(), b, weight, reads);
  IRMapping map;
  for (Value operand : op->getOperands()) {
    if (map.contains(operand))
      continue;
    FlatSymbolRefAttr vector = spreadOf(operand);
    bool alone = !vector && operand.hasOneUse() && !weights.contains(operand);
    map.map(operand, alone ? build(operand, b, weight, reads)
                           : argumentFor(weightOf(operand), rowNumbersOf(operand), weight, reads));
  }
  return b.clone(*op, map)->getResult(cast<OpResult>(v).getResultNumber());
}

/// Of a row program what one result needs.
Value ModelFolding::buildRow(EachRowOp op, unsigned number, OpBuilder &b, WeightOp weight, Symbols &reads) {
  Block &from = op.getBody().front();
  llvm::BitVector needed = argumentsOf(op)[number];
  SmallVector<Value> inputs;
  SmallVector<BlockArgument> rows, vectors;
  SmallVector<Attribute> named;
  for (BlockArgument argument : from.getArguments()) {
    unsigned i = argument.getArgNumber();
    if (!needed.test(i))
      continue;
    if (i >= op.getInputs().size()) {
      vectors.push_back(argument);
      named.push_back(op.getWeights()[i - op.getInputs().size()]);
      continue;
    }
    Value input = op.getInputs()[i];
    bool alone = !spreadOf(input) && input.hasOneUse() && !weights.contains(input);
    inputs.push_back(alone ? build(input, b, weight, reads)
                           : argumentFor(weightOf(input), rowNumbersOf(input), weight, reads));
    rows.push_back(argument);
  }
  // It has to run on something.
  bool onNothing = inputs.empty() && vectors.empty();
  if (onNothing) {
    inputs.push_back(argumentFor(sourceOfNothing(), 1, weight, reads));
  } else if (inputs.empty()) {
    auto width = cast<RankedTensorType>(vectors[0].getType()).getDimSize(0);
    inputs.push_back(argumentFor(cast<FlatSymbolRefAttr>(named[0]), width, weight, reads));
    rows.push_back(vectors[0]);
    vectors.erase(vectors.begin());
    named.erase(named.begin());
  }
  auto program = EachRowOp::create(b, op.getLoc(), op.getOutputs()[number].getType(), inputs, b.getArrayAttr(named));
  Block &to = program.getBody().emplaceBlock();
  IRMapping map;
  if (onNothing)
    to.addArgument(rowTypeOf(inputs[0].getType()), op.getLoc());
  for (BlockArgument argument : llvm::concat<BlockArgument>(rows, vectors))
    map.map(argument, to.addArgument(argument.getType(), argument.getLoc()));
  OpBuilder in = OpBuilder::atBlockEnd(&to);
  Value row = cast<RowOp>(from.getTerminator()).getRows()[number];
  llvm::SetVector<Operation *> slice;
  SmallVector<Value> work = {row};
  while (!work.empty())
    if (Operation *maker = work.pop_back_val().getDefiningOp(); maker && slice.insert(maker))
      llvm::append_range(work, maker->getOperands());
  for (Operation &o : from.without_terminator())
    if (slice.contains(&o))
      in.clone(o, map);
  RowOp::create(in, op.getLoc(), map.lookup(row));
  return program.getOutputs()[0];
}

//===----------------------------------------------------------------------===//
// Readers
//===----------------------------------------------------------------------===//

/// A row program that reads fixed rows reads vectors instead.
void ModelFolding::useVectors(EachRowOp op) {
  Block &block = op.getBody().front();
  SmallVector<Attribute> named(op.getWeights().begin(), op.getWeights().end());
  for (unsigned i = static_cast<unsigned>(op.getInputs().size()); i-- > 0;) {
    Value input = op.getInputs()[i];
    // Results that are fixed themselves have weights of their own, and nobody reads them here.
    if (!isFixed(input) || op.getInputs().size() == 1)
      continue;
    named.push_back(weightOf(input));
    BlockArgument vector = block.addArgument(block.getArgument(i).getType(), op.getLoc());
    block.getArgument(i).replaceAllUsesWith(vector);
    block.eraseArgument(i);
    op.getInputsMutable().erase(i);
  }
  op.setWeightsAttr(ArrayAttr::get(op.getContext(), named));
}

/// A sum with a fixed row is a row program that adds a vector.
void ModelFolding::useVector(arith::AddFOp op) {
  bool left = isFixed(op.getLhs());
  Value row = left ? op.getRhs() : op.getLhs(), vector = left ? op.getLhs() : op.getRhs();
  OpBuilder b(op);
  auto program = EachRowOp::create(b, op.getLoc(), op.getType(), row, b.getArrayAttr({weightOf(vector)}));
  Block &block = program.getBody().emplaceBlock();
  auto type = rowTypeOf(op.getType());
  block.addArguments({type, type}, {op.getLoc(), op.getLoc()});
  OpBuilder in = OpBuilder::atBlockEnd(&block);
  Value sum = arith::AddFOp::create(in, op.getLoc(), block.getArgument(left ? 1 : 0), block.getArgument(left ? 0 : 1));
  RowOp::create(in, op.getLoc(), sum);
  op.replaceAllUsesWith(program.getOutputs()[0]);
}

/// What an op reads is the vector as each row.
void ModelFolding::spread(OpOperand &operand) {
  if (spreadOf(operand.get()))
    return;
  Operation *op = operand.getOwner();
  OpBuilder b(op);
  Value over = body.getArgument(model.getHead() ? 1 : 0), fixedRow = operand.get();
  auto program = EachRowOp::create(b, op->getLoc(), fixedRow.getType(), over, b.getArrayAttr({weightOf(fixedRow)}));
  Block &block = program.getBody().emplaceBlock();
  block.addArguments({rowTypeOf(over.getType()), rowTypeOf(fixedRow.getType())}, {op->getLoc(), op->getLoc()});
  OpBuilder in = OpBuilder::atBlockEnd(&block);
  RowOp::create(in, op->getLoc(), block.getArgument(1));
  operand.set(program.getOutputs()[0]);
}

void ModelFolding::rewrite(Operation &op) {
  if (op.getNumResults() > 0 && llvm::all_of(op.getResults(), [&](Value v) { return isFixed(v); }))
    return;
  if (llvm::none_of(op.getOperands(), [&](Value v) { return isFixed(v); }))
    return;
  if (auto program = dyn_cast<EachRowOp>(op))
    return useVectors(program);
  if (auto sum = dyn_cast<arith::AddFOp>(op))
    return useVector(sum);
  for (OpOperand &operand : op.getOpOperands())
    if (isFixed(operand.get()))
      spread(operand);
}

/// A row program without the results that nobody reads any more.
static void dropUnread(EachRowOp op) {
  if (llvm::none_of(op.getResults(), [](Value v) { return v.use_empty(); }))
    return;
  auto row = cast<RowOp>(op.getBody().front().getTerminator());
  SmallVector<Value> rows, results;
  for (auto [made, given] : llvm::zip_equal(op.getOutputs(), row.getRows()))
    if (!made.use_empty()) {
      results.push_back(made);
      rows.push_back(given);
    }
  row.getRowsMutable().assign(rows);
  OpBuilder b(op);
  auto program = EachRowOp::create(b, op.getLoc(), TypeRange(ValueRange(results)), op.getInputs(), op.getWeights());
  program.getBody().takeBody(op.getBody());
  for (auto [before, after] : llvm::zip_equal(results, program.getOutputs()))
    before.replaceAllUsesWith(after);
  op.erase();
}

int64_t ModelFolding::run() {
  // Rows read are taken from rows of the call, which come first.
  if (model.getRead())
    return 0;
  for (Operation &op : body.without_terminator())
    find(op);
  for (Operation &op : llvm::make_early_inc_range(body))
    rewrite(op);
  for (Operation *op = body.getTerminator()->getPrevNode(), *before = nullptr; op; op = before) {
    before = op->getPrevNode();
    if (op->use_empty())
      op->erase();
    else if (auto program = dyn_cast<EachRowOp>(op))
      dropUnread(program);
  }
  return made;
}
