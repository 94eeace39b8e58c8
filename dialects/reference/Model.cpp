//===- Model.cpp - evaluates a model's body --------------------------------===//
//
// The verifier of `quoin.model` has seen that every op is one of these and that its operands are over rows that fit
// together (RowSpaces.h), so nothing here can find a body wrong; only an id can be too large for an embedding.
//
//===----------------------------------------------------------------------===//

#include "dialects/reference/Model.h"
#include "dialects/quoin/RowSpaces.h"
#include "dialects/reference/Formulas.h"
#include "dialects/reference/RowEvaluator.h"
#include "dialects/reference/ScanEvaluator.h"
#include "dialects/reference/Spellings.h"
#include "dialects/stage/StageDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"
#include <map>

using namespace mlir;
using namespace quoin;
using namespace quoin::ref;

Matrix quoin::ref::scoreVocabulary(const Head &head, const Matrix &hidden) {
  return product(hidden, *head.weight, head.bias);
}

void KeyValueCache::truncate(int64_t count) {
  slots.resize(static_cast<size_t>(count));
  for (std::vector<Matrix> *list : {&keys, &values, &states})
    for (Matrix &m : *list)
      m.resizeRows(count);
}

namespace {

/// One run of a body. Rows of the call are those of the slots that run, in order.
class BodyRun {
public:
  BodyRun(Block &ops, RowSpaces rowSpaces, const Weights &weights, const ModelCall &call, KeyValueCache *cache)
      : block(ops), spaces(std::move(rowSpaces)), weights(weights), call(call), cache(cache), visible(call) {}

  FailureOr<Matrix> run(ModelOp model, std::vector<Matrix> *results);
  /// Of a model without a head.
  FailureOr<std::vector<Matrix>> apply(const std::vector<Matrix> &inputs);

private:
  int64_t rowsThatRun() const { return static_cast<int64_t>(call.slots.size()) - call.from; }
  /// A value's rows, as many as the op that runs has: rows of sequences are there for each of them.
  const Matrix &rows(Value v) {
    const Matrix &own = matrices.find(v)->second;
    if (!spaces.isOfSequence(v) || current < 0)
      return own;
    Matrix &all = spread[current][v];
    for (int64_t r = all.rows; r < current; ++r)
      all.appendRows(own);
    return all;
  }
  /// How many rows a value has.
  int64_t countOf(Value v) const {
    return spaces.isOfSequence(v) ? 1 : spaces.isRead(v) ? static_cast<int64_t>(call.read.size()) : rowsThatRun();
  }
  const Weight &weight(FlatSymbolRefAttr symbol) const { return *weights.find(symbol); }
  /// The slot that the i-th row of a value stands for.
  int64_t slotOfRow(Value v, int64_t row) const {
    return spaces.isRead(v) ? call.read[static_cast<size_t>(row)] : call.from + row;
  }

  LogicalResult evaluate(Operation *op);
  LogicalResult embed(EmbedOp op, Matrix &out);
  Matrix linear(LinearOp op);
  Matrix rotary(RotaryOp op);
  std::pair<const Matrix *, const Matrix *> kept(const Matrix &keys, const Matrix &values);
  Matrix attention(AttentionOp op);
  Matrix attentionMass(AttentionMassOp op);
  void eachRow(EachRowOp op);
  void scan(ScanOp op);

  Block &block;
  RowSpaces spaces;
  const Weights &weights;
  const ModelCall &call;
  KeyValueCache *cache;
  Visibility visible;
  size_t attentions = 0, scans = 0; // so far
  ValueMatrices matrices;
  int64_t current = -1;                    // rows of the op that runs; -1: it has rows of sequences
  std::map<int64_t, ValueMatrices> spread; // by how many rows
};

} // namespace

LogicalResult BodyRun::embed(EmbedOp op, Matrix &out) {
  const Matrix &table = weight(op.getWeightAttr()).stored;
  if (!op.isByToken()) {
    Value by = op.getIds();
    out = rowsOfTable(table, countOf(by), [&](int64_t r) {
      return isRows(by) ? static_cast<int64_t>(rows(by).row(r)[0])
                        : call.slots[static_cast<size_t>(slotOfRow(by, r))].position;
    });
    return success();
  }
  out = Matrix(rowsThatRun(), table.columns);
  for (int64_t i = 0; i < out.rows; ++i) {
    int32_t token = call.slots[static_cast<size_t>(call.from + i)].token;
    if (token < 0 || token >= table.rows)
      return op.emitOpError("expects a token below ") << table.rows << ", but found " << token;
    llvm::copy(table.rowRef(token), out.row(i));
  }
  return success();
}

