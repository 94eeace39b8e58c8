//===- RowProgramKernel.cpp - a row program in vectors of 16 ---------------===//
//
// One row after the other; of each the sweeps of its schedule (dialects/stage/RowSchedule.h). A sweep is a nest of
// loops over its shape, the last dimension in vectors: four at a time where something is reduced, each with its own
// accumulator, then the vectors that remain, then the lanes that remain. Accumulators are joined by a fixed tree, so a
// reduction's order depends on its shape alone. All values of an iteration are computed before any is stored, which
// lets a result lie where an operand lay.
//
// Values that are not kept are computed where they are asked for, at an index; what does not depend on the innermost
// loop is computed in front of it, and what is one number of the row in front of all loops.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/Kernels.h"
#include "dialects/quoin/RowProgram.h"
#include "dialects/stage/RowSchedule.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AsmState.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/xxhash.h"
#include <limits>
#include <map>

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;
using quoin::stage::reducesLast;
using quoin::stage::RowSchedule;
using quoin::stage::Shape;
using quoin::stage::Sweep;
using quoin::stage::Task;
using Compare = KernelBuilder::Compare;

static Shape shapeOf(Value v) { return rowShapeOf(v.getType()); }
static Type elementOf(Value v) { return getElementTypeOrSelf(v.getType()); }

namespace {
/// The index of an element, and how many neighbours along the last dimension go with it.
struct At {
  Vals outer;
  Val last; ///< the last dimension's index, less `offset`
  int64_t offset = 0;
  int64_t lanes = 16; ///< 16, or 1 for a number
  int64_t count = 16; ///< lanes that exist
};

class RowEmitter {
public:
  RowEmitter(KernelBuilder &builder, const RowProgram &theProgram)
      : kb(builder), program(theProgram), schedule(*theProgram.body) {}

  void emit(ArrayRef<Val> arguments);

private:
  //===--------------------------------------------------------------------===//
  // Types and places
  //===--------------------------------------------------------------------===//

  Type machineType(Type element, int64_t lanes) {
    Type type = element.isIndex() ? kb.i64 : element;
    return lanes == 1 ? type : Type(kb.vec(type, lanes));
  }
  Val indexAt(const At &at) { return at.offset ? at.last + at.offset : at.last; }
  /// Where an index lies in a tensor of this shape.
  Val placeIn(Shape shape, const At &at) {
    if (shape.empty())
      return kb.index(0);
    Val place;
    for (auto [size, i] : llvm::zip(shape, at.outer))
      place = place.kb ? place * size + i : i;
    return place.kb ? place * shape.back() + indexAt(at) : indexAt(at);
  }

  //===--------------------------------------------------------------------===//
  // Elements
  //===--------------------------------------------------------------------===//

  Val element(Value v, const At &at);
  Val compute(Value v, const At &at);
  Val number(Value v);
  Val loadFrom(Val base, Value v, const At &at);
  void storeTo(Val base, Value whole, Val value, Val place, int64_t count);
  Val constant(arith::ConstantOp op, const At &at);
  Val reshaped(Value from, Value to, const At &at);
  Val sliced(tensor::ExtractSliceOp op, const At &at);
  Val spread(linalg::BroadcastOp op, const At &at);
  Val joined(linalg::ReduceOp op, const At &at);
  Val apply(Operation *op, ArrayRef<Val> in, int64_t lanes);
  Val added(arith::AddFOp op, const At &at);

  /// The product whose sum with something else is rounded once: nobody else reads it.
  arith::MulFOp fusedProduct(Value v) {
    auto product = v.getDefiningOp<arith::MulFOp>();
    return product && v.hasOneUse() && !schedule.isLoadedAt(v, level) ? product : arith::MulFOp();
  }

  /// Is one block in another, or the same?
  static bool isIn(Block *inner, Block *outer) {
    while (inner && inner != outer)
      inner = inner->getParentOp()->getBlock();
    return inner;
  }
  /// Can a value be used where the builder stands?
  bool isSeen(Val v) { return isIn(kb.b.getInsertionBlock(), v.value.getParentBlock()); }
  /// Goes back to the end of an outer block, in front of the loops that are being written in it.
  void hoistTo(Block *block) {
    Operation *inside = nullptr;
    for (Block *here = kb.b.getInsertionBlock(); here != block; here = inside->getBlock())
      inside = here->getParentOp();
    if (inside)
      kb.b.setInsertionPoint(inside);
  }

