//===- AttentionKernel.cpp - streaming softmax over pages ----------------------===//
//
// A row is a (token, query head) pair of one key head, so that grouped heads share the loads of its keys. Rows come in
// quads, which fill the registers, and up to four quads make a tile, which passes over the pages once while they are in
// the cache. For each page of 64 keys, in slot order, and each quad:
//   1. the rows' words say who is seen; if nobody sees anything, the page is not touched;
//   2. 4 x 64 scores, one accumulator each, over the features in order;
//   3. new maximum, rescaling factor, exponentials (base 2: log2(e) is folded into the scale);
//   4. 4 x head_dim sums of values, over the keys in order.
//
// A quad takes a page if any of its rows sees a key there. For the rows that do not, the page must change nothing:
// their maximum stays, the factor is exp2(0) = 1 exactly, all exponentials are replaced by 0. Thus a row's bits depend
// on its own query, keys and words alone. The maximum starts at a large negative finite number so that nothing is ever
// infinite minus infinite. Values beyond the last slot are never multiplied: the page may hold anything there.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/Kernels.h"
#include "runtime/include/quoin/program.h"
#include "llvm/ADT/Twine.h"
#include <cstddef>
#include <limits>

using namespace mlir;
using namespace quoin::cpu;
using Compare = KernelBuilder::Compare;

namespace {
constexpr int64_t quadRows = 4;
constexpr int64_t tileRows = 4 * quadRows;
constexpr double lowest = -1e30;

struct AttentionEmitter {
  KernelBuilder &kb;
  const AttentionShape &shape;
  const PageLayout &page = shape.page;
  int64_t ratio = shape.heads / page.kvHeads;
  int64_t valueVectors = page.valueWidth() / 16;

  // On the stack. Of a quad: probabilities [4][64]. Of each row of a tile: its sums of values, its sum of exponentials
  // in 16 lanes, its maximum, and where its query, result, words (and logarithm of the sum) lie.
  Val probabilities, sums, exponentials, maxima, queries, outputs, words, lses;

  AttentionEmitter(KernelBuilder &builder, const AttentionShape &s) : kb(builder), shape(s) {
    probabilities = kb.stack(quadRows * 256);
    sums = kb.stack(tileRows * page.valueWidth() * 4);
    exponentials = kb.stack(tileRows * 64);
    maxima = kb.stack(tileRows * 4);
    for (Val *pointers : {&queries, &outputs, &words, &lses})
      *pointers = kb.stack(tileRows * 8);
  }

  Val field(Type type, Val base, size_t offset) { return kb.load(type, kb.at(base, int64_t(offset))); }
  Val sumsAt(Val row, int64_t vector) { return kb.at(kb.at(sums, row * (valueVectors * 64)), vector * 64); }
  Val pointer(Val pointers, Val row) { return kb.load(kb.ptr, kb.at(pointers, row * 8)); }

  /// 16 flags of a word.
  Val flags(Val word, int64_t quarter) {
    return kb.cast(kb.vec(kb.i1), kb.truncate(kb.i16, kb.shiftRight(word, kb.index(16 * quarter))));
  }

