//===- WholeTile.cpp - rows of whole numbers times a packed weight of such ----------===//
//
// A weight's numbers are stored unsigned, with an offset z of 8 or 128, and a row's are signed. Of each group of the
// weight
//
//   1. sums start at -z times the sum of the row's numbers, which the row has: so they end as if there were no offset
//   2. they run down the group in rounds of 32 numbers. With dot products of four bytes a line is added at a time.
//      With pairs, halves of bytes (0 to 15) times -127 to 127 are added in 16 bits: eight pairs stay below
//      8 * 2 * 15 * 127 = 30480, then they are widened. A byte is two halves, one after the other, the upper one
//      widened by 16 instead of 1
//   3. the sum, exact in 32 bits, becomes a float, times the group's scale, and is added to those of earlier groups
//
// and at last all is multiplied with the scale of the row. The order is the same for every machine, and products and
// sums of floats are not fused, so the bits are, too.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/Kernels.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace quoin::cpu;
using quoin::stage::sumsOf;
using quoin::stage::wholeRowSums;
using quoin::stage::wholeRowTail;
using Compare = KernelBuilder::Compare;

namespace {
constexpr int64_t line = 256; ///< bytes

struct WholeTile {
  KernelBuilder &kb;
  ArrayRef<Val> rows;
  Val weight, k;
  int64_t vectors;
  WholeFormat format;
  Fetcher &fetcher;

  /// Numbers of a line, lines of a round.
  int64_t elements() const { return format.nibbles ? 8 : 4; }
  int64_t roundLines() const { return sumsOf / elements(); }
  bool inPairs() const { return kb.options.bytes == ByteProducts::Pairs; }
  /// A round's lines fill registers where there are few: then they are read again from the first-level cache.
  void readAgain() const {
    if (kb.options.registers < 32)
      kb.forgetLoads();
  }

  Vals load(Val at) {
    Vals w;
    for (int64_t v = 0; v < vectors; ++v)
      w.push_back(kb.load(kb.v16i, kb.at(at, v * 64), 64));
    return w;
  }
  Val half(Val bytes, bool upper) {
    return kb.bitAnd(upper ? kb.shiftRight(bytes, kb.integer(kb.v16i, 4)) : bytes, kb.integer(kb.v16i, 0x0f0f0f0f));
  }
  /// Four numbers of a row.
  Val four(Val row, Val element) { return kb.splat(kb.load(kb.i32, kb.at(row, element), 4)); }

  void eachSum(function_ref<void(size_t row, int64_t vector, size_t sum)> body) {
    for (size_t r = 0; r < rows.size(); ++r)
      for (int64_t v = 0; v < vectors; ++v)
        body(r, v, r * vectors + v);
  }

  /// Adds `count` lines at once, of numbers from `element` on; of bytes one half after the other.
  void addInPairs(Val at, Val element, int64_t count, Vals &sums) {
    for (bool upper : {false, true}) {
      Vals pairs(sums.size());
      auto add = [&](Val lineAt, Val numbers, bool takeUpper, bool first) {
        Vals w;
        for (Val whole : load(lineAt))
          w.push_back(half(whole, takeUpper));
        for (size_t r = 0; r < rows.size(); ++r) {
          Val x = four(rows[r], numbers);
          for (int64_t v = 0; v < vectors; ++v) {
            Val product = kb.dotBytePairs(w[v], x);
            Val &sum = pairs[r * vectors + v];
            sum = first ? product : sum + product;
          }
        }
      };
      for (int64_t i = 0; i < count; ++i) {
        if (format.nibbles) {
          add(kb.at(at, i * line), element + i * 8, false, i == 0);
          readAgain();
          add(kb.at(at, i * line), element + (i * 8 + 4), true, false);
        } else {
          add(kb.at(at, i * line), element + i * 4, upper, i == 0);
        }
      }
      eachSum([&](size_t, int64_t, size_t s) { sums[s] = kb.addPairSums(sums[s], pairs[s], upper ? 16 : 1); });
      if (format.nibbles)
        return;
      readAgain();
    }
  }

  void addInFours(Val at, Val element, int64_t count, Vals &sums) {
    for (int64_t i = 0; i < count; ++i) {
      Vals bytes = load(kb.at(at, i * line));
      for (int64_t upper = 0; upper < (format.nibbles ? 2 : 1); ++upper)
        for (size_t r = 0; r < rows.size(); ++r) {
          Val x = four(rows[r], element + (i * elements() + upper * 4));
          for (int64_t v = 0; v < vectors; ++v) {
            Val &sum = sums[r * vectors + v];
            sum = kb.dotBytes(sum, format.nibbles ? half(bytes[v], upper) : bytes[v], x);
          }
        }
    }
  }