  //===--------------------------------------------------------------------===//
  // Sweeps
  //===--------------------------------------------------------------------===//

  void emitSweep(const Sweep &sweep);
  void overFree(const Sweep &sweep, ArrayRef<size_t> free, ArrayRef<size_t> reduced, At at);
  Vals overReduced(const Sweep &sweep, ArrayRef<size_t> reduced, At at, Vals sums);
  Vals overLast(const Sweep &sweep, At at, Vals sums);
  void step(const Sweep &sweep, const At &at, int64_t number, Vals &sums);
  void store(const Task &task, Val value, const At &at);
  void finish(const Sweep &sweep, const At &at, ArrayRef<Val> sums);

  static linalg::ReduceOp reductionOf(const Task &task) {
    return task.kind == Task::Reduce ? task.to.getDefiningOp<linalg::ReduceOp>() : linalg::ReduceOp();
  }
  /// Accumulators of a reduction in this sweep.
  static int64_t accumulators(const Sweep &sweep) {
    bool reduces = llvm::any_of(sweep.tasks, [](const Task &t) { return t.kind == Task::Reduce; });
    return reduces ? std::clamp<int64_t>(sweep.shape.back() / KernelBuilder::lanes, 1, 4) : 1;
  }
  Val neutral(Operation *joins, int64_t lanes);

  KernelBuilder &kb;
  const RowProgram &program;
  RowSchedule schedule;
  int level = 0;
  Block *rowBlock = nullptr;   ///< where numbers of the row are made
  Block *outerBlock = nullptr; ///< where numbers are made that the innermost loop does not change
  DenseMap<Value, Val> kept;   ///< where kept tensors lie
  DenseMap<Value, Val> memory; ///< where arguments and constants lie
  DenseMap<Value, Val> numbers;
  Vals results;
  /// Elements that were asked for already, by value and index.
  std::map<std::vector<const void *>, Val> known;
};
} // namespace

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Val RowEmitter::number(Value v) {
  if (auto done = numbers.find(v); done != numbers.end())
    return done->second;
  OpBuilder::InsertionGuard guard(kb.b);
  hoistTo(rowBlock);
  Block *before = std::exchange(outerBlock, nullptr);
  At at;
  at.lanes = at.count = 1;
  Val made = compute(v, at);
  outerBlock = before;
  return numbers[v] = made;
}

Val RowEmitter::element(Value v, const At &at) {
  if (shapeOf(v).empty()) {
    Val one = number(v);
    return at.lanes == 1 ? one : kb.splat(one, at.lanes);
  }
  std::vector<const void *> key{v.getAsOpaquePointer(), at.last.value.getAsOpaquePointer(),
                                reinterpret_cast<const void *>(at.offset), reinterpret_cast<const void *>(at.lanes)};
  for (Val i : at.outer)
    key.push_back(i.value.getAsOpaquePointer());
  if (auto done = known.find(key); done != known.end() && isSeen(done->second))
    return done->second;
  Val made = schedule.isLoadedAt(v, level) ? loadFrom(kept[v], v, at) : compute(v, at);
  return known[key] = made;
}

Val RowEmitter::loadFrom(Val base, Value v, const At &at) {
  Val from = kb.at(base, placeIn(shapeOf(v), at) * 4);
  Type element = elementOf(v);
  bool truth = element.isInteger(1);
  Type stored = machineType(truth ? kb.i32 : element, at.lanes);
  Val x = at.lanes == 1 ? kb.load(stored, from) : kb.cast(stored, kb.loadFloats(from, at.count));
  return truth ? kb.compare(Compare::ne, x, 0) : x;
}

void RowEmitter::storeTo(Val base, Value whole, Val value, Val place, int64_t count) {
  Val to = kb.at(base, place * 4);
  bool one = !isa<VectorType>(value.type());
  if (elementOf(whole).isInteger(1))
    value = kb.extend(one ? kb.i32 : Type(kb.v16i), value, false);
  if (one)
    kb.store(value, to);
  else
    kb.storeFloats(kb.cast(kb.v16f, value), to, count);
}

