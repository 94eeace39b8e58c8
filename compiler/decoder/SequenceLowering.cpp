//===- SequenceLowering.cpp - ops on sequences, mostly calls of the host ----===//

#include "compiler/decoder/Emitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "runtime/include/quoin/program.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::decoder;

using Pred = LLVM::ICmpPredicate;

/// A host function that writes its tensor through the last argument.
static TensorParts callForTensor(Emitter &e, size_t function, Type element, SmallVector<Value> arguments) {
  Value out = e.scratch(3);
  e.storeTensor(e.emptyTensor(element), out, 0);
  arguments.push_back(out);
  e.callHost(function, {}, arguments);
  return e.loadTensor(element, out, 0);
}

/// fill, edit and relabel: `values` are as many as positions.
template <typename Op> static void lowerWrite(Emitter &e, Op op, size_t function, Value values, StringRef parts) {
  std::string name = op->getName().getStringRef().str();
  TensorParts at = e.tensor(op.getPositions()), ids = e.tensor(values);
  e.requireEqual(at.size, ids.size, name, parts);
  Value where = e.null();
  if (op.getWhere()) {
    TensorParts flags = e.tensor(op.getWhere());
    e.requireEqual(at.size, flags.size, name, "flags");
    where = e.scratch(2, flags);
  }
  Value result = e.callHost(function, e.pointer, {e.get(op.getSequence()), e.scratch(0, at), e.scratch(1, ids), where});
  e.set(op.getResult(), result);
}

static void lowerTop(Emitter &e, TopOp op) {
  TensorParts v = e.tensor(op.getValues());
  Value where = e.null();
  if (op.getWhere()) {
    TensorParts flags = e.tensor(op.getWhere());
    e.requireEqual(v.size, flags.size, "quoin.top", "flags");
    where = e.scratch(1, flags);
  }
  e.set(op.getFlags(),
        callForTensor(e, offsetof(quoin_host_t, top), e.i1, {e.scratch(0, v), e.get(op.getCount()), where}));
}

/// The key of a position.
static Value emitKey(Emitter &e, AffineMap map, Value position) {
  std::function<Value(AffineExpr)> emit = [&](AffineExpr x) -> Value {
    if (auto constant = dyn_cast<AffineConstantExpr>(x))
      return e.constant(constant.getValue());
    auto binary = dyn_cast<AffineBinaryOpExpr>(x);
    if (!binary)
      return position;
    Value a = emit(binary.getLHS()), b = emit(binary.getRHS());
    switch (x.getKind()) {
    case AffineExprKind::Add:
      return e.add(a, b);
    case AffineExprKind::Mul:
      return e.mul(a, b);
    case AffineExprKind::FloorDiv:
      return arith::FloorDivSIOp::create(e.b, a, b);
    case AffineExprKind::CeilDiv:
      return arith::CeilDivSIOp::create(e.b, a, b);
    default: // a mod b = a - b * (a floordiv b)
      return e.sub(a, e.mul(b, arith::FloorDivSIOp::create(e.b, a, b)));
    }
  };
  return emit(map.getResult(0));
}

static void lowerPermute(Emitter &e, PermuteTokensOp op) {
  static_assert(static_cast<int>(SortKey::Open) == QUOIN_ORDER_OPEN &&
                static_cast<int>(SortKey::Label) == QUOIN_ORDER_LABEL &&
                static_cast<int>(SortKey::Position) == QUOIN_ORDER_KEYS);
  TensorParts keys = e.emptyTensor(e.i64);
  if (op.getMap()) {
    keys = e.allocateTensor(e.i64, e.get(op.getTo()), "quoin.permute_tokens");
    e.forEach(keys.size, [&](Value position) { e.storeElement(keys, position, emitKey(e, *op.getMap(), position)); });
  }
  Value at = e.scratch(0, e.tensor(op.getPositions())), slots = e.scratch(1), known = e.scratch(2),
        given = e.scratch(3, keys);
  e.storeTensor(e.emptyTensor(e.i64), slots, 0);
  Value result = e.callHost(offsetof(quoin_host_t, permute), e.pointer,
                            {e.get(op.getSequence()), e.get(op.getTo()), e.constant(static_cast<int64_t>(op.getKey())),
                             given, e.constant(op.getGroups()), at, slots, known});
  e.set(op.getResult(), result);
  e.set(op.getSlots(), e.loadTensor(e.i64, slots, 0));
  e.set(op.getKnown(), e.load(e.i64, known, 0));
}

static void lowerReuse(Emitter &e, ReuseOp op) {
  writeForwardSlots(e, op.getSequence(), op.getTo(), op.getIds(), op.getPositions(), op.getLabels(), op.getColumns(),
                    op.getRead());
  constexpr int64_t call = offsetof(quoin_state_t, forward);
  e.store(e.get(op.getCache()), e.state, call + static_cast<int64_t>(offsetof(quoin_forward_t, cache)));
  e.set(op.getSlots(), e.callHost(offsetof(quoin_host_t, reuse), e.i64, {e.at(e.state, call), e.get(op.getLimit())}));
}

