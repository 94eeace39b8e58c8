//===- SequenceOps.cpp - sequences and vectors of their rows ---------------===//

#include "dialects/quoin/PositionKey.h"
#include "dialects/reference/Machine.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace quoin;
using namespace quoin::ref;

LogicalResult Machine::setting(SettingOp op) {
  if (op.getName() == "fill") {
    if (program.fill() < 0)
      return op.emitOpError("expects a module with '") << module_attr::fill << "', but found none";
    return setInteger(op, program.fill());
  }
  if (auto word = decoder.getSettings().getAs<WordAttr>(op.getName())) {
    auto given = request.words.find(op.getName().str());
    auto [which, number] = *word.find(given == request.words.end() ? word.getValue() : StringRef(given->second));
    set(op.getValue(), op.getWord() ? Number::ofInteger(word.getWords()[static_cast<size_t>(which)] == *op.getWord())
                                    : Number::ofReal(number));
    return success();
  }
  double value = numberOf(op.getName(), 0);
  set(op.getValue(), op.getType().isIndex() ? Number::ofInteger(static_cast<int64_t>(value)) : Number::ofReal(value));
  return success();
}

//===----------------------------------------------------------------------===//
// Ops that make sequences
//===----------------------------------------------------------------------===//

/// `quoin.extend` and `quoin.append`.
LogicalResult Machine::lengthen(Operation *op) {
  Sequence y = sequence(op->getOperand(0));
  auto extend = dyn_cast<ExtendOp>(op);
  int64_t more = extend ? integer(extend.getCount()) : static_cast<int64_t>(tensor(op->getOperand(1)).size());
  auto append = dyn_cast<AppendOp>(op);
  const Tensor *at = append && append.getPositions() ? &tensor(append.getPositions()) : nullptr;
  if (at && failed(expectEqual(op, "positions", static_cast<size_t>(more), at->size())))
    return failure();
  if (more < 0)
    return expectSize(op, more);
  if (failed(expectRoom(op, static_cast<uint64_t>(y.length()), static_cast<uint64_t>(more))))
    return failure();
  if (extend) {
    if (more && program.fill() < 0)
      return op->emitOpError("expects a module with '") << module_attr::fill << "', but found none";
  }
  Value given = labelsGivenBy(op);
  int64_t label = given ? integer(given) : 0;
  if (extend && failed(expectLabel(op, label)))
    return failure();
  for (int64_t i = 0; extend && i < more; ++i)
    y.append(program.fill(), /*open=*/true, label);
  if (!extend) {
    for (Number id : tensor(op->getOperand(1)))
      if (failed(expectToken(op, id.integer)))
        return failure();
    if (failed(expectLabel(op, label)))
      return failure();
    for (auto [i, id] : llvm::enumerate(tensor(op->getOperand(1)))) {
      y.append(static_cast<int32_t>(id.integer), /*open=*/false, label);
      if (!at)
        continue;
      int64_t position = (*at)[i].integer;
      if (position < 0)
        return op->emitOpError("expects positions of at least 0, but found ") << position;
      if (failed(expectRoom(op, static_cast<uint64_t>(position) + 1)))
        return failure();
      y.slots.back().position = position;
      y.slots.back().placed = true;
    }
  }
  set(op->getResult(0), datum(std::move(y)));
  return success();
}

LogicalResult Machine::insert(InsertOp op) {
  Sequence y = sequence(op.getSequence());
  int64_t at = integer(op.getAt()), label = op.getLabel() ? integer(op.getLabel()) : 0;
  const Tensor &ids = tensor(op.getIds());
  if (failed(expectRoom(op, static_cast<uint64_t>(y.length()), ids.size())))
    return failure();
  for (Number id : ids)
    if (failed(expectToken(op, id.integer)))
      return failure();
  if (failed(expectLabel(op, label)))
    return failure();
  if (at < y.committed || at > y.length())
    return op.emitOpError("expects a place in [") << y.committed << ", " << y.length() << "], but found " << at;
  std::vector<Slot> added;
  for (Number id : ids)
    added.push_back({static_cast<int32_t>(id.integer), 0, /*open=*/false, label});
  y.slots.insert(y.slots.begin() + at, added.begin(), added.end());
  for (int64_t i = at; i < y.length(); ++i)
    if (!y[i].placed)
      y[i].position = i;
  set(op.getResult(), datum(std::move(y)));
  return success();
}

