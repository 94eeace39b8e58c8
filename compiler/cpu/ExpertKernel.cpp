//===- ExpertKernel.cpp - rows times the weights of the experts they chose --------===//
//
// Each row chose some experts, and a step shall read no matrix that nobody chose. Steps, of each worker by itself:
//
//   1. count the rows of each expert, on the stack, and clear those of its own rows' results that no expert makes
//   2. lay the tiles of all experts with rows end to end, in order, by what they cost: reading one, and what its rows
//      take. The worker has the tiles that start in its part of the whole, as in AttentionKernel.cpp
//   3. of an expert with such tiles, list the rows (of the step, and their choice) in their order: where they lie and
//      where their results go
//   4. for each tile pass over the list as a product does (LinearKernel.cpp), from the same kernels: only that the rows
//      lie anywhere. What is fetched ahead is the next tile that this worker reads, be it another expert's
//
// Who chose what is looked at again for each expert, 16 choices at a time: that is nothing beside the expert's matrix,
// and spares a sorted list that all workers would have to wait for. The sums of a row with an expert are those of a
// product of one row, whoever else chose it.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/Kernels.h"
#include "compiler/cpu/RowFunctions.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace quoin::cpu;
using Compare = KernelBuilder::Compare;

namespace {
/// Entries of a list: rows of an expert that are multiplied while its matrix is in the caches.
int64_t listedOf(const KernelOptions &options) { return options.threads ? 512 : 4096; }
/// What reading a tile costs, in rows multiplied with it.
constexpr int64_t tileCost = 3;

class ExpertEmitter {
public:
  ExpertEmitter(KernelBuilder &builder, const ExpertShape &theShape, ArrayRef<Val> a)
      : kb(builder), shape(theShape), x(a[0]), choices(a[1]), weight(a[2]), out(a[3]), rows(a[4]), worker(a[5]),
        workers(a[6]) {}

  void emit();

private:
  const LinearShape &product() const { return shape.product; }
  Val countOf(Val expert) { return kb.extend(kb.i64, kb.load(kb.i32, kb.at(counts, expert * 4)), false); }
  Val choiceOf(Val row, Val choice) { return kb.load(kb.i32, kb.at(choices, row * shape.choiceBytes() + choice * 4)); }
  Val matrixOf(Val expert) { return kb.at(weight, expert * shape.expertBytes()); }
  Val costOf(Val count) {
    return kb.select(kb.compare(Compare::sgt, count, 0), (count + tileCost) * product().tiles(), kb.index(0));
  }

  void countRows();
  void clearOthers();
  void eachMatch(Val expert, Val row, Val filled, function_ref<Val(Val choice, Val filled)> found);
  Val list(Val expert, Val from, Val to);
  Val nextWithRows(Val expert);
  void multiply(Val expert, Val from, Val to);
  LLVM::LLVMFuncOp finish(int64_t width);

  KernelBuilder &kb;
  const ExpertShape &shape;
  Val x, choices, weight, out, rows, worker, workers;
  Val counts, inputs, outputs, sums;
};
} // namespace

static std::string nameOf(const ExpertShape &s) {
  StringRef arithmetic = storageName(storageOf(s.product.arithmetic));
  return ("experts_" + Twine(s.experts) + "_" + Twine(s.choices) + "_" + Twine(s.product.k) + "x" + Twine(s.product.n) +
          "_" + arithmetic + (s.each ? "_each" : "") + formulaName(s.product.end))
      .str();
}

void ExpertEmitter::countRows() {
  counts = kb.stack(roundUp(shape.experts * 4, 64));
  kb.loop(kb.index(0), kb.index(roundUp(shape.experts, 16)), 16,
          [&](Val e) { kb.store(kb.integer(kb.v16i, 0), kb.at(counts, e * 4), 64); });
  kb.loop(kb.index(0), rows, 1, [&](Val row) {
    kb.loop(kb.index(0), kb.index(shape.choices), 1, [&](Val j) {
      Val expert = choiceOf(row, j);
      kb.when(kb.compare(Compare::ult, expert, shape.experts), [&] {
        Val count = kb.at(counts, kb.extend(kb.i64, expert, false) * 4);
        kb.store(kb.load(kb.i32, count) + 1, count);
      });
    });
  });
}

