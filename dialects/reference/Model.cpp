//===- Model.cpp - evaluates a model's body --------------------------------===//

#include "dialects/reference/Model.h"
#include "dialects/reference/Visibility.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace quoin;
using namespace quoin::ref;

Matrix quoin::ref::multiply(const Matrix &x, const Matrix &transposed) {
  Matrix y(x.rows, transposed.columns);
  // Four rows share each row of the weight while it is near.
  constexpr int64_t group = 4;
  for (int64_t r0 = 0; r0 < x.rows; r0 += group)
    for (int64_t i = 0; i < x.columns; ++i) {
      const double *__restrict w = transposed.row(i);
      for (int64_t r = r0; r < std::min(r0 + group, x.rows); ++r) {
        double *__restrict out = y.row(r);
        double a = x.row(r)[i];
        for (int64_t j = 0; j < y.columns; ++j)
          out[j] += a * w[j];
      }
    }
  return y;
}

Matrix quoin::ref::scoreVocabulary(const Weight &head, const Matrix &hidden) {
  return multiply(hidden, head.transposed);
}

void KeyValueCache::truncate(int64_t count) {
  slots.resize(static_cast<size_t>(count));
  for (std::vector<Matrix> *list : {&keys, &values})
    for (Matrix &m : *list)
      m.resizeRows(count);
}

namespace {

/// One run of a body. Rows are those of the slots that run, in order; after a gather, of those that are read.
class BodyRun {
public:
  BodyRun(ModelOp model, const Weights &weights, const ModelCall &call, KeyValueCache *cache)
      : model(model), weights(weights), call(call), cache(cache), visible(call) {}

  FailureOr<Matrix> run();

private:
  int64_t rowsThatRun() const { return static_cast<int64_t>(call.slots.size()) - call.from; }
  const Matrix &rows(Value v) const { return matrices.find(v)->second; }
  const Weight &weight(FlatSymbolRefAttr symbol) const { return *weights.find(symbol); }
  /// The slot that the i-th row of a value stands for: rows that run, or, if `subset`, rows that are read.
  int64_t slotOfRow(int64_t row, Value subset) const {
    return subset ? call.read[static_cast<size_t>(row)] : call.from + row;
  }
  LogicalResult expectRead(Operation *op, Value rows) {
    if (rows == model.getRead())
      return success();
    return op->emitOpError("expects rows that are the model's third argument");
  }

  static LogicalResult expectRows(Operation *op, int64_t expected, int64_t found) {
    if (expected == found)
      return success();
    return op->emitOpError("expects ") << expected << " rows, but found " << found;
  }

  LogicalResult evaluate(Operation *op);
  LogicalResult embed(EmbedOp op, Matrix &out);
  LogicalResult rmsNorm(RmsNormOp op, Matrix &out);
  LogicalResult linear(LinearOp op, Matrix &out);
  LogicalResult rotary(RotaryOp op, Matrix &out);
  LogicalResult attention(AttentionOp op, Matrix &out);
  LogicalResult swiglu(SwigluOp op, Matrix &out);
  LogicalResult gatherRows(GatherRowsOp op, Matrix &out);
  LogicalResult add(arith::AddFOp op, Matrix &out);
  Matrix gather(const Matrix &in) const;

  ModelOp model;
  const Weights &weights;
  const ModelCall &call;
  KeyValueCache *cache;
  Visibility visible;
  size_t attentions = 0; // so far
  DenseMap<Value, Matrix> matrices;
};

} // namespace

LogicalResult BodyRun::embed(EmbedOp op, Matrix &out) {
  const Matrix &table = weight(op.getWeightAttr()).stored;
  if (op.getIds() != model.getIds())
    return op.emitOpError("expects the model's ids");
  out = Matrix(rowsThatRun(), table.columns);
  for (int64_t i = 0; i < out.rows; ++i) {
    int32_t token = call.slots[static_cast<size_t>(call.from + i)].token;
    if (token < 0 || token >= table.rows)
      return op.emitOpError("expects a token below ") << table.rows << ", but found " << token;
    llvm::copy(table.rowRef(token), out.row(i));
  }
  return success();
}

