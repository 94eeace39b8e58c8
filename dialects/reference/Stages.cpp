//===- Stages.cpp - evaluates a step of stages -----------------------------===//
//
// What a `stage.step` computes is what its model does: in float64, whatever numbers are stored as, for types are
// precision and not meaning. Buffers that have places lie in them here, too, one matrix a place, so that a place which
// is given away too early is seen in the numbers.
//
// A model's op and its stage ask the same formulas (Formulas.h): lowering a model changes no bit.
//
//===----------------------------------------------------------------------===//

#include "dialects/reference/Formulas.h"
#include "dialects/reference/RowEvaluator.h"
#include "dialects/reference/ScanEvaluator.h"
#include "dialects/stage/ScanStage.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::ref;
using namespace quoin::stage;

namespace {

class StepRun {
public:
  StepRun(StepOp s, const Weights &w, const ModelCall &c, KeyValueCache &k)
      : step(s), weights(w), call(c), cache(k), visible(c) {
    places.resize(step.getPlaces().value_or(ArrayRef<int64_t>()).size());
  }

  FailureOr<Matrix> run(std::vector<Matrix> &results);
  /// Of a step without a head.
  FailureOr<std::vector<Matrix>> apply(const std::vector<Matrix> &inputs);

private:
  LogicalResult runStages();
  /// What a stage with a place leaves there, another leaves under its own name.
  Matrix &buffer(Value v) {
    std::optional<int64_t> place = placeOf(v);
    return place ? places[static_cast<size_t>(*place)] : matrices[v];
  }
  const Weight &weight(WeightAttr w, size_t source = 0) const { return *weights.find(w.getSources()[source]); }
  int64_t countOf(Space space) const {
    return space == Space::Sequence ? 1
           : space == Space::Row    ? static_cast<int64_t>(call.slots.size()) - call.from
                                    : static_cast<int64_t>(call.read.size());
  }
  int64_t slotOf(Space space, int64_t row) const {
    return space == Space::Row ? call.from + row : call.read[static_cast<size_t>(row)];
  }

  FailureOr<Matrix> evaluate(stage::RowsOp op);
  void evaluate(stage::EachRowOp op);
  Matrix evaluate(ProductOp op);
  Matrix evaluate(ExpertsOp op);
  Matrix evaluate(AttendOp op);
  Matrix evaluate(MoveOp op);
  void evaluate(stage::CacheOp op);
  void evaluate(stage::ScanOp op);

  StepOp step;
  const Weights &weights;
  const ModelCall &call;
  KeyValueCache &cache;
  Visibility visible;
  SmallVector<Matrix> places;
  DenseMap<Value, Matrix> matrices;
  DenseMap<Value, size_t> layers; ///< of pages
  size_t scans = 0;               ///< so far
};

} // namespace

static FailureOr<Matrix> embed(stage::RowsOp op, const Matrix &table, const ModelCall &call) {
  Matrix out(static_cast<int64_t>(call.slots.size()) - call.from, table.columns);
  for (int64_t i = 0; i < out.rows; ++i) {
    int32_t token = call.slots[static_cast<size_t>(call.from + i)].token;
    if (token < 0 || token >= table.rows)
      return LogicalResult(op.emitOpError("expects a token below ") << table.rows << ", but found " << token);
    llvm::copy(table.rowRef(token), out.row(i));
  }
  return out;
}

FailureOr<Matrix> StepRun::evaluate(stage::RowsOp op) {
  Space space = op.getOutput().getType().getSpace();
  auto in = [&](unsigned i) -> const Matrix & { return buffer(op.getInputs()[i]); };
  return llvm::TypeSwitch<Attribute, FailureOr<Matrix>>(op.getFormula())
      .Case([&](EmbedAttr) -> FailureOr<Matrix> {
        const Matrix &table = weight(*op.getWeight()).stored;
        Value by = op.getInputs()[0];
        if (by == step.getIds())
          return embed(op, table, call);
        if (by != step.getPositions())
          return rowsOfTable(table, in(0).rows, [&](int64_t r) { return static_cast<int64_t>(in(0).row(r)[0]); });
        return rowsOfTable(table, countOf(space),
                           [&](int64_t r) { return call.slots[static_cast<size_t>(slotOf(space, r))].position; });
      })
      .DefaultUnreachable("all formulas are known");
}