Val RowEmitter::constant(arith::ConstantOp op, const At &at) {
  Type element = elementOf(op), type = machineType(element, at.lanes);
  auto literalOf = [&](Attribute value) {
    if (auto real = dyn_cast<FloatAttr>(value))
      return kb.constant(type, real.getValueAsDouble());
    auto integer = cast<IntegerAttr>(value);
    return kb.integer(type,
                      element.isInteger(1) ? integer.getValue().getZExtValue() : integer.getValue().getSExtValue());
  };
  auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!dense)
    return literalOf(op.getValue());
  if (dense.isSplat())
    return literalOf(dense.getSplatValue<Attribute>());
  return loadFrom(memory[op], op, at);
}

/// Element `at` of `to`, which has the elements of `from` in another shape.
Val RowEmitter::reshaped(Value from, Value to, const At &at) {
  At source;
  source.lanes = at.lanes;
  source.count = at.count;
  Shape before = shapeOf(from), after = shapeOf(to);
  if (before.empty())
    return element(from, source);
  if (before.size() == 1) {
    source.last = placeIn(after, at);
  } else if (before.back() == after.back()) {
    source.last = at.last;
    source.offset = at.offset;
    Val place; // of the last dimension's lines
    for (auto [size, i] : llvm::zip(after, at.outer))
      place = place.kb ? place * size + i : i;
    for (int64_t size : llvm::reverse(before.drop_back().drop_front())) {
      source.outer.push_back(kb.remainder(place, kb.index(size)));
      place = kb.quotient(place, kb.index(size));
    }
    source.outer.push_back(place.kb ? place : kb.index(0));
    std::reverse(source.outer.begin(), source.outer.end());
  } else {
    // It lies in memory, or there is but one element.
    if (schedule.isLoadedAt(from, level))
      return loadFrom(kept[from], to, at);
    if (auto in = memory.find(from); in != memory.end())
      return loadFrom(in->second, to, at);
    source.outer.assign(before.size() - 1, kb.index(0));
    source.last = kb.index(0);
  }
  return element(from, source);
}

Val RowEmitter::sliced(tensor::ExtractSliceOp op, const At &at) {
  At from = at;
  auto moved = [&](Val i, int64_t offset, int64_t stride) {
    Val scaled = stride == 1 ? i : i * stride;
    return offset ? scaled + offset : scaled;
  };
  for (auto [i, offset, stride] : llvm::zip(from.outer, op.getStaticOffsets(), op.getStaticStrides()))
    i = moved(i, offset, stride);
  int64_t offset = op.getStaticOffsets().back(), stride = op.getStaticStrides().back();
  if (stride == 1) {
    from.offset += offset;
    return element(op.getSource(), from);
  }
  // Lane by lane, from memory.
  from.lanes = from.count = 1;
  from.offset = 0;
  Val first = moved(indexAt(at), offset, stride), all;
  for (int64_t lane = 0; lane < at.count; ++lane) {
    from.last = lane ? first + lane * stride : first;
    Val x = element(op.getSource(), from);
    if (at.lanes == 1)
      return x;
    all = lane ? kb.wrap(vector::InsertOp::create(kb.b, kb.loc, x, all, ArrayRef<int64_t>{lane})) : kb.splat(x);
  }
  return all;
}

Val RowEmitter::spread(linalg::BroadcastOp op, const At &at) {
  int64_t rank = static_cast<int64_t>(shapeOf(op->getResult(0)).size());
  bool alongLast = llvm::is_contained(op.getDimensions(), rank - 1);
  At from;
  from.lanes = alongLast ? 1 : at.lanes;
  from.count = alongLast ? 1 : at.count;
  for (int64_t d = 0; d < rank; ++d)
    if (!llvm::is_contained(op.getDimensions(), d))
      from.outer.push_back(d == rank - 1 ? at.last : at.outer[static_cast<size_t>(d)]);
  if (!from.outer.empty())
    from.last = from.outer.pop_back_val();
  from.offset = alongLast ? 0 : at.offset;
  if (!alongLast)
    return element(op.getInput(), from);
  Val one;
  {
    OpBuilder::InsertionGuard guard(kb.b);
    auto isOutside = [&](Val i) { return isIn(outerBlock, i.value.getParentBlock()); };
    if (outerBlock && (!from.last.kb || isOutside(from.last)) && llvm::all_of(from.outer, isOutside))
      hoistTo(outerBlock);
    one = element(op.getInput(), from);
  }
  return at.lanes == 1 ? one : kb.splat(one, at.lanes);
}

