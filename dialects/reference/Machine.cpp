//===- Machine.cpp - control flow ------------------------------------------===//

#include "dialects/reference/Machine.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::ref;

static constexpr int deepestCall = 100;

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

LogicalResult Machine::expectDefined(Operation *op, ValueRange operands) {
  for (auto [i, v] : llvm::enumerate(operands)) {
    auto it = values.find(v);
    if (it == values.end() || std::holds_alternative<std::monostate>(it->second))
      return op->emitOpError("expects operand #") << i << " to be defined, but found poison";
  }
  return success();
}

LogicalResult Machine::countRound(Operation *loop) {
  if (++rounds <= request.maxRounds)
    return success();
  return loop->emitOpError("expects a run of the model within ")
         << request.maxRounds << " rounds of the decoder's loops, but found none";
}

LogicalResult Machine::expectRange(Operation *op, int64_t from, int64_t to, int64_t length) {
  if (0 <= from && from <= to && to <= length)
    return success();
  return op->emitOpError("expects a range in [0, ") << length << "), but found [" << from << ", " << to << ")";
}

LogicalResult Machine::expectSize(Operation *op, int64_t size) {
  constexpr int64_t most = int64_t(1) << 28;
  if (0 <= size && size <= most)
    return success();
  return op->emitOpError("expects a size of at least 0 and at most ") << most << ", but found " << size;
}

LogicalResult Machine::expectRows(Operation *op, int64_t rows, int64_t width) {
  return failure(failed(expectSize(op, rows)) || failed(expectSize(op, rows * width)));
}

LogicalResult Machine::expectRoom(Operation *op, uint64_t length, uint64_t more) const {
  auto most = static_cast<uint64_t>(program.positions());
  if (length <= most && more <= most - length)
    return success();
  InFlightDiagnostic error = op->emitOpError("expects at most ")
                             << most << " positions (the capacity of " << program.capacity() << " and "
                             << program.positions() - program.capacity() << " beyond it), but needs " << length;
  if (more)
    error << " + " << more;
  return error;
}

LogicalResult Machine::expectToken(Operation *op, int64_t token) const {
  if (program.vocabulary() == 0 || (0 <= token && token < program.vocabulary()))
    return success(); // a module without a vocabulary has no model
  return op->emitOpError("expects tokens below ") << program.vocabulary() << ", but found " << token;
}

LogicalResult Machine::expectLabel(Operation *op, int64_t label) {
  if (label == static_cast<int32_t>(label))
    return success();
  return op->emitOpError("expects labels of 32 bits, but found ") << label;
}

LogicalResult Machine::expectEqual(Operation *op, StringRef what, size_t expected, size_t found) {
  if (expected == found)
    return success();
  return op->emitOpError("expects ") << expected << " " << what << ", but found " << found;
}

//===----------------------------------------------------------------------===//
// Regions and blocks
//===----------------------------------------------------------------------===//

FailureOr<Machine::Data> Machine::runRegion(Region &region, Data arguments) {
  Block *block = &region.front();
  while (true) {
    for (auto [argument, d] : llvm::zip_equal(block->getArguments(), arguments))
      set(argument, d);
    for (Operation &op : block->without_terminator())
      if (failed(evaluate(&op)))
        return failure();
    FailureOr<Block *> next = runTerminator(block->getTerminator(), arguments);
    if (failed(next))
      return failure();
    if (!*next)
      return arguments;
    // Loops of the phases without structured control flow are among these.
    if (failed(countRound(block->getParentOp())))
      return failure();
    block = *next;
  }
}

