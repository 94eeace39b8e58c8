//===- StepOp.cpp - what must hold of a step as a whole --------------------===//

#include "dialects/stage/StageDialect.h"
#include <map>

using namespace mlir;
using namespace quoin::stage;

void StepOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  for (auto [argument, name] : llvm::zip(region.getArguments(), ArrayRef<StringRef>{"ids", "positions", "read"}))
    setName(argument, name);
  for (BlockArgument column : region.getArguments().drop_front(std::min(3u, region.getNumArguments())))
    setName(column, "column");
}

/// More than there is of anything; sums of sizes below it do not overflow.
static constexpr int64_t mostBytes = int64_t(1) << 56;

bool StepOp::isFunction() {
  return llvm::any_of(getColumns(), [](BlockArgument column) {
    Space space = bufferOf(column).getSpace();
    return space == Space::Host || space == Space::Memory;
  });
}

HeadOp StepOp::getHead() { return dyn_cast<HeadOp>(getBody().front().back()); }

static LogicalResult verifyArguments(StepOp step) {
  // step_c1
  Builder b(step.getContext());
  auto column = [&](Space space, unsigned bits) {
    return BufferType::get(step.getContext(), space, 1, b.getIntegerType(bits));
  };
  Type expected[] = {column(Space::Row, 32), column(Space::Row, 32), column(Space::Read, 64)};
  TypeRange found = step.getBody().getArgumentTypes();
  auto isColumn = [](Type type) {
    auto buffer = dyn_cast<BufferType>(type);
    if (!buffer || buffer.getSpace() == Space::Read)
      return false;
    bool own = buffer.getSpace() == Space::Host || buffer.getSpace() == Space::Memory;
    return buffer.getElement().isF32() || (own ? buffer.getElement().isBF16() : buffer.getElement().isInteger(32));
  };
  if (found.size() >= 3 && llvm::equal(found.take_front(3), expected) && llvm::all_of(found.drop_front(3), isColumn))
    return success();
  InFlightDiagnostic error = step.emitOpError("expects arguments ");
  llvm::interleaveComma(expected, error);
  error << ", but found ";
  llvm::interleaveComma(step.getBody().getArgumentTypes(), error);
  return error;
}

static LogicalResult verifyBody(StepOp step) {
  // step_c2
  Block &body = step.getBody().front();
  if (body.empty() || !isa<HeadOp, ResultsOp>(body.back()))
    return step.emitOpError("expects a body that ends in 'stage.head' or 'stage.results'");
  for (Operation &op : body.without_terminator())
    if (!isa<StageOpInterface>(op))
      return op.emitOpError("expects a stage in a 'stage.step'");
  return success();
}

/// What is the host's is read and written where it lies.
static LogicalResult verifyHostRows(StepOp step) {
  Operation *end = &step.getBody().front().back();
  for (Operation &op : step.getBody().front()) {
    for (Value operand : op.getOperands()) {
      auto type = dyn_cast<BufferType>(operand.getType());
      if (!type)
        continue;
      // step_c9
      bool column = isa<BlockArgument>(operand);
      if ((type.getSpace() == Space::Memory && !isa<CacheOp>(op)) ||
          (type.getSpace() == Space::Host && column && !isa<AttendOp>(op)))
        return op.emitOpError(
                   "expects columns of 'host' as queries and of 'memory' as keys and values only, but found ")
               << type;
    }
    for (Value result : op.getResults()) {
      auto type = dyn_cast<BufferType>(result.getType());
      if (!type)
        continue;
      // step_c9
      if (type.getSpace() == Space::Memory)
        return op.emitOpError("expects rows of 'memory' from the host alone, but found ") << type;
      // step_c10
      if (type.getSpace() == Space::Host && (!result.hasOneUse() || *result.getUsers().begin() != end))
        return op.emitOpError("expects rows of 'host' that the step's end gives once, but found ")
               << llvm::range_size(result.getUses()) << " uses";
    }
  }
  // step_c11
  if (step.isFunction() && step.getHead())
    return end->emitOpError("expects no head in a step with columns of 'host' or 'memory'");
  return success();
}