/// An element of a reduction that leaves the last dimension: its sum runs over the others, in order.
Val RowEmitter::joined(linalg::ReduceOp op, const At &at) {
  Value input = op.getInputs()[0];
  Operation *joins = rowCombiner(op);
  size_t rank = shapeOf(input).size();
  At from = at;
  from.outer.assign(rank - 1, Val());
  SmallVector<size_t> reduced;
  size_t next = 0;
  for (size_t d = 0; d + 1 < rank; ++d)
    if (llvm::is_contained(op.getDimensions(), static_cast<int64_t>(d)))
      reduced.push_back(d);
    else
      from.outer[d] = at.outer[next++];
  std::function<Val(size_t, Val)> over = [&](size_t depth, Val sum) -> Val {
    if (depth == reduced.size()) {
      if (auto product = isa<arith::AddFOp>(joins) ? fusedProduct(input) : arith::MulFOp())
        return kb.fma(element(product.getLhs(), from), element(product.getRhs(), from), sum);
      return apply(joins, {sum, element(input, from)}, at.lanes);
    }
    return kb.loop(kb.index(0), kb.index(shapeOf(input)[reduced[depth]]), 1, {sum},
                   [&](Val i, ArrayRef<Val> c) -> Vals {
                     Block *before = outerBlock;
                     outerBlock = kb.b.getInsertionBlock();
                     from.outer[reduced[depth]] = i;
                     Val result = over(depth + 1, c[0]);
                     outerBlock = before;
                     return {result};
                   })[0];
  };
  return over(0, element(op.getInits()[0], at));
}

Val RowEmitter::added(arith::AddFOp op, const At &at) {
  for (auto [product, other] : {std::pair(op.getLhs(), op.getRhs()), std::pair(op.getRhs(), op.getLhs())})
    if (arith::MulFOp fused = fusedProduct(product))
      return kb.fma(element(fused.getLhs(), at), element(fused.getRhs(), at), element(other, at));
  return apply(op, {element(op.getLhs(), at), element(op.getRhs(), at)}, at.lanes);
}

/// Of upstream's ops with the same meaning on machine types, a copy.
static Val copyOf(KernelBuilder &kb, Operation *op, ArrayRef<Val> in, Type type) {
  OperationState state(kb.loc, op->getName());
  for (Val v : in)
    state.addOperands(v.value);
  state.addTypes(type);
  state.addAttributes(op->getAttrs());
  return kb.wrap(kb.b.create(state)->getResult(0));
}

Val RowEmitter::apply(Operation *op, ArrayRef<Val> in, int64_t lanes) {
  Type type = machineType(elementOf(op->getResult(0)), lanes);
  auto intrinsic = [&](auto made) { return kb.wrap(made); };
  Val x = in[0];
  return TypeSwitch<Operation *, Val>(op)
      .Case([&](math::ExpOp) { return kb.exp(x); })
      .Case([&](math::Exp2Op) { return kb.exp2OfAny(x); })
      .Case([&](math::ExpM1Op) { return kb.expm1(x); })
      .Case([&](math::LogOp) { return kb.log(x); })
      .Case([&](math::Log2Op) { return kb.log2(x); })
      .Case([&](math::Log10Op) { return kb.log(x) * 0.4342944819032518; })
      .Case([&](math::Log1pOp) { return kb.log1p(x); })
      .Case([&](math::SqrtOp) { return kb.sqrt(x); })
      .Case([&](math::RsqrtOp) { return literal(x, 1.0) / kb.sqrt(x); })
      .Case([&](math::TanhOp) { return kb.tanh(x); })
      .Case([&](math::ErfOp) { return kb.erf(x); })
      .Case([&](math::SinOp) { return kb.sin(x); })
      .Case([&](math::CosOp) { return kb.cos(x); })
      .Case([&](math::CopySignOp) { return kb.copySign(x, in[1]); })
      .Case([&](math::FmaOp) { return kb.fma(x, in[1], in[2]); })
      .Case([&](math::AbsFOp) { return intrinsic(LLVM::FAbsOp::create(kb.b, kb.loc, type, x)); })
      .Case([&](math::FloorOp) { return intrinsic(LLVM::FFloorOp::create(kb.b, kb.loc, type, x)); })
      .Case([&](math::CeilOp) { return intrinsic(LLVM::FCeilOp::create(kb.b, kb.loc, type, x)); })
      .Case([&](math::TruncOp) { return intrinsic(LLVM::FTruncOp::create(kb.b, kb.loc, type, x)); })
      .Case([&](math::RoundEvenOp) { return intrinsic(LLVM::RoundEvenOp::create(kb.b, kb.loc, type, x)); })
      .Case([&](arith::IndexCastOp) {
        auto bits = [](Type t) { return getElementTypeOrSelf(t).getIntOrFloatBitWidth(); };
        if (bits(x.type()) == bits(type))
          return x;
        return bits(x.type()) < bits(type) ? kb.extend(type, x, true) : kb.truncate(type, x);
      })
      .Default([&](Operation *) { return copyOf(kb, op, in, type); });
}

