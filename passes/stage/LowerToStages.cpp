//===- LowerToStages.cpp - a model becomes a step of stages ----------------===//
//
// One walk over the body of each `quoin.model`, in order. An op becomes the stage of its kind, but:
//
//   1. spellings that are left are written out; a sum of rows is a row program, too, and so is a rotary, which reads a
//      table of angles by its rows' positions;
//   2. attention becomes two stages: keys and values go into pages, queries look at them. Attentions over the same keys
//      and values share their pages. Who sees whom is evaluated first of all, and again before an attention with
//      another formula of its own than the one before it;
//   3. ids and positions that are gathered stay those of the step: a row program on rows read finds them by the rows'
//      numbers. Embeddings read a table by one of their columns;
//   4. rows are gathered, given their sequence's and handed to the host by row programs that change nothing, which fuse
//      with others; and the head ends the step.
//
// What a body may hold the verifier of `quoin.model` has seen to (RowSpaces): nothing is refused here. Which rows a
// value has is the space of its buffer.
//
//===----------------------------------------------------------------------===//

#include "dialects/quoin/DraftModel.h"
#include "dialects/quoin/FormulaBuilder.h"
#include "dialects/quoin/Overhang.h"
#include "dialects/quoin/RowProgram.h"
#include "dialects/quoin/RowSpaces.h"
#include "dialects/stage/ScanStage.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Counters.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "passes/Spellings.h"
#include "passes/stage/Functions.h"
#include "llvm/ADT/TypeSwitch.h"
#include <map>

using namespace mlir;
using namespace quoin;
using namespace quoin::stage;

namespace quoin {
#define GEN_PASS_DEF_LOWERTOSTAGESPASS
#include "passes/Passes.h.inc"
} // namespace quoin

namespace {
struct LowerToStages : quoin::impl::LowerToStagesPassBase<LowerToStages> {
  Counter numStages{"lower-to-stages", "num-stages"};

  void runOnOperation() override;
};

/// Any order of values will do.
struct SpreadOrder {
  bool operator()(const std::pair<Value, Space> &a, const std::pair<Value, Space> &b) const {
    return std::pair(a.first.getAsOpaquePointer(), a.second) < std::pair(b.first.getAsOpaquePointer(), b.second);
  }
};

/// Lowers one model.
class ModelLowering {
public:
  ModelLowering(ModelOp m, int64_t reached)
      : model(m), positions(reached), spaces(*RowSpaces::infer(m)), b(m.getContext()) {}

  int64_t stages = 0;

  /// Puts the step where the model stands, which goes.
  void run();

private:
  ModelOp model;
  int64_t positions; ///< that rows may be at
  RowSpaces spaces;
  OpBuilder b;
  StepOp step;
  Value words;
  DenseMap<Value, Value> buffers;                               ///< of the model's rows, positions and ids
  std::map<std::pair<Value, Space>, Value, SpreadOrder> spread; ///< rows of sequences, for each row of a space
  DenseMap<std::pair<Value, Value>, Value> pages;               ///< of keys and values

  //===--------------------------------------------------------------------===//
  // Types and weights
  //===--------------------------------------------------------------------===//

  BufferType column(Space space, unsigned bits) {
    return BufferType::get(b.getContext(), space, 1, b.getIntegerType(bits));
  }
  /// However many sizes a row has, its numbers lie one after the other.
  BufferType typeFor(Value v, Space space) {
    return BufferType::get(b.getContext(), space, rowNumbersOf(v), getElementTypeOrSelf(v));
  }
  Space spaceOf(Value v) {
    return spaces.isRead(v) ? Space::Read : spaces.isOfSequence(v) ? Space::Sequence : Space::Row;
  }
  BufferType typeFor(Value v) { return typeFor(v, spaceOf(v)); }

  /// The buffer of a value for a stage that is no row program: rows of sequences are copied to each row first, once.
  Value bufferFor(Value v, Space space) {
    Value own = buffers.at(v);
    if (spaceOf(v) != Space::Sequence || space == Space::Sequence)
      return own;
    Value &rows = spread[{v, space}];
    if (!rows)
      rows = copyRows(b, v.getLoc(), own, typeFor(v, space));
    return rows;
  }

