//===- StageOps.cpp - verifiers of stages, and what passes ask of them -----===//

#include "dialects/quoin/RowProgram.h"
#include "dialects/stage/RowSchedule.h"
#include "dialects/stage/ScaledDepth.h"
#include "dialects/stage/ScanStage.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin::stage;
using quoin::WeightOp;

#include "dialects/stage/StageOpInterfaces.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/stage/StageOps.cpp.inc"

/// Stands for the place of a result that has none yet, beside those that have one.
static constexpr int64_t notPlaced = -1;

//===----------------------------------------------------------------------===//
// Places and weights of any stage
//===----------------------------------------------------------------------===//

static std::optional<int64_t> asPlace(std::optional<uint64_t> place) {
  return place ? std::optional<int64_t>(*place) : std::nullopt;
}

std::optional<int64_t> quoin::stage::placeOf(Value buffer) {
  if (!buffer.getDefiningOp())
    return std::nullopt;
  return llvm::TypeSwitch<Operation *, std::optional<int64_t>>(buffer.getDefiningOp())
      .Case<QuantizeOp, ProductOp, ExpertsOp>([](auto op) { return asPlace(op.getPlace()); })
      .Case([&](AttendOp op) { return asPlace(buffer == op.getOutput() ? op.getPlace() : op.getLsePlace()); })
      .Case<EachRowOp, ScanOp>([&](auto op) -> std::optional<int64_t> {
        size_t result = cast<OpResult>(buffer).getResultNumber();
        ArrayRef<int64_t> places = op.getPlaces().value_or(ArrayRef<int64_t>());
        return result < places.size() && places[result] != notPlaced ? std::optional(places[result]) : std::nullopt;
      })
      .Default([](Operation *) { return std::nullopt; });
}

void quoin::stage::setPlace(Value buffer, int64_t place) {
  llvm::TypeSwitch<Operation *>(buffer.getDefiningOp())
      .Case<QuantizeOp, ProductOp, ExpertsOp>([&](auto stage) { stage.setPlace(place); })
      .Case([&](AttendOp op) { buffer == op.getOutput() ? op.setPlace(place) : op.setLsePlace(place); })
      .Case<EachRowOp, ScanOp>([&](auto op) {
        SmallVector<int64_t> places(op.getPlaces().value_or(ArrayRef<int64_t>()));
        places.resize(op.getNumResults(), notPlaced);
        places[cast<OpResult>(buffer).getResultNumber()] = place;
        op.setPlaces(places);
      });
}

SmallVector<Value, 1> quoin::stage::scratchResults(Operation *op) {
  SmallVector<Value, 1> made;
  for (Value result : op->getResults())
    if (auto type = dyn_cast<BufferType>(result.getType()); type && type.getSpace() != Space::Host)
      made.push_back(result);
  return made;
}

SmallVector<WeightAttr, 2> quoin::stage::weightsOf(Operation *op) {
  SmallVector<WeightAttr, 2> all;
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](EachRowOp rows) {
        llvm::append_range(all, rows.getWeights().getAsRange<WeightAttr>());
        for (auto [table, column] : rows.getLookups())
          all.push_back(table);
      })
      .Case([&](ScanOp rows) { llvm::append_range(all, rows.getWeights().getAsRange<WeightAttr>()); })
      .Case([&](ProductOp product) { all = {product.getWeightAttr(), product.getBiasAttr()}; })
      .Case([&](HeadOp head) { all = {head.getWeightAttr(), head.getBiasAttr()}; })
      .Case([&](ExpertsOp stage) { all.push_back(stage.getWeightAttr()); });
  if (!all.empty() && !all.back())
    all.pop_back();
  return all;
}

void quoin::stage::setWeights(Operation *op, ArrayRef<WeightAttr> weights) {
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](ScanOp rows) {
        rows.setWeightsAttr(ArrayAttr::get(op->getContext(), SmallVector<Attribute>(weights.begin(), weights.end())));
      })
      .Case([&](EachRowOp rows) {
        auto array = [&](ArrayRef<WeightAttr> some) {
          return ArrayAttr::get(op->getContext(), SmallVector<Attribute>(some.begin(), some.end()));
        };
        size_t vectors = rows.getWeights().size();
        rows.setWeightsAttr(array(weights.take_front(vectors)));
        if (rows.getTables())
          rows.setTablesAttr(array(weights.drop_front(vectors)));
      })
      .Case([&](ProductOp product) {
        product.setWeightAttr(weights[0]);
        if (weights.size() > 1)
          product.setBiasAttr(weights[1]);
      })
      .Case([&](HeadOp head) {
        head.setWeightAttr(weights[0]);
        if (weights.size() > 1)
          head.setBiasAttr(weights[1]);
      })
      .Case([&](ExpertsOp stage) { stage.setWeightAttr(weights[0]); });
}