/// Follows which buffer each place holds.
static LogicalResult verifyPlaces(StepOp step) {
  ArrayRef<int64_t> places = step.getPlaces().value_or(ArrayRef<int64_t>());
  int64_t total = 0;
  for (int64_t bytes : places) {
    // step_c3
    if (bytes <= 0 || bytes % 64 != 0 || bytes >= mostBytes - total)
      return step.emitOpError("expects places of positive multiples of 64 bytes below 2^56 in all, but found ")
             << bytes << " behind " << total;
    total += bytes;
  }
  SmallVector<Value> holds(places.size());
  for (Operation &op : step.getBody().front()) {
    for (OpOperand &operand : op.getOpOperands())
      // step_c5
      if (std::optional<int64_t> place = placeOf(operand.get());
          place && (*place < 0 || *place >= int64_t(places.size()) || holds[*place] != operand.get()))
        return op.emitOpError("expects an operand that is still in its place ")
               << *place << ", but another buffer was stored there";
    for (Value result : scratchResults(&op)) {
      std::optional<int64_t> place = placeOf(result);
      if (!place)
        continue;
      // step_c4
      int64_t bytes = bufferOf(result).getRowBytes();
      if (*place < 0 || *place >= int64_t(places.size()))
        return op.emitOpError("expects one of ") << places.size() << " places, but found place " << *place;
      if (bytes > places[*place])
        return op.emitOpError("expects a place of at least ")
               << bytes << " bytes, but place " << *place << " has " << places[*place];
      // step_c5
      if (holds[*place] && holds[*place].getDefiningOp() == &op)
        return op.emitOpError("expects a place for each result, but found place ") << *place << " twice";
      SmallVector<OpOperand *> donors;
      if (auto stage = dyn_cast<StageOpInterface>(op))
        donors = stage.getDonors(cast<OpResult>(result).getResultNumber());
      for (OpOperand &operand : op.getOpOperands())
        if (placeOf(operand.get()) == place &&
            (!llvm::is_contained(donors, &operand) || operand.get().getType() != result.getType()))
          return op.emitOpError("expects a place that none of its operands is in, but found place ") << *place;
      holds[*place] = result;
    }
  }
  return success();
}

static LogicalResult verifyWeights(StepOp step) {
  // step_c6
  std::map<int64_t, std::pair<int64_t, WeightAttr>> byEnd; // where a piece ends, where it begins
  for (Operation &op : step.getBody().front())
    for (WeightAttr weight : weightsOf(&op)) {
      if (!weight.isPacked())
        continue;
      int64_t begin = weight.getOffset(), end = begin + weight.getBytes();
      if (begin >= mostBytes)
        return op.emitOpError("expects a byte of the weight file below 2^56, but found ") << begin;
      auto other = byEnd.upper_bound(begin);
      if (other == byEnd.end() || other->second.first >= end) {
        byEnd[end] = {begin, weight};
        continue;
      }
      if (!other->second.second.isSameAs(weight) || other->second.first != begin)
        return op.emitOpError("expects weights that lie apart, but ") << weight << " meets " << other->second.second;
    }
  return success();
}

static LogicalResult verifyPages(StepOp step) {
  // step_c7
  int64_t page = step.getPage().value_or(0);
  std::map<int64_t, int64_t> byEnd; // where a layer ends, where it begins
  for (auto cache : step.getBody().getOps<CacheOp>()) {
    if (!cache.getOffset())
      continue;
    int64_t begin = *cache.getOffset(), bytes = cache.getPages().getType().getLayout().layerBytes();
    if (begin < 0 || begin % 64 != 0 || begin > page || bytes > page - begin)
      return cache.emitOpError("expects a layer of ")
             << bytes << " bytes inside a page of " << page << " at a multiple of 64, but found it at " << begin;
    auto other = byEnd.upper_bound(begin);
    if (other != byEnd.end() && other->second < begin + bytes)
      return cache.emitOpError("expects layers that lie apart in a page, but found one of ")
             << bytes << " bytes at " << begin << " and another one at " << other->second;
    byEnd[begin + bytes] = begin;
  }
  return success();
}

/// Words have one place.
static LogicalResult verifyWords(StepOp step) {
  // step_c8
  Value latest;
  for (Operation &op : step.getBody().front()) {
    for (Value operand : op.getOperands())
      if (isa<WordsType>(operand.getType()) && operand != latest)
        return op.emitOpError("expects the latest words of the step, but found others");
    if (auto masks = dyn_cast<MasksOp>(op))
      latest = masks.getWords();
  }
  return success();
}

LogicalResult StepOp::verifyRegions() {
  if (failed(verifyArguments(*this)) || failed(verifyBody(*this)) || failed(verifyHostRows(*this)))
    return failure();
  if (failed(verifyPlaces(*this)) || failed(verifyWeights(*this)))
    return failure();
  if (failed(verifyPages(*this)))
    return failure();
  return verifyWords(*this);
}
