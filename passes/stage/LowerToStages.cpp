//===- LowerToStages.cpp - a model becomes a step of stages ----------------===//
//
// One walk over the body of each `quoin.model`, in order. An op becomes the stage of its kind, but:
//
//   1. a product whose result only an addition or a gated activation reads is passed over; that op becomes the
//      product's stage. So what rides along is decided where it stands, and the stage comes when all its operands are
//      there;
//   2. attention becomes two stages: keys and values go into pages, queries look at them. Who sees whom is evaluated
//      first of all, and again before an attention with another formula of its own than the one before it;
//   3. positions that are gathered stay those of the step: a stage on rows read finds its positions by their numbers;
//   4. final rows are moved to where the host wants them, and the head ends the step.
//
// What a body may hold the verifier of `quoin.model` has seen to (RowSpaces): nothing is refused here. Which rows a
// value has is the space of its buffer.
//
//===----------------------------------------------------------------------===//

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
#include "passes/stage/Storage.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::stage;

namespace quoin {
#define GEN_PASS_DEF_LOWERTOSTAGESPASS
#include "passes/Passes.h.inc"
} // namespace quoin

/// The product whose only use is `user`, so that it can become part of it.
template <typename Op = LinearOp> static Op productFor(Value v, Operation *user) {
  auto product = v.getDefiningOp<Op>();
  return product && v.hasOneUse() && *v.getUsers().begin() == user ? product : Op();
}

/// The product that takes the addition along: the right one, so that a residual stays the left operand.
static LinearOp residualProduct(arith::AddFOp add) {
  if (LinearOp rhs = productFor(add.getRhs(), add))
    return rhs;
  return productFor(add.getLhs(), add);
}

namespace {
struct LowerToStages : quoin::impl::LowerToStagesPassBase<LowerToStages> {
  using LowerToStagesPassBase::LowerToStagesPassBase;

  Counter numStages{"lower-to-stages", "num-stages"};
  Counter numEpilogues{"lower-to-stages", "num-epilogues-fused"};

  void runOnOperation() override;
};

/// Lowers one model.
class ModelLowering {
public:
  ModelLowering(ModelOp m, WeightStorage storage)
      : model(m), weights(storage), spaces(*RowSpaces::infer(m)), b(m.getContext()) {}

  int64_t stages = 0, epilogues = 0;

  /// Puts the step where the model stands, which goes.
  void run();

private:
  ModelOp model;
  WeightStorage weights;
  RowSpaces spaces;
  OpBuilder b;
  StepOp step;
  Value words;
  DenseMap<Value, Value> buffers; ///< of the model's rows, positions and ids

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
  BufferType typeFor(Value v) { return typeFor(v, spaces.isRead(v) ? Space::Read : Space::Row); }

  WeightAttr weight(ArrayRef<FlatSymbolRefAttr> sources) {
    return WeightAttr::get(b.getContext(), sources, Type(), LayoutAttrInterface(), -1);
  }
  WeightOp find(FlatSymbolRefAttr symbol) { return SymbolTable::lookupNearestSymbolFrom<WeightOp>(model, symbol); }

  //===--------------------------------------------------------------------===//
  // What rides on a product
  //===--------------------------------------------------------------------===//

  /// Why the activation cannot ride on the products of its operands; null if it can.
  const char *whyNotFused(SwigluOp op) {
    if (auto gate = productFor<ExpertLinearOp>(op.getGate(), op), up = productFor<ExpertLinearOp>(op.getUp(), op);
        gate && up && gate != up)
      return gate.getChoice() != up.getChoice() ? "the products of its operands are with different experts"
             : find(gate.getWeightAttr()).getType() != find(up.getWeightAttr()).getType()
                 ? "the weights of its operands have different shapes or types"
                 : whyNotTogether(gate, up);
    LinearOp gate = productFor(op.getGate(), op), up = productFor(op.getUp(), op);
    if (!gate || !up || gate == up)
      return "its operands are no products that it alone reads";
    if (gate.getBias() || up.getBias())
      return "a product of its operands has a bias";
    return whyNotTogether(gate, up);
  }

  template <typename Op> const char *whyNotTogether(Op gate, Op up) {
    if (gate.getInput() != up.getInput())
      return "the products of its operands read different rows";
    if (storedAs(find(gate.getWeightAttr()), weights) != storedAs(find(up.getWeightAttr()), weights))
      return "the weights of its operands are stored as different types";
    return nullptr;
  }

  template <typename Op> bool isTakenAlong(Op op) {
    if (!op.getOutput().hasOneUse())
      return false;
    Operation *user = *op.getOutput().getUsers().begin();
    if (auto add = dyn_cast<arith::AddFOp>(user))
      return residualProduct(add).getOperation() == op.getOperation();
    auto gated = dyn_cast<SwigluOp>(user);
    return gated && !whyNotFused(gated);
  }