/// Fails unless the symbols name weights of that shape (a negative size: any), and a layout says the same.
static LogicalResult expectWeights(Operation *op, SymbolTableCollection &table, WeightAttr weight,
                                   ArrayRef<int64_t> shape) {
  auto fits = [&](ArrayRef<int64_t> found) {
    return found.size() == shape.size() && llvm::all_of(llvm::zip(found, shape), [](auto p) {
             return std::get<1>(p) < 0 || std::get<0>(p) == std::get<1>(p);
           });
  };
  auto report = [&](auto what, auto found) -> LogicalResult {
    InFlightDiagnostic error = op->emitOpError("expects a weight of shape [");
    llvm::interleaveComma(shape, error, [&](int64_t d) { d < 0 ? error << "?" : error << d; });
    return error << "], but " << what << " is " << found;
  };
  SmallVector<int64_t, 3> laid = weight.getLayout() ? weight.getLayout().getSourceShape() : SmallVector<int64_t, 3>();
  for (FlatSymbolRefAttr symbol : weight.getSources()) {
    auto source = table.lookupNearestSymbolFrom<WeightOp>(op, symbol);
    if (!source)
      return op->emitOpError("expects a quoin.weight, but found ") << symbol;
    ArrayRef<int64_t> found = cast<RankedTensorType>(source.getType()).getShape();
    if (!fits(found))
      return report(symbol, source.getType());
    if (weight.getLayout() && !llvm::equal(found, laid))
      return op->emitOpError("expects a layout of ") << source.getType() << ", but found " << weight.getLayout();
  }
  return success();
}

/// Fails unless groups of a scaled weight fill its depth.
static LogicalResult expectGroups(Operation *op, WeightAttr weight, int64_t depth) {
  ScaledType scaled = weight.getScaled();
  return scaled ? expectFilledDepth([&] { return op->emitOpError(); }, scaled, depth) : success();
}

/// Which column the step's host gives.
enum StepColumn { Ids, Positions, Read };

/// Fails unless the operand is that column of the step; who runs a stage does not look at the operand again.
static LogicalResult expectColumn(Operation *op, Value operand, StepColumn column) {
  constexpr StringLiteral names[] = {"ids", "positions", "numbers of the rows read"};
  // The step's own verifier comes after this.
  Block &body = op->getParentOfType<StepOp>().getBody().front();
  if (column < body.getNumArguments() && body.getArgument(column) == operand)
    return success();
  return op->emitOpError("expects the step's ") << names[column] << ", but found other rows";
}

/// Ids, positions or row numbers, and none of the model's other columns.
static bool isHostColumn(Value v) {
  auto column = dyn_cast<BlockArgument>(v);
  return column && column.getArgNumber() <= Read;
}