/// Results of choices that are no expert's number.
void ExpertEmitter::clearOthers() {
  auto [begin, end] = share(kb, rows, worker, workers);
  kb.loop(begin, end, 1, [&](Val row) {
    kb.loop(kb.index(0), kb.index(shape.choices), 1, [&](Val j) {
      kb.when(kb.compare(Compare::uge, choiceOf(row, j), shape.experts), [&] {
        Val own = kb.at(out, row * shape.outputBytes() + j * (product().n * 4));
        overWidth(kb, product().n,
                  [&](Val byte, int64_t floats) { kb.storeFloats(kb.constant(kb.v16f, 0), kb.at(own, byte), floats); });
      });
    });
  });
}

/// Lists the rows [from, to) that chose the expert; how many.
Val ExpertEmitter::list(Val expert, Val from, Val to) {
  Val wanted = kb.splat(kb.truncate(kb.i32, expert));
  return kb.loop(from, to, 1, {kb.index(0)}, [&](Val row, ArrayRef<Val> carried) -> Vals {
    Val filled = carried[0];
    for (int64_t first = 0; first < shape.choices; first += KernelBuilder::lanes) {
      // Rows have whole vectors; what is behind the last choice may be anything.
      int64_t lanes = std::min(KernelBuilder::lanes, shape.choices - first);
      Val sixteen = kb.load(kb.v16i, kb.at(choices, row * shape.choiceBytes() + first * 4));
      Val same = kb.cast(kb.i16, kb.compare(Compare::eq, sixteen, wanted));
      Val bits = kb.bitAnd(kb.extend(kb.i64, same, false), kb.index((int64_t(1) << lanes) - 1));
      filled = kb.loopWhile(
          {bits, filled}, [&](ArrayRef<Val> c) { return kb.compare(Compare::ne, c[0], 0); },
          [&](ArrayRef<Val> c) -> Vals {
            Val j = kb.zerosBelow(c[0]) + first;
            Val input = row * shape.inputBytes();
            kb.store(shape.each ? input + j * (product().k * 4) : input, kb.at(inputs, c[1] * 8));
            kb.store(row * shape.outputBytes() + j * (product().n * 4), kb.at(outputs, c[1] * 8));
            return {kb.bitAnd(c[0], c[0] - 1), c[1] + 1};
          })[1];
    }
    return {filled};
  })[0];
}

/// The next expert behind this one that has rows; itself if there is none.
Val ExpertEmitter::nextWithRows(Val expert) {
  Val next = kb.loopWhile(
      {expert + 1},
      [&](ArrayRef<Val> c) {
        return kb.choose(
            kb.compare(Compare::slt, c[0], shape.experts),
            [&]() -> Vals { return {kb.compare(Compare::eq, countOf(c[0]), 0)}; },
            [&]() -> Vals { return {kb.integer(kb.i1, 0)}; })[0];
      },
      [&](ArrayRef<Val> c) -> Vals { return {c[0] + 1}; })[0];
  return kb.select(kb.compare(Compare::slt, next, shape.experts), next, expert);
}

/// (sums, list of places, out, rows): what follows the sums of rows of one tile, of which `width` columns exist. Behind
/// them lie those of the next choice.
LLVM::LLVMFuncOp ExpertEmitter::finish(int64_t width) {
  std::string name = (nameOf(shape) + "_finish_" + Twine(width)).str();
  return kb.function(name, {kb.ptr, kb.ptr, kb.ptr, kb.i64}, [&](ArrayRef<Val> a) {
    kb.loop(kb.index(0), a[3], 1, [&](Val row) {
      int64_t vectors = 4 / product().sources;
      auto sum = [&](int64_t v) {
        Vals numbers;
        for (int64_t source = 0; source < product().sources; ++source)
          numbers.push_back(kb.load(kb.v16f, kb.at(kb.at(a[0], row * 256), (source * vectors + v) * 64), 64));
        return product().end ? emitFormula(kb, *product().end, numbers) : numbers[0];
      };
      Val to = kb.at(a[2], kb.load(kb.i64, kb.at(a[1], row * 8)));
      for (int64_t v = 0; v * KernelBuilder::lanes < width; ++v)
        kb.storeFloats(sum(v), kb.at(to, v * 64), std::min(KernelBuilder::lanes, width - v * KernelBuilder::lanes));
    });
  });
}

