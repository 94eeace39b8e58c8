//===- ScanKernel.cpp - recurrences along the rows of sequences ------------===//
//
// An item is a head of a group; workers have as many items each, so a head's rows are one worker's. Of an item:
//
//   1. the states become zeros, or what the first row says, or what an earlier call left behind the row before
//   2. for each row in order, the row program of the body runs on the states, the head's part of the row and of the
//      weights. It puts the new states into a second place, and the two change their roles
//
// With `seen` a row goes on from another one's states, which lie in a buffer beside the rows where it is not the next
// row alone that does: of a text none do, of a tree those of nodes that branch.
//
// Behind the row that the group says the states are copied to where a later call may go on from. States lie on the
// worker's stack from the first row to the last, in the first cache. Parts of a row that do not lie together are copied
// there, too. How many rows there are, and who runs them, changes no bit of a row.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/ScanKernel.h"
#include "dialects/quoin/RowProgram.h"
#include "runtime/include/quoin/program.h"
#include <cstddef>

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;
using Compare = KernelBuilder::Compare;

/// A place for numbers, whole vectors of which may be touched.
static int64_t placeBytes(int64_t numbers) { return stage::stateBytes(numbers); }

static int64_t stateBytes(const ScanProgram &program) {
  int64_t bytes = 0;
  for (size_t i = 0; i < program.shape.states; ++i)
    bytes += placeBytes(rowElementsOf(program.body->getArgument(static_cast<unsigned>(i)).getType()));
  return bytes;
}

int64_t quoin::cpu::scanStackBytes(const ScanProgram &program) {
  int64_t bytes = 2 * stateBytes(program);
  for (const SmallVector<HeadPart> &list : {program.shape.inputs, program.shape.outputs})
    for (const HeadPart &part : list)
      bytes += part.isWhole() ? 0 : placeBytes(part.numbers());
  return bytes;
}

namespace {
class ScanEmitter {
public:
  ScanEmitter(KernelBuilder &builder, const ScanProgram &theProgram, LLVM::LLVMFuncOp body)
      : kb(builder), program(theProgram), shape(theProgram.shape), rowProgram(body) {}

  void emit(ArrayRef<Val> arguments);

private:
  void copy(int64_t numbers, Val from, Val to) {
    overWidth(kb, numbers, [&](Val byte, int64_t floats) {
      kb.storeFloats(kb.loadFloats(kb.at(from, byte), floats), kb.at(to, byte), floats);
    });
  }
  /// Copies a head's part out of all of them, or into them.
  void copyPart(const HeadPart &part, Val all, Val own, bool into) {
    for (int64_t outer = 0; outer < part.outer; ++outer) {
      Val there = kb.at(all, outer * part.heads * part.inner * 4), here = kb.at(own, outer * part.inner * 4);
      into ? copy(part.inner, here, there) : copy(part.inner, there, here);
    }
  }
  /// Where the first number of the head is, among those of a row.
  Val startOf(const HeadPart &part, Val base, Val row, Val head) {
    Val own = kb.at(base, row * rowBytes(part.allNumbers()));
    return part.isShared() ? own : kb.at(own, head * (part.inner * 4));
  }
  Val group(Val base, size_t offset) { return kb.load(kb.i64, kb.at(base, static_cast<int64_t>(offset))); }
  Val pointer(Val base, size_t offset) { return kb.load(kb.ptr, kb.at(base, static_cast<int64_t>(offset))); }
  /// The head's states in what a pointer of the group says.
  Val keptAt(Val own, size_t offset, Val head) {
    return kb.at(kb.at(pointer(own, offset), program.kept), head * stateBytes(program));
  }
  void begin(Val states, Val row, Val head);
  void copyStates(Val from, Val to);
  void runAlong(Val own, Val head);
  Val wordOf(Val row, Val head);
  void findParents(Val own, Val head);
  void runSeen(Val own, Val head);
  Val lastSeen(Val own, Val local);
  void runRow(Val row, Val head, Val states, Val next);

  KernelBuilder &kb;
  const ScanProgram &program;
  const ScanShape &shape;
  LLVM::LLVMFuncOp rowProgram;
  Vals inputs, initial, weights, outputs; ///< where they lie
  Vals inputPlaces, outputPlaces;         ///< of parts that do not lie together
  Val first, second;                      ///< states on the stack
  Val kept;                               ///< those behind each row, with `seen`
};
} // namespace