/// The first size of the weight's first source; none where a symbol is wrong, which is said elsewhere.
static std::optional<int64_t> rowsOf(Operation *op, SymbolTableCollection &table, WeightAttr weight) {
  if (weight.getSources().empty())
    return std::nullopt;
  auto source = table.lookupNearestSymbolFrom<WeightOp>(op, weight.getSources()[0]);
  return source ? std::optional(cast<RankedTensorType>(source.getType()).getDimSize(0)) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

bool MasksOp::dividesRows() { return false; }

LogicalResult MasksOp::verify() {
  // masks_c1
  if (getWithinAttr() && !isOfPositionsAndLabels(getWithinAttr()))
    return emitOpError("expects a formula of positions and labels alone, but found ") << getWithinAttr();
  // masks_c2
  if (getFormulaAttr() && !getFormulaAttr().getFormula().arrays().empty())
    return emitOpError("expects a formula without label arrays, but found ") << getFormulaAttr();
  return success();
}

//===----------------------------------------------------------------------===//
// Row programs
//===----------------------------------------------------------------------===//

SmallVector<OpOperand *> EachRowOp::getDonors(unsigned result) {
  SmallVector<OpOperand *> donors;
  RowSchedule schedule(getBody().front());
  for (auto [i, input] : llvm::enumerate(getInputsMutable()))
    // What stands there twice is read as often.
    if (llvm::count(getInputs(), input.get()) == 1 && schedule.mayTakePlace(static_cast<unsigned>(i), result))
      donors.push_back(&input);
  return donors;
}

bool EachRowOp::storesNarrow() { return true; }

bool EachRowOp::readsElsewhere(OpOperand &operand) { return bufferOf(operand.get()).getSpace() != getSpace(); }

/// The rows of the host are rows read.
static Space slotsOf(Space space) { return space == Space::Host ? Space::Read : space; }

Space EachRowOp::getSpace() { return slotsOf(bufferOf(getOutputs()[0]).getSpace()); }

bool EachRowOp::isCopy() {
  if (getInputs().size() != 1 || getNumResults() != 1 || getBody().getNumArguments() != 1)
    return false;
  Value row = getBody().getArgument(0);
  return isa<RankedTensorType>(row.getType()) && getBody().front().getTerminator()->getOperand(0) == row;
}

Value quoin::stage::copyRows(OpBuilder &b, Location loc, Value rows, BufferType as) {
  bool gathers = slotsOf(as.getSpace()) == Space::Read && bufferOf(rows).getSpace() != Space::Read;
  auto step = cast<StepOp>(b.getInsertionBlock()->getParentOp());
  auto copy = EachRowOp::create(b, loc, as, false, rows, gathers ? step.getRead() : Value(), b.getArrayAttr({}),
                                ArrayAttr(), DenseI64ArrayAttr(), DenseI64ArrayAttr());
  Type element = as.getElement().isInteger(32) ? as.getElement() : b.getF32Type();
  Block &body = copy.getBody().emplaceBlock();
  OpBuilder inside = OpBuilder::atBlockEnd(&body);
  quoin::RowOp::create(inside, loc, ValueRange(body.addArgument(RankedTensorType::get({as.getWidth()}, element), loc)));
  return copy.getOutputs()[0];
}

/// How the body sees a row of a buffer: as `seen` if that has its numbers in another shape, else in one dimension.
static Type rowAs(BufferType buffer, Type seen) {
  Type element = buffer.getElement().isInteger(32) ? buffer.getElement() : Float32Type::get(buffer.getContext());
  auto tensor = dyn_cast<RankedTensorType>(seen);
  if (tensor && tensor.hasStaticShape() && tensor.getElementType() == element && tensor.getRank() > 0 &&
      tensor.getNumElements() == buffer.getWidth())
    return seen;
  return RankedTensorType::get({buffer.getWidth()}, element);
}

SmallVector<std::pair<WeightAttr, unsigned>, 1> EachRowOp::getLookups() {
  SmallVector<std::pair<WeightAttr, unsigned>, 1> all;
  if (getTables() && getColumns())
    for (auto [table, column] : llvm::zip(getTables()->getAsRange<WeightAttr>(), *getColumns()))
      all.emplace_back(table, static_cast<unsigned>(column));
  return all;
}

static LogicalResult verifyTables(EachRowOp op, ArrayRef<Type> rows) {
  // each_row_c7
  auto arguments = op.getBody().getArguments().take_back(op.getLookups().size());
  for (auto [lookup, argument] : llvm::zip_equal(op.getLookups(), arguments)) {
    auto [weight, column] = lookup;
    int64_t numbers = cast<RankedTensorType>(argument.getType()).getDimSize(0);
    auto by = [&, column = column](auto is) {
      return column < rows.size() && is(rows[column], op.getInputs()[column]);
    };
    if (auto angles = llvm::dyn_cast_or_null<AnglesAttr>(weight.getLayout())) {
      if (angles.getPairs() * 2 != numbers || !weight.getElement().isF32())
        return op.emitOpError("expects angles of ")
               << numbers << " numbers a position stored as f32, but found " << weight;
      Value positions = op->getParentOfType<StepOp>().getBody().getArgument(Positions);
      if (!by([&](Type, Value input) { return input == positions; }))
        return op.emitOpError("expects the number of an operand that is positions, but found ") << column;
      continue;
    }
    auto widthOf = [](LayoutAttrInterface layout) -> int64_t {
      if (auto table = dyn_cast<TableAttr>(layout))
        return table.getWidth();
      auto tiles = dyn_cast<TilesAttr>(layout);
      return tiles ? tiles.getDepth() : -1;
    };
    if (weight.getSources().size() != 1 || (weight.getLayout() && widthOf(weight.getLayout()) != numbers))
      return op.emitOpError("expects one weight in a table of rows of ") << numbers << ", but found " << weight;
    if (weight.getScaled())
      return op.emitOpError("expects a table that is stored as f32, bf16 or f16, but found ") << weight;
    auto one = RankedTensorType::get({1}, IntegerType::get(op.getContext(), 32));
    if (!by([&](Type row, Value) { return row.isIndex() || row == one; }))
      return op.emitOpError("expects the number of an operand that is a number of i32, but found ") << column;
  }
  return success();
}

/// The body's view of the operands.
static LogicalResult verifyInputs(EachRowOp op, SmallVectorImpl<Type> &rows) {
  Builder b(op.getContext());
  Block &body = op.getBody().front();
  Space space = op.getSpace();
  bool elsewhere = false;
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    BufferType type = bufferOf(input);
    // each_row_c2
    bool found = (space == Space::Read && type.getSpace() == Space::Row) ||
                 ((space == Space::Read || space == Space::Row) && type.getSpace() == Space::Sequence);
    if (type.getSpace() != space && !found)
      return op.emitOpError("expects rows of one space, or such as are found from it, but found ")
             << type << " beside '" << stringifySpace(space) << "'";
    elsewhere |= found && space == Space::Read;
    // each_row_c1
    if (isHostColumn(input) && type.getElement().isInteger(32)) {
      rows.push_back(b.getIndexType());
      continue;
    }
    if (!type.getElement().isF32() && !type.getElement().isBF16() && !type.getElement().isInteger(32))
      return op.emitOpError("expects rows of f32, bf16 or i32, or the step's ids or positions, but found ") << type;
    rows.push_back(rowAs(type, i < body.getNumArguments() ? body.getArgument(i).getType() : Type()));
  }
  // each_row_c3
  if (elsewhere != bool(op.getNumbers()))
    return op.emitOpError("expects row numbers with rows read of which operands are of another space and only then, "
                          "but found ")
           << (op.getNumbers() ? "some" : "none");
  return op.getNumbers() ? expectColumn(op, op.getNumbers(), Read) : success();
}