  void addLines(Val at, Val element, int64_t count, Vals &sums) {
    inPairs() ? addInPairs(at, element, count, sums) : addInFours(at, element, count, sums);
  }

  /// Rounds [from, to) of all, at the group's lines.
  Vals addRounds(Val lines, Val from, Val to, Vals sums) {
    return kb.loop(from, to, 1, sums, [&](Val round, ArrayRef<Val> carried) {
      Vals next(carried.begin(), carried.end());
      fetcher.fetch(round);
      addLines(kb.at(lines, (round - from) * (roundLines() * line)), round * sumsOf, roundLines(), next);
      return next;
    });
  }

  /// Minus the offset times the sum of a row's numbers, which lies at the address.
  Vals start(function_ref<Val(Val tail)> sumOf) {
    Vals sums;
    for (Val row : rows) {
      Val total = sumOf(kb.at(row, kb.bitAnd(k + 63, kb.index(-64)))) * int64_t(format.nibbles ? -8 : -128);
      sums.append(static_cast<size_t>(vectors), kb.splat(total));
    }
    return sums;
  }

  /// Adds the sums of a group times its scales.
  Vals scaled(const Vals &sums, Val scales, ArrayRef<Val> before) {
    Vals next(sums.size());
    eachSum([&](size_t, int64_t v, size_t s) {
      Val product = kb.toFloat(kb.v16f, sums[s]) * kb.load(kb.v16f, kb.at(scales, v * 64), 64);
      next[s] = before.empty() ? product : before[s] + product;
    });
    return next;
  }

  /// Of bytes: nibbles have groups (scaled_c2).
  Vals ofOneGroup() {
    Val rounds = kb.quotient(k, kb.index(sumsOf)), lines = kb.shiftRight(k + 3, kb.index(2));
    Vals sums = start([&](Val tail) { return kb.load(kb.i32, kb.at(tail, 4)); });
    sums = addRounds(weight, kb.index(0), rounds, sums);
    sums = kb.loop(rounds * roundLines(), lines, 1, sums, [&](Val i, ArrayRef<Val> carried) {
      Vals next(carried.begin(), carried.end());
      addLines(kb.at(weight, i * line), i * elements(), 1, next);
      return next;
    });
    return scaled(sums, kb.at(weight, lines * line), {});
  }

  Vals ofGroups() {
    int64_t each = format.group / sumsOf, bytes = (each * roundLines() + 1) * line;
    Val groups = kb.quotient(k, kb.index(format.group));
    Vals zeros(rows.size() * static_cast<size_t>(vectors), kb.constant(kb.v16f, 0));
    return kb.loop(kb.index(0), groups, 1, zeros, [&](Val group, ArrayRef<Val> before) {
      Vals sums = start([&](Val tail) {
        Val total = kb.integer(kb.i32, 0);
        for (int64_t i = 0; i < each; ++i)
          total = total + kb.load(kb.i32, kb.at(kb.at(tail, group * (each * 4)), 8 + i * 4));
        return total;
      });
      Val lines = kb.at(weight, group * bytes), first = group * each;
      if (each == 1) {
        fetcher.fetch(group);
        addLines(lines, group * sumsOf, roundLines(), sums);
      } else {
        sums = addRounds(lines, first, first + each, sums);
      }
      return scaled(sums, kb.at(lines, bytes - line), before);
    });
  }
};
} // namespace

Val quoin::cpu::wholeRounds(KernelBuilder &kb, Val k) { return kb.quotient(k, kb.index(sumsOf)); }

int64_t quoin::cpu::wholeRoundBytes(WholeFormat format) {
  return sumsOf / (format.nibbles ? 8 : 4) * line + (format.group ? line * sumsOf / format.group : 0);
}