Matrix BodyRun::linear(LinearOp op) {
  return product(rows(op.getInput()), weight(op.getWeightAttr()),
                 op.getBiasAttr() ? &weight(op.getBiasAttr()) : nullptr);
}

Matrix BodyRun::rotary(RotaryOp op) {
  return turn(rows(op.getInput()), op.getHeadDim(), op.getTheta().convertToDouble(),
              [&](int64_t r) { return call.slots[static_cast<size_t>(slotOfRow(op.getPositions(), r))].position; });
}

/// All keys and values of the call for the next attention: the cache's, then those of the rows that run.
std::pair<const Matrix *, const Matrix *> BodyRun::kept(const Matrix &keys, const Matrix &values) {
  size_t number = attentions++;
  if (!cache)
    return {&keys, &values};
  if (cache->keys.size() <= number) {
    cache->keys.resize(number + 1);
    cache->values.resize(number + 1);
  }
  cache->keys[number].appendRows(keys);
  cache->values[number].appendRows(values);
  return {&cache->keys[number], &cache->values[number]};
}

Matrix BodyRun::attention(AttentionOp op) {
  auto [keys, values] = kept(rows(op.getKey()), rows(op.getValue()));
  HeadShape shape{static_cast<int64_t>(op.getHeads()), static_cast<int64_t>(op.getKvHeads()),
                  static_cast<int64_t>(op.getHeadDim()), op.getScale().convertToDouble(),
                  op.getScore().empty() ? nullptr : &op.getScore().front()};
  return attend(
      rows(op.getQuery()), *keys, *values, shape, visible.within(op.getWithinAttr()), call.slots,
      [&](int64_t r) { return slotOfRow(op.getQuery(), r); }, op.getLse() ? &matrices[op.getLse()] : nullptr);
}

Matrix BodyRun::attentionMass(AttentionMassOp op) {
  auto [keys, group] = kept(rows(op.getKey()), rows(op.getGroup()));
  HeadShape shape{static_cast<int64_t>(op.getHeads()), static_cast<int64_t>(op.getKvHeads()),
                  static_cast<int64_t>(op.getHeadDim()), op.getScale().convertToDouble(), nullptr};
  return ref::attentionMass(rows(op.getQuery()), *keys, *group, rowNumbersOf(op.getMass()), shape,
                            visible.within(op.getWithinAttr()), call.slots,
                            [&](int64_t r) { return slotOfRow(op.getQuery(), r); });
}

void BodyRun::eachRow(EachRowOp op) {
  SmallVector<RowNumbers> arguments;
  double position = 0;
  for (Value input : op.getInputs())
    if (isRows(input))
      arguments.push_back([this, input](int64_t r) { return rows(input).rowRef(r); });
    else
      arguments.push_back([this, &position, input](int64_t r) {
        position = static_cast<double>(call.slots[static_cast<size_t>(slotOfRow(input, r))].position);
        return ArrayRef(position);
      });
  for (auto symbol : op.getWeights().getAsRange<FlatSymbolRefAttr>())
    arguments.push_back([&vector = weight(symbol).stored](int64_t) { return vector.rowRef(0); });
  auto made = evaluateRows(op.getBody().front(), arguments, countOf(op.getOutputs()[0]));
  for (auto [output, matrix] : llvm::zip_equal(op.getOutputs(), made))
    matrices[output] = std::move(matrix);
}

