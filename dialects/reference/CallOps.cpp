//===- CallOps.cpp - calls of models, with and without a cache -------------===//

#include "dialects/quoin/DraftModel.h"
#include "dialects/reference/Machine.h"
#include "dialects/stage/StageDialect.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::ref;

/// What `quoin.forward`, `quoin.forward_cached` and `quoin.suspend_forward` have in common. Absent operands are null.
struct Machine::CallOperands {
  FlatSymbolRefAttr model;
  Value sequence, to, ids, positions, labels, read;
  ValueRange columns;
  MaskAttr mask;
  ValueRange symbols;
  Value cache, from, keep;
  bool pass = false;
};

template <typename Op> Machine::CallOperands Machine::callOperands(Op op) {
  CallOperands c;
  c.sequence = op.getSequence();
  c.to = op.getTo();
  c.ids = op.getIds();
  c.positions = op.getPositions();
  c.labels = op.getLabels();
  c.read = op.getRead();
  c.columns = op.getColumns();
  if constexpr (!std::is_same_v<Op, ReuseOp>) {
    c.model = op.getModelAttr();
    c.mask = op.getMask();
    c.symbols = op.getSymbols();
  }
  if constexpr (std::is_same_v<Op, ForwardCachedOp> || std::is_same_v<Op, SuspendForwardOp>) {
    c.cache = op.getCache();
    c.from = op.getFrom();
    c.keep = op.getKeep();
    c.pass = op.getPass();
  }
  return c;
}

FailureOr<Machine::Data> Machine::apply(Operation *op, FlatSymbolRefAttr model, ValueRange inputs) {
  std::vector<Matrix> rows;
  for (Value v : inputs) {
    const Tensor &elements = tensor(v);
    int64_t width = cast<RankedTensorType>(v.getType()).getDimSize(1);
    Matrix matrix(static_cast<int64_t>(elements.size()) / width, width);
    bool real = getElementTypeOrSelf(v.getType()).isF32();
    for (auto [to, from] : llvm::zip_equal(matrix.numbers, elements))
      to = real ? from.real : static_cast<double>(from.integer);
    if (!rows.empty() &&
        failed(expectEqual(op, "rows", static_cast<size_t>(rows.front().rows), static_cast<size_t>(matrix.rows))))
      return failure();
    rows.push_back(std::move(matrix));
  }
  FailureOr<std::vector<Matrix>> made =
      applyModel(SymbolTable::lookupNearestSymbolFrom(op, model), program.getWeights(), rows);
  if (failed(made))
    return failure();
  if (rows.front().rows > 0)
    rounds = 0;
  Data results;
  for (const Matrix &matrix : *made) {
    Tensor elements;
    for (double number : matrix.numbers)
      elements.push_back(Number::ofReal(number));
    if (failed(expectSize(op, static_cast<int64_t>(elements.size()))))
      return failure();
    results.push_back(datum(std::move(elements)));
  }
  return results;
}

FailureOr<Machine::Data> Machine::suspendedForward(SuspendForwardOp op) { return call(op, callOperands(op)); }

/// The columns that a call gives its model; their rows become parts of its slots, and `once` those of all slots.
FailureOr<std::vector<Matrix>> Machine::columns(Operation *op, const CallOperands &c, std::vector<Slot> &slots,
                                                std::vector<double> &once) {
  std::vector<Matrix> all;
  Operation *model = SymbolTable::lookupNearestSymbolFrom(op, c.model);
  for (auto [i, column] : llvm::enumerate(columnsOf(model))) {
    auto [width, ofAll] = column;
    Value given = c.columns[i];
    const Tensor &elements = tensor(given);
    bool real = getElementTypeOrSelf(given.getType()).isF32();
    auto rows = static_cast<int64_t>(elements.size()) / width, wanted = static_cast<int64_t>(ofAll ? 1 : slots.size());
    if (rows != wanted)
      return op->emitOpError("expects ") << wanted << " rows of column " << i << ", but found " << rows;
    Matrix &matrix = all.emplace_back(rows, width);
    for (auto [to, from] : llvm::zip_equal(matrix.numbers, elements))
      to = real ? from.real : static_cast<double>(from.integer);
    if (ofAll)
      llvm::append_range(once, matrix.numbers);
    else
      for (int64_t r = 0; r < rows; ++r)
        llvm::append_range(slots[static_cast<size_t>(r)].columns, matrix.rowRef(r));
  }
  return all;
}