/// The states before the first row.
void ScanEmitter::begin(Val states, Val row, Val head) {
  int64_t offset = 0;
  for (size_t i = 0; i < shape.states; ++i) {
    int64_t numbers = rowElementsOf(program.body->getArgument(static_cast<unsigned>(i)).getType());
    Val place = kb.at(states, offset);
    if (initial.empty())
      overWidth(kb, numbers,
                [&](Val byte, int64_t floats) { kb.storeFloats(kb.constant(kb.v16f, 0), kb.at(place, byte), floats); });
    else
      copyPart(shape.initial[i], startOf(shape.initial[i], initial[i], row, head), place, false);
    offset += placeBytes(numbers);
  }
}

void ScanEmitter::copyStates(Val from, Val to) {
  int64_t offset = 0;
  for (size_t i = 0; i < shape.states; ++i) {
    int64_t numbers = rowElementsOf(program.body->getArgument(static_cast<unsigned>(i)).getType());
    copy(numbers, kb.at(from, offset), kb.at(to, offset));
    offset += placeBytes(numbers);
  }
}

void ScanEmitter::runRow(Val row, Val head, Val states, Val next) {
  Vals given, made;
  int64_t offset = 0;
  for (size_t i = 0; i < shape.states; ++i) {
    given.push_back(kb.at(states, offset));
    made.push_back(kb.at(next, offset));
    offset += placeBytes(rowElementsOf(program.body->getArgument(static_cast<unsigned>(i)).getType()));
  }
  for (auto [part, base, place] : llvm::zip_equal(shape.inputs, inputs, inputPlaces)) {
    Val own = startOf(part, base, row, head);
    if (place.kb)
      copyPart(part, own, place, false);
    given.push_back(place.kb ? place : own);
  }
  for (auto [part, base] : llvm::zip_equal(shape.weights, weights))
    given.push_back(part.isShared() ? base : kb.at(base, head * headBytes(part)));
  for (auto [part, base, place] : llvm::zip_equal(shape.outputs, outputs, outputPlaces))
    made.push_back(place.kb ? place : startOf(part, base, row, head));
  Vals arguments(given);
  arguments.append(made);
  arguments.append({kb.null(), kb.index(0), kb.index(1)});
  kb.call(rowProgram, arguments);
  for (auto [part, base, place] : llvm::zip_equal(shape.outputs, outputs, outputPlaces))
    if (place.kb)
      copyPart(part, startOf(part, base, row, head), place, true);
}

void ScanEmitter::runAlong(Val own, Val head) {
  Val row = group(own, offsetof(quoin_group_t, first_row)), rows = group(own, offsetof(quoin_group_t, rows));
  kb.when(
      kb.compare(Compare::sgt, group(own, offsetof(quoin_group_t, first_slot)), 0),
      [&] { copyStates(keptAt(own, offsetof(quoin_group_t, state), head), first); }, [&] { begin(first, row, head); });
  auto run = [&](Val until, Val begins, ArrayRef<Val> places) {
    return kb.loop(begins, until, 1, places, [&](Val r, ArrayRef<Val> carried) -> Vals {
      runRow(r, head, carried[0], carried[1]);
      return {carried[1], carried[0]};
    });
  };
  Val keep = group(own, offsetof(quoin_group_t, state_rows)), middle = row + keep;
  Vals places = run(middle, row, {first, second});
  kb.when(kb.compare(Compare::sgt, keep, 0),
          [&] { copyStates(places[0], keptAt(own, offsetof(quoin_group_t, state_out), head)); });
  run(row + rows, middle, places);
}