void BodyRun::scan(ScanOp op) {
  Matrix own, *states = &own;
  if (cache) {
    if (cache->states.size() <= scans)
      cache->states.resize(scans + 1);
    states = &cache->states[scans];
  }
  ++scans;
  auto of = [&](ValueRange values) {
    return llvm::map_to_vector(values, [&](Value v) -> const Matrix * { return &rows(v); });
  };
  SmallVector<ArrayRef<double>> numbers;
  for (auto symbol : op.getWeights().getAsRange<FlatSymbolRefAttr>())
    numbers.push_back(weight(symbol).stored.numbers);
  Block &body = op.getBody().front();
  auto shape = ScanShape::of(body, static_cast<int64_t>(op.getHeads()), op.getAxes(), op.getInputs().size(),
                             op.getInitial().size(), numbers.size());
  auto lastSeen = [&](int64_t r) { return visible.lastBefore(call.from + r); };
  function_ref<int64_t(int64_t)> before;
  if (op.getSeen())
    before = lastSeen;
  auto made =
      evaluateScan(body, shape, of(op.getInputs()), of(op.getInitial()), numbers, rowsThatRun(), *states, before);
  for (auto [output, matrix] : llvm::zip_equal(op.getOutputs(), made))
    matrices[output] = std::move(matrix);
}

LogicalResult BodyRun::evaluate(Operation *op) {
  if (op->getNumResults() == 0)
    return success();
  current = spaces.isOfSequence(op->getResult(0)) ? -1 : countOf(op->getResult(0));
  if (auto recurrence = dyn_cast<ScanOp>(op)) {
    scan(recurrence);
    return success();
  }
  if (auto program = dyn_cast<EachRowOp>(op)) {
    eachRow(program);
    return success();
  }
  if (auto repeated = dyn_cast<SpreadOp>(op)) {
    // The weight again and again.
    Matrix &out = matrices[repeated.getOutput()];
    for (int64_t r = countOf(repeated.getOver()); r > 0; --r)
      out.appendRows(weight(repeated.getWeightAttr()).stored);
    out.columns = rowNumbersOf(repeated.getOutput());
    return success();
  }
  if (auto spelling = dyn_cast<SpellingOpInterface>(op); spelling && !isa<AttentionMassOp>(op)) {
    auto made = evaluateSpelling(
        spelling, [&](Value v) -> const Matrix & { return rows(v); },
        [&](FlatSymbolRefAttr symbol) { return ArrayRef(weight(symbol).stored.numbers); });
    for (auto [output, matrix] : llvm::zip_equal(op->getResults(), made))
      matrices[output] = std::move(matrix);
    return success();
  }
  // Positions that are gathered are still those of their rows' slots.
  if (!isRows(op->getResult(0)))
    return success();
  Matrix out;
  if (auto o = dyn_cast<EmbedOp>(op)) {
    if (failed(embed(o, out)))
      return failure();
  } else {
    out = llvm::TypeSwitch<Operation *, Matrix>(op)
              .Case([&](LinearOp o) { return linear(o); })
              .Case([&](ExpertLinearOp o) {
                return expertProduct(rows(o.getInput()), rows(o.getChoice()), weight(o.getWeightAttr()));
              })
              .Case([&](RotaryOp o) { return rotary(o); })
              .Case([&](AttentionOp o) { return attention(o); })
              .Case([&](AttentionMassOp o) { return attentionMass(o); })
              .Case([&](GatherRowsOp o) { return rowsAt(rows(o.getInput()), call.read, call.from); })
              .Case([&](arith::AddFOp o) { return sum(rows(o.getLhs()), rows(o.getRhs())); })
              .DefaultUnreachable("an op that the verifier lets into a body");
  }
  matrices[op->getResult(0)] = std::move(out);
  return success();
}

FailureOr<Matrix> BodyRun::run(ModelOp model, std::vector<Matrix> *results) {
  for (auto [argument, column] : llvm::zip_equal(model.getColumns(), call.columns))
    matrices[argument] = ref::rowsThatRun(column, model.isOfSequence(argument), call);
  for (Operation &op : block.without_terminator())
    if (failed(evaluate(&op)))
      return failure();
  // Before `prune-rows` every row comes out; after it only those that are read do.
  auto read = [&](Value v) {
    const Matrix &all = matrices.find(v)->second;
    return spaces.isRead(v) ? all : rowsAt(all, call.read, call.from);
  };
  for (Value v : model.getResultRows())
    if (results)
      results->push_back(read(v));
  auto hidden = dyn_cast<HiddenOp>(block.getTerminator());
  return hidden ? read(hidden.getRows()) : Matrix(static_cast<int64_t>(call.read.size()), 0);
}

