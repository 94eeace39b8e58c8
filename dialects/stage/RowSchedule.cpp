//===- RowSchedule.cpp - levels, kept values, sweeps -----------------------===//

#include "dialects/stage/RowSchedule.h"
#include "dialects/quoin/RowProgram.h"
#include "dialects/stage/Geometry.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <map>

using namespace mlir;
using namespace quoin;
using namespace quoin::stage;

static Shape shapeOf(Value v) { return rowShapeOf(v.getType()); }

static int64_t elementsOf(Value v) { return rowElementsOf(v.getType()); }

static bool isReshape(Operation *op) { return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op); }

bool quoin::stage::reducesLast(linalg::ReduceOp op) {
  return llvm::is_contained(op.getDimensions(), static_cast<int64_t>(shapeOf(op.getInputs()[0]).size()) - 1);
}

/// A reshape whose operand can be asked for the elements of its result, 16 neighbours at a time.
static bool readsInOrder(Operation *reshape) {
  Shape before = shapeOf(reshape->getOperand(0)), after = shapeOf(reshape->getResult(0));
  return before.size() <= 1 || elementsOf(reshape->getOperand(0)) == 1 ||
         (!after.empty() && before.back() == after.back());
}

/// Is a value a result of the program, perhaps in another shape, and nothing else?
static bool isOnlyGiven(Value v) {
  return llvm::all_of(v.getUsers(), [](Operation *user) {
    return isa<RowOp>(user) || (isReshape(user) && isOnlyGiven(user->getResult(0)));
  });
}

RowSchedule::RowSchedule(Block &theBody) : body(theBody) {
  keepWhatIsReadInAnotherOrder();
  chooseLevels();
  keepWhatCosts();
  for (Operation &op : body.without_terminator())
    addTasks(&op);
  for (auto [i, v] : llvm::enumerate(cast<RowOp>(body.getTerminator()).getRows()))
    give(static_cast<unsigned>(i), v);
  std::vector<Sweep> found = std::exchange(sweeps, {});
  for (int level = 0; sweeps.size() < found.size(); ++level)
    for (Sweep &sweep : found)
      if (sweep.level == level)
        sweeps.push_back(std::move(sweep));
}

//===----------------------------------------------------------------------===//
// What is kept
//===----------------------------------------------------------------------===//

void RowSchedule::keepWhatIsReadInAnotherOrder() {
  auto keep = [&](Value v) {
    // Arguments and constants lie in memory, or are the same everywhere.
    if (Operation *op = v.getDefiningOp(); op && !isa<arith::ConstantOp>(op))
      apart.insert(v);
  };
  for (Operation &op : body.without_terminator()) {
    if (isa<linalg::ReduceOp>(op))
      keep(op.getResult(0));
    else if (isa<tensor::ConcatOp>(op) && !isOnlyGiven(op.getResult(0)))
      keep(op.getResult(0));
    else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op); slice && slice.getStaticStrides().back() != 1)
      keep(slice.getSource());
    else if (isReshape(&op) && !readsInOrder(&op) && !isOnlyGiven(op.getResult(0)))
      keep(op.getOperand(0));
  }
}

void RowSchedule::chooseLevels() {
  for (Operation &op : body.without_terminator()) {
    Value v = op.getResult(0);
    int level = 0;
    for (Value operand : op.getOperands())
      level = std::max(level, levelOf(operand));
    if (apart.contains(v))
      madeAt[v] = level++;
    levels[v] = level;
  }
}

/// The last level at which a value is computed if it is not kept.
int RowSchedule::lastNeed(Value v) {
  if (auto known = needs.find(v); known != needs.end())
    return known->second;
  int need = levelOf(v);
  for (Operation *user : v.getUsers()) {
    if (isa<RowOp>(user)) // given at its own level
      continue;
    Value made = user->getResult(0);
    bool isMade = isKept(made);
    need = std::max(need, isMade ? madeAt[made] : lastNeed(made));
  }
  return needs[v] = need;
}