/// The last slot before that of a group's row which the row sees, or -1.
Val ScanEmitter::lastSeen(Val own, Val local) {
  Val tiles = kb.ceilDiv(group(own, offsetof(quoin_group_t, slots)), QUOIN_PAGE_SLOTS);
  Val block = kb.shiftRight(local, kb.index(6)), before = block * QUOIN_PAGE_SLOTS;
  Val together = kb.min(group(own, offsetof(quoin_group_t, rows)) - before, kb.index(QUOIN_PAGE_SLOTS));
  Val words = kb.at(pointer(own, offsetof(quoin_group_t, words)), (before * tiles + (local - before)) * 8);
  Val classes = kb.at(pointer(own, offsetof(quoin_group_t, tiles)), block * tiles);
  Val slot = group(own, offsetof(quoin_group_t, first_slot)) + local, last = kb.shiftRight(slot, kb.index(6));
  Val below = kb.shiftLeft(kb.index(1), kb.bitAnd(slot, kb.index(63))) - 1;
  return kb.loopWhile(
      {last, kb.index(-1)},
      [&](ArrayRef<Val> c) {
        Val more = kb.compare(Compare::sge, c[0], 0), none = kb.compare(Compare::slt, c[1], 0);
        return kb.bitAnd(more, none);
      },
      [&](ArrayRef<Val> c) -> Vals {
        Val tile = c[0], kind = kb.extend(kb.i64, kb.load(kb.i8, kb.at(classes, tile)), false);
        // Only partial tiles have words.
        Val bits = kb.choose(
            kb.compare(Compare::eq, kind, 1),
            [&]() -> Vals { return {kb.load(kb.i64, kb.at(words, tile * together * 8))}; },
            [&]() -> Vals { return {kb.select(kb.compare(Compare::eq, kind, 2), kb.index(-1), kb.index(0))}; })[0];
        bits = kb.bitAnd(bits, kb.select(kb.compare(Compare::eq, tile, last), below, kb.index(-1)));
        Val highest = tile * QUOIN_PAGE_SLOTS + (kb.index(63) - kb.zerosAbove(bits));
        return {tile - 1, kb.select(kb.compare(Compare::eq, bits, 0), kb.index(-1), highest)};
      })[1];
}

/// Where a row's word is: the slot before it that it goes on from, plus one, and in the lowest bit whether a row other
/// than the next goes on from it. The head's part of the first result has room until the row runs.
Val ScanEmitter::wordOf(Val row, Val head) { return startOf(shape.outputs[0], outputs[0], row, head); }

void ScanEmitter::findParents(Val own, Val head) {
  Val row = group(own, offsetof(quoin_group_t, first_row)), rows = group(own, offsetof(quoin_group_t, rows));
  Val firstSlot = group(own, offsetof(quoin_group_t, first_slot));
  kb.loop(kb.index(0), rows, 1, [&](Val local) {
    Val parent = lastSeen(own, local), there = parent - firstSlot;
    kb.store(kb.truncate(kb.i32, (parent + 1) * 2), wordOf(row + local, head));
    kb.when(kb.compare(Compare::sge, there, 0), [&] {
      kb.when(kb.compare(Compare::slt, there, local - 1), [&] {
        Val place = wordOf(row + there, head);
        kb.store(kb.bitOr(kb.load(kb.i32, place), kb.integer(kb.i32, 1)), place);
      });
    });
  });
}

/// As `runAlong` where a row goes on from the one before. States that others go on from lie in the buffer; of slots
/// before the group's first the last one's are kept: none but that is seen without a later one.
void ScanEmitter::runSeen(Val own, Val head) {
  Val row = group(own, offsetof(quoin_group_t, first_row)), rows = group(own, offsetof(quoin_group_t, rows));
  Val firstSlot = group(own, offsetof(quoin_group_t, first_slot));
  Val keep = group(own, offsetof(quoin_group_t, state_rows));
  int64_t bytes = shape.heads * stateBytes(program);
  auto statesOf = [&](Val r) { return kb.at(kept, r * rowBytes(bytes / 4) + head * stateBytes(program)); };
  // Where heads share the first result, its rows are no one's.
  bool marks = shape.heads == 1 || !shape.outputs[0].isShared();
  if (marks)
    findParents(own, head);
  kb.loop(kb.index(0), rows, 1, Vals{first, second}, [&](Val local, ArrayRef<Val> places) -> Vals {
    Val now = places[0], next = places[1];
    Val word = marks ? kb.extend(kb.i64, kb.load(kb.i32, wordOf(row + local, head)), false)
                     : (lastSeen(own, local) + 1) * 2 + 1;
    Val parent = kb.shiftRight(word, kb.index(1)) - 1, there = parent - firstSlot;
    auto beforeTheRows = [&]() -> Vals {
      return kb.choose(
          kb.compare(Compare::sge, parent, 0),
          [&]() -> Vals { return {keptAt(own, offsetof(quoin_group_t, state), head)}; },
          [&]() -> Vals {
            begin(now, row, head);
            return {now};
          });
    };
    auto amongTheRows = [&]() -> Vals {
      return {kb.select(kb.compare(Compare::eq, there, local - 1), now, statesOf(row + there))};
    };
    Val from = kb.choose(kb.compare(Compare::sge, there, 0), amongTheRows, beforeTheRows)[0];
    runRow(row + local, head, from, next);
    kb.when(kb.compare(Compare::ne, kb.bitAnd(word, kb.index(1)), 0), [&] { copyStates(next, statesOf(row + local)); });
    kb.when(kb.compare(Compare::eq, local + 1, keep),
            [&] { copyStates(next, keptAt(own, offsetof(quoin_group_t, state_out), head)); });
    return {next, now};
  });
}

