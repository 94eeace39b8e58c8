//===- RowProgramKernel.cpp - a row program in vectors of 16 ---------------===//
//
// One row after the other; of each the sweeps of its schedule (dialects/stage/RowSchedule.h). A sweep is a nest of
// loops over its shape, the last dimension in vectors: four at a time where something is reduced, each with its own
// accumulator, then the vectors that remain, then the lanes that remain. Accumulators are joined by a fixed tree, so a
// reduction's order depends on its shape alone. All values of an iteration are computed before any is stored, which
// lets a result lie where an operand lay.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/RowEmitter.h"
#include "dialects/quoin/RowProgram.h"
#include "mlir/IR/AsmState.h"
#include "runtime/include/quoin/program.h"
#include "llvm/Support/xxhash.h"
#include <cstddef>

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;
using quoin::stage::RowSchedule;
using quoin::stage::Shape;
using quoin::stage::Sweep;
using quoin::stage::Task;

static Shape shapeOf(Value v) { return rowShapeOf(v.getType()); }

//===----------------------------------------------------------------------===//
// Sweeps
//===----------------------------------------------------------------------===//

void RowEmitter::store(const Task &task, Val value, const RowIndex &at) {
  RowIndex to = at;
  if (task.shift && task.along < to.outer.size())
    to.outer[task.along] = to.outer[task.along] + task.shift;
  else
    to.offset += task.shift;
  Val place = placeIn(task.whole, to);
  if (task.kind == Task::Keep)
    return storeTo(kept[task.to], task.to, value, place, at.count);
  Val base = results[task.row];
  if (program.results[task.row].storage == Storage::F32)
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

void RowEmitter::step(const Sweep &sweep, const RowIndex &at, int64_t number, Vals &sums) {
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

Vals RowEmitter::overLast(const Sweep &sweep, RowIndex at, Vals sums) {
  Block *before = outerBlock;
  outerBlock = kb.b.getInsertionBlock();
  int64_t size = sweep.shape.back(), each = accumulators(sweep), wide = each * KernelBuilder::lanes;
  int64_t whole = size / wide * wide;
  auto emit = [&](int64_t count, int64_t offset, int64_t number, Vals &carried) {
    RowIndex here = at;
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

Vals RowEmitter::overReduced(const Sweep &sweep, ArrayRef<size_t> reduced, RowIndex at, Vals sums) {
  if (reduced.empty())
    return overLast(sweep, at, sums);
  return kb.loop(kb.index(0), kb.index(sweep.shape[reduced.front()]), 1, sums, [&](Val i, ArrayRef<Val> carried) {
    at.outer[reduced.front()] = i;
    return overReduced(sweep, reduced.drop_front(), at, Vals(carried.begin(), carried.end()));
  });
}

void RowEmitter::overFree(const Sweep &sweep, ArrayRef<size_t> free, ArrayRef<size_t> reduced, RowIndex at) {
  if (!free.empty())
    return kb.loop(kb.index(0), kb.index(sweep.shape[free.front()]), 1, [&](Val i) {
      RowIndex next = at;
      next.outer[free.front()] = i;
      overFree(sweep, free.drop_front(), reduced, next);
    });
  Vals sums;
  for (const Task &task : sweep.tasks)
    if (auto reduce = reductionOf(task))
      sums.append(static_cast<size_t>(accumulators(sweep)), neutralOf(kb, rowCombiner(reduce), KernelBuilder::lanes));
  finish(sweep, at, overReduced(sweep, reduced, at, sums));
}

/// Accumulators become the elements of reductions.
void RowEmitter::finish(const Sweep &sweep, const RowIndex &at, ArrayRef<Val> sums) {
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
    RowIndex place;
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
  RowIndex at;
  at.outer.assign(sweep.shape.size() - 1, Val());
  overFree(sweep, free, reduced, at);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

RowEmitter::Bases RowEmitter::basesOf(ArrayRef<Val> all) const {
  auto take = [&](size_t count) {
    Vals taken(all.take_front(count));
    all = all.drop_front(count);
    return taken;
  };
  Bases bases;
  bases.arguments = take(program.body->getNumArguments());
  bases.results = take(program.results.size());
  bases.read = take(1)[0];
  if (program.has(RowFrom::Sequence)) {
    bases.groups = take(1)[0];
    bases.groupCount = take(1)[0];
  }
  bases.begin = take(1)[0];
  bases.end = take(1)[0];
  return bases;
}

Val RowEmitter::groupOf(const Bases &bases, Val slot) {
  return kb.loop(kb.index(0), bases.groupCount, 1, {kb.index(0)}, [&](Val g, ArrayRef<Val> found) -> Vals {
    Val group = kb.at(bases.groups, g * int64_t(sizeof(quoin_group_t)));
    auto field = [&](size_t offset) { return kb.load(kb.i64, kb.at(group, int64_t(offset))); };
    Val first = field(offsetof(quoin_group_t, first_row)), rows = field(offsetof(quoin_group_t, rows));
    Val isIn = kb.bitAnd(kb.compare(KernelBuilder::Compare::sge, slot, first),
                         kb.compare(KernelBuilder::Compare::slt, slot, first + rows));
    return {kb.select(isIn, g, found[0])};
  })[0];
}

void RowEmitter::findTable(const RowTable &table, BlockArgument argument, Val base) {
  Value column = program.body->getArgument(static_cast<unsigned>(table.column));
  Val number = isa<RankedTensorType>(column.getType()) ? kb.extend(kb.i64, kb.load(kb.i32, memory[column].base), true)
                                                       : numbers[column];
  RowMemory row{{}, table.storage};
  if (table.rows) {
    row.there = kb.bitAnd(kb.compare(KernelBuilder::Compare::sge, number, 0),
                          kb.compare(KernelBuilder::Compare::slt, number, table.rows));
    number = kb.select(row.there, number, kb.index(0));
  }
  row.base = table.depth ? gather(table, base, number) : kb.at(base, number * table.rowBytes);
  memory[argument] = row;
}

/// A column of packed tiles as a row of a table: on the stack, with zeros up to a whole vector.
Val RowEmitter::gather(const RowTable &table, Val base, Val number) {
  const int64_t line = lineBytes(table.storage), word = line / tileColumns, element = storageBytes(table.storage);
  const int64_t padded = stage::roundUp(table.depth, KernelBuilder::lanes);
  Val row = kb.stack(padded * element + 64);
  if (padded != table.depth)
    kb.store(kb.constant(kb.v16f, 0), kb.at(row, (padded - KernelBuilder::lanes) * element));
  Val column = kb.at(kb.at(base, kb.shiftRight(number, kb.index(6)) * stage::tileBytes(table.depth, {table.storage})),
                     kb.bitAnd(number, kb.index(tileColumns - 1)) * word);
  Type type = word == 4 ? kb.i32 : kb.i16;
  kb.loop(kb.index(0), kb.index(stage::productSteps(table.depth, table.storage)), 1,
          [&](Val i) { kb.store(kb.load(type, kb.at(column, i * line)), kb.at(row, i * word)); });
  return row;
}

/// Where the arguments of one row lie, and where its results go.
void RowEmitter::findRows(const Bases &bases, Val row) {
  Block &body = *program.body;
  Val slot, group;
  auto slotOf = [&] { return slot.kb ? slot : slot = kb.load(kb.i64, kb.at(bases.read, row * 8)); };
  auto placeOf = [&](RowFrom from) {
    if (from == RowFrom::Same)
      return row;
    if (from == RowFrom::Read)
      return slotOf();
    return group.kb ? group : group = groupOf(bases, program.readsSlots ? slotOf() : row);
  };
  size_t tables = body.getNumArguments() - program.tables.size();
  for (auto [i, argument, base] : llvm::enumerate(body.getArguments(), bases.arguments)) {
    if (i >= tables) {
      findTable(program.tables[i - tables], argument, base);
    } else if (i >= program.inputs.size()) {
      memory[argument] = {base}; // a vector
    } else if (const RowInput &input = program.inputs[i]; shapeOf(argument).empty()) {
      numbers[argument] = kb.extend(kb.i64, kb.load(kb.i32, kb.at(base, placeOf(input.from) * 4)), true);
    } else {
      int64_t bytes = rowBytes(rowElementsOf(argument.getType()), input.storage);
      memory[argument] = {kb.at(base, placeOf(input.from) * bytes), input.storage};
    }
  }
  auto given = cast<RowOp>(body.getTerminator()).getRows();
  for (auto [made, result, base] : llvm::zip_equal(given, program.results, bases.results))
    results.push_back(result.listed ? kb.load(kb.ptr, kb.at(base, row * 8))
                                    : kb.at(base, row * rowBytes(rowElementsOf(made.getType()), result.storage)));
}

void RowEmitter::emit(ArrayRef<Val> arguments) {
  Bases bases = basesOf(arguments);
  for (Operation &op : program.body->without_terminator()) {
    Value v = op.getResult(0);
    if (schedule.isKept(v) && !shapeOf(v).empty())
      kept[v] = kb.stack(RowSchedule::bytesOf(v));
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue()); dense && !dense.isSplat())
        memory[v] = {kb.table(dense)};
  }
  kb.loop(bases.begin, bases.end, 1, [&](Val row) {
    rowBlock = kb.b.getInsertionBlock();
    findRows(bases, row);
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
  os << (program.readsSlots ? "slots" : "");
  for (const RowInput &input : program.inputs)
    os << " " << static_cast<int>(input.from) << storageName(input.storage);
  for (const RowTable &table : program.tables)
    os << " of " << table.column << storageName(table.storage) << table.rowBytes << "x" << table.rows << "x"
       << table.depth;
  for (const RowResult &result : program.results)
    os << " " << storageName(result.storage) << (result.listed ? "*" : "");
  for (BlockArgument argument : program.body->getArguments())
    os << " " << argument.getType();
  AsmState state(program.body->getParentOp());
  for (Operation &op : *program.body)
    op.print(os << "\n", state);
  auto hash = llvm::xxh3_128bits(llvm::ArrayRef(reinterpret_cast<const uint8_t *>(text.data()), text.size()));
  std::string name = "rows_" + llvm::utohexstr(hash.high64) + llvm::utohexstr(hash.low64);
  SmallVector<Type> types(program.body->getNumArguments() + program.results.size() + 1, kb.ptr);
  if (program.has(RowFrom::Sequence))
    types.append({kb.ptr, kb.i64});
  types.append(2, kb.i64);
  return kb.function(name, types, [&](ArrayRef<Val> arguments) { RowEmitter(kb, program).emit(arguments); });
}