Val RowEmitter::compute(Value v, const At &at) {
  if (auto argument = dyn_cast<BlockArgument>(v))
    return loadFrom(memory[v], v, at);
  return TypeSwitch<Operation *, Val>(v.getDefiningOp())
      .Case([&](arith::ConstantOp o) { return constant(o, at); })
      .Case<tensor::ExpandShapeOp, tensor::CollapseShapeOp>([&](auto o) { return reshaped(o.getSrc(), v, at); })
      .Case([&](tensor::ExtractSliceOp o) { return sliced(o, at); })
      .Case([&](tensor::SplatOp o) { return element(o.getInput(), at); })
      .Case([&](tensor::ExtractOp o) {
        At first;
        first.lanes = first.count = 1;
        first.outer.assign(std::max<size_t>(shapeOf(o.getTensor()).size(), 1) - 1, kb.index(0));
        first.last = kb.index(0);
        return element(o.getTensor(), first);
      })
      .Case([&](linalg::BroadcastOp o) { return spread(o, at); })
      .Case([&](linalg::ReduceOp o) { return joined(o, at); })
      .Case([&](arith::AddFOp o) { return added(o, at); })
      .Default([&](Operation *o) {
        Vals in;
        for (Value operand : o->getOperands())
          in.push_back(element(operand, at));
        return apply(o, in, at.lanes);
      });
}

//===----------------------------------------------------------------------===//
// Sweeps
//===----------------------------------------------------------------------===//

Val RowEmitter::neutral(Operation *joins, int64_t lanes) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Type type = machineType(elementOf(joins->getResult(0)), lanes);
  bool wide = getElementTypeOrSelf(type).isInteger(64);
  return TypeSwitch<Operation *, Val>(joins)
      .Case([&](arith::AddFOp) { return kb.constant(type, 0); })
      .Case([&](arith::MulFOp) { return kb.constant(type, 1); })
      .Case([&](arith::MaximumFOp) { return kb.constant(type, -infinity); })
      .Case([&](arith::MinimumFOp) { return kb.constant(type, infinity); })
      .Case([&](arith::MaxSIOp) { return kb.integer(type, wide ? INT64_MIN : INT32_MIN); })
      .Case([&](arith::MinSIOp) { return kb.integer(type, wide ? INT64_MAX : INT32_MAX); })
      .Default([&](Operation *) { return kb.integer(type, 0); });
}

void RowEmitter::store(const Task &task, Val value, const At &at) {
  At to = at;
  if (task.shift && task.along < to.outer.size())
    to.outer[task.along] = to.outer[task.along] + task.shift;
  else
    to.offset += task.shift;
  Val place = placeIn(task.whole, to);
  if (task.kind == Task::Keep)
    return storeTo(kept[task.to], task.to, value, place, at.count);
  Val base = results[task.row];
  if (program.results[task.row] == Storage::F32)
    return kb.storeFloats(kb.cast(kb.v16f, value), kb.at(base, place * 4), at.count); // f32 or i32
  // The other half of the last pair is zero.
  int64_t width = 1, count = at.count;
  for (int64_t d : task.whole)
    width *= d;
  bool atEnd = width % 2 && count < KernelBuilder::lanes;
  if (count < KernelBuilder::lanes)
    value = kb.select(kb.firstLanes(count), value, kb.constant(kb.v16f, 0));
  kb.storeHalves(kb.narrow(value), kb.at(base, place * 2), atEnd ? count + 1 : count);
}