void ScanEmitter::emit(ArrayRef<Val> arguments) {
  auto take = [&] {
    Val v = arguments.front();
    arguments = arguments.drop_front();
    return v;
  };
  Val layers = take();
  auto takeAll = [&](ArrayRef<HeadPart> parts, Vals &list) {
    for (size_t i = 0; i < parts.size(); ++i)
      list.push_back(take());
  };
  takeAll(shape.inputs, inputs);
  takeAll(shape.initial, initial);
  takeAll(shape.weights, weights);
  takeAll(shape.outputs, outputs);
  if (program.seen)
    kept = take();
  Val worker = take(), workers = take();
  auto makePlaces = [&](ArrayRef<HeadPart> parts, Vals &list) {
    for (const HeadPart &part : parts)
      list.push_back(part.isWhole() ? Val() : kb.stack(placeBytes(part.numbers())));
  };
  makePlaces(shape.inputs, inputPlaces);
  makePlaces(shape.outputs, outputPlaces);
  first = kb.stack(stateBytes(program));
  second = kb.stack(stateBytes(program));

  Val groups = group(layers, offsetof(quoin_layers_t, groups));
  Val table = kb.load(kb.ptr, kb.at(layers, int64_t(offsetof(quoin_layers_t, group))));
  auto [from, to] = share(kb, groups * shape.heads, worker, workers);
  kb.loop(from, to, 1, [&](Val item) {
    Val head = kb.remainder(item, kb.index(shape.heads));
    Val own = kb.at(table, kb.quotient(item, kb.index(shape.heads)) * int64_t(sizeof(quoin_group_t)));
    program.seen ? runSeen(own, head) : runAlong(own, head);
  });
}

LLVM::LLVMFuncOp quoin::cpu::scanKernel(KernelBuilder &kb, const ScanProgram &program) {
  RowProgram rows{program.body};
  rows.inputs.resize(program.shape.states + program.shape.inputs.size());
  rows.results.resize(program.shape.states + program.shape.outputs.size());
  LLVM::LLVMFuncOp body = rowProgramKernel(kb, rows);
  // Two scans of one body whose heads and states lie alike are one kernel.
  std::string name = (program.seen ? "scan_seen_" : "scan_") + std::to_string(program.shape.heads) + "_" +
                     std::to_string(program.kept);
  size_t pointers = program.seen ? 2 : 1;
  for (auto [letter, list] : {std::pair("i", &program.shape.inputs), std::pair("s", &program.shape.initial),
                              std::pair("w", &program.shape.weights), std::pair("o", &program.shape.outputs)}) {
    name += std::string("_") + letter;
    for (const HeadPart &part : *list)
      name += std::to_string(part.outer) + (part.isShared() ? "a" : "h") + std::to_string(part.inner);
    pointers += list->size();
  }
  name += "_" + body.getName().str();
  SmallVector<Type> types(pointers, kb.ptr);
  types.append(2, kb.i64);
  return kb.function(name, types, [&](ArrayRef<Val> arguments) { ScanEmitter(kb, program, body).emit(arguments); });
}