LogicalResult Machine::relabel(RelabelOp op) {
  Sequence y = sequence(op.getSequence());
  const Tensor &positions = tensor(op.getPositions()), &labels = tensor(op.getLabels());
  const Tensor *where = op.getWhere() ? &tensor(op.getWhere()) : nullptr;
  if (failed(expectEqual(op, "labels", positions.size(), labels.size())) ||
      (where && failed(expectEqual(op, "flags", positions.size(), where->size()))))
    return failure();
  for (size_t i = 0; i < positions.size(); ++i) {
    int64_t at = positions[i].integer;
    if (at < 0 || at >= y.length())
      return op.emitOpError("expects positions in [0, ") << y.length() << "), but found " << at;
    if (where && !(*where)[i].integer)
      continue;
    if (failed(expectLabel(op, labels[i].integer)))
      return failure();
    if (at < y.committed)
      return op.emitOpError("expects positions from ") << y.committed << " on (the others are final), but found " << at;
    y[at].label = labels[i].integer;
  }
  set(op.getResult(), datum(std::move(y)));
  return success();
}

/// `quoin.fill` (open positions) and `quoin.edit` (known ones).
LogicalResult Machine::write(Operation *op, bool open) {
  Sequence y = sequence(op->getOperand(0));
  const Tensor &positions = tensor(op->getOperand(1)), &ids = tensor(op->getOperand(2));
  const Tensor *where = op->getNumOperands() > 3 ? &tensor(op->getOperand(3)) : nullptr;
  if (failed(expectEqual(op, "ids", positions.size(), ids.size())) ||
      (where && failed(expectEqual(op, "flags", positions.size(), where->size()))))
    return failure();
  for (size_t i = 0; i < positions.size(); ++i) {
    int64_t at = positions[i].integer;
    if (at < 0 || at >= y.length())
      return op->emitOpError("expects positions in [0, ") << y.length() << "), but found " << at;
    auto token = static_cast<int32_t>(ids[i].integer);
    if ((where && !(*where)[i].integer) || y[at].open != open || token == program.fill())
      continue;
    if (failed(expectToken(op, token)))
      return failure();
    if (at < y.committed)
      return op->emitOpError("expects positions from ")
             << y.committed << " on (the others are final), but found " << at;
    y[at].token = token;
    y[at].open = false;
  }
  set(op->getResult(0), datum(std::move(y)));
  return success();
}

LogicalResult Machine::permuteTokens(PermuteTokensOp op) {
  Sequence y = sequence(op.getSequence());
  int64_t to = integer(op.getTo());
  if (failed(expectRange(op, 0, to, y.length())))
    return failure();
  y.order.resize(static_cast<size_t>(to));
  std::iota(y.order.begin(), y.order.end(), 0);
  auto key = [&](int64_t i) {
    return op.getKey() == SortKey::Open    ? static_cast<int64_t>(y[i].open)
           : op.getKey() == SortKey::Label ? y[i].label
                                           : positionKey(*op.getMap(), i);
  };
  llvm::sort(y.order, [&](int64_t a, int64_t b) { return std::pair(key(a), a) < std::pair(key(b), b); });
  std::vector<int64_t> slotOf(y.order.size());
  for (auto [slot, position] : llvm::enumerate(y.order))
    slotOf[static_cast<size_t>(position)] = static_cast<int64_t>(slot);
  Tensor slots;
  for (Number position : tensor(op.getPositions())) {
    if (position.integer < 0 || position.integer >= to)
      return op.emitOpError("expects positions in [0, ") << to << "), but found " << position.integer;
    slots.push_back(Number::ofInteger(slotOf[static_cast<size_t>(position.integer)]));
  }
  int64_t known = llvm::find_if(y.order, [&](int64_t i) { return y[i].open; }) - y.order.begin();
  if (op.getGroups()) {
    for (auto [slot, position] : llvm::enumerate(y.order))
      y.groups.push_back(slot && key(y.order[slot - 1]) == key(position) ? y.groups.back()
                                                                         : static_cast<int64_t>(slot));
    y.groups.push_back(to);
    known = y.groups[static_cast<size_t>(known)];
  }
  set(op.getKnown(), Number::ofInteger(known));
  set(op.getSlots(), datum(std::move(slots)));
  set(op.getResult(), datum(std::move(y)));
  return success();
}