void RowEmitter::step(const Sweep &sweep, const At &at, int64_t number, Vals &sums) {
  int64_t each = accumulators(sweep);
  size_t reduction = 0;
  Vals values;
  for (const Task &task : sweep.tasks) {
    auto reduce = reductionOf(task);
    if (!reduce) {
      values.push_back(element(task.value, at));
      continue;
    }
    Val &sum = sums[reduction++ * each + number];
    Operation *joins = rowCombiner(reduce);
    Val next;
    if (auto product = isa<arith::AddFOp>(joins) ? fusedProduct(task.value) : arith::MulFOp())
      next = kb.fma(element(product.getLhs(), at), element(product.getRhs(), at), sum);
    else
      next = apply(joins, {sum, element(task.value, at)}, at.lanes);
    sum = at.count == at.lanes ? next : kb.select(kb.firstLanes(at.count), next, sum);
    values.push_back({});
  }
  for (auto [task, value] : llvm::zip_equal(sweep.tasks, values))
    if (value.kb)
      store(task, value, at);
}

Vals RowEmitter::overLast(const Sweep &sweep, At at, Vals sums) {
  Block *before = outerBlock;
  outerBlock = kb.b.getInsertionBlock();
  int64_t size = sweep.shape.back(), each = accumulators(sweep), wide = each * KernelBuilder::lanes;
  int64_t whole = size / wide * wide;
  auto emit = [&](int64_t count, int64_t offset, int64_t number, Vals &carried) {
    At here = at;
    here.offset = offset;
    here.count = count;
    step(sweep, here, number, carried);
  };
  if (whole > 0)
    sums = kb.loop(kb.index(0), kb.index(whole), wide, sums, [&](Val i, ArrayRef<Val> carried) {
      Vals next(carried.begin(), carried.end());
      at.last = i;
      for (int64_t number = 0; number < each; ++number)
        emit(KernelBuilder::lanes, number * KernelBuilder::lanes, number, next);
      return next;
    });
  at.last = kb.index(0);
  for (int64_t from = whole, number = 0; from < size; from += KernelBuilder::lanes, ++number)
    emit(std::min(KernelBuilder::lanes, size - from), from, number, sums);
  outerBlock = before;
  return sums;
}

Vals RowEmitter::overReduced(const Sweep &sweep, ArrayRef<size_t> reduced, At at, Vals sums) {
  if (reduced.empty())
    return overLast(sweep, at, sums);
  return kb.loop(kb.index(0), kb.index(sweep.shape[reduced.front()]), 1, sums, [&](Val i, ArrayRef<Val> carried) {
    at.outer[reduced.front()] = i;
    return overReduced(sweep, reduced.drop_front(), at, Vals(carried.begin(), carried.end()));
  });
}

void RowEmitter::overFree(const Sweep &sweep, ArrayRef<size_t> free, ArrayRef<size_t> reduced, At at) {
  if (!free.empty())
    return kb.loop(kb.index(0), kb.index(sweep.shape[free.front()]), 1, [&](Val i) {
      At next = at;
      next.outer[free.front()] = i;
      overFree(sweep, free.drop_front(), reduced, next);
    });
  Vals sums;
  for (const Task &task : sweep.tasks)
    if (auto reduce = reductionOf(task))
      sums.append(static_cast<size_t>(accumulators(sweep)), neutral(rowCombiner(reduce), KernelBuilder::lanes));
  finish(sweep, at, overReduced(sweep, reduced, at, sums));
}

/// Accumulators become the elements of reductions.
void RowEmitter::finish(const Sweep &sweep, const At &at, ArrayRef<Val> sums) {
  for (const Task &task : sweep.tasks) {
    auto reduce = reductionOf(task);
    if (!reduce)
      continue;
    Operation *joins = rowCombiner(reduce);
    Vals parts(sums.take_front(static_cast<size_t>(accumulators(sweep))));
    sums = sums.drop_front(parts.size());
    while (parts.size() > 1) {
      Vals next;
      for (size_t i = 0; i + 1 < parts.size(); i += 2)
        next.push_back(apply(joins, {parts[i], parts[i + 1]}, KernelBuilder::lanes));
      if (parts.size() % 2)
        next.push_back(parts.back());
      parts = next;
    }
    // The tree over lanes narrows, so its ops are of any width.
    Val total = kb.reduceLanes(parts[0], [&](Val x, Val y) { return copyOf(kb, joins, {x, y}, x.type()); });
    At place;
    place.lanes = place.count = 1;
    for (size_t d = 0; d + 1 < sweep.shape.size(); ++d)
      if (!llvm::is_contained(reduce.getDimensions(), static_cast<int64_t>(d)))
        place.outer.push_back(at.outer[d]);
    if (!place.outer.empty())
      place.last = place.outer.pop_back_val();
    total = apply(joins, {element(reduce.getInits()[0], place), total}, 1);
    if (shapeOf(task.to).empty())
      numbers[task.to] = total;
    else
      storeTo(kept[task.to], task.to, total, placeIn(task.whole, place), 1);
  }
}

