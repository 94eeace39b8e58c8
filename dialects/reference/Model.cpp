//===- Model.cpp - evaluates a model's body --------------------------------===//
//
// The verifier of `quoin.model` has seen that every op is one of these and that its operands are over rows that fit
// together (RowSpaces.h), so nothing here can find a body wrong; only an id can be too large for an embedding.
//
//===----------------------------------------------------------------------===//

#include "dialects/reference/Model.h"
#include "dialects/quoin/RowSpaces.h"
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

/// One run of a body. Rows of the call are those of the slots that run, in order.
class BodyRun {
public:
  BodyRun(ModelOp model, const Weights &weights, const ModelCall &call, KeyValueCache *cache)
      : model(model), spaces(*RowSpaces::infer(model)), weights(weights), call(call), cache(cache), visible(call) {}

  FailureOr<Matrix> run();

private:
  int64_t rowsThatRun() const { return static_cast<int64_t>(call.slots.size()) - call.from; }
  const Matrix &rows(Value v) const { return matrices.find(v)->second; }
  const Weight &weight(FlatSymbolRefAttr symbol) const { return *weights.find(symbol); }
  /// The slot that the i-th row of a value stands for.
  int64_t slotOfRow(Value v, int64_t row) const {
    return spaces.isRead(v) ? call.read[static_cast<size_t>(row)] : call.from + row;
  }

  LogicalResult evaluate(Operation *op);
  LogicalResult embed(EmbedOp op, Matrix &out);
  Matrix rmsNorm(RmsNormOp op);
  Matrix linear(LinearOp op);
  Matrix rotary(RotaryOp op);
  Matrix attention(AttentionOp op);
  Matrix swiglu(SwigluOp op);
  Matrix add(arith::AddFOp op);
  Matrix gather(const Matrix &in) const;

  ModelOp model;
  RowSpaces spaces;
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
  out = Matrix(rowsThatRun(), table.columns);
  for (int64_t i = 0; i < out.rows; ++i) {
    int32_t token = call.slots[static_cast<size_t>(call.from + i)].token;
    if (token < 0 || token >= table.rows)
      return op.emitOpError("expects a token below ") << table.rows << ", but found " << token;
    llvm::copy(table.rowRef(token), out.row(i));
  }
  return success();
}

Matrix BodyRun::rmsNorm(RmsNormOp op) {
  const Matrix &in = rows(op.getInput());
  ArrayRef<double> scale = weight(op.getWeightAttr()).stored.rowRef(0);
  auto group = static_cast<int64_t>(scale.size());
  double epsilon = op.getEpsilon().convertToDouble();
  Matrix out(in.rows, in.columns);
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
  return out;
}

Matrix BodyRun::linear(LinearOp op) {
  Matrix out = multiply(rows(op.getInput()), weight(op.getWeightAttr()).transposed);
  if (!op.getBiasAttr())
    return out;
  ArrayRef<double> bias = weight(op.getBiasAttr()).stored.rowRef(0);
  for (int64_t r = 0; r < out.rows; ++r)
    for (auto [y, b] : llvm::zip_equal(MutableArrayRef(out.row(r), bias.size()), bias))
      y += b;
  return out;
}

Matrix BodyRun::rotary(RotaryOp op) {
  const Matrix &in = rows(op.getInput());
  int64_t half = op.getHeadDim() / 2;
  double theta = op.getTheta().convertToDouble();
  Matrix out(in.rows, in.columns);
  for (int64_t i = 0; i < half; ++i) {
    double frequency = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(op.getHeadDim()));
    for (int64_t r = 0; r < in.rows; ++r) {
      const Slot &slot = call.slots[static_cast<size_t>(slotOfRow(op.getPositions(), r))];
      double angle = static_cast<double>(slot.position) * frequency;
      double cosine = std::cos(angle), sine = std::sin(angle);
      for (int64_t head = 0; head < in.columns; head += 2 * half) {
        double a = in.row(r)[head + i], b = in.row(r)[head + half + i];
        out.row(r)[head + i] = a * cosine - b * sine;
        out.row(r)[head + half + i] = b * cosine + a * sine;
      }
    }
  }
  return out;
}