  /// A row program without a body yet. Operands of other spaces are found by the numbers of rows read.
  stage::EachRowOp createRows(Location loc, ArrayRef<Type> types, ArrayRef<Value> inputs, ArrayRef<Attribute> vectors,
                              WeightAttr table = {}, int64_t column = 0) {
    Space space = cast<BufferType>(types[0]).getSpace();
    bool elsewhere = space == Space::Read &&
                     llvm::any_of(inputs, [](Value rows) { return bufferOf(rows).getSpace() != Space::Read; });
    return stage::EachRowOp::create(b, loc, types, false, inputs, elsewhere ? step.getRead() : Value(),
                                    b.getArrayAttr(vectors), table ? b.getArrayAttr({table}) : ArrayAttr(),
                                    table ? b.getDenseI64ArrayAttr({column}) : DenseI64ArrayAttr(),
                                    DenseI64ArrayAttr());
  }

  WeightAttr weight(ArrayRef<FlatSymbolRefAttr> sources) {
    return WeightAttr::get(b.getContext(), sources, Type(), LayoutAttrInterface(), -1);
  }

  //===--------------------------------------------------------------------===//
  // Ops
  //===--------------------------------------------------------------------===//

  /// The row of a table.
  void addEmbed(EmbedOp op) {
    Value column = buffers.at(op.getIds());
    BufferType type = typeFor(op.getRows());
    auto made = createRows(op.getLoc(), {type}, {column}, {}, weight({op.getWeightAttr()}));
    Block &body = made.getBody().emplaceBlock();
    bool isHosts = column == step.getIds() || column == step.getPositions();
    body.addArgument(isHosts ? Type(b.getIndexType()) : RankedTensorType::get({1}, b.getI32Type()), op.getLoc());
    BlockArgument row = body.addArgument(RankedTensorType::get({type.getWidth()}, b.getF32Type()), op.getLoc());
    OpBuilder inside = OpBuilder::atBlockEnd(&body);
    RowOp::create(inside, op.getLoc(), ValueRange(row));
    buffers[op.getRows()] = made.getOutputs()[0];
  }

  void addProduct(LinearOp op) {
    WeightAttr bias = op.getBiasAttr() ? weight({op.getBiasAttr()}) : WeightAttr();
    buffers[op.getOutput()] = ProductOp::create(b, op.getLoc(), typeFor(op.getOutput()), false, false,
                                                bufferFor(op.getInput(), spaceOf(op->getResult(0))), ValueRange(),
                                                weight({op.getWeightAttr()}), bias, IntegerAttr());
  }

  void addExperts(ExpertLinearOp op) {
    buffers[op.getOutput()] = ExpertsOp::create(
        b, op.getLoc(), typeFor(op.getOutput()), false, bufferFor(op.getInput(), spaceOf(op->getResult(0))),
        bufferFor(op.getChoice(), spaceOf(op->getResult(0))), weight({op.getWeightAttr()}), IntegerAttr());
  }

  /// A row program that reads the cosines and sines of its row's position.
  void addRotary(RotaryOp op) {
    int64_t width = rowNumbersOf(op.getInput()), head = op.getHeadDim(), half = head / 2;
    auto angles = AnglesAttr::get(b.getContext(), positions, half, op.getThetaAttr());
    auto table = WeightAttr::get(b.getContext(), {}, b.getF32Type(), angles, -1);
    BufferType type = typeFor(op.getOutput());
    auto made = createRows(op.getLoc(), {type}, {buffers.at(op.getInput()), step.getPositions()}, {}, table, 1);
    Block &body = made.getBody().emplaceBlock();
    for (Type argument : {Type(RankedTensorType::get({width}, b.getF32Type())), Type(b.getIndexType()),
                          Type(RankedTensorType::get({head}, b.getF32Type()))})
      body.addArgument(argument, op.getLoc());
    FormulaBuilder f(op.getLoc(), body);
    Term x = f.reshape(f.argument(0), {width / head, head}), turn = f.argument(2);
    Term u = f.slice(x, 0, half), v = f.slice(x, half, half);
    Term cosine = f.spread(f.slice(turn, 0, half), 0, width / head),
         sine = f.spread(f.slice(turn, half, half), 0, width / head);
    f.finish(f.reshape(f.concat({u * cosine - v * sine, v * cosine + u * sine}, 1), {width}));
    buffers[op.getOutput()] = made.getOutputs()[0];
  }

