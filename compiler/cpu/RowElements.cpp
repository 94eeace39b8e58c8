//===- RowElements.cpp - elements of the values of a row program -------------===//

#include "compiler/cpu/RowEmitter.h"
#include "dialects/quoin/RowProgram.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;
using quoin::stage::Shape;
using Compare = KernelBuilder::Compare;

static Shape shapeOf(Value v) { return rowShapeOf(v.getType()); }
static Type elementOf(Value v) { return getElementTypeOrSelf(v.getType()); }

Val RowEmitter::number(Value v) {
  if (auto done = numbers.find(v); done != numbers.end())
    return done->second;
  OpBuilder::InsertionGuard guard(kb.b);
  hoistTo(rowBlock);
  Block *before = std::exchange(outerBlock, nullptr);
  RowIndex at;
  at.lanes = at.count = 1;
  Val made = compute(v, at);
  outerBlock = before;
  return numbers[v] = made;
}

Val RowEmitter::element(Value v, const RowIndex &at) {
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
  Val made = schedule.isLoadedAt(v, level) ? loadFrom({kept[v]}, v, at) : compute(v, at);
  return known[key] = made;
}

/// Narrow numbers, widened.
Val RowEmitter::loadStored(Storage storage, Val address, const RowIndex &at) {
  bool one = at.lanes == 1;
  Type floats = one ? kb.f32 : Type(kb.v16f);
  Val x = one ? kb.load(kb.i16, address) : kb.loadHalves(address, at.count);
  if (storage == Storage::F16)
    return kb.toFloat(floats, kb.cast(one ? kb.b.getF16Type() : Type(kb.vec(kb.b.getF16Type())), x));
  Type wide = one ? kb.i32 : Type(kb.v16i);
  return kb.cast(floats, kb.shiftLeft(kb.extend(wide, x, false), kb.integer(wide, 16)));
}

Val RowEmitter::loadFrom(const RowMemory &from, Value v, const RowIndex &at) {
  Type element = elementOf(v);
  bool truth = element.isInteger(1);
  Type stored = machineType(kb, truth ? kb.i32 : element, at.lanes);
  Val address = kb.at(from.base, placeIn(shapeOf(v), at) * storageBytes(from.storage));
  Val x = from.storage != Storage::F32 ? loadStored(from.storage, address, at)
          : at.lanes == 1              ? kb.load(stored, address)
                                       : kb.cast(stored, kb.loadFloats(address, at.count));
  if (from.there.kb)
    x = kb.select(from.there, x, kb.cast(stored, kb.constant(at.lanes == 1 ? kb.f32 : Type(kb.v16f), 0)));
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

Val RowEmitter::constant(arith::ConstantOp op, const RowIndex &at) {
  Type element = elementOf(op);
  auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!dense)
    return literalOf(kb, op.getValue(), element, at.lanes);
  if (dense.isSplat())
    return literalOf(kb, dense.getSplatValue<Attribute>(), element, at.lanes);
  return loadFrom(memory[op], op, at);
}

/// Element `at` of `to`, which has the elements of `from` in another shape.
Val RowEmitter::reshaped(Value from, Value to, const RowIndex &at) {
  RowIndex source;
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
      return loadFrom({kept[from]}, to, at);
    if (auto in = memory.find(from); in != memory.end())
      return loadFrom(in->second, to, at);
    source.outer.assign(before.size() - 1, kb.index(0));
    source.last = kb.index(0);
  }
  return element(from, source);
}

Val RowEmitter::sliced(tensor::ExtractSliceOp op, const RowIndex &at) {
  RowIndex from = at;
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

Val RowEmitter::spread(linalg::BroadcastOp op, const RowIndex &at) {
  int64_t rank = static_cast<int64_t>(shapeOf(op->getResult(0)).size());
  bool alongLast = llvm::is_contained(op.getDimensions(), rank - 1);
  RowIndex from;
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
Val RowEmitter::joined(linalg::ReduceOp op, const RowIndex &at) {
  Value input = op.getInputs()[0];
  Operation *joins = rowCombiner(op);
  size_t rank = shapeOf(input).size();
  RowIndex from = at;
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

Val RowEmitter::added(arith::AddFOp op, const RowIndex &at) {
  for (auto [product, other] : {std::pair(op.getLhs(), op.getRhs()), std::pair(op.getRhs(), op.getLhs())})
    if (arith::MulFOp fused = fusedProduct(product))
      return kb.fma(element(fused.getLhs(), at), element(fused.getRhs(), at), element(other, at));
  return apply(op, {element(op.getLhs(), at), element(op.getRhs(), at)}, at.lanes);
}

Val RowEmitter::compute(Value v, const RowIndex &at) {
  if (auto argument = dyn_cast<BlockArgument>(v))
    return loadFrom(memory[v], v, at);
  return TypeSwitch<Operation *, Val>(v.getDefiningOp())
      .Case([&](arith::ConstantOp o) { return constant(o, at); })
      .Case<tensor::ExpandShapeOp, tensor::CollapseShapeOp>([&](auto o) { return reshaped(o.getSrc(), v, at); })
      .Case([&](tensor::ExtractSliceOp o) { return sliced(o, at); })
      .Case([&](tensor::SplatOp o) { return element(o.getInput(), at); })
      .Case([&](tensor::ExtractOp o) {
        RowIndex first;
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