  //===--------------------------------------------------------------------===//
  // Ops
  //===--------------------------------------------------------------------===//

  void addRows(Operation *op, FormulaAttrInterface formula, ValueRange inputs, Value out, WeightAttr read = {}) {
    SmallVector<Value, 3> operands;
    for (Value v : inputs)
      operands.push_back(buffers.at(v));
    BufferType type = typeFor(out);
    if (isa<RotaryAttr>(formula) && type.getSpace() == Space::Read)
      operands.push_back(step.getRead());
    buffers[out] = stage::RowsOp::create(b, op->getLoc(), type, false, formula, operands, read, IntegerAttr());
  }

  /// The product of `linear`, or of a gate and `second`, and what is added to it.
  void addProduct(LinearOp linear, LinearOp second, Value residual, Value out) {
    SmallVector<FlatSymbolRefAttr, 2> sources = {linear.getWeightAttr()};
    if (second)
      sources.push_back(second.getWeightAttr());
    WeightAttr bias = linear.getBiasAttr() ? weight({linear.getBiasAttr()}) : WeightAttr();
    buffers[out] = ProductOp::create(b, out.getLoc(), typeFor(out), false, buffers.at(linear.getInput()),
                                     residual ? buffers.at(residual) : Value(), weight(sources), bias, bool(second),
                                     IntegerAttr());
    epilogues += residual || second;
  }

  /// The products of `linear`, or of a gate and `second`, with experts.
  void addExperts(ExpertLinearOp linear, ExpertLinearOp second, Value out) {
    SmallVector<FlatSymbolRefAttr, 2> sources = {linear.getWeightAttr()};
    if (second)
      sources.push_back(second.getWeightAttr());
    buffers[out] = ExpertsOp::create(b, out.getLoc(), typeFor(out), false, buffers.at(linear.getInput()),
                                     buffers.at(linear.getChoice()), weight(sources), bool(second), IntegerAttr());
    epilogues += bool(second);
  }

  /// Words that an attention looks at: those that are there, or new ones where it has another formula.
  void showWithin(Location loc, MaskAttr within) {
    if (!words || words.getDefiningOp<MasksOp>().getWithinAttr() != within)
      words = MasksOp::create(b, loc, b.getType<WordsType>(), false, within);
  }

  void addAttention(AttentionOp op) {
    showWithin(op.getLoc(), op.getWithinAttr());
    auto pages = b.getType<PagesType>(op.getKvHeads(), op.getHeadDim(), b.getF32Type());
    auto cache = stage::CacheOp::create(b, op.getLoc(), pages, false, buffers.at(op.getKey()),
                                        buffers.at(op.getValue()), IntegerAttr());
    buffers[op.getOutput()] =
        AttendOp::create(b, op.getLoc(), typeFor(op.getOutput()), false, buffers.at(op.getQuery()), cache, words,
                         op.getRows() ? step.getRead() : Value(), op.getHeads(), op.getScale(), IntegerAttr());
  }

  /// A row program as it stands; one without results is nothing.
  void addRowProgram(quoin::EachRowOp op) {
    if (op->getNumResults() == 0)
      return;
    SmallVector<Value> inputs;
    bool findsPositions = false;
    for (Value input : op.getInputs()) {
      inputs.push_back(buffers.at(input));
      findsPositions |= !isRows(input) && spaces.isRead(input);
    }
    SmallVector<Attribute> vectors;
    for (auto symbol : op.getWeights().getAsRange<FlatSymbolRefAttr>())
      vectors.push_back(weight({symbol}));
    SmallVector<Type> types;
    for (Value output : op.getOutputs())
      types.push_back(typeFor(output));
    auto made =
        stage::EachRowOp::create(b, op.getLoc(), types, false, inputs, findsPositions ? step.getRead() : Value(),
                                 b.getArrayAttr(vectors), DenseI64ArrayAttr());
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
    auto made = stage::ScanOp::create(b, op.getLoc(), types, false, of(op.getInputs()), of(op.getInitial()),
                                      b.getArrayAttr(read), op.getHeads(), op.getAxesAttr(), IntegerAttr(),
                                      DenseI64ArrayAttr());
    made.getBody().takeBody(op.getBody());
    for (auto [output, buffer] : llvm::zip_equal(op.getOutputs(), made.getOutputs()))
      buffers[output] = buffer;
  }

  /// To `read` or `host`; rows that were gathered already need no numbers.
  Value move(Operation *op, Value rows, Space to) {
    Value numbers = spaces.isRead(rows) ? Value() : step.getRead();
    return MoveOp::create(b, op->getLoc(), typeFor(rows, to), false, buffers.at(rows), numbers, IntegerAttr());
  }

  void lower(Operation &op);
};
} // namespace