LogicalResult EachRowOp::verifyRegions() {
  // each_row_c6
  if (getNumResults() == 0)
    return emitOpError("expects at least one result, but found none");
  if (getPlaces() && getPlaces()->size() != getNumResults())
    return emitOpError("expects ") << getNumResults() << " places, but found " << getPlaces()->size();
  SmallVector<Type> rows, results;
  if (failed(verifyInputs(*this, rows)))
    return failure();
  Block &body = getBody().front();
  auto given = dyn_cast_if_present<RowOp>(body.empty() ? nullptr : &body.back());
  for (auto [i, output] : llvm::enumerate(getOutputs())) {
    BufferType type = bufferOf(output);
    // each_row_c2
    if (slotsOf(type.getSpace()) != getSpace())
      return emitOpError("expects results of one space, but found ")
             << type << " beside '" << stringifySpace(getSpace()) << "'";
    // each_row_c5
    bool forHost = type.getSpace() == Space::Host;
    if (!type.getElement().isF32() && (forHost || (!type.getElement().isBF16() && !type.getElement().isInteger(32))))
      return emitOpError("expects results of f32, bf16 or i32, for the host f32, but found ") << type;
    results.push_back(rowAs(type, given && i < given.getRows().size() ? given.getRows()[i].getType() : Type()));
  }
  // each_row_c7
  size_t tables = getTables() ? getTables()->size() : 0;
  if (tables != (getColumns() ? getColumns()->size() : 0))
    return emitOpError("expects ") << tables << " numbers of operands behind 'of', but found "
                                   << (getColumns() ? getColumns()->size() : 0);
  if (failed(verifyRowProgram(*this, rows, getWeights().size() + tables, results)))
    return failure();
  if (failed(verifyTables(*this, rows)))
    return failure();
  // each_row_c4
  auto vectors = getBody().getArguments().slice(getInputs().size(), getWeights().size());
  for (auto [weight, vector] : llvm::zip_equal(getWeights().getAsRange<WeightAttr>(), vectors)) {
    auto line = LineAttr::get(getContext(), cast<RankedTensorType>(vector.getType()).getDimSize(0));
    if (weight.getSources().size() != 1 || (weight.getElement() && !weight.getElement().isF32()) ||
        (weight.getLayout() && weight.getLayout() != line))
      return emitOpError("expects a vector that is one weight stored as f32 in ") << line << ", but found " << weight;
  }
  return success();
}