  /// Steps 2 to 4 for the quad of rows from `row` on and one page.
  void onePage(Val row, ArrayRef<Val> word, Val keys, Val keyCount) {
    Vals query, factors;
    for (int64_t r = 0; r < quadRows; ++r)
      query.push_back(pointer(queries, row + r));
    auto scores = productTile(kb, query, keys, kb.index(page.headDim), 4, Storage::F32);
    for (int64_t r = 0; r < quadRows; ++r) {
      Val maximumAt = kb.at(maxima, (row + r) * 4), exponentialsAt = kb.at(exponentials, (row + r) * 64);
      Val before = kb.load(kb.f32, maximumAt);
      Vals seen, s, p;
      for (int64_t v = 0; v < 4; ++v) {
        seen.push_back(flags(word[r], v));
        s.push_back(kb.select(seen[v], scores[r][v] * (shape.scale * 1.4426950408889634), kb.real(lowest)));
      }
      Val maximum = kb.max(before, kb.reduceMax(kb.max(kb.max(s[0], s[1]), kb.max(s[2], s[3]))));
      factors.push_back(kb.exp2(before - maximum));
      for (int64_t v = 0; v < 4; ++v) {
        p.push_back(kb.select(seen[v], kb.exp2(s[v] - maximum), kb.real(0)));
        kb.store(p[v], kb.at(probabilities, r * 256 + v * 64), 64);
      }
      kb.store(maximum, maximumAt);
      Val sum = kb.fma(kb.load(kb.v16f, exponentialsAt, 64), factors[r], (p[0] + p[1]) + (p[2] + p[3]));
      kb.store(sum, exponentialsAt, 64);
    }
    Val values = kb.at(keys, page.valueOffset());
    for (int64_t first = 0; first < valueVectors; first += 4) {
      int64_t count = std::min<int64_t>(4, valueVectors - first);
      Vals acc;
      for (int64_t r = 0; r < quadRows; ++r)
        for (int64_t v = 0; v < count; ++v)
          acc.push_back(kb.load(kb.v16f, sumsAt(row + r, first + v), 64) * factors[r]);
      acc = kb.loop(kb.index(0), keyCount, 1, acc, [&](Val key, ArrayRef<Val> carried) {
        Vals out(carried.begin(), carried.end()), v;
        Val line = kb.at(values, key * (page.valueWidth() * 4));
        for (int64_t i = 0; i < count; ++i)
          v.push_back(kb.load(kb.v16f, kb.at(line, (first + i) * 64), 64));
        for (int64_t r = 0; r < quadRows; ++r) {
          Val p = kb.splat(kb.load(kb.f32, kb.at(kb.at(probabilities, r * 256), key * 4)));
          for (int64_t i = 0; i < count; ++i)
            out[r * count + i] = kb.fma(p, v[i], out[r * count + i]);
        }
        return out;
      });
      for (int64_t r = 0; r < quadRows; ++r)
        for (int64_t v = 0; v < count; ++v)
          kb.store(acc[r * count + v], sumsAt(row + r, first + v), 64);
    }
  }

  /// Writes the result of one row.
  void finish(Val row) {
    Val sum = kb.reduceAdd(kb.load(kb.v16f, kb.at(exponentials, row * 64), 64)),
        some = kb.compare(Compare::sgt, sum, kb.real(0));
    Val inverse = kb.select(some, kb.real(1) / sum, kb.real(0)), output = pointer(outputs, row);
    for (int64_t v = 0; v < valueVectors; ++v)
      kb.storeFloats(kb.load(kb.v16f, sumsAt(row, v), 64) * inverse, kb.at(output, v * 64),
                     std::min<int64_t>(16, page.headDim - v * 16));
    // Maxima are in units of log 2; a row that sees nothing has the sum 0.
    if (shape.lse)
      kb.store(kb.select(some,
                         kb.fma(kb.load(kb.f32, kb.at(maxima, row * 4)), kb.real(0.6931471805599453),
                                kb.log(kb.max(sum, kb.real(1e-30)))),
                         kb.real(-std::numeric_limits<double>::infinity())),
               pointer(lses, row));
  }

  /// A tile of `count` <= 16 rows; `place(row)` stores the row's pointers.
  void tile(Val group, Val headOffset, Val count, function_ref<void(Val)> place) {
    Val slots = field(kb.i64, group, offsetof(quoin_group_t, slots)),
        pages = field(kb.ptr, group, offsetof(quoin_group_t, pages));
    Val zero = kb.index(0), rows = kb.bitAnd(count + (quadRows - 1), kb.index(-quadRows));
    kb.loop(zero, rows, 1, [&](Val row) {
      place(row);
      kb.store(kb.real(lowest), kb.at(maxima, row * 4));
      kb.store(kb.constant(kb.v16f, 0), kb.at(exponentials, row * 64), 64);
      for (int64_t v = 0; v < valueVectors; ++v)
        kb.store(kb.constant(kb.v16f, 0), sumsAt(row, v), 64);
    });
    kb.loop(zero, kb.ceilDiv(slots, tileColumns), 1, [&](Val t) {
      kb.loop(zero, rows, quadRows, [&](Val row) {
        Vals word;
        for (int64_t r = 0; r < quadRows; ++r)
          word.push_back(kb.load(kb.i64, kb.at(pointer(words, row + r), t * 8)));
        Val any = kb.bitOr(kb.bitOr(word[0], word[1]), kb.bitOr(word[2], word[3]));
        kb.when(kb.compare(Compare::ne, any, 0), [&] {
          Val keys = kb.at(kb.load(kb.ptr, kb.at(pages, t * 8)), headOffset);
          onePage(row, word, keys, kb.min(slots - t * tileColumns, kb.index(tileColumns)));
        });
      });
    });
    kb.loop(zero, count, 1, [&](Val row) { finish(row); });
  }
};
} // namespace