FailureOr<Block *> Machine::runTerminator(Operation *op, Data &arguments) {
  auto gather = [&](ValueRange operands) {
    Data data;
    for (Value v : operands) {
      auto it = values.find(v);
      data.push_back(it == values.end() ? Datum() : it->second);
    }
    return data;
  };
  auto go = [&](Block *block, ValueRange operands) -> FailureOr<Block *> {
    arguments = gather(operands);
    return block;
  };
  // The first arguments of the successor are results, the others live values.
  auto resume = [&](Block *block, FailureOr<Data> results, ValueRange live) -> FailureOr<Block *> {
    if (failed(results))
      return failure();
    arguments = std::move(*results);
    llvm::append_range(arguments, gather(live));
    return block;
  };

  return llvm::TypeSwitch<Operation *, FailureOr<Block *>>(op)
      .Case([&](cf::BranchOp br) { return go(br.getDest(), br.getDestOperands()); })
      .Case([&](cf::CondBranchOp br) -> FailureOr<Block *> {
        if (failed(expectDefined(op, br.getCondition())))
          return failure();
        return integer(br.getCondition()) ? go(br.getTrueDest(), br.getTrueDestOperands())
                                          : go(br.getFalseDest(), br.getFalseDestOperands());
      })
      .Case([&](cf::SwitchOp br) -> FailureOr<Block *> {
        if (failed(expectDefined(op, br.getFlag())))
          return failure();
        if (auto cases = br.getCaseValues())
          for (auto [i, value] : llvm::enumerate(*cases))
            if (value.getSExtValue() == integer(br.getFlag()))
              return go(br.getCaseDestinations()[i], br.getCaseOperands(i));
        return go(br.getDefaultDestination(), br.getDefaultOperands());
      })
      .Case([&](SuspendForwardOp suspend) -> FailureOr<Block *> {
        Operation::operand_range live = suspend.getLive();
        if (failed(expectDefined(op, op->getOperands().drop_back(live.size()))))
          return failure();
        return resume(suspend.getResume(), suspendedForward(suspend), live);
      })
      .Case([&](SuspendApplyOp suspend) -> FailureOr<Block *> {
        Operation::operand_range live = suspend.getLive();
        if (failed(expectDefined(op, op->getOperands().drop_back(live.size()))))
          return failure();
        return resume(suspend.getResume(), apply(op, suspend.getModelAttr(), suspend.getInputs()), live);
      })
      .Case([&](SuspendScoreOp suspend) -> FailureOr<Block *> {
        Operation::operand_range live = suspend.getLive();
        if (failed(expectDefined(op, op->getOperands().drop_back(live.size()))))
          return failure();
        return resume(suspend.getResume(), suspendedScore(suspend), live);
      })
      .Case([&](SuspendScoresOp suspend) -> FailureOr<Block *> {
        Operation::operand_range live = suspend.getLive();
        if (failed(expectDefined(op, op->getOperands().drop_back(live.size()))))
          return failure();
        return resume(suspend.getResume(), suspendedScores(suspend), live);
      })
      .Default([&](Operation *end) -> FailureOr<Block *> {
        if (end->getNumSuccessors())
          return end->emitOpError("expects a terminator that the interpreter knows");
        return go(nullptr, end->getOperands());
      });
}

LogicalResult Machine::evaluate(Operation *op) {
  if (isa<ub::PoisonOp>(op)) {
    set(op->getResult(0), Datum());
    return success();
  }
  // What is only carried into a loop may be poison; what an op looks at may not.
  if (!isa<scf::WhileOp, scf::ForOp, DenoiseOp, func::CallOp>(op) && failed(expectDefined(op, op->getOperands())))
    return failure();
  for (auto group :
       {&Machine::evaluateElementwise, &Machine::evaluateSequence, &Machine::evaluateVector, &Machine::evaluateTensor,
        &Machine::evaluateControl, &Machine::evaluateCall, &Machine::evaluateScore, &Machine::evaluateNamed})
    if (Answer answer = (this->*group)(op))
      return *answer;
  return op->emitOpError("expects an op that the interpreter knows");
}

//===----------------------------------------------------------------------===//
// Structured control flow and functions
//===----------------------------------------------------------------------===//