/// Tiles [from, to) of an expert, for all its rows.
void ExpertEmitter::multiply(Val expert, Val from, Val to) {
  Val matrix = matrixOf(expert), next = matrixOf(nextWithRows(expert));
  int64_t tail = product().n % product().tileOutputs();
  Val full = kb.index(product().n / product().tileOutputs()), last = to - 1;
  Val together = kb.index(listedOf(kb.options) / shape.choices);
  kb.loopBy(kb.index(0), rows, together, [&](Val row) {
    Val count = list(expert, row, kb.min(row + together, rows));
    RowPasses passes(kb, count);
    kb.loop(from, to, 1, [&](Val tile) {
      Val here = kb.at(matrix, tile * product().tileBytes());
      Val ahead = kb.select(kb.compare(Compare::eq, tile, last), next, kb.at(here, product().tileBytes()));
      passes.each(here, ahead, product().tileBytes(), [&](const RowPass &pass) {
        kb.call(passKernel(kb, product().arithmetic, RowsLie::Anywhere),
                {x, kb.at(inputs, pass.row * 8), here, kb.index(product().k), sums, pass.prefetch, pass.rows,
                 pass.eighths});
        auto end = [&](int64_t width) {
          kb.call(finish(width),
                  {sums, kb.at(outputs, pass.row * 8), kb.at(out, tile * (product().tileOutputs() * 4)), pass.rows});
        };
        if (!tail)
          return end(product().tileOutputs());
        kb.when(kb.compare(Compare::eq, tile, full), [&] { end(tail); }, [&] { end(product().tileOutputs()); });
      });
    });
  });
}

void ExpertEmitter::emit() {
  countRows();
  clearOthers();
  inputs = kb.stack(listedOf(kb.options) * 8);
  outputs = kb.stack(listedOf(kb.options) * 8);
  sums = kb.stack(maxPassRows * 256);
  Val experts = kb.index(shape.experts), zero = kb.index(0);
  Val total =
      kb.loop(zero, experts, 1, {zero}, [&](Val e, ArrayRef<Val> c) -> Vals { return {c[0] + costOf(countOf(e))}; })[0];
  Val low = kb.quotient(total * worker, workers), high = kb.quotient(total * (worker + 1), workers);
  kb.loop(zero, experts, 1, {zero}, [&](Val e, ArrayRef<Val> c) -> Vals {
    Val count = countOf(e), each = count + tileCost, start = c[0], end = start + costOf(count);
    Val mine = kb.bitAnd(kb.compare(Compare::slt, start, high), kb.compare(Compare::sgt, end, low));
    kb.when(mine, [&] {
      // Tiles that start in [low, high).
      Val from = kb.ceilDiv(kb.max(low - start, zero), each);
      Val to = kb.min(kb.ceilDiv(high - start, each), kb.index(product().tiles()));
      kb.when(kb.compare(Compare::slt, from, to), [&] { multiply(e, from, to); });
    });
    return {end};
  });
}

LLVM::LLVMFuncOp quoin::cpu::expertKernel(KernelBuilder &kb, const ExpertShape &shape) {
  SmallVector<Type> types{kb.ptr, kb.ptr, kb.ptr, kb.ptr, kb.i64, kb.i64, kb.i64};
  return kb.function(nameOf(shape), types, [&](ArrayRef<Val> a) { ExpertEmitter(kb, shape, a).emit(); });
}