/// One head of one row: softmax over the keys it sees, zero if it sees none. NaN counts as the highest score.
static void attendHead(const double *query, const Matrix &keys, const Matrix &values, int64_t at, int64_t width,
                       double scale, ArrayRef<int64_t> seen, double *out) {
  SmallVector<double, 128> p;
  double highest = -HUGE_VAL, total = 0;
  for (int64_t k : seen) {
    const double *key = keys.row(k) + at;
    double score = 0;
    for (int64_t i = 0; i < width; ++i)
      score += query[i] * key[i];
    p.push_back(score * scale);
    highest = std::isnan(highest) || p.back() <= highest ? highest : p.back();
  }
  for (double &x : p)
    total += x = std::exp(x - highest);
  for (auto [k, x] : llvm::zip_equal(seen, p)) {
    const double *value = values.row(k) + at;
    for (int64_t i = 0; i < width; ++i)
      out[i] += x / total * value[i];
  }
}

Matrix BodyRun::attention(AttentionOp op) {
  // All keys and values of the call: the cache's, then those of the rows that run.
  const Matrix *keys = &rows(op.getKey()), *values = &rows(op.getValue());
  const Matrix &queries = rows(op.getQuery());
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
  Matrix out(queries.rows, queries.columns);
  SmallVector<int64_t, 128> seen;
  for (int64_t r = 0; r < queries.rows; ++r) {
    seen.clear();
    int64_t slot = slotOfRow(op.getQuery(), r);
    for (int64_t k = 0; k < keys->rows; ++k)
      if (visible(slot, k))
        seen.push_back(k);
    for (int64_t h = 0; h < static_cast<int64_t>(op.getHeads()); ++h)
      attendHead(queries.row(r) + h * width, *keys, *values, h / share * width, width, op.getScale().convertToDouble(),
                 seen, out.row(r) + h * width);
  }
  return out;
}

Matrix BodyRun::swiglu(SwigluOp op) {
  const Matrix &gate = rows(op.getGate()), &up = rows(op.getUp());
  Matrix out(gate.rows, gate.columns);
  for (auto [y, g, u] : llvm::zip_equal(out.numbers, gate.numbers, up.numbers))
    y = g / (1 + std::exp(-g)) * u;
  return out;
}

Matrix BodyRun::gather(const Matrix &in) const {
  Matrix out(static_cast<int64_t>(call.read.size()), in.columns);
  for (int64_t i = 0; i < out.rows; ++i)
    llvm::copy(in.rowRef(call.read[static_cast<size_t>(i)] - call.from), out.row(i));
  return out;
}

Matrix BodyRun::add(arith::AddFOp op) {
  Matrix out = rows(op.getLhs());
  for (auto [x, y] : llvm::zip_equal(out.numbers, rows(op.getRhs()).numbers))
    x += y;
  return out;
}

LogicalResult BodyRun::evaluate(Operation *op) {
  // Positions that are gathered are still those of their rows' slots.
  if (!isRows(op->getResult(0)))
    return success();
  Matrix out;
  if (auto o = dyn_cast<EmbedOp>(op)) {
    if (failed(embed(o, out)))
      return failure();
  } else {
    out = llvm::TypeSwitch<Operation *, Matrix>(op)
              .Case([&](RmsNormOp o) { return rmsNorm(o); })
              .Case([&](LinearOp o) { return linear(o); })
              .Case([&](RotaryOp o) { return rotary(o); })
              .Case([&](AttentionOp o) { return attention(o); })
              .Case([&](SwigluOp o) { return swiglu(o); })
              .Case([&](GatherRowsOp o) { return gather(rows(o.getInput())); })
              .Case([&](arith::AddFOp o) { return add(o); })
              .DefaultUnreachable("an op that the verifier lets into a body");
  }
  matrices[op->getResult(0)] = std::move(out);
  return success();
}

FailureOr<Matrix> BodyRun::run() {
  Block &body = model.getBody().front();
  for (Operation &op : body.without_terminator())
    if (failed(evaluate(&op)))
      return failure();
  // Before `prune-rows` every row comes out; after it only those that are read do.
  Value hidden = cast<HiddenOp>(body.getTerminator()).getRows();
  return spaces.isRead(hidden) ? rows(hidden) : gather(rows(hidden));
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