void StepRun::evaluate(stage::EachRowOp op) {
  Space space = bufferOf(op.getOutputs().empty() ? op.getInputs()[0] : op.getOutputs()[0]).getSpace();
  SmallVector<const Matrix *> inputs;
  for (Value input : op.getInputs())
    inputs.push_back(input == step.getPositions() ? nullptr : &buffer(input));
  SmallVector<ArrayRef<double>> vectors;
  for (auto vector : op.getWeights().getAsRange<WeightAttr>())
    vectors.push_back(weight(vector).stored.rowRef(0));
  int64_t count = countOf(space);
  SmallVector<TableRow, 1> tables;
  for (auto [table, column] : op.getLookups()) {
    auto angles = cast<AnglesAttr>(table.getLayout());
    tables.push_back(
        [=](int64_t position) { return anglesOf(position, angles.getPairs(), angles.getTheta().getValueAsDouble()); });
  }
  auto made = evaluateRows(
      op.getBody().front(), inputs, vectors, count,
      [&](int64_t r) { return call.slots[static_cast<size_t>(slotOf(space, r))].position; }, tables);
  for (auto [output, matrix] : llvm::zip_equal(op.getOutputs(), made))
    buffer(output) = std::move(matrix);
}

Matrix StepRun::evaluate(ProductOp op) {
  SmallVector<Matrix, 4> made;
  for (size_t source = 0; source < op.getWeight().getSources().size(); ++source)
    made.push_back(product(buffer(op.getInput()), weight(op.getWeight(), source),
                           op.getBias() ? &weight(*op.getBias()) : nullptr));
  for (Value other : op.getOthers())
    made.push_back(buffer(other));
  return op.getEnd().empty() ? made[0] : formulaOf(op.getEnd().front(), made);
}

Matrix StepRun::evaluate(ExpertsOp op) {
  SmallVector<Matrix, 2> made;
  for (size_t source = 0; source < op.getWeight().getSources().size(); ++source)
    made.push_back(expertProduct(buffer(op.getInput()), buffer(op.getChoice()), weight(op.getWeight(), source)));
  return op.getEnd().empty() ? made[0] : formulaOf(op.getEnd().front(), made);
}

/// The rows that run behind those of earlier calls.
void StepRun::evaluate(stage::CacheOp op) {
  size_t layer = layers.size();
  layers[op.getPages()] = layer;
  if (cache.keys.size() <= layer) {
    cache.keys.resize(layer + 1);
    cache.values.resize(layer + 1);
  }
  cache.keys[layer].appendRows(buffer(op.getKey()));
  cache.values[layer].appendRows(buffer(op.getValue()));
}

void StepRun::evaluate(stage::ScanOp op) {
  if (cache.states.size() <= scans)
    cache.states.resize(scans + 1);
  auto of = [&](ValueRange buffers) {
    return llvm::map_to_vector(buffers, [&](Value v) -> const Matrix * { return &buffer(v); });
  };
  SmallVector<ArrayRef<double>> numbers;
  for (auto w : op.getWeights().getAsRange<WeightAttr>())
    numbers.push_back(weight(w).stored.numbers);
  auto lastSeen = [&](int64_t r) { return visible.lastBefore(call.from + r); };
  function_ref<int64_t(int64_t)> before;
  if (op.getWords())
    before = lastSeen;
  auto made = evaluateScan(op.getBody().front(), stage::shapeOf(op), of(op.getInputs()), of(op.getInitial()), numbers,
                           static_cast<int64_t>(call.slots.size()) - call.from, cache.states[scans++], before);
  // Behind them may be the states, which `cache` has.
  for (auto [output, matrix] : llvm::zip(op.getOutputs(), made))
    buffer(output) = std::move(matrix);
}