LogicalResult Machine::commit(CommitOp op) {
  Sequence y = sequence(op.getSequence());
  int64_t to = integer(op.getTo());
  if (failed(expectRange(op, 0, to, y.length())))
    return failure();
  for (int64_t i = y.committed; i < to; ++i)
    if (y[i].open)
      return op.emitOpError("expects known positions below ") << to << ", but position " << i << " is open";
  // The published engine's call, which computes nothing that a stateless program reads.
  if (op.getModelAttr() && to > y.committed)
    countForward(y.committed, to);
  y.committed = std::max(y.committed, to);
  set(op.getResult(), datum(std::move(y)));
  return success();
}

LogicalResult Machine::denoise(DenoiseOp op) {
  if (failed(expectDefined(op, op->getOperands().take_front(3))))
    return failure();
  int64_t from = integer(op.getFrom()), to = integer(op.getTo());
  Data carried = {get(op.getSequence())};
  for (Value v : op.getInits())
    carried.push_back(values.lookup(v));
  std::optional<size_t> before;
  while (true) {
    if (failed(countRound(op)))
      return failure();
    const auto &x = *std::get<std::shared_ptr<const Sequence>>(carried[0]);
    if (failed(expectRange(op, from, to, x.length())))
      return failure();
    Tensor open;
    for (int64_t i = from; i < to; ++i)
      if (x[i].open)
        open.push_back(Number::ofInteger(i));
    if (open.empty())
      break;
    if (before && open.size() >= *before)
      return op.emitOpError("expects each step to fill a position, but ") << open.size() << " stay open";
    before = open.size();
    carried.insert(carried.begin() + 1, datum(std::move(open)));
    FailureOr<Data> next = runRegion(op.getBody(), std::move(carried));
    if (failed(next))
      return failure();
    carried = std::move(*next);
    if (std::holds_alternative<std::monostate>(carried[0]))
      return op.emitOpError("expects a sequence, but found poison");
    if (cast<YieldOp>(op.getBody().front().getTerminator()).getLast()) {
      if (std::holds_alternative<std::monostate>(carried.back()))
        return op.emitOpError("expects a flag, but found poison");
      if (std::get<Number>(carried.pop_back_val()).integer)
        break;
    }
  }
  for (auto [result, d] : llvm::zip_equal(op->getResults(), carried))
    set(result, d);
  return success();
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

LogicalResult Machine::top(TopOp op) {
  const Tensor &in = tensor(op.getValues());
  const Tensor *where = op.getWhere() ? &tensor(op.getWhere()) : nullptr;
  if (where && failed(expectEqual(op, "flags", in.size(), where->size())))
    return failure();
  int64_t count = integer(op.getCount());
  if (count < 0)
    return op.emitOpError("expects a count of at least 0, but found ") << count;
  std::vector<size_t> order;
  for (size_t i = 0; i < in.size(); ++i)
    if (!where || (*where)[i].integer)
      order.push_back(i);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    double x = in[a].real, y = in[b].real;
    if (std::isnan(x) != std::isnan(y))
      return std::isnan(y);
    return x != y && !std::isnan(x) ? x > y : a < b;
  });
  if (static_cast<size_t>(count) < order.size())
    order.resize(static_cast<size_t>(count));
  Tensor out(in.size());
  for (size_t i : order)
    out[i].integer = 1;
  return setTensor(op, std::move(out));
}

static int64_t countLeading(const Tensor &flags) {
  return llvm::find_if(flags, [](Number n) { return n.integer == 0; }) - flags.begin();
}

static int64_t countSet(const Tensor &flags) {
  return llvm::count_if(flags, [](Number n) { return n.integer != 0; });
}