void ModelLowering::lower(Operation &op) {
  MLIRContext *context = b.getContext();
  TypeSwitch<Operation *>(&op)
      .Case(
          [&](EmbedOp o) { addRows(o, EmbedAttr::get(context), o.getIds(), o.getRows(), weight({o.getWeightAttr()})); })
      .Case([&](RmsNormOp o) {
        int64_t group = cast<RankedTensorType>(find(o.getWeightAttr()).getType()).getDimSize(0);
        addRows(o, NormAttr::get(context, group, o.getEpsilonAttr()), o.getInput(), o.getOutput(),
                weight({o.getWeightAttr()}));
      })
      .Case([&](RotaryOp o) {
        addRows(o, RotaryAttr::get(context, o.getHeadDim(), o.getThetaAttr()), {o.getInput(), o.getPositions()},
                o.getOutput());
      })
      .Case([&](LinearOp o) {
        if (!isTakenAlong(o))
          addProduct(o, {}, {}, o.getOutput());
      })
      .Case([&](arith::AddFOp o) {
        LinearOp product = residualProduct(o);
        if (!product) {
          remark::missed(o.getLoc(), remarkOn<LowerToStages>("Epilogue"))
              << "no operand is a product that it alone reads";
          return addRows(o, AddAttr::get(context), {o.getLhs(), o.getRhs()}, o.getResult());
        }
        remark::passed(o.getLoc(), remarkOn<LowerToStages>("Epilogue")) << "the sum rides on a product";
        addProduct(product, {}, product.getOutput() == o.getRhs() ? o.getLhs() : o.getRhs(), o.getResult());
      })
      .Case([&](SwigluOp o) {
        if (const char *reason = whyNotFused(o)) {
          remark::missed(o.getLoc(), remarkOn<LowerToStages>("Epilogue")) << reason;
          return addRows(o, SwigluAttr::get(context), {o.getGate(), o.getUp()}, o.getOutput());
        }
        remark::passed(o.getLoc(), remarkOn<LowerToStages>("Epilogue")) << "the activation rides on two products";
        if (auto gate = o.getGate().getDefiningOp<ExpertLinearOp>())
          return addExperts(gate, o.getUp().getDefiningOp<ExpertLinearOp>(), o.getOutput());
        addProduct(o.getGate().getDefiningOp<LinearOp>(), o.getUp().getDefiningOp<LinearOp>(), {}, o.getOutput());
      })
      .Case([&](ExpertLinearOp o) {
        if (!isTakenAlong(o))
          addExperts(o, {}, o.getOutput());
      })
      .Case([&](quoin::EachRowOp o) { addRowProgram(o); })
      .Case([&](quoin::ScanOp o) { addScan(o); })
      .Case([&](AttentionOp o) { addAttention(o); })
      .Case([&](GatherRowsOp o) {
        buffers[o.getOutput()] = isRows(o.getInput()) ? move(o, o.getInput(), Space::Read) : buffers.at(o.getInput());
      })
      .Case([&](quoin::ResultsOp o) {
        SmallVector<Value> rows;
        for (Value row : o.getRows())
          rows.push_back(move(o, row, Space::Host));
        stage::ResultsOp::create(b, model.getLoc(), rows);
      })
      .Case([&](HiddenOp o) {
        HeadOp::create(b, model.getLoc(), move(o, o.getRows(), Space::Host), weight({model.getHeadAttr()}), false);
      })
      .DefaultUnreachable("an op that the verifier lets into a body");
}

void ModelLowering::run() {
  b.setInsertionPoint(model);
  step = StepOp::create(b, model.getLoc(), model.getSymNameAttr(), DenseI64ArrayAttr(), IntegerAttr());
  Block &body = step.getBody().emplaceBlock();
  body.addArguments({column(Space::Row, 32), column(Space::Row, 32), column(Space::Read, 64)},
                    SmallVector<Location>(3, model.getLoc()));
  b.setInsertionPointToEnd(&body);
  if (model.getHead()) {
    buffers[model.getIds()] = step.getIds();
    buffers[model.getPositions()] = step.getPositions();
    auto attentions = model.getBody().getOps<AttentionOp>();
    showWithin(model.getLoc(), attentions.empty() ? MaskAttr() : (*attentions.begin()).getWithinAttr());
  } else {
    for (BlockArgument column : model.getBody().getArguments())
      buffers[column] = body.addArgument(typeFor(column, Space::Row), column.getLoc());
  }
  for (Operation &op : model.getBody().front())
    lower(op);
  stages = llvm::range_size(body.without_terminator());
  remark::passed(model.getLoc(), remarkOn<LowerToStages>("Model")) << std::to_string(stages) + " stages";
  model.erase();
}

void LowerToStages::runOnOperation() {
  for (ModelOp model : llvm::make_early_inc_range(getOperation().getOps<ModelOp>())) {
    expandSpellings(model);
    ModelLowering lowering(model, weights);
    lowering.run();
    numStages += lowering.stages;
    numEpilogues += lowering.epilogues;
  }
}