LogicalResult BodyRun::rmsNorm(RmsNormOp op, Matrix &out) {
  const Matrix &in = rows(op.getInput());
  ArrayRef<double> scale = weight(op.getWeightAttr()).stored.rowRef(0);
  auto group = static_cast<int64_t>(scale.size());
  double epsilon = op.getEpsilon().convertToDouble();
  out = Matrix(in.rows, in.columns);
  for (int64_t at = 0; at < in.rows * in.columns; at += group) {
    const double *x = in.numbers.data() + at;
    double *y = out.numbers.data() + at;
    double squares = 0;
    for (int64_t i = 0; i < group; ++i)
      squares += x[i] * x[i];
    double inverse = 1 / std::sqrt(squares / static_cast<double>(group) + epsilon);
    for (int64_t i = 0; i < group; ++i)
      y[i] = x[i] * inverse * scale[static_cast<size_t>(i)];
  }
  return success();
}

LogicalResult BodyRun::linear(LinearOp op, Matrix &out) {
  out = multiply(rows(op.getInput()), weight(op.getWeightAttr()).transposed);
  if (!op.getBiasAttr())
    return success();
  ArrayRef<double> bias = weight(op.getBiasAttr()).stored.rowRef(0);
  for (int64_t r = 0; r < out.rows; ++r)
    for (auto [y, b] : llvm::zip_equal(MutableArrayRef(out.row(r), bias.size()), bias))
      y += b;
  return success();
}

LogicalResult BodyRun::rotary(RotaryOp op, Matrix &out) {
  // `positions` may also be a gather's, but every value of a body has one row per slot that runs or is read.
  if (op.getPositions() != model.getPositions())
    return op.emitOpError("expects the model's positions");
  const Matrix &in = rows(op.getInput());
  if (failed(expectRows(op, rowsThatRun(), in.rows)))
    return failure();
  int64_t half = op.getHeadDim() / 2;
  double theta = op.getTheta().convertToDouble();
  out = Matrix(in.rows, in.columns);
  for (int64_t i = 0; i < half; ++i) {
    double frequency = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(op.getHeadDim()));
    for (int64_t r = 0; r < in.rows; ++r) {
      double angle = static_cast<double>(call.slots[static_cast<size_t>(call.from + r)].position) * frequency;
      double cosine = std::cos(angle), sine = std::sin(angle);
      for (int64_t head = 0; head < in.columns; head += 2 * half) {
        double a = in.row(r)[head + i], b = in.row(r)[head + half + i];
        out.row(r)[head + i] = a * cosine - b * sine;
        out.row(r)[head + half + i] = b * cosine + a * sine;
      }
    }
  }
  return success();
}

/// One head of one row: softmax over the keys it sees, zero if it sees none.
static void attendHead(const double *query, const Matrix &keys, const Matrix &values, int64_t at, int64_t width,
                       double scale, ArrayRef<int64_t> seen, double *out) {
  SmallVector<double, 128> p;
  double highest = -HUGE_VAL, total = 0;
  for (int64_t k : seen) {
    const double *key = keys.row(k) + at;
    double score = 0;
    for (int64_t i = 0; i < width; ++i)
      score += query[i] * key[i];
    highest = std::max(highest, p.emplace_back(score * scale));
  }
  for (double &x : p)
    total += x = std::exp(x - highest);
  for (auto [k, x] : llvm::zip_equal(seen, p)) {
    const double *value = values.row(k) + at;
    for (int64_t i = 0; i < width; ++i)
      out[i] += x / total * value[i];
  }
}

LogicalResult BodyRun::attention(AttentionOp op, Matrix &out) {
  if (op.getRows() && failed(expectRead(op, op.getRows())))
    return failure();
  // All keys and values of the call: the cache's, then those of the rows that run.
  Matrix ownKeys, ownValues;
  const Matrix *keys = &rows(op.getKey()), *values = &rows(op.getValue());
  const Matrix &queries = rows(op.getQuery());
  int64_t asked = op.getRows() ? static_cast<int64_t>(call.read.size()) : rowsThatRun();
  if (failed(expectRows(op, rowsThatRun(), keys->rows)) || failed(expectRows(op, rowsThatRun(), values->rows)) ||
      failed(expectRows(op, asked, queries.rows)))
    return failure();
  if (cache) {
    if (cache->keys.size() <= attentions) {
      cache->keys.resize(attentions + 1);
      cache->values.resize(attentions + 1);
    }
    cache->keys[attentions].appendRows(*keys);
    cache->values[attentions].appendRows(*values);
    keys = &cache->keys[attentions];
    values = &cache->values[attentions];
  }
  ++attentions;

  int64_t width = op.getHeadDim(), share = op.getHeads() / op.getKvHeads();
  out = Matrix(queries.rows, queries.columns);
  SmallVector<int64_t, 128> seen;
  for (int64_t r = 0; r < queries.rows; ++r) {
    seen.clear();
    int64_t slot = slotOfRow(r, op.getRows());
    for (int64_t k = 0; k < keys->rows; ++k)
      if (visible(slot, k))
        seen.push_back(k);
    for (int64_t h = 0; h < static_cast<int64_t>(op.getHeads()); ++h)
      attendHead(queries.row(r) + h * width, *keys, *values, h / share * width, width, op.getScale().convertToDouble(),
                 seen, out.row(r) + h * width);
  }
  return success();
}