/// A call's slots: the sequence's first tokens, then rows of the program's own, which are never open.
FailureOr<std::vector<Slot>> Machine::slotsOf(Operation *op, const CallOperands &c) {
  const Sequence &x = sequence(c.sequence);
  int64_t to = integer(c.to);
  if (failed(expectRange(op, 0, to, x.length())))
    return failure();
  std::vector<Slot> slots(x.slots.begin(), x.slots.begin() + to);
  if (!x.order.empty()) {
    if (failed(expectEqual(op, "sorted tokens", static_cast<size_t>(to), x.order.size())))
      return failure();
    for (auto [slot, position] : llvm::zip_equal(slots, x.order))
      slot = x[position];
  }
  if (!c.ids)
    return slots;
  const Tensor &ids = tensor(c.ids), &positions = tensor(c.positions);
  const Tensor *labels = c.labels ? &tensor(c.labels) : nullptr;
  if (failed(expectEqual(op, "positions of 'then' rows", ids.size(), positions.size())) ||
      (labels && failed(expectEqual(op, "labels of 'then' rows", ids.size(), labels->size()))))
    return failure();
  for (size_t i = 0; i < ids.size(); ++i) {
    int64_t position = positions[i].integer, label = labels ? (*labels)[i].integer : 0;
    if (failed(expectToken(op, ids[i].integer)))
      return failure();
    if (position < 0)
      return op->emitOpError("expects positions of at least 0, but found ") << position;
    if (failed(expectLabel(op, label)))
      return failure();
    if (failed(expectRoom(op, static_cast<uint64_t>(position) + 1)))
      return failure();
    slots.push_back({static_cast<int32_t>(ids[i].integer), position, false, label});
  }
  return slots;
}

void Machine::countForward(int64_t from, int64_t slots) {
  if (forwards++ == 0)
    prefillTokens = std::clamp<int64_t>(static_cast<int64_t>(request.prompt.size()) - from, 0, slots - from);
}

static std::string describe(const Slot &s) {
  return "token " + std::to_string(s.token) + " at position " + std::to_string(s.position) + (s.open ? ", open" : "") +
         (s.label ? ", label " + std::to_string(s.label) : "");
}

/// How many results a model gives besides logits.
static size_t resultsOf(Operation *model) {
  if (auto of = dyn_cast<ModelOp>(model))
    return of.getResultRows().size();
  auto step = cast<stage::StepOp>(model);
  return step.getBody().front().back().getNumOperands() - (step.getHead() ? 1 : 0);
}

FailureOr<Machine::Data> Machine::call(Operation *op, const CallOperands &c) {
  FailureOr<std::vector<Slot>> slots = slotsOf(op, c);
  if (failed(slots))
    return failure();
  auto count = static_cast<int64_t>(slots->size());
  ModelCall call;
  std::vector<double> once;
  FailureOr<std::vector<Matrix>> given = columns(op, c, *slots, once);
  if (failed(given))
    return failure();
  call.columns = std::move(*given);
  call.slots = std::move(*slots);
  call.mask = c.mask.getFormula();
  for (Value v : c.symbols)
    call.symbols.push_back(integer(v));

  // Which slots run.
  KeyValueCache *cache = nullptr;
  int64_t keep = 0;
  if (c.cache) {
    CacheHandle handle = std::get<CacheHandle>(get(c.cache));
    if (handle.model != c.model.getValue())
      return op->emitOpError("expects a cache of '@")
             << c.model.getValue() << "', but found one of '@" << handle.model << "'";
    cache = &caches[handle.number];
    call.from = integer(c.from);
    keep = std::clamp<int64_t>(integer(c.keep), 0, count);
    auto held = static_cast<int64_t>(cache->slots.size());
    if (failed(expectRange(op, call.from, count, count)))
      return failure();
    if (call.from > held)
      return op->emitOpError("expects to run from a slot that the cache reaches, but it holds ")
             << held << " and 'from' is " << call.from;
    if (call.from > 0 && cache->once != once)
      return op->emitOpError("expects the cache's columns of all slots, but found others");
    for (int64_t i = 0; i < call.from; ++i)
      if (!cache->slots[static_cast<size_t>(i)].isAs(call.slots[static_cast<size_t>(i)], handle.tokenless))
        return op->emitOpError("expects slot ")
               << i << " of the cache to hold " << describe(call.slots[static_cast<size_t>(i)]) << ", but found "
               << describe(cache->slots[static_cast<size_t>(i)]);
  }

  Logits logits;
  if (c.read)
    for (Number row : tensor(c.read)) {
      if (row.integer < call.from || row.integer >= count)
        return op->emitOpError("expects to read slots in [")
               << call.from << ", " << count << "), but found " << row.integer;
      call.read.push_back(row.integer);
      // What a trace calls it: its place in the sequence.
      const Sequence &x = sequence(c.sequence);
      bool own = row.integer < integer(c.to);
      logits.positions.push_back(!own              ? call.slots[static_cast<size_t>(row.integer)].position
                                 : x.order.empty() ? row.integer
                                                   : x.order[static_cast<size_t>(row.integer)]);
    }

  readPositions = logits.positions;
  logits.text = lastText = std::get<std::shared_ptr<const Sequence>>(get(c.sequence));

  constexpr int64_t mostSymbol = int64_t(1) << 40;
  for (int64_t symbol : call.symbols)
    if (symbol <= -mostSymbol || symbol >= mostSymbol)
      return op->emitOpError("expects symbols below 2^40 in size, but found ") << symbol;

  // With nothing to run, no call is made; it may still be an evaluation of the source program.
  bool made = call.from < count;
  trace.see(sequence(c.sequence));
  bool draft = callsDraft(op, c.model);
  if (!c.pass && !draft)
    trace.beginEvaluation(evaluations, forwards);
  (draft ? draftEvaluations : evaluations) += !c.pass;
  Operation *model = SymbolTable::lookupNearestSymbolFrom(op, c.model);
  logits.head = headOf(model, program.getWeights());
  for (Operation &other : model->getParentRegion()->front()) {
    if (&other == model)
      break;
    logits.model += other.hasTrait<IsModel>();
  }
  logits.hidden = Matrix(0, logits.head.weight ? logits.head.weight->stored.columns : 0);
  std::vector<Matrix> results;
  if (made) {
    countForward(call.from, count);
    // A cache that keeps nothing needs no copy of keys and values: but it must forget.
    FailureOr<Matrix> hidden = runModel(model, program.getWeights(), call, cache, &results);
    if (cache)
      cache->once = std::move(once);
    if (failed(hidden))
      return failure();
    logits.hidden = std::move(*hidden);
    rounds = 0;
  }
  if (cache && keep < static_cast<int64_t>(cache->slots.size()) && (made || keep < count))
    cache->truncate(keep);
  Data data;
  if (logits.head.weight)
    data.push_back(datum(std::move(logits)));
  // Of a call that was not made nothing is read.
  results.resize(resultsOf(model));
  for (const Matrix &matrix : results) {
    Tensor elements;
    for (double number : matrix.numbers)
      elements.push_back(Number::ofReal(number));
    if (failed(expectSize(op, static_cast<int64_t>(elements.size()))))
      return failure();
    data.push_back(datum(std::move(elements)));
  }
  return data;
}