std::optional<LogicalResult> quoin::decoder::lowerSequenceOp(Emitter &e, Operation *op) {
  auto range = [&](auto r, size_t function) {
    return e.callHost(function, e.i64, {e.get(r.getSequence()), e.get(r.getFrom()), e.get(r.getTo())});
  };
  bool mine = true;
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](LengthOp o) {
        e.set(o.getLength(), e.load(e.i64, e.get(o.getSequence()), offsetof(quoin_sequence_t, length)));
      })
      .Case([&](CommittedOp o) {
        e.set(o.getPosition(), e.load(e.i64, e.get(o.getSequence()), offsetof(quoin_sequence_t, committed)));
      })
      .Case([&](OpenOp o) {
        e.set(o.getPositions(), callForTensor(e, offsetof(quoin_host_t, open), e.i64,
                                              {e.get(o.getSequence()), e.get(o.getFrom()), e.get(o.getTo())}));
      })
      .Case([&](FirstOpenOp o) { e.set(o.getPosition(), range(o, offsetof(quoin_host_t, first_open))); })
      .Case([&](FindStopOp o) { e.set(o.getPosition(), range(o, offsetof(quoin_host_t, find_stop))); })
      .Case([&](TokensOp o) {
        Value at = e.scratch(0, e.tensor(o.getPositions()));
        e.set(o.getTokens(), callForTensor(e, offsetof(quoin_host_t, tokens), e.i32, {e.get(o.getSequence()), at}));
      })
      .Case([&](ExtendOp o) {
        Value label = o.getLabel() ? e.get(o.getLabel()) : e.constant(0);
        e.set(o.getResult(), e.callHost(offsetof(quoin_host_t, extend), e.pointer,
                                        {e.get(o.getSequence()), e.get(o.getCount()), label}));
      })
      .Case([&](AppendOp o) {
        TensorParts tokens = e.tensor(o.getIds());
        Value ids = e.scratch(0, tokens), at = e.null();
        if (o.getPositions()) {
          TensorParts positions = e.tensor(o.getPositions());
          e.requireEqual(tokens.size, positions.size, "quoin.append", "positions");
          at = e.scratch(1, positions);
        }
        Value label = o.getLabel() ? e.get(o.getLabel()) : e.constant(0);
        e.set(o.getResult(),
              e.callHost(offsetof(quoin_host_t, append), e.pointer, {e.get(o.getSequence()), ids, at, label}));
      })
      .Case([&](InsertOp o) {
        Value ids = e.scratch(0, e.tensor(o.getIds())), label = o.getLabel() ? e.get(o.getLabel()) : e.constant(0);
        e.set(o.getResult(), e.callHost(offsetof(quoin_host_t, insert), e.pointer,
                                        {e.get(o.getSequence()), e.get(o.getAt()), ids, label}));
      })
      .Case([&](TruncateOp o) {
        e.set(o.getResult(),
              e.callHost(offsetof(quoin_host_t, truncate), e.pointer, {e.get(o.getSequence()), e.get(o.getTo())}));
      })
      .Case([&](LabelsOp o) {
        Value at = e.scratch(0, e.tensor(o.getPositions()));
        e.set(o.getLabels(), callForTensor(e, offsetof(quoin_host_t, labels), e.i64, {e.get(o.getSequence()), at}));
      })
      .Case([&](RelabelOp o) { lowerWrite(e, o, offsetof(quoin_host_t, relabel), o.getLabels(), "labels"); })
      .Case([&](ReopenOp o) {
        e.set(o.getResult(), e.callHost(offsetof(quoin_host_t, reopen), e.pointer,
                                        {e.get(o.getSequence()), e.get(o.getFrom()), e.get(o.getTo())}));
      })
      .Case([&](FillOp o) { lowerWrite(e, o, offsetof(quoin_host_t, fill), o.getIds(), "ids"); })
      .Case([&](EditOp o) { lowerWrite(e, o, offsetof(quoin_host_t, edit), o.getIds(), "ids"); })
      .Case([&](CommitOp o) {
        e.set(o.getResult(),
              e.callHost(offsetof(quoin_host_t, commit), e.pointer, {e.get(o.getSequence()), e.get(o.getTo())}));
      })
      .Case([&](TopOp o) { lowerTop(e, o); })
      .Case([&](PermuteTokensOp o) { lowerPermute(e, o); })
      .Case([&](UniformOp o) {
        Value at = e.scratch(0, e.tensor(o.getPositions()));
        e.set(o.getValues(),
              callForTensor(e, offsetof(quoin_host_t, uniform), e.f32,
                            {e.constant(static_cast<int64_t>(o.getStream())), at, e.get(o.getEvaluation())}));
      })
      .Case([&](CacheOp o) { e.set(o.getCache(), e.constant(static_cast<int64_t>(o.getNumber()))); })
      .Case([&](ReuseOp o) { lowerReuse(e, o); })
      .Case([&](EvaluationOp o) { e.set(o.getNumber(), e.load(e.i64, e.state, offsetof(quoin_state_t, evaluations))); })
      .Case([&](CountEvaluationOp) {
        constexpr int64_t counter = offsetof(quoin_state_t, evaluations);
        e.store(e.add(e.load(e.i64, e.state, counter), e.constant(1)), e.state, counter);
      })
      .Default([&](Operation *) { mine = false; });
  if (!mine)
    return std::nullopt;
  return success();
}