/// `scf.for` and `scf.while`: both carry values from one turn to the next.
LogicalResult Machine::loop(Operation *op) {
  auto data = [&](ValueRange operands) {
    Data d;
    for (Value v : operands)
      d.push_back(values.lookup(v));
    return d;
  };
  auto finish = [&](ArrayRef<Datum> results) {
    for (auto [result, d] : llvm::zip_equal(op->getResults(), results))
      set(result, d);
    return success();
  };

  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    if (failed(expectDefined(op, op->getOperands().take_front(3))))
      return failure();
    int64_t low = integer(loop.getLowerBound()), high = integer(loop.getUpperBound()), step = integer(loop.getStep());
    if (loop.getUnsignedCmp() ? step == 0 : step <= 0)
      return op->emitOpError("expects a step of at least 1, but found ") << step;
    // What is counted up to the end must be representable.
    Type type = loop.getStep().getType();
    uint64_t most = ~uint64_t(0) >> (64 - (type.isIndex() ? 64 : type.getIntOrFloatBitWidth()));
    if (!loop.getUnsignedCmp())
      most >>= 1;
    auto room = static_cast<int64_t>(most - (static_cast<uint64_t>(step) & most));
    bool fits =
        loop.getUnsignedCmp() ? (static_cast<uint64_t>(high) & most) <= static_cast<uint64_t>(room) : high <= room;
    if (step != 1 && !fits)
      return op->emitOpError("expects an end of at most ") << room << " with its step, but found " << high;
    Data carried = data(loop.getInitArgs());
    // Counted first: `low + step` may not be representable.
    bool any = loop.getUnsignedCmp() ? static_cast<uint64_t>(low) < static_cast<uint64_t>(high) : low < high;
    uint64_t turns =
        any ? (static_cast<uint64_t>(high) - static_cast<uint64_t>(low) - 1) / static_cast<uint64_t>(step) + 1 : 0;
    for (uint64_t i = 0; i < turns; ++i) {
      if (failed(countRound(op)))
        return failure();
      int64_t induction = static_cast<int64_t>(static_cast<uint64_t>(low) + i * static_cast<uint64_t>(step));
      carried.insert(carried.begin(), Number::ofInteger(induction));
      FailureOr<Data> next = runRegion(loop.getRegion(), std::move(carried));
      if (failed(next))
        return failure();
      carried = std::move(*next);
    }
    return finish(carried);
  }

  auto loop = cast<scf::WhileOp>(op);
  Data carried = data(loop.getInits());
  while (true) {
    if (failed(countRound(op)))
      return failure();
    FailureOr<Data> condition = runRegion(loop.getBefore(), std::move(carried));
    if (failed(condition) || failed(expectDefined(loop.getConditionOp(), loop.getConditionOp().getCondition())))
      return failure();
    Data passed(llvm::drop_begin(*condition));
    if (!std::get<Number>(condition->front()).integer)
      return finish(passed);
    FailureOr<Data> next = runRegion(loop.getAfter(), std::move(passed));
    if (failed(next))
      return failure();
    carried = std::move(*next);
  }
}

/// The text of an assertion. In those that passes make {0} and {1} stand for the numbers that it compares.
std::string Machine::assertionText(cf::AssertOp check) {
  std::string text = check.getMsg().str();
  auto compared = check.getArg().getDefiningOp<arith::CmpIOp>();
  if (!compared || isa<ShapedType>(compared.getLhs().getType()))
    return text;
  for (auto [i, operand] : llvm::enumerate(compared->getOperands())) {
    std::string place = "{" + std::to_string(i) + "}";
    if (size_t at = text.find(place); at != std::string::npos && values.contains(operand))
      text.replace(at, place.size(), std::to_string(integer(operand)));
  }
  return text;
}