LogicalResult Machine::reuse(ReuseOp op) {
  FailureOr<std::vector<Slot>> slots = slotsOf(op, callOperands(op));
  if (failed(slots))
    return failure();
  CacheHandle handle = std::get<CacheHandle>(get(op.getCache()));
  const KeyValueCache &cache = caches[handle.number];
  CallOperands operands = callOperands(op);
  operands.model = FlatSymbolRefAttr::get(op.getContext(), handle.model);
  std::vector<double> once;
  if (failed(columns(op, operands, *slots, once)))
    return failure();
  int64_t limit = integer(op.getLimit()), to = integer(op.getTo());
  // `then` rows may see all that the cache holds, so none of it may be beyond.
  if (limit > to && static_cast<int64_t>(cache.slots.size()) > limit)
    limit = to;
  auto held = static_cast<int64_t>(cache.slots.size());
  int64_t end = std::min(limit, std::min(static_cast<int64_t>(slots->size()), held));
  int64_t same = 0;
  while (same < end && once == cache.once) {
    const Slot &slot = (*slots)[static_cast<size_t>(same)];
    if ((slot.open && !handle.tokenless) || !slot.isAs(cache.slots[static_cast<size_t>(same)], handle.tokenless))
      break;
    ++same;
  }
  // What the cache holds ends where a group did then. Anywhere else the group of the slot before may have been larger.
  if (const Sequence &x = sequence(op.getSequence()); !x.groups.empty() && same > 0)
    same = x.groups[static_cast<size_t>(same == held ? same : same - 1)];
  if (op.getRead())
    for (Number row : tensor(op.getRead()))
      same = std::min(same, std::max<int64_t>(row.integer, 0));
  return setInteger(op, same);
}

Machine::Answer Machine::evaluateCall(Operation *op) {
  auto setCall = [&](FailureOr<Data> results) -> Answer {
    if (failed(results))
      return failure();
    for (auto [value, result] : llvm::zip_equal(op->getResults(), *results))
      set(value, result);
    return success();
  };
  return llvm::TypeSwitch<Operation *, Answer>(op)
      .Case([&](EvaluationOp o) -> Answer { return setInteger(o, evaluations); })
      .Case([&](CountEvaluationOp) -> Answer {
        trace.beginEvaluation(evaluations++, forwards);
        return success();
      })
      .Case([&](ApplyOp o) -> Answer {
        FailureOr<Data> results = apply(o, o.getModelAttr(), o.getInputs());
        if (failed(results))
          return failure();
        for (auto [value, result] : llvm::zip_equal(o.getOutputs(), *results))
          set(value, result);
        return success();
      })
      .Case([&](ForwardOp o) { return setCall(call(o, callOperands(o))); })
      .Case([&](ForwardCachedOp o) { return setCall(call(o, callOperands(o))); })
      // A handle: a second execution names the same cache.
      .Case([&](CacheOp o) -> Answer {
        set(o.getCache(), CacheHandle{static_cast<int64_t>(o.getNumber()), o.getModel(), o.getTokenless()});
        return success();
      })
      .Case([&](ReuseOp o) -> Answer { return reuse(o); })
      .Default([](Operation *) { return std::nullopt; });
}