SmallVector<Vals, 4> quoin::cpu::wholeTile(KernelBuilder &kb, ArrayRef<Val> rows, Val weight, Val k, int64_t vectors,
                                           WholeFormat format, Prefetch prefetch) {
  Fetcher fetcher(kb, prefetch, wholeRoundBytes(format), wholeRounds(kb, k));
  WholeTile tile{kb, rows, weight, k, vectors, format, fetcher};
  Vals sums = format.group ? tile.ofGroups() : tile.ofOneGroup();
  SmallVector<Vals, 4> out;
  for (size_t r = 0; r < rows.size(); ++r) {
    Val scale = kb.splat(kb.load(kb.f32, kb.at(rows[r], kb.bitAnd(k + 63, kb.index(-64)))));
    Vals &row = out.emplace_back();
    for (int64_t v = 0; v < vectors; ++v)
      row.push_back(sums[r * static_cast<size_t>(vectors) + static_cast<size_t>(v)] * scale);
  }
  return out;
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

void quoin::cpu::quantizeRow(KernelBuilder &kb, int64_t width, function_ref<Val(Val, int64_t)> load, Val to) {
  // Magnitudes of floats are in the order of their bits, what is infinite above all numbers and NaN above that.
  Val largestAt = kb.stack(64);
  kb.store(kb.integer(kb.v16i, 0), largestAt, 64);
  overWidth(kb, width, [&](Val byte, int64_t floats) {
    Val bits = kb.bitAnd(kb.cast(kb.v16i, load(byte, floats)), kb.integer(kb.v16i, 0x7fffffff));
    Val before = kb.load(kb.v16i, largestAt, 64);
    kb.store(kb.select(kb.compare(Compare::sgt, bits, before), bits, before), largestAt, 64);
  });
  Val bits = kb.reduceLanes(kb.load(kb.v16i, largestAt, 64),
                            [&](Val a, Val b) { return kb.select(kb.compare(Compare::sgt, a, b), a, b); });
  // Below 2^-100 a quotient by the scale could be infinite: such a row is zeros.
  Val zero = kb.compare(Compare::slt, bits, (127 - 100) << 23), finite = kb.compare(Compare::slt, bits, 0x7f800000);
  Val largest = kb.cast(kb.f32, bits), none = kb.real(0);
  Val times = kb.select(zero, none, kb.select(finite, kb.real(127) / largest, none));
  Val scale =
      kb.select(zero, none, kb.select(finite, largest / kb.real(127), kb.cast(kb.f32, kb.integer(kb.i32, 0x7fc00000))));
  Val sums = kb.stack(64), totalAt = kb.stack(64);
  kb.store(kb.integer(kb.v16i, 0), totalAt, 64);
  // 1.5 * 2^23 in front, what is behind the point of a sum is rounded away, ties to even.
  constexpr double shift = 0x1.8p23;
  constexpr int64_t shiftBits = 0x4b400000;
  auto round = [&](Val x) {
    return kb.cast(kb.v16i, x * kb.splat(times) + kb.constant(kb.v16f, shift)) - kb.integer(kb.v16i, shiftBits);
  };
  Val sumsAt = kb.at(to, wholeRowSums(width));
  overWidth(kb, width, [&](Val byte, int64_t floats) {
    Val whole = round(load(byte, floats));
    // What is no number may have become anything: the scale is none either.
    Val bytes = kb.truncate(kb.vec(kb.i8), whole);
    kb.store(bytes, kb.at(to, kb.shiftRight(byte, kb.index(2))), 16);
    Val sum = kb.extend(kb.v16i, bytes, true);
    kb.store(kb.load(kb.v16i, totalAt, 64) + sum, totalAt, 64);
    // Of two vectors the first waits for the second.
    Val second = kb.bitAnd(kb.shiftRight(byte, kb.index(6)), kb.index(1));
    Val joined = kb.select(kb.compare(Compare::eq, second, 0), sum, kb.load(kb.v16i, sums, 64) + sum);
    kb.store(joined, sums, 64);
    kb.store(kb.reduceLanes(joined, [](Val a, Val b) { return a + b; }),
             kb.at(sumsAt, kb.shiftLeft(kb.shiftRight(byte, kb.index(7)), kb.index(2))));
  });
  kb.store(scale, kb.at(to, wholeRowTail(width)));
  kb.store(kb.reduceLanes(kb.load(kb.v16i, totalAt, 64), [](Val a, Val b) { return a + b; }),
           kb.at(to, wholeRowTail(width) + 4));
}

LLVM::LLVMFuncOp quoin::cpu::quantizeKernel(KernelBuilder &kb, int64_t width) {
  return kb.function(("quantize_" + Twine(width)).str(), {kb.ptr, kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    kb.loop(a[2], a[3], 1, [&](Val row) {
      Val from = kb.at(a[0], row * rowBytes(width)), to = kb.at(a[1], row * rowBytes(width, Storage::I8));
      quantizeRow(kb, width, [&](Val byte, int64_t floats) { return kb.loadFloats(kb.at(from, byte), floats); }, to);
    });
  });
}