Matrix StepRun::evaluate(AttendOp op) {
  PagesType pages = op.getPages().getType();
  Space space = op.getOutput().getType().getSpace();
  size_t layer = layers.at(op.getPages());
  HeadShape shape{static_cast<int64_t>(op.getHeads()), pages.getHeads(), pages.getHeadDim(),
                  op.getScale().convertToDouble(), op.getScore().empty() ? nullptr : &op.getScore().front()};
  MaskAttr within = op.getWords().getDefiningOp<MasksOp>().getWithinAttr();
  return attend(buffer(op.getQuery()), cache.keys[layer], cache.values[layer], shape, visible.within(within),
                call.slots, [&](int64_t r) { return slotOf(space, r); });
}

Matrix StepRun::evaluate(MoveOp op) {
  const Matrix &in = buffer(op.getInput());
  if (op.getInput().getType().getSpace() == Space::Sequence && op.getOutput().getType().getSpace() == Space::Row) {
    Matrix all(0, in.columns);
    for (int64_t r = 0; r < countOf(Space::Row); ++r)
      all.appendRows(in);
    return all;
  }
  return op.getRows() ? rowsAt(in, call.read, call.from) : in;
}

LogicalResult StepRun::runStages() {
  for (Operation &op : step.getBody().front()) {
    if (auto pages = dyn_cast<stage::CacheOp>(op)) {
      evaluate(pages);
      continue;
    }
    if (auto rows = dyn_cast<stage::EachRowOp>(op)) {
      evaluate(rows);
      continue;
    }
    if (auto scan = dyn_cast<stage::ScanOp>(op)) {
      evaluate(scan);
      continue;
    }
    // Words are `visible`, and the head scores what is returned.
    if (isa<MasksOp, HeadOp, stage::ResultsOp>(op))
      continue;
    FailureOr<Matrix> made =
        llvm::TypeSwitch<Operation *, FailureOr<Matrix>>(&op)
            .Case<stage::RowsOp, ProductOp, ExpertsOp, AttendOp, MoveOp>([&](auto o) { return evaluate(o); })
            .DefaultUnreachable("all stages are known");
    if (failed(made))
      return failure();
    buffer(op.getResult(0)) = std::move(*made);
  }
  return success();
}

FailureOr<Matrix> StepRun::run(std::vector<Matrix> &results) {
  for (auto [argument, column] : llvm::zip_equal(step.getColumns(), call.columns))
    matrices[argument] = rowsThatRun(column, bufferOf(argument).getSpace() == Space::Sequence, call);
  if (failed(runStages()))
    return failure();
  HeadOp head = step.getHead();
  ValueRange given =
      head ? ValueRange(head.getResults()) : cast<stage::ResultsOp>(step.getBody().front().back()).getRows();
  for (Value rows : given)
    results.push_back(buffer(rows));
  return head ? buffer(head.getInput()) : Matrix(countOf(Space::Read), 0);
}

FailureOr<std::vector<Matrix>> StepRun::apply(const std::vector<Matrix> &inputs) {
  for (auto [column, matrix] : llvm::zip_equal(step.getColumns(), inputs))
    matrices[column] = matrix;
  if (failed(runStages()))
    return failure();
  std::vector<Matrix> results;
  for (Value rows : cast<stage::ResultsOp>(step.getBody().front().back()).getRows())
    results.push_back(buffer(rows));
  return results;
}

FailureOr<std::vector<Matrix>> quoin::ref::applyStep(Operation *step, const Weights &weights, const ModelCall &call,
                                                     const std::vector<Matrix> &inputs) {
  KeyValueCache none;
  return StepRun(cast<StepOp>(step), weights, call, none).apply(inputs);
}

FailureOr<Matrix> quoin::ref::runStep(Operation *step, const Weights &weights, const ModelCall &call,
                                      KeyValueCache &cache, std::vector<Matrix> &results) {
  return StepRun(cast<StepOp>(step), weights, call, cache).run(results);
}
