//===- VectorLowering.cpp - vectors of positions, flags and numbers ---------===//

#include "compiler/decoder/Emitter.h"
#include "dialects/quoin/ProgramTensor.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::decoder;

using Pred = LLVM::ICmpPredicate;

static void lowerSpan(Emitter &e, SpanOp op) {
  Value from = e.get(op.getFrom()), to = e.get(op.getTo());
  Value some = e.compare(Pred::sgt, to, from);
  Value count = LLVM::SelectOp::create(e.b, some, e.sub(to, from), e.constant(0));
  TensorParts made = e.allocateTensor(e.i64, count, "quoin.span");
  e.forEach(count, [&](Value i) { e.storeElement(made, i, e.add(from, i)); });
  e.set(op.getIndices(), made);
}

static void lowerCount(Emitter &e, CountOp op) {
  TensorParts flags = e.tensor(op.getFlags());
  e.set(op.getCount(), e.reduce(flags.size, e.constant(0), [&](Value i, ValueRange sum) {
    Value one = LLVM::ZExtOp::create(e.b, e.i64, e.loadElement(flags, i));
    return SmallVector<Value>{e.add(sum[0], one)};
  }));
}

static void lowerLeading(Emitter &e, LeadingOp op) {
  TensorParts flags = e.tensor(op.getFlags());
  Value count = e.constant(0), on = e.constant(1);
  e.set(op.getCount(), e.reduce(flags.size, {count, on}, [&](Value i, ValueRange carried) {
    Value set = LLVM::ZExtOp::create(e.b, e.i64, e.loadElement(flags, i));
    Value still = LLVM::AndOp::create(e.b, carried[1], set);
    return SmallVector<Value>{e.add(carried[0], still), still};
  }));
}

/// The place of the next one is never behind that of its flag, so there is room for all.
static void lowerWhich(Emitter &e, WhichOp op) {
  TensorParts flags = e.tensor(op.getFlags()), made = e.allocateTensor(e.i64, flags.size, "quoin.which");
  Value count = e.reduce(flags.size, e.constant(0), [&](Value i, ValueRange so) {
    e.storeElement(made, so[0], i);
    Value one = LLVM::ZExtOp::create(e.b, e.i64, e.loadElement(flags, i));
    return SmallVector<Value>{e.add(so[0], one)};
  });
  e.set(op.getIndices(), TensorParts{made.data, count, e.i64});
}

/// How many rows a tensor has.
static Value countRows(Emitter &e, const TensorParts &t, int64_t width) {
  return width == 1 ? t.size : Value(LLVM::UDivOp::create(e.b, t.size, e.constant(width)));
}

static void lowerGather(Emitter &e, GatherOp op) {
  TensorParts from = e.tensor(op.getValues()), indices = e.tensor(op.getIndices());
  int64_t width = programTensor(op.getValues().getType())->width;
  Value rows = countRows(e, from, width), wide = e.constant(width);
  TensorParts made = e.allocateTensor(from.element, e.mul(indices.size, wide), "quoin.gather");
  e.forEach(indices.size, [&](Value i) {
    Value index = e.loadElement(indices, i);
    e.require(e.compare(Pred::ult, index, rows), "quoin.gather expects an index in [0, {1}), but found {0}", index,
              rows);
    if (width == 1)
      return e.storeElement(made, i, e.loadElement(from, index));
    Value row = e.mul(index, wide), to = e.mul(i, wide);
    e.forEach(wide, [&](Value j) { e.storeElement(made, e.add(to, j), e.loadElement(from, e.add(row, j))); });
  });
  e.set(op.getResult(), made);
}

/// What a reduction of nothing gives, as it is carried along: real sums are f64.
static Value emitNothing(Emitter &e, Reduction kind, Type element) {
  if (!isa<FloatType>(element)) {
    unsigned bits = element.getIntOrFloatBitWidth();
    APInt start = kind == Reduction::Sum       ? APInt(bits, 0)
                  : kind == Reduction::Maximum ? APInt::getSignedMinValue(bits)
                                               : APInt::getSignedMaxValue(bits);
    return LLVM::ConstantOp::create(e.b, element, e.b.getIntegerAttr(element, start));
  }
  if (kind == Reduction::Sum)
    return LLVM::ConstantOp::create(e.b, e.f64, e.b.getF64FloatAttr(0));
  auto infinity = APFloat::getInf(APFloat::IEEEsingle(), kind == Reduction::Maximum);
  return LLVM::ConstantOp::create(e.b, e.f32, e.b.getFloatAttr(e.f32, infinity));
}