std::vector<std::pair<int64_t, bool>> quoin::ref::columnsOf(Operation *model) {
  std::vector<std::pair<int64_t, bool>> all;
  if (auto of = dyn_cast<ModelOp>(model)) {
    for (BlockArgument column : of.getColumns())
      all.emplace_back(cast<RankedTensorType>(column.getType()).getDimSize(1), of.isOfSequence(column));
    return all;
  }
  for (BlockArgument column : cast<stage::StepOp>(model).getColumns()) {
    auto buffer = cast<stage::BufferType>(column.getType());
    all.emplace_back(buffer.getWidth(), buffer.getSpace() == stage::Space::Sequence);
  }
  return all;
}

Matrix quoin::ref::rowsThatRun(const Matrix &column, bool once, const ModelCall &call) {
  if (once)
    return column;
  Matrix run(column.rows - call.from, column.columns);
  std::copy_n(column.row(call.from), run.rows * run.columns, run.numbers.begin());
  return run;
}

FailureOr<std::vector<Matrix>> BodyRun::apply(const std::vector<Matrix> &inputs) {
  for (auto [argument, matrix] : llvm::zip_equal(block.getArguments(), inputs))
    matrices[argument] = matrix;
  for (Operation &op : block.without_terminator())
    if (failed(evaluate(&op)))
      return failure();
  std::vector<Matrix> results;
  for (Value value : cast<ResultsOp>(block.getTerminator()).getRows())
    results.push_back(rows(value));
  return results;
}

/// Each row is a slot of its own.
static ModelCall callOfRows(int64_t rows) {
  ModelCall call;
  for (int64_t i = 0; i < rows; ++i) {
    call.slots.push_back({0, i, false, 0});
    call.read.push_back(i);
  }
  return call;
}

FailureOr<std::vector<Matrix>> quoin::ref::applyModel(Operation *op, const Weights &weights,
                                                      const std::vector<Matrix> &inputs) {
  ModelCall call = callOfRows(inputs.front().rows);
  if (isa<stage::StepOp>(op))
    return applyStep(op, weights, call, inputs);
  auto model = cast<ModelOp>(op);
  return BodyRun(model.getBody().front(), *RowSpaces::infer(model), weights, call, nullptr).apply(inputs);
}

FailureOr<Matrix> quoin::ref::evaluateRowsFormula(WeightOp weight, const Weights &weights) {
  std::vector<Matrix> inputs;
  for (auto symbol : weight.getWeights().getAsRange<FlatSymbolRefAttr>())
    inputs.push_back(weights.find(symbol)->stored);
  Block &body = weight.getFormula().front();
  ModelCall call = callOfRows(inputs.front().rows);
  auto results = BodyRun(body, *RowSpaces::infer(weight, body), weights, call, nullptr).apply(inputs);
  if (failed(results))
    return failure();
  return std::move(results->front());
}

FailureOr<Matrix> quoin::ref::runModel(Operation *model, const Weights &weights, const ModelCall &call,
                                       KeyValueCache *cache, std::vector<Matrix> *results) {
  if (cache)
    cache->truncate(call.from);
  KeyValueCache none;
  std::vector<Matrix> ignored;
  auto run = [&](ModelOp body) {
    return BodyRun(body.getBody().front(), *RowSpaces::infer(body), weights, call, cache).run(body, results);
  };
  FailureOr<Matrix> hidden = isa<stage::StepOp>(model)
                                 ? runStep(model, weights, call, cache ? *cache : none, results ? *results : ignored)
                                 : run(cast<ModelOp>(model));
  if (cache)
    cache->slots = call.slots;
  return hidden;
}

Head quoin::ref::headOf(Operation *model, const Weights &weights) {
  if (auto step = dyn_cast<stage::StepOp>(model)) {
    stage::HeadOp head = step.getHead();
    if (!head)
      return {};
    return {&storedWeight(weights, head.getWeight()),
            head.getBias() ? weights.find(head.getBias()->getSources()[0]) : nullptr};
  }
  auto of = cast<ModelOp>(model);
  if (!of.getHead())
    return {};
  return {weights.find(of.getHeadAttr()), of.getBiasAttr() ? weights.find(of.getBiasAttr()) : nullptr};
}