  /// A sum of rows is a row program of one op.
  void addSum(arith::AddFOp op) {
    Type row = rowTypeOf(op.getType());
    auto made =
        createRows(op.getLoc(), {typeFor(op.getResult())}, {buffers.at(op.getLhs()), buffers.at(op.getRhs())}, {});
    OpBuilder::InsertionGuard guard(b);
    Block *body = b.createBlock(&made.getBody(), {}, {row, row}, {op.getLoc(), op.getLoc()});
    Value sum = arith::AddFOp::create(b, op.getLoc(), body->getArgument(0), body->getArgument(1));
    RowOp::create(b, op.getLoc(), sum);
    buffers[op.getResult()] = made.getOutputs()[0];
  }

  /// Words that an attention, or a recurrence along what is seen, looks at: those that are there, or new ones where it
  /// has another formula.
  void showWithin(Location loc, MaskAttr within) {
    if (!words || words.getDefiningOp<MasksOp>().getWithinAttr() != within)
      words = MasksOp::create(b, loc, b.getType<WordsType>(), false, MaskAttr(), within);
  }

  /// The pages of an attention's keys and values: those that are there already, or new ones.
  Value pagesFor(AttentionOp op) {
    auto type = b.getType<PagesType>(op.getKvHeads(), op.getHeadDim(), b.getF32Type());
    Value &found = pages[{op.getKey(), op.getValue()}];
    if (!found || found.getType() != type)
      found = stage::CacheOp::create(b, op.getLoc(), type, false, false, buffers.at(op.getKey()),
                                     buffers.at(op.getValue()), IntegerAttr());
    return found;
  }

  void addAttention(AttentionOp op) {
    showWithin(op.getLoc(), op.getWithinAttr());
    auto attend =
        AttendOp::create(b, op.getLoc(), typeFor(op.getOutput()), op.getLse() ? typeFor(op.getLse()) : Type(), false,
                         false, buffers.at(op.getQuery()), pagesFor(op), words, op.getRows() ? step.getRead() : Value(),
                         op.getHeads(), op.getScale(), IntegerAttr(), IntegerAttr());
    attend.getScore().takeBody(op.getScore());
    buffers[op.getOutput()] = attend.getOutput();
    if (op.getLse())
      buffers[op.getLse()] = attend.getLse();
  }

  /// A row program as it stands; one without results is nothing.
  void addRowProgram(quoin::EachRowOp op) {
    if (op->getNumResults() == 0)
      return;
    SmallVector<Value> inputs;
    for (Value input : op.getInputs())
      inputs.push_back(buffers.at(input));
    SmallVector<Attribute> vectors;
    for (auto symbol : op.getWeights().getAsRange<FlatSymbolRefAttr>())
      vectors.push_back(weight({symbol}));
    SmallVector<Type> types;
    for (Value output : op.getOutputs())
      types.push_back(typeFor(output));
    auto made = createRows(op.getLoc(), types, inputs, vectors);
    made.getBody().takeBody(op.getBody());
    for (auto [output, buffer] : llvm::zip_equal(op.getOutputs(), made.getOutputs()))
      buffers[output] = buffer;
  }

  void addScan(quoin::ScanOp op) {
    if (op->getNumResults() == 0)
      return;
    auto of = [&](ValueRange values) {
      return llvm::map_to_vector(values, [&](Value v) -> Value { return buffers.at(v); });
    };
    SmallVector<Attribute> read;
    for (auto symbol : op.getWeights().getAsRange<FlatSymbolRefAttr>())
      read.push_back(weight({symbol}));
    SmallVector<Type> types;
    for (Value output : op.getOutputs())
      types.push_back(typeFor(output));
    Value seen;
    if (op.getSeen()) {
      showWithin(op.getLoc(), MaskAttr());
      seen = words;
      int64_t numbers = 0;
      for (BlockArgument state : op.getBody().getArguments().drop_back(op.getInputs().size() + op.getWeights().size()))
        numbers += stateBytes(rowElementsOf(state.getType())) / 4;
      types.push_back(
          BufferType::get(b.getContext(), Space::Row, numbers * static_cast<int64_t>(op.getHeads()), b.getF32Type()));
    }
    auto made = stage::ScanOp::create(b, op.getLoc(), types, false, of(op.getInputs()), seen, of(op.getInitial()),
                                      b.getArrayAttr(read), op.getHeads(), op.getAxesAttr(), IntegerAttr(),
                                      DenseI64ArrayAttr());
    made.getBody().takeBody(op.getBody());
    for (auto [output, buffer] : llvm::zip(op.getOutputs(), made.getOutputs()))
      buffers[output] = buffer;
  }

