//===- ScanKernel.cpp - recurrences along the rows of sequences ------------===//
//
// An item is a head of a group; workers have as many items each, so a head's rows are one worker's. Of an item:
//
//   1. the states become zeros, or what the first row says, or what an earlier call left behind the row before
//   2. for each row in order, the row program of the body runs on the states, the head's part of the row and of the
//      weights. It puts the new states into a second place, and the two change their roles
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
  void begin(Val states, Val row, Val head);
  void copyStates(Val from, Val to);
  void runRow(Val row, Val head, Val states, Val next);

  KernelBuilder &kb;
  const ScanProgram &program;
  const ScanShape &shape;
  LLVM::LLVMFuncOp rowProgram;
  Vals inputs, initial, weights, outputs; ///< where they lie
  Vals inputPlaces, outputPlaces;         ///< of parts that do not lie together
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
  Val worker = take(), workers = take();
  auto makePlaces = [&](ArrayRef<HeadPart> parts, Vals &list) {
    for (const HeadPart &part : parts)
      list.push_back(part.isWhole() ? Val() : kb.stack(placeBytes(part.numbers())));
  };
  makePlaces(shape.inputs, inputPlaces);
  makePlaces(shape.outputs, outputPlaces);
  Val first = kb.stack(stateBytes(program)), second = kb.stack(stateBytes(program));

  Val groups = group(layers, offsetof(quoin_layers_t, groups));
  Val table = kb.load(kb.ptr, kb.at(layers, int64_t(offsetof(quoin_layers_t, group))));
  auto [from, to] = share(kb, groups * shape.heads, worker, workers);
  kb.loop(from, to, 1, [&](Val item) {
    Val head = kb.remainder(item, kb.index(shape.heads));
    Val own = kb.at(table, kb.quotient(item, kb.index(shape.heads)) * int64_t(sizeof(quoin_group_t)));
    Val row = group(own, offsetof(quoin_group_t, first_row)), rows = group(own, offsetof(quoin_group_t, rows));
    auto pointer = [&](size_t offset) { return kb.load(kb.ptr, kb.at(own, static_cast<int64_t>(offset))); };
    auto keptOf = [&](Val state) { return kb.at(kb.at(state, program.kept), head * stateBytes(program)); };
    kb.when(
        kb.compare(Compare::sgt, group(own, offsetof(quoin_group_t, first_slot)), 0),
        [&] { copyStates(keptOf(pointer(offsetof(quoin_group_t, state))), first); }, [&] { begin(first, row, head); });
    auto run = [&](Val until, Val begins, ArrayRef<Val> places) {
      return kb.loop(begins, until, 1, places, [&](Val r, ArrayRef<Val> carried) -> Vals {
        runRow(r, head, carried[0], carried[1]);
        return {carried[1], carried[0]};
      });
    };
    Val keep = group(own, offsetof(quoin_group_t, state_rows)), middle = row + keep;
    Vals places = run(middle, row, {first, second});
    kb.when(kb.compare(Compare::sgt, keep, 0),
            [&] { copyStates(places[0], keptOf(pointer(offsetof(quoin_group_t, state_out)))); });
    run(row + rows, middle, places);
  });
}

LLVM::LLVMFuncOp quoin::cpu::scanKernel(KernelBuilder &kb, const ScanProgram &program) {
  RowProgram rows{program.body, program.shape.states + program.shape.inputs.size(), {}, false, {}};
  rows.results.assign(program.shape.states + program.shape.outputs.size(), Storage::F32);
  LLVM::LLVMFuncOp body = rowProgramKernel(kb, rows);
  // Two scans of one body whose heads and states lie alike are one kernel.
  std::string name = "scan_" + std::to_string(program.shape.heads) + "_" + std::to_string(program.kept);
  size_t pointers = 1;
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