/// Operations to compute an element of a value again.
int64_t RowSchedule::costOf(Value v) {
  Operation *op = v.getDefiningOp();
  if (!op || isKept(v) || shapeOf(v).empty())
    return 0;
  if (auto known = costs.find(v); known != costs.end())
    return known->second;
  int64_t cost = isa<math::SqrtOp, math::RsqrtOp, arith::DivFOp>(op)               ? 4
                 : isa<math::AbsFOp, math::FmaOp, math::FloorOp, math::CeilOp>(op) ? 1
                 : op->getDialect() && isa<math::MathDialect>(op->getDialect())    ? 20
                 : isRowFunction(op)                                               ? 1
                                                                                   : 0;
  for (Value operand : op->getOperands())
    cost += costOf(operand);
  return costs[v] = cost;
}

void RowSchedule::keepWhatCosts() {
  constexpr int64_t aLoadAndAStore = 8;
  for (Operation &op : body.without_terminator()) {
    Value v = op.getResult(0);
    if (!shapeOf(v).empty() && !isKept(v) && isRowFunction(&op) && !getElementTypeOrSelf(v).isInteger(1) &&
        !fusedProduct(v) && lastNeed(v) > levelOf(v) && costOf(v) > aLoadAndAStore)
      madeAt[v] = levelOf(v);
  }
}

//===----------------------------------------------------------------------===//
// Sweeps
//===----------------------------------------------------------------------===//

void RowSchedule::add(int level, Task task) {
  // A reduction over more than the last dimension has loops of its own.
  auto reduce = task.kind == Task::Reduce ? task.to.getDefiningOp<linalg::ReduceOp>() : linalg::ReduceOp();
  bool alone = reduce && reduce.getDimensions().size() > 1;
  Shape shape = shapeOf(task.value);
  auto fits = [&](const Sweep &sweep) {
    auto other = sweep.tasks.front().kind == Task::Reduce ? sweep.tasks.front().to.getDefiningOp<linalg::ReduceOp>()
                                                          : linalg::ReduceOp();
    return sweep.level == level && sweep.shape == shape && !(other && other.getDimensions().size() > 1);
  };
  auto sweep = alone ? sweeps.end() : llvm::find_if(sweeps, fits);
  if (sweep != sweeps.end())
    sweep->tasks.push_back(task);
  else
    sweeps.push_back({level, shape, {task}});
}

void RowSchedule::addTasks(Operation *op) {
  Value v = op->getResult(0);
  if (!isKept(v) || v.use_empty())
    return;
  auto reduce = dyn_cast<linalg::ReduceOp>(op);
  if (reduce && reducesLast(reduce))
    return add(madeAt[v], {Task::Reduce, reduce.getInputs()[0], v, 0, shapeOf(v)});
  auto concat = dyn_cast<tensor::ConcatOp>(op);
  if (!concat)
    return add(madeAt[v], {Task::Keep, v, v, 0, shapeOf(v)});
  size_t along = concat.getDim();
  int64_t shift = 0;
  for (Value part : concat.getInputs()) {
    add(madeAt[v], {Task::Keep, part, v, 0, shapeOf(v), along, shift});
    shift += shapeOf(part)[along];
  }
}