  Value handOver(Operation *op, Value rows) {
    return copyRows(b, op->getLoc(), buffers.at(rows), typeFor(rows, Space::Host));
  }
  SmallVector<Value> handOverAll(Operation *op, ValueRange all) {
    return llvm::map_to_vector(all, [&](Value rows) { return handOver(op, rows); });
  }

  void lower(Operation &op);
};
} // namespace

void ModelLowering::lower(Operation &op) {
  TypeSwitch<Operation *>(&op)
      .Case([&](EmbedOp o) { addEmbed(o); })
      .Case([&](RotaryOp o) { addRotary(o); })
      .Case([&](LinearOp o) { addProduct(o); })
      .Case([&](ExpertLinearOp o) { addExperts(o); })
      .Case([&](arith::AddFOp o) { addSum(o); })
      .Case([&](quoin::EachRowOp o) { addRowProgram(o); })
      .Case([&](quoin::ScanOp o) { addScan(o); })
      .Case([&](AttentionOp o) { addAttention(o); })
      .Case([&](GatherRowsOp o) {
        buffers[o.getOutput()] =
            isRows(o.getInput()) ? copyRows(b, o.getLoc(), buffers.at(o.getInput()), typeFor(o.getInput(), Space::Read))
                                 : buffers.at(o.getInput());
      })
      .Case([&](quoin::ResultsOp o) { stage::ResultsOp::create(b, model.getLoc(), handOverAll(o, o.getRows())); })
      .Case([&](HiddenOp o) {
        Value hidden = handOver(o, o.getRows());
        HeadOp::create(b, model.getLoc(), hidden, handOverAll(o, o.getResults()), weight({model.getHeadAttr()}),
                       model.getBiasAttr() ? weight({model.getBiasAttr()}) : WeightAttr(), false);
      })
      .DefaultUnreachable("an op that the verifier lets into a body");
}

void ModelLowering::run() {
  b.setInsertionPoint(model);
  step = StepOp::create(b, model.getLoc(), model.getSymNameAttr(), DenseI64ArrayAttr(), IntegerAttr());
  if (Attribute draft = model->getAttr(draftAttr))
    step->setAttr(draftAttr, draft);
  Block &body = step.getBody().emplaceBlock();
  body.addArguments({column(Space::Row, 32), column(Space::Row, 32), column(Space::Read, 64)},
                    SmallVector<Location>(3, model.getLoc()));
  b.setInsertionPointToEnd(&body);
  for (BlockArgument column : model.getColumns())
    buffers[column] = body.addArgument(typeFor(column), column.getLoc());
  if (model.isOfTokens()) {
    buffers[model.getIds()] = step.getIds();
    buffers[model.getPositions()] = step.getPositions();
    auto attentions = model.getBody().getOps<AttentionOp>();
    showWithin(model.getLoc(), attentions.empty() ? MaskAttr() : (*attentions.begin()).getWithinAttr());
  }
  for (Operation &op : model.getBody().front())
    lower(op);
  stages = llvm::range_size(body.without_terminator());
  remark::passed(model.getLoc(), remarkOn<LowerToStages>("Model")) << std::to_string(stages) + " stages";
  model.erase();
}

void LowerToStages::runOnOperation() {
  int64_t positions = positionsOf(getOperation());
  for (ModelOp model : llvm::make_early_inc_range(getOperation().getOps<ModelOp>())) {
    expandSpellings(model);
    ModelLowering lowering(model, positions);
    lowering.run();
    numStages += lowering.stages;
  }
  if (func::FuncOp function = findFunction(getOperation())) {
    FailureOr<StepOp> step = lowerFunction(function);
    if (failed(step))
      return signalPassFailure();
    numStages += static_cast<int64_t>(llvm::range_size(step->getBody().front().without_terminator()));
  }
}