static Value emitJoined(Emitter &e, Reduction kind, Value so, Value next) {
  bool real = isa<FloatType>(next.getType());
  switch (kind) {
  case Reduction::Sum:
    if (!real)
      return e.add(so, next);
    return LLVM::FAddOp::create(e.b, so, LLVM::FPExtOp::create(e.b, e.f64, next));
  case Reduction::Maximum:
    return real ? Value(arith::MaximumFOp::create(e.b, so, next)) : Value(arith::MaxSIOp::create(e.b, so, next));
  case Reduction::Minimum:
    return real ? Value(arith::MinimumFOp::create(e.b, so, next)) : Value(arith::MinSIOp::create(e.b, so, next));
  }
  llvm_unreachable("no such reduction");
}

static void lowerReduce(Emitter &e, quoin::ReduceOp op) {
  TensorParts from = e.tensor(op.getValues());
  int64_t width = programTensor(op.getValues().getType())->width;
  Value rows = countRows(e, from, width), wide = e.constant(width);
  std::optional<TensorParts> where;
  if (op.getWhere()) {
    where = e.tensor(op.getWhere());
    e.requireEqual(rows, where->size, "quoin.reduce", "flags");
  }
  auto column = [&](Value j) -> Value {
    Value total = e.reduce(rows, emitNothing(e, op.getKind(), from.element), [&](Value i, ValueRange so) {
      Value place = j ? e.add(e.mul(i, wide), j) : i;
      Value next = emitJoined(e, op.getKind(), so[0], e.loadElement(from, place));
      if (where)
        next = LLVM::SelectOp::create(e.b, e.loadElement(*where, i), next, so[0]);
      return SmallVector<Value>{next};
    });
    bool rounds = from.element == e.f32 && op.getKind() == Reduction::Sum;
    return rounds ? Value(LLVM::FPTruncOp::create(e.b, e.f32, total)) : total;
  };
  if (!isa<RankedTensorType>(op.getResult().getType()))
    return e.set(op.getResult(), column(Value()));
  TensorParts made = e.allocateTensor(from.element, wide, "quoin.reduce");
  e.forEach(wide, [&](Value j) { e.storeElement(made, j, column(j)); });
  e.set(op.getResult(), made);
}

static void lowerAmong(Emitter &e, AmongOp op) {
  TensorParts values = e.tensor(op.getValues()), list = e.tensor(op.getList());
  TensorParts made = e.allocateTensor(e.i1, values.size, "quoin.among");
  e.forEach(values.size, [&](Value i) {
    Value value = e.loadElement(values, i);
    Value found = e.reduce(list.size, e.constant(0), [&](Value j, ValueRange so) {
      Value same = LLVM::ZExtOp::create(e.b, e.i64, e.compare(Pred::eq, value, e.loadElement(list, j)));
      return SmallVector<Value>{Value(LLVM::OrOp::create(e.b, so[0], same))};
    });
    e.storeElement(made, i, e.compare(Pred::ne, found, e.constant(0)));
  });
  e.set(op.getFlags(), made);
}

std::optional<LogicalResult> quoin::decoder::lowerVectorOp(Emitter &e, Operation *op) {
  if (auto span = dyn_cast<SpanOp>(op))
    return lowerSpan(e, span), success();
  if (auto count = dyn_cast<CountOp>(op))
    return lowerCount(e, count), success();
  if (auto leading = dyn_cast<LeadingOp>(op))
    return lowerLeading(e, leading), success();
  if (auto which = dyn_cast<WhichOp>(op))
    return lowerWhich(e, which), success();
  if (auto gather = dyn_cast<GatherOp>(op))
    return lowerGather(e, gather), success();
  if (auto reduce = dyn_cast<quoin::ReduceOp>(op))
    return lowerReduce(e, reduce), success();
  if (auto among = dyn_cast<AmongOp>(op))
    return lowerAmong(e, among), success();
  return std::nullopt;
}