void RowEmitter::emitSweep(const Sweep &sweep) {
  level = sweep.level;
  SmallVector<size_t> free, reduced;
  for (size_t d = 0; d + 1 < sweep.shape.size(); ++d) {
    bool joins = llvm::any_of(sweep.tasks, [&](const Task &task) {
      auto reduce = reductionOf(task);
      return reduce && llvm::is_contained(reduce.getDimensions(), static_cast<int64_t>(d));
    });
    (joins ? reduced : free).push_back(d);
  }
  At at;
  at.outer.assign(sweep.shape.size() - 1, Val());
  overFree(sweep, free, reduced, at);
}

void RowEmitter::emit(ArrayRef<Val> arguments) {
  auto take = [&] {
    Val v = arguments.front();
    arguments = arguments.drop_front();
    return v;
  };
  Block &body = *program.body;
  Vals bases, outputs;
  for (size_t i = 0; i < body.getNumArguments(); ++i)
    bases.push_back(take());
  for (size_t i = 0; i < program.results.size(); ++i)
    outputs.push_back(take());
  Val read = take(), begin = take(), end = take();
  for (Operation &op : body.without_terminator()) {
    Value v = op.getResult(0);
    if (schedule.isKept(v) && !shapeOf(v).empty())
      kept[v] = kb.stack(RowSchedule::bytesOf(v));
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue()); dense && !dense.isSplat())
        memory[v] = kb.table(dense);
  }
  kb.loop(begin, end, 1, [&](Val row) {
    rowBlock = kb.b.getInsertionBlock();
    for (auto [i, argument, base] : llvm::enumerate(body.getArguments(), bases)) {
      bool isVector = i >= program.rows;
      if (isVector) {
        memory[argument] = base;
      } else if (shapeOf(argument).empty()) {
        Val slot = program.reads ? kb.load(kb.i64, kb.at(read, row * 8)) : row;
        numbers[argument] = kb.extend(kb.i64, kb.load(kb.i32, kb.at(base, slot * 4)), true);
      } else {
        memory[argument] = kb.at(base, row * rowBytes(rowElementsOf(argument.getType())));
      }
    }
    auto given = cast<RowOp>(body.getTerminator()).getRows();
    for (auto [row_, storage, base] : llvm::zip_equal(given, program.results, outputs))
      results.push_back(kb.at(base, row * rowBytes(rowElementsOf(row_.getType()), storage)));
    for (const Sweep &sweep : schedule.getSweeps())
      emitSweep(sweep);
  });
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

LLVM::LLVMFuncOp quoin::cpu::rowProgramKernel(KernelBuilder &kb, const RowProgram &program) {
  // Two programs of one text are one kernel.
  std::string text;
  llvm::raw_string_ostream os(text);
  os << program.rows << (program.reads ? " reads" : "");
  for (Storage s : program.results)
    os << " " << storageName(s);
  for (BlockArgument argument : program.body->getArguments())
    os << " " << argument.getType();
  AsmState state(program.body->getParentOp());
  for (Operation &op : *program.body)
    op.print(os << "\n", state);
  auto hash = llvm::xxh3_128bits(llvm::ArrayRef(reinterpret_cast<const uint8_t *>(text.data()), text.size()));
  std::string name = "rows_" + llvm::utohexstr(hash.high64) + llvm::utohexstr(hash.low64);
  SmallVector<Type> types(program.body->getNumArguments() + program.results.size() + 1, kb.ptr);
  types.append(2, kb.i64);
  return kb.function(name, types, [&](ArrayRef<Val> arguments) { RowEmitter(kb, program).emit(arguments); });
}