Machine::Answer Machine::evaluateControl(Operation *op) {
  if (isa<scf::ForOp, scf::WhileOp>(op))
    return loop(op);
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    Region &region = integer(branch.getCondition()) ? branch.getThenRegion() : branch.getElseRegion();
    if (region.empty())
      return success();
    FailureOr<Data> results = runRegion(region, Data());
    if (failed(results))
      return failure();
    for (auto [result, d] : llvm::zip_equal(op->getResults(), *results))
      set(result, d);
    return success();
  }
  if (auto call = dyn_cast<func::CallOp>(op)) {
    auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(op, call.getCalleeAttr());
    if (!callee || callee.isExternal())
      return op->emitOpError("expects a function with a body, but found '") << call.getCallee() << "'";
    if (++depth > deepestCall)
      return op->emitOpError("expects calls at most ") << deepestCall << " deep, but found more";
    Data arguments;
    for (Value v : op->getOperands())
      arguments.push_back(values.lookup(v));
    llvm::DenseMap<Value, Datum> outer;
    std::swap(outer, values);
    FailureOr<Data> results = runRegion(callee.getBody(), std::move(arguments));
    values = std::move(outer);
    --depth;
    if (failed(results))
      return failure();
    for (auto [result, d] : llvm::zip_equal(op->getResults(), *results))
      set(result, d);
    return success();
  }
  if (auto check = dyn_cast<cf::AssertOp>(op)) {
    if (integer(check.getArg()))
      return success();
    return op->emitOpError("expects what it asserts, but ") << assertionText(check);
  }
  if (auto denoiseOp = dyn_cast<DenoiseOp>(op))
    return denoise(denoiseOp);
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Settings and results
//===----------------------------------------------------------------------===//

double Machine::numberOf(StringRef name, double otherwise) {
  if (auto it = request.settings.find(name.str()); it != request.settings.end())
    return it->second;
  Attribute value = decoder.getSettings().get(name);
  if (auto real = dyn_cast_if_present<FloatAttr>(value))
    return real.getValueAsDouble();
  if (auto integer = dyn_cast_if_present<IntegerAttr>(value))
    return static_cast<double>(integer.getInt());
  return otherwise;
}

SamplerNumbers Machine::samplerNumbers() {
  return {numberOf("temperature", 0), numberOf("top_k", 0), numberOf("top_p", 1)};
}

FailureOr<Result> Machine::run() {
  Sequence prompt;
  for (int32_t token : request.prompt)
    prompt.append(token, /*open=*/false, /*label=*/0);
  trace.begin(prompt);
  Datum most = Number::ofInteger(request.maxTokens);
  FailureOr<Data> ended = runRegion(decoder.getBody(), {datum(std::move(prompt)), most});
  if (failed(ended))
    return failure();

  // `quoin.return` ends the region: a sequence and a range of it.
  Operation *end = nullptr;
  for (Block &block : decoder.getBody())
    if (auto ret = dyn_cast<ReturnOp>(block.getTerminator()))
      end = ret;
  for (const Datum &d : *ended)
    if (std::holds_alternative<std::monostate>(d))
      return end->emitOpError("expects operands that are defined, but found poison");
  const auto &x = *std::get<std::shared_ptr<const Sequence>>((*ended)[0]);
  int64_t from = std::get<Number>((*ended)[1]).integer, to = std::get<Number>((*ended)[2]).integer;
  if (to < 0 || to > x.length())
    return end->emitOpError("expects an end in [0, ") << x.length() << "], but found " << to;
  if (from < 0 || from > to)
    return end->emitOpError("expects a start in [0, ") << to << "], but found " << from;
  trace.see(x);

  Result result;
  for (int64_t i = from; i < to; ++i)
    result.ids.push_back(x[i].token);
  auto isStop = [&](int32_t token) { return llvm::is_contained(stops(), token); };
  auto stop = llvm::find_if(result.ids, isStop);
  result.stopped = stop != result.ids.end();
  result.shown = std::min<size_t>(stop - result.ids.begin(), static_cast<size_t>(request.maxTokens));
  result.evaluations = evaluations;
  result.draftEvaluations = draftEvaluations;
  result.forwards = forwards;
  result.prefillTokens = prefillTokens;
  result.outputs = std::move(outputs);
  result.trace = trace.take();
  return result;
}