Machine::Answer Machine::evaluateSequence(Operation *op) {
  // The first position of a range of which something is true, or its end.
  auto find = [&](auto rangeOp, auto isIt) -> Answer {
    const Sequence &x = sequence(rangeOp.getSequence());
    int64_t from = integer(rangeOp.getFrom()), to = integer(rangeOp.getTo());
    if (failed(expectRange(op, from, to, x.length())))
      return failure();
    while (from < to && !isIt(x[from]))
      ++from;
    return setInteger(op, from);
  };

  return llvm::TypeSwitch<Operation *, Answer>(op)
      .Case([&](SettingOp o) -> Answer { return setting(o); })
      .Case([&](LengthOp o) -> Answer { return setInteger(o, sequence(o.getSequence()).length()); })
      .Case([&](CommittedOp o) -> Answer { return setInteger(o, sequence(o.getSequence()).committed); })
      .Case([&](FirstOpenOp o) { return find(o, [](const Slot &s) { return s.open; }); })
      .Case([&](FindStopOp o) {
        return find(o, [&](const Slot &s) { return !s.open && llvm::is_contained(stops(), s.token); });
      })
      .Case([&](OpenOp o) -> Answer {
        const Sequence &x = sequence(o.getSequence());
        int64_t from = integer(o.getFrom()), to = integer(o.getTo());
        if (failed(expectRange(op, from, to, x.length())))
          return failure();
        Tensor out;
        for (int64_t i = from; i < to; ++i)
          if (x[i].open)
            out.push_back(Number::ofInteger(i));
        return setTensor(o, std::move(out));
      })
      .Case([&](TokensOp o) -> Answer {
        const Sequence &x = sequence(o.getSequence());
        Tensor out;
        for (Number at : tensor(o.getPositions())) {
          if (at.integer < 0 || at.integer >= x.length())
            return o.emitOpError("expects positions in [0, ") << x.length() << "), but found " << at.integer;
          out.push_back(Number::ofInteger(x[at.integer].token));
        }
        return setTensor(o, std::move(out));
      })
      .Case([&](LabelsOp o) -> Answer {
        const Sequence &x = sequence(o.getSequence());
        Tensor out;
        for (Number at : tensor(o.getPositions())) {
          if (at.integer < 0 || at.integer >= x.length())
            return o.emitOpError("expects positions in [0, ") << x.length() << "), but found " << at.integer;
          out.push_back(Number::ofInteger(x[at.integer].label));
        }
        return setTensor(o, std::move(out));
      })
      .Case([&](TruncateOp o) -> Answer {
        Sequence y = sequence(o.getSequence());
        int64_t to = integer(o.getTo());
        if (to < y.committed || to > y.length())
          return o.emitOpError("expects a length in [") << y.committed << ", " << y.length() << "], but found " << to;
        y.slots.resize(static_cast<size_t>(to));
        set(o.getResult(), datum(std::move(y)));
        return success();
      })
      .Case([&](InsertOp o) -> Answer { return insert(o); })
      .Case([&](RelabelOp o) -> Answer { return relabel(o); })
      .Case([&](ReopenOp o) -> Answer {
        Sequence y = sequence(o.getSequence());
        int64_t from = integer(o.getFrom()), to = integer(o.getTo());
        if (failed(expectRange(op, from, to, y.length())))
          return failure();
        if (from < to && program.fill() < 0)
          return o.emitOpError("expects a module with '") << module_attr::fill << "', but found none";
        for (int64_t i = from; i < to; ++i)
          y[i].token = program.fill(), y[i].open = true;
        y.committed = 0;
        y.reopened = true;
        set(o.getResult(), datum(std::move(y)));
        return success();
      })
      .Case<ExtendOp, AppendOp>([&](Operation *o) -> Answer { return lengthen(o); })
      .Case([&](FillOp o) -> Answer { return write(o, /*open=*/true); })
      .Case([&](EditOp o) -> Answer { return write(o, /*open=*/false); })
      .Case([&](CommitOp o) -> Answer { return commit(o); })
      .Case([&](PermuteTokensOp o) -> Answer { return permuteTokens(o); })
      .Case([&](SpanOp o) -> Answer {
        int64_t from = integer(o.getFrom()), to = integer(o.getTo());
        int64_t size = 0;
        // A distance that does not fit wraps to a negative size.
        if (from < to) {
          (void)__builtin_sub_overflow(to, from, &size);
          if (failed(expectSize(op, size)))
            return failure();
        }
        Tensor out;
        for (int64_t i = 0; i < size; ++i)
          out.push_back(Number::ofInteger(from + i));
        return setTensor(o, std::move(out));
      })
      .Case([&](CountOp o) -> Answer { return setInteger(o, countSet(tensor(o.getFlags()))); })
      .Case([&](LeadingOp o) -> Answer { return setInteger(o, countLeading(tensor(o.getFlags()))); })
      .Case([&](TopOp o) -> Answer { return top(o); })
      .Case([&](UniformOp o) -> Answer {
        DrawName name = {request.seed, static_cast<uint32_t>(integer(o.getEvaluation())), 0,
                         static_cast<uint32_t>(o.getStream())};
        Tensor out;
        for (Number at : tensor(o.getPositions())) {
          name.position = static_cast<uint32_t>(at.integer);
          out.push_back(Number::ofReal(uniform(name, 0)));
        }
        return setTensor(o, std::move(out));
      })
      .Default([](Operation *) { return std::nullopt; });
}
