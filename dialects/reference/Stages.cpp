//===- Stages.cpp - evaluates a step of stages -----------------------------===//
//
// What a `stage.step` computes is what its model does: in float64, whatever numbers are stored as, for types are
// precision and not meaning; only weights of whole numbers are what these stand for. Buffers that have places lie in
// them here, too, one matrix a place, so that a place which is given away too early is seen in the numbers.
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

const Weight &quoin::ref::storedWeight(const Weights &weights, WeightAttr weight, size_t source) {
  StringRef symbol = weight.getSources()[source].getValue();
  ScaledType scaled = weight.getScaled();
  return scaled ? weights.rounded(symbol, static_cast<int>(scaled.getBits()), scaled.getGroup())
                : *weights.find(symbol);
}

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
  const Weight &weight(WeightAttr w, size_t source = 0) const { return storedWeight(weights, w, source); }
  int64_t countOf(Space space) const {
    return space == Space::Sequence ? 1
           : space == Space::Row    ? static_cast<int64_t>(call.slots.size()) - call.from
                                    : static_cast<int64_t>(call.read.size());
  }
  int64_t slotOf(Space space, int64_t row) const {
    return space == Space::Row ? call.from + row : call.read[static_cast<size_t>(row)];
  }

  RowNumbers rowsOf(Value v, Space space, double &number);
  LogicalResult expectTokens(stage::EachRowOp op, const Matrix &table);
  LogicalResult evaluate(stage::EachRowOp op);
  Matrix evaluate(ProductOp op);
  Matrix evaluate(ExpertsOp op);
  Matrix evaluate(AttendOp op);
  void evaluate(stage::CacheOp op);
  void evaluate(stage::ScanOp op);

  StepOp step;
  const Weights &weights;
  const ModelCall &call;
  KeyValueCache &cache;
  Visibility visible;
  SmallVector<Matrix> places;
  ValueMatrices matrices;
  DenseMap<Value, size_t> layers; ///< of pages
  size_t scans = 0;               ///< so far
};

} // namespace

/// The rows of an operand that go with rows of a space; `number` holds the one of a column that the host gives.
RowNumbers StepRun::rowsOf(Value v, Space space, double &number) {
  if (v == step.getIds() || v == step.getPositions())
    return [this, v, space, &number](int64_t r) {
      const Slot &slot = call.slots[static_cast<size_t>(slotOf(space, r))];
      number = static_cast<double>(v == step.getIds() ? slot.token : slot.position);
      return ArrayRef(number);
    };
  Space own = bufferOf(v).getSpace();
  return [this, &matrix = buffer(v), own, space](int64_t r) {
    return matrix.rowRef(own == space ? r : own == Space::Sequence ? 0 : slotOf(space, r) - call.from);
  };
}

LogicalResult StepRun::expectTokens(stage::EachRowOp op, const Matrix &table) {
  for (int64_t r = 0; r < countOf(op.getSpace()); ++r)
    if (int32_t token = call.slots[static_cast<size_t>(slotOf(op.getSpace(), r))].token;
        token < 0 || token >= table.rows)
      return op.emitOpError("expects a token below ") << table.rows << ", but found " << token;
  return success();
}

LogicalResult StepRun::evaluate(stage::EachRowOp op) {
  SmallVector<RowNumbers> arguments;
  std::vector<double> numbers(op.getInputs().size());
  for (auto [input, number] : llvm::zip_equal(op.getInputs(), numbers))
    arguments.push_back(rowsOf(input, op.getSpace(), number));
  for (auto vector : op.getWeights().getAsRange<WeightAttr>())
    arguments.push_back([&stored = weight(vector).stored](int64_t) { return stored.rowRef(0); });
  std::vector<std::vector<double>> rows(op.getLookups().size());
  for (auto [lookup, row] : llvm::zip_equal(op.getLookups(), rows)) {
    auto [table, column] = lookup;
    RowNumbers by = arguments[column];
    if (auto angles = llvm::dyn_cast_or_null<AnglesAttr>(table.getLayout())) {
      arguments.push_back([by, angles, &row = row](int64_t r) {
        row = anglesOf(static_cast<int64_t>(by(r)[0]), angles.getPairs(), angles.getTheta().getValueAsDouble());
        return ArrayRef(row);
      });
      continue;
    }
    const Matrix &stored = weight(table).stored;
    if (op.getInputs()[column] == step.getIds() && failed(expectTokens(op, stored)))
      return failure();
    row.assign(static_cast<size_t>(stored.columns), 0);
    arguments.push_back([by, &stored, &row = row](int64_t r) {
      auto number = static_cast<int64_t>(by(r)[0]);
      return number >= 0 && number < stored.rows ? stored.rowRef(number) : ArrayRef(row);
    });
  }
  auto made = evaluateRows(op.getBody().front(), arguments, countOf(op.getSpace()));
  for (auto [output, matrix] : llvm::zip_equal(op.getOutputs(), made))
    buffer(output) = std::move(matrix);
  return success();
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
  Matrix lse;
  Matrix out = attend(
      buffer(op.getQuery()), cache.keys[layer], cache.values[layer], shape, visible.within(within), call.slots,
      [&](int64_t r) { return slotOf(space, r); }, op.getLse() ? &lse : nullptr);
  if (op.getLse())
    buffer(op.getLse()) = std::move(lse);
  return out;
}

LogicalResult StepRun::runStages() {
  for (Operation &op : step.getBody().front()) {
    if (auto pages = dyn_cast<stage::CacheOp>(op)) {
      evaluate(pages);
      continue;
    }
    if (auto rows = dyn_cast<stage::EachRowOp>(op)) {
      if (failed(evaluate(rows)))
        return failure();
      continue;
    }
    if (auto scan = dyn_cast<stage::ScanOp>(op)) {
      evaluate(scan);
      continue;
    }
    // Words are `visible`, and the head scores what is returned.
    if (isa<MasksOp, HeadOp, stage::ResultsOp>(op))
      continue;
    buffer(op.getResult(0)) = llvm::TypeSwitch<Operation *, Matrix>(&op)
                                  .Case([&](QuantizeOp o) { return buffer(o.getInput()); })
                                  .Case<ProductOp, ExpertsOp, AttendOp>([&](auto o) { return evaluate(o); })
                                  .DefaultUnreachable("all stages are known");
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