LLVM::LLVMFuncOp quoin::cpu::attentionKernel(KernelBuilder &kb, const AttentionShape &shape) {
  std::string name = ("attention_" + Twine(shape.heads) + "_" + Twine(shape.page.kvHeads) + "_" +
                      Twine(shape.page.headDim) + "_" + Twine::utohexstr(llvm::bit_cast<uint64_t>(shape.scale)) +
                      (shape.reads ? "_reads" : "") + (shape.packed ? "_packed" : "") + (shape.lse ? "_lse" : ""))
                         .str();
  SmallVector<Type> types{kb.ptr, kb.ptr, kb.ptr, kb.i64, kb.i64, kb.i64};
  if (shape.lse)
    types.push_back(kb.ptr);
  return kb.function(name, types, [&](ArrayRef<Val> a) {
    AttentionEmitter emit(kb, shape);
    const PageLayout &page = shape.page;
    Val groups = emit.field(kb.i64, a[0], offsetof(quoin_layers_t, groups));
    Val reads = emit.field(kb.i64, a[0], offsetof(quoin_layers_t, reads));
    Val read = emit.field(kb.ptr, a[0], offsetof(quoin_layers_t, read));
    Val readGroup = emit.field(kb.ptr, a[0], offsetof(quoin_layers_t, read_group));

    // Carried: items handed out so far, and the first read of the group.
    kb.loop(kb.index(0), groups, 1, {kb.index(0), kb.index(0)}, [&](Val gi, ArrayRef<Val> carried) -> Vals {
      Val group = kb.at(emit.field(kb.ptr, a[0], offsetof(quoin_layers_t, group)), gi * int64_t(sizeof(quoin_group_t)));
      Val firstRow = emit.field(kb.i64, group, offsetof(quoin_group_t, first_row));
      Val allWords = emit.field(kb.ptr, group, offsetof(quoin_group_t, words));
      Val wordBytes = kb.ceilDiv(emit.field(kb.i64, group, offsetof(quoin_group_t, slots)), tileColumns) * 8;
      Val first = firstRow, tokens = emit.field(kb.i64, group, offsetof(quoin_group_t, rows)), cursor = carried[1];
      if (shape.reads) {
        first = cursor;
        cursor = kb.loopWhile(
            {cursor},
            [&](ArrayRef<Val> c) {
              return kb.choose(
                  kb.compare(Compare::slt, c[0], reads),
                  [&]() -> Vals { return {kb.compare(Compare::eq, kb.load(kb.i64, kb.at(readGroup, c[0] * 8)), gi)}; },
                  [&]() -> Vals { return {kb.integer(kb.i1, 0)}; })[0];
            },
            [&](ArrayRef<Val> c) -> Vals { return {c[0] + 1}; })[0];
        tokens = cursor - first;
      }
      Val rows = tokens * emit.ratio, tiles = kb.ceilDiv(rows, tileRows);
      kb.loop(kb.index(0), kb.index(page.kvHeads), 1, [&](Val head) {
        kb.loop(kb.index(0), tiles, 1, [&](Val t) {
          // Key heads are dealt out like cards: a worker keeps to its own heads where they divide evenly, and causal
          // rows, which cost more the later they come, are shared evenly where they do not.
          Val item = carried[0] + t * page.kvHeads + head;
          kb.when(kb.compare(Compare::eq, kb.remainder(item, a[5]), a[4]), [&] {
            emit.tile(
                group, a[3] + head * page.headBytes(), kb.min(rows - t * tileRows, kb.index(tileRows)), [&](Val r) {
                  // A quad that is not full repeats the last row and drops the copies.
                  Val row = kb.min(t * tileRows + r, rows - 1), ratio = kb.index(emit.ratio);
                  Val token = kb.quotient(row, ratio), sub = kb.remainder(row, ratio);
                  Val offset = (first + token) * shape.rowBytes() + (head * emit.ratio + sub) * (page.headDim * 4);
                  kb.store(kb.at(a[1], offset), kb.at(emit.queries, r * 8));
                  kb.store(kb.at(a[2], offset), kb.at(emit.outputs, r * 8));
                  if (shape.lse)
                    kb.store(kb.at(a[6], ((first + token) * shape.heads + head * emit.ratio + sub) * 4),
                             kb.at(emit.lses, r * 8));
                  Val local = shape.reads ? kb.load(kb.i64, kb.at(read, (first + token) * 8)) - firstRow : token;
                  kb.store(kb.at(allWords, local * wordBytes), kb.at(emit.words, r * 8));
                });
          });
        });
      });
      return {carried[0] + tiles * page.kvHeads, cursor};
    });
  });
}