LogicalResult EachRowOp::verifySymbolUses(SymbolTableCollection &table) {
  SmallVector<FlatSymbolRefAttr> symbols;
  for (auto weight : getWeights().getAsRange<WeightAttr>())
    symbols.push_back(weight.getSources()[0]);
  if (failed(verifyRowVectors(*this, table, getInputs().size(), symbols)))
    return failure();
  auto step = getOperation()->getParentOfType<StepOp>();
  HeadOp scores = step.getHead();
  std::optional<int64_t> tokens = scores ? rowsOf(*this, table, scores.getWeight()) : std::nullopt;
  auto arguments = getBody().getArguments().take_back(getLookups().size());
  for (auto [lookup, argument] : llvm::zip_equal(getLookups(), arguments)) {
    auto [weight, column] = lookup;
    if (weight.getSources().empty())
      continue;
    // each_row_c7
    if (failed(expectWeights(*this, table, weight, {-1, cast<RankedTensorType>(argument.getType()).getDimSize(0)})))
      return failure();
    // each_row_c8: ids are tokens, and tokens are what the head scores.
    std::optional<int64_t> rows = rowsOf(*this, table, weight);
    if (getInputs()[column] == step.getIds() && tokens && *rows < *tokens)
      return emitOpError("expects a table of at least ")
             << *tokens << " rows, as many as the head scores, but found " << *rows;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Whole numbers
//===----------------------------------------------------------------------===//

LogicalResult QuantizeOp::verify() {
  // quantize_c1
  BufferType input = getInput().getType();
  auto expected = BufferType::get(getContext(), input.getSpace(), input.getWidth(), IntegerType::get(getContext(), 8));
  if (!input.getElement().isF32() || input.getSpace() == Space::Host || input.getSpace() == Space::Memory)
    return emitOpError("expects rows of f32, not of 'host' or 'memory', but found ") << input;
  if (getOutput().getType() != expected)
    return emitOpError("expects a result ") << expected << ", but found " << getOutput().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

SmallVector<OpOperand *> ProductOp::getDonors(unsigned) {
  // Tiles of the sum go through memory of their own, and the end reads an element before it writes that one; but if the
  // same rows are multiplied, other workers still read them.
  SmallVector<OpOperand *> donors;
  for (OpOperand &other : getOthersMutable())
    if (other.get() != getInput())
      donors.push_back(&other);
  return donors;
}

bool ProductOp::storesNarrow() { return true; }

bool ProductOp::dividesRows() { return false; }

/// As many f32.
static SmallVector<Type> numbersOf(Operation *op, size_t count) {
  return SmallVector<Type>(count, Float32Type::get(op->getContext()));
}

/// Fails unless there is one weight, or one or two where an end makes one number of their sums.
static LogicalResult expectSources(Operation *op, WeightAttr weight, Region &end) {
  size_t sources = weight.getSources().size();
  if (sources == 1 || (sources == 2 && !end.empty()))
    return success();
  return op->emitOpError("expects ") << (end.empty() ? "1 weight" : "1 or 2 weights") << ", but found " << sources;
}

/// A product of the same rows stands in front of it, and it reads nothing of those that it is one stage with.
static LogicalResult verifyBeside(ProductOp op) {
  // product_c7
  auto before = dyn_cast_if_present<ProductOp>(op->getPrevNode());
  if (!before || before.getInput() != op.getInput())
    return op.emitOpError("expects to stand behind a product of the same rows that it is beside, but found ")
           << (before ? "one of other rows" : "none");
  if (op.getBarrier())
    return op.emitOpError("expects no barrier between products beside each other, but found one");
  for (ProductOp other = op; other && other.getBeside();) {
    other = dyn_cast_if_present<ProductOp>(other->getPrevNode());
    if (other && llvm::is_contained(op->getOperands(), other.getOutput()))
      return op.emitOpError("expects rows that no product beside it makes, but found ") << other.getOutput();
  }
  return success();
}

LogicalResult ProductOp::verify() {
  if (getBeside() && failed(verifyBeside(*this)))
    return failure();
  BufferType input = getInput().getType(), output = getOutput().getType();
  WeightAttr weight = getWeightAttr();
  // product_c1
  if (input.getSpace() != output.getSpace() || output.getSpace() == Space::Host)
    return emitOpError("expects rows of one space, 'row' or 'read', but found ") << input << " and " << output;
  if (!input.getElement().isF32() && !input.getElement().isBF16() && !input.getElement().isInteger(8))
    return emitOpError("expects rows of f32, bf16 or i8, but found ") << input.getElement();
  if (!output.getElement().isF32() && !output.getElement().isBF16())
    return emitOpError("expects a result of f32 or bf16, but found ") << output.getElement();
  // product_c2
  if (failed(expectSources(*this, weight, getEnd())))
    return failure();
  auto tiles = llvm::dyn_cast_or_null<TilesAttr>(weight.getLayout());
  if (weight.getLayout() && (!tiles || tiles.getColumns() != output.getWidth() || tiles.getDepth() != input.getWidth()))
    return emitOpError("expects tiles of ")
           << output.getWidth() << " columns and depth " << input.getWidth() << ", but found " << weight.getLayout();
  // product_c3
  if (WeightAttr bias = getBiasAttr()) {
    if (bias.getSources().size() != 1 || (bias.getElement() && !bias.getElement().isF32()) ||
        (bias.getLayout() && bias.getLayout() != LineAttr::get(getContext(), output.getWidth())))
      return emitOpError("expects a bias that is a line of ")
             << output.getWidth() << " stored as f32, but found " << bias;
    if (weight.getSources().size() > 1)
      return emitOpError("expects no bias with two weights, but found ") << bias;
  }
  // product_c5
  auto expected = BufferType::get(getContext(), output.getSpace(), output.getWidth(), Float32Type::get(getContext()));
  for (Value other : getOthers())
    if (other.getType() != expected)
      return emitOpError("expects rows ") << expected << " behind 'with', but found " << other.getType();
  // product_c6
  if (input.getElement().isBF16() && !(weight.getElement() && weight.getElement().isBF16()))
    return emitOpError("expects a weight stored as bf16 for rows of bf16, but found ") << weight;
  if (input.getElement().isInteger(8) != bool(weight.getScaled()))
    return emitOpError("expects rows of i8 and a weight that is scaled together, but found ")
           << input << " and " << weight;
  return expectGroups(*this, weight, input.getWidth());
}

LogicalResult ProductOp::verifyRegions() {
  // product_c4
  size_t numbers = getWeightAttr().getSources().size() + getOthers().size();
  if (!getEnd().empty())
    return quoin::verifyFormula(*this, getEnd(), numbersOf(*this, numbers), "an end");
  if (!getOthers().empty())
    return emitOpError("expects an end for the rows behind 'with', but found none");
  return success();
}

LogicalResult ProductOp::verifySymbolUses(SymbolTableCollection &table) {
  int64_t out = getOutput().getType().getWidth(), in = getInput().getType().getWidth();
  if (failed(expectWeights(*this, table, getWeightAttr(), {out, in})))
    return failure();
  return getBiasAttr() ? expectWeights(*this, table, getBiasAttr(), {out}) : success();
}

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

bool ExpertsOp::dividesRows() { return false; }

LogicalResult ExpertsOp::verify() {
  BufferType input = getInput().getType(), choice = getChoice().getType(), output = getOutput().getType();
  // experts_c1
  for (BufferType type : {input, choice})
    if (type.getSpace() != output.getSpace() || output.getSpace() == Space::Host)
      return emitOpError("expects rows of one space, 'row' or 'read', but found ") << type << " and " << output;
  if (!input.getElement().isF32() || !output.getElement().isF32())
    return emitOpError("expects rows of f32, but found ") << (input.getElement().isF32() ? output : input);
  if (!choice.getElement().isInteger(32) || isa<BlockArgument>(getChoice()))
    return emitOpError("expects choices of i32 that a stage makes, but found ") << choice;
  // experts_c2
  WeightAttr weight = getWeightAttr();
  if (failed(expectSources(*this, weight, getEnd())))
    return failure();
  int64_t choices = choice.getWidth();
  // experts_c3
  if (choices > quoin::maxChoices)
    return emitOpError("expects at most ") << quoin::maxChoices << " choices a row, but found " << choices;
  if (output.getWidth() % choices != 0)
    return emitOpError("expects a result of as many features for each of ")
           << choices << " choices, but found " << output;
  auto stack = llvm::dyn_cast_or_null<StackAttr>(weight.getLayout());
  if (weight.getLayout() && (!stack || stack.getColumns() != output.getWidth() / choices))
    return emitOpError("expects a stack of ")
           << output.getWidth() / choices << " columns, but found " << weight.getLayout();
  // experts_c5
  if (weight.getScaled())
    return emitOpError("expects a weight stored as f32, bf16 or f16, but found ") << weight;
  return success();
}

LogicalResult ExpertsOp::verifyRegions() {
  // experts_c4
  size_t numbers = getWeightAttr().getSources().size();
  return getEnd().empty() ? success() : quoin::verifyFormula(*this, getEnd(), numbersOf(*this, numbers), "an end");
}

LogicalResult ExpertsOp::verifySymbolUses(SymbolTableCollection &table) {
  // experts_c2
  int64_t choices = getChoice().getType().getWidth(), in = getInput().getType().getWidth();
  if (failed(expectWeights(*this, table, getWeightAttr(), {-1, getOutput().getType().getWidth() / choices, -1})))
    return failure();
  for (FlatSymbolRefAttr symbol : getWeightAttr().getSources()) {
    auto type = cast<RankedTensorType>(table.lookupNearestSymbolFrom<WeightOp>(*this, symbol).getType());
    auto first = cast<RankedTensorType>(
        table.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr().getSources()[0]).getType());
    if (type.getShape() != first.getShape())
      return emitOpError("expects weights of one shape, but found ") << first << " and " << type;
    int64_t depth = type.getDimSize(2);
    if (in != depth && (in / choices != depth || in % choices != 0))
      return emitOpError("expects rows of ")
             << depth << " features, or of as many for each of " << choices << " choices, but found " << in;
    // experts_c3
    if (type.getDimSize(0) > quoin::maxExperts)
      return emitOpError("expects at most ") << quoin::maxExperts << " experts, but found " << type.getDimSize(0);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

LogicalResult CacheOp::verify() {
  PagesType pages = getPages().getType();
  // cache_c1
  bool memory = getKey().getType().getSpace() == Space::Memory;
  auto expected =
      BufferType::get(getContext(), memory ? Space::Memory : Space::Row, pages.getHeads() * pages.getHeadDim(),
                      memory ? pages.getElement() : Float32Type::get(getContext()));
  for (Value v : {getKey(), getValue()})
    if (v.getType() != expected)
      return emitOpError("expects keys and values of ") << expected << ", but found " << v.getType();
  // cache_c2
  if (getSorted() && !memory)
    return emitOpError("expects sorted rows of space 'memory', but found ") << getKey().getType();
  return success();
}

bool AttendOp::storesNarrow() { return true; }

bool AttendOp::dividesRows() { return false; }

LogicalResult AttendOp::verifyRegions() {
  // attend_c6
  return getScore().empty() ? success()
                            : quoin::verifyFormula(*this, getScore(), quoin::scoreTypes(getContext()), "a score");
}

LogicalResult AttendOp::verify() {
  PagesType pages = getPages().getType();
  BufferType query = getQuery().getType(), output = getOutput().getType();
  // attend_c1
  int64_t heads = getHeads();
  if (heads < 1 || heads % pages.getHeads() != 0)
    return emitOpError("expects heads that ") << pages.getHeads() << " key heads divide, but found " << heads;
  // attend_c2
  bool host = query.getSpace() == Space::Host;
  Type element = host ? pages.getElement() : Float32Type::get(getContext());
  if (query.getWidth() / pages.getHeadDim() != heads || query.getWidth() % pages.getHeadDim() != 0 ||
      query.getElement() != element)
    return emitOpError("expects queries of ") << heads << " heads of " << pages.getHeadDim()
                                              << (element.isF32() ? " f32" : " bf16") << ", but found " << query;
  if (output.getSpace() != query.getSpace() || output.getWidth() != query.getWidth())
    return emitOpError("expects a result like the query's ") << query << ", but found " << output;
  // attend_c3
  if (!quoin::isScale(getScale()))
    return emitOpError("expects a finite scale below 2^126, but found ") << getScaleAttr();
  // attend_c4
  if ((query.getSpace() == Space::Read) != bool(getRows()))
    return emitOpError("expects row numbers with queries of space 'read' and only then, but found ")
           << (getRows() ? "some with " : "none with ") << query;
  if (getRows() && failed(expectColumn(*this, getRows(), Read)))
    return failure();
  // attend_c5
  if (!output.getElement().isF32() && !output.getElement().isBF16())
    return emitOpError("expects a result of f32 or bf16, but found ") << output.getElement();
  // attend_c7
  if (host && output != query)
    return emitOpError("expects a result like the query's ") << query << ", but found " << output;
  auto cache = getPages().getDefiningOp<CacheOp>();
  if (cache && (cache.getKey().getType().getSpace() == Space::Memory) != host)
    return emitOpError("expects pages of a memory with queries of 'host' and only then, but found those of ")
           << cache.getKey().getType() << " with " << query;
  // attend_c8
  if (!host && getSorted())
    return emitOpError("expects 'sorted' with queries of 'host' only, but found ") << query;
  if (host && !getScore().empty())
    return emitOpError("expects queries of 'host' without 'score', but found one");
  auto logarithms = BufferType::get(getContext(), query.getSpace(), heads, Float32Type::get(getContext()));
  if (getLse() && getLse().getType() != logarithms)
    return emitOpError("expects logarithms of ") << logarithms << ", but found " << getLse().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// The end of a step
//===----------------------------------------------------------------------===//

LogicalResult ResultsOp::verify() {
  // results_c1
  if (getRows().empty())
    return emitOpError("expects at least one result, but found none");
  for (Value rows : getRows())
    if (bufferOf(rows).getSpace() != Space::Host ||
        (!bufferOf(rows).getElement().isF32() && !rows.getDefiningOp<AttendOp>()))
      return emitOpError("expects rows of f32 that the host has, but found ") << rows.getType();
  return success();
}

LogicalResult HeadOp::verify() {
  // head_c1
  if (getInput().getType().getSpace() != Space::Host || !getInput().getType().getElement().isF32())
    return emitOpError("expects rows of f32 that the host has, but found ") << getInput().getType();
  // head_c5
  for (Value rows : getResults())
    if (bufferOf(rows).getSpace() != Space::Host || !bufferOf(rows).getElement().isF32())
      return emitOpError("expects results of f32 that the host has, but found ") << rows.getType();
  // head_c2
  auto tiles = llvm::dyn_cast_or_null<TilesAttr>(getWeight().getLayout());
  if (getWeight().getSources().size() != 1)
    return emitOpError("expects 1 weight, but found ") << getWeight().getSources().size();
  if (getWeight().getLayout() && (!tiles || tiles.getDepth() != getInput().getType().getWidth()))
    return emitOpError("expects tiles of depth ")
           << getInput().getType().getWidth() << ", but found " << getWeight().getLayout();
  // head_c3
  if (getNarrow() && !(getWeight().getElement() && getWeight().getElement().isBF16()))
    return emitOpError("expects a weight stored as bf16 for rows that are narrowed, but found ") << getWeight();
  // head_c6
  if (failed(expectGroups(*this, getWeight(), getInput().getType().getWidth())))
    return failure();
  // head_c4
  if (!getBias())
    return success();
  if (getBias()->getSources().size() != 1 || (getBias()->getElement() && !getBias()->getElement().isF32()))
    return emitOpError("expects a bias of 1 weight, stored as f32, but found ") << *getBias();
  if (LayoutAttrInterface layout = getBias()->getLayout(); layout && !isa<LineAttr>(layout))
    return emitOpError("expects a bias in a line, but found ") << layout;
  return success();
}

LogicalResult HeadOp::verifySymbolUses(SymbolTableCollection &table) {
  if (failed(expectWeights(*this, table, getWeight(), {-1, getInput().getType().getWidth()})))
    return failure();
  // head_c4
  std::optional<int64_t> scored = rowsOf(*this, table, getWeight());
  return getBias() && scored ? expectWeights(*this, table, *getBias(), {*scored}) : success();
}