void RowSchedule::give(unsigned row, Value value) {
  // Its elements in order, whatever the shape; one element without a shape has no sweep.
  while (!isKept(value) && value.getDefiningOp() && isReshape(value.getDefiningOp()) &&
         !shapeOf(value.getDefiningOp()->getOperand(0)).empty())
    value = value.getDefiningOp()->getOperand(0);
  auto concat = isKept(value) ? tensor::ConcatOp() : value.getDefiningOp<tensor::ConcatOp>();
  if (!concat)
    return add(levelOf(value), {Task::Give, value, {}, row, shapeOf(value)});
  size_t along = concat.getDim();
  int64_t shift = 0;
  for (Value part : concat.getInputs()) {
    add(levelOf(value), {Task::Give, part, {}, row, shapeOf(value), along, shift});
    shift += shapeOf(part)[along];
  }
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

int64_t RowSchedule::bytesOf(Value kept) {
  constexpr int64_t vector = 16;
  return roundUp((elementsOf(kept) + vector) * 4, 64);
}

int64_t RowSchedule::getKeptBytes() const {
  int64_t bytes = 0;
  for (auto [v, level] : madeAt)
    bytes += shapeOf(v).empty() ? 0 : bytesOf(v);
  return bytes;
}

namespace {
/// A number that is linear in a sweep's indices: a factor each, then a constant.
using Linear = SmallVector<int64_t, 5>;

/// The index of an element, dimension by dimension.
using Index = SmallVector<Linear, 4>;

Linear times(Linear x, int64_t by) {
  for (int64_t &factor : x)
    factor *= by;
  return x;
}

Linear plus(Linear x, const Linear &y) {
  for (auto [a, b] : llvm::zip_equal(x, y))
    a += b;
  return x;
}

/// Where an index lies in a tensor of a shape.
Linear placeIn(Shape shape, const Index &index, size_t factors) {
  Linear place(factors, 0);
  for (auto [size, i] : llvm::zip_equal(shape, index))
    place = plus(times(place, size), i);
  return place;
}

/// Which elements of an argument an element of a value is made of.
class Reads {
public:
  Reads(const RowSchedule &schedule, BlockArgument argument, const Sweep &sweep)
      : schedule(schedule), argument(argument), sweep(sweep), factors(sweep.shape.size() + 1) {
    for (const Task &task : sweep.tasks)
      of(task.value, own());
  }

  std::vector<Linear> places;
  bool known = true;

  /// The place where a task writes.
  Linear placeOf(const Task &task) const {
    Index index = own();
    if (!index.empty())
      index[task.along].back() += task.shift;
    return placeIn(task.whole, index, factors);
  }

private:
  /// The sweep's own index.
  Index own() const {
    Index index;
    for (size_t d = 0; d + 1 < factors; ++d) {
      index.emplace_back(factors, 0);
      index.back()[d] = sweep.shape[d] > 1;
    }
    return index;
  }

  void of(Value v, const Index &index) {
    if (v == argument) {
      places.push_back(placeIn(shapeOf(v), index, factors));
      return;
    }
    Operation *op = v.getDefiningOp();
    if (!op || schedule.isLoadedAt(v, sweep.level) || isa<arith::ConstantOp>(op))
      return;
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
      Index from = index;
      for (auto [i, offset, stride] : llvm::zip_equal(from, slice.getStaticOffsets(), slice.getStaticStrides())) {
        i = times(i, stride);
        i.back() += offset;
      }
      return of(slice.getSource(), from);
    }
    if (isReshape(op) && shapeOf(op->getOperand(0)).size() == 1)
      return of(op->getOperand(0), {placeIn(shapeOf(v), index, factors)});
    if (isRowFunction(op)) {
      for (Value operand : op->getOperands())
        if (shapeOf(operand) == shapeOf(v))
          of(operand, index);
        else
          anywhere(operand);
      return;
    }
    for (Value operand : op->getOperands())
      anywhere(operand);
  }

  /// Fails to know if the value is made of the argument in any way.
  void anywhere(Value v) {
    Operation *op = v.getDefiningOp();
    if (v == argument)
      known = false;
    else if (op && !schedule.isLoadedAt(v, sweep.level))
      for (Value operand : op->getOperands())
        anywhere(operand);
  }

  const RowSchedule &schedule;
  BlockArgument argument;
  const Sweep &sweep;
  size_t factors;
};
} // namespace

bool RowSchedule::mayTakePlace(unsigned argument, unsigned row) const {
  bool given = false;
  for (const Sweep &sweep : sweeps) {
    Reads reads(*this, body.getArgument(argument), sweep);
    // Read after something was written.
    if (given && (!reads.known || !reads.places.empty()))
      return false;
    std::vector<Linear> written;
    for (const Task &task : sweep.tasks)
      if (task.kind == Task::Give && task.row == row)
        written.push_back(reads.placeOf(task));
    if (written.empty())
      continue;
    given = true;
    if (!reads.known ||
        !llvm::all_of(reads.places, [&](const Linear &place) { return llvm::is_contained(written, place); }))
      return false;
  }
  return given;
}