LogicalResult BodyRun::swiglu(SwigluOp op, Matrix &out) {
  const Matrix &gate = rows(op.getGate()), &up = rows(op.getUp());
  if (failed(expectRows(op, gate.rows, up.rows)))
    return failure();
  out = Matrix(gate.rows, gate.columns);
  for (auto [y, g, u] : llvm::zip_equal(out.numbers, gate.numbers, up.numbers))
    y = g / (1 + std::exp(-g)) * u;
  return success();
}

Matrix BodyRun::gather(const Matrix &in) const {
  Matrix out(static_cast<int64_t>(call.read.size()), in.columns);
  for (int64_t i = 0; i < out.rows; ++i)
    llvm::copy(in.rowRef(call.read[static_cast<size_t>(i)] - call.from), out.row(i));
  return out;
}

LogicalResult BodyRun::gatherRows(GatherRowsOp op, Matrix &out) {
  if (failed(expectRead(op, op.getRows())))
    return failure();
  out = gather(rows(op.getInput()));
  return success();
}

LogicalResult BodyRun::add(arith::AddFOp op, Matrix &out) {
  const Matrix &a = rows(op.getLhs()), &b = rows(op.getRhs());
  if (failed(expectRows(op, a.rows, b.rows)))
    return failure();
  out = a;
  for (auto [x, y] : llvm::zip_equal(out.numbers, b.numbers))
    x += y;
  return success();
}

LogicalResult BodyRun::evaluate(Operation *op) {
  // The verifier has compared widths as far as types give them.
  for (Type type : op->getResultTypes())
    if (auto tensor = dyn_cast<RankedTensorType>(type); tensor && tensor.getRank() == 2 && tensor.isDynamicDim(1))
      return op->emitOpError("expects rows of a static width, but found ") << type;
  Matrix out;
  LogicalResult result =
      llvm::TypeSwitch<Operation *, LogicalResult>(op)
          .Case([&](EmbedOp o) { return embed(o, out); })
          .Case([&](RmsNormOp o) { return rmsNorm(o, out); })
          .Case([&](LinearOp o) { return linear(o, out); })
          .Case([&](RotaryOp o) { return rotary(o, out); })
          .Case([&](AttentionOp o) { return attention(o, out); })
          .Case([&](SwigluOp o) { return swiglu(o, out); })
          .Case([&](GatherRowsOp o) { return gatherRows(o, out); })
          .Case([&](arith::AddFOp o) { return add(o, out); })
          .Default([](Operation *o) { return o->emitOpError("expects an op that the interpreter knows in a model"); });
  if (succeeded(result))
    matrices[op->getResult(0)] = std::move(out);
  return result;
}

FailureOr<Matrix> BodyRun::run() {
  for (Operation &op : model.getBody().front().without_terminator())
    if (failed(evaluate(&op)))
      return failure();
  const Matrix &all = rows(model.getBody().front().getTerminator()->getOperand(0));
  // Before `prune-rows` every row comes out; after it only those that are read do.
  bool pruned = static_cast<bool>(model.getRead());
  if (failed(expectRows(model, pruned ? static_cast<int64_t>(call.read.size()) : rowsThatRun(), all.rows)))
    return failure();
  return pruned ? all : gather(all);
}

FailureOr<Matrix> quoin::ref::runModel(ModelOp model, const Weights &weights, const ModelCall &call,
                                       KeyValueCache *cache) {
  if (cache)
    cache->truncate(call.from);
  FailureOr<Matrix> hidden = BodyRun(model, weights, call, cache).run();
  if (cache)
    cache->slots = call.slots;
  return hidden;
}
