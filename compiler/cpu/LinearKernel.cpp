//===- LinearKernel.cpp - rows times a packed weight -------------------------===//
//
// The weight lies in tiles of 64 columns: [tile][k][64]. For each tile of its range the kernel passes over the rows, up
// to six at a time, and keeps 6 x 64 sums in 24 registers while it runs down k: per step four loads of the weight, six
// broadcasts and 24 fused multiply-adds. Where registers are fewer or shorter, a pass goes over the tile in parts, each
// of them as many of the 64 columns as have their sums in registers: of AVX2 6 x 16 fill 12 of its 16. The weight's
// tile stays in the second-level cache for the passes that follow.
//
// Few rows wait for memory, many for arithmetic, and between the two (4 to 24 rows: where block diffusion lives) a
// kernel that first loads a tile and then computes with it would pay for both. So each pass also prefetches its share
// of the tile that comes next: all of it if there is one pass, a half in each of two, three eighths in each of three, a
// quarter in more.
//
// The sums of a pass go through 1.5 KiB of stack to whatever follows (bias, gate, residual). That costs nothing next to
// k steps, and lets all products of a program share the six kernels that are hot, one for each number of rows, so that
// it compiles in little time.
//
// Of bf16 a line holds pairs: [tile][k / 2][64][2]. Either the rows are pairs, too, and one dot product of pairs stands
// where f32 has a fused multiply-add; or the two halves of the line are widened, eight operations that serve all rows
// of the pass, and multiplied with rows of f32.
//
// Whole numbers have a register tile of their own (WholeTile.cpp), and all else from here.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/Kernels.h"
#include "compiler/cpu/RowFunctions.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace quoin::cpu;
using Compare = KernelBuilder::Compare;

StringRef quoin::cpu::storageName(Storage s) {
  constexpr StringLiteral names[] = {"f32", "bf16", "f16", "i8", "i4"};
  return names[static_cast<size_t>(s)];
}

/// Of kernels' names.
static StringRef arithmeticName(Arithmetic a) {
  return a == Arithmetic::Widened ? "widened" : a == Arithmetic::Pairs ? "pairs" : storageName(storageOf(a));
}

/// Lines of the main loop's iterations.
static constexpr int64_t unrolled = 4;

/// What an iteration of it reads.
static int64_t roundBytes(Arithmetic arithmetic) { return unrolled * lineBytes(storageOf(arithmetic)); }

/// Whole lines: elements of k, or pairs of them.
static Val linesOf(KernelBuilder &kb, Val k, Arithmetic arithmetic) {
  if (arithmetic == Arithmetic::Pairs)
    return kb.shiftRight(k + 1, kb.index(1));
  return arithmetic == Arithmetic::Widened ? kb.shiftRight(k, kb.index(1)) : k;
}

namespace {
/// One register tile: what is done for a line of the packed matrix, and the loops around it.
struct ProductTile {
  KernelBuilder &kb;
  ArrayRef<Val> rows;
  Val weight;
  int64_t vectors;
  Arithmetic arithmetic;
  int64_t parts;
  Fetcher fetcher;
  Vals sums = Vals(rows.size() * vectors, kb.constant(kb.v16f, 0));
  std::optional<Val> upper = {}; ///< where the mask of the lanes' upper halves lies

  /// Of a row, for each line.
  int64_t rowStep() const { return arithmetic == Arithmetic::Widened ? 8 : 4; }

  Val load(Val line, int64_t vector) {
    switch (arithmetic) {
    case Arithmetic::F32:
      return kb.load(kb.v16f, kb.at(line, vector * 64), 64);
    case Arithmetic::F16:
      return kb.toFloat(kb.v16f, kb.load(kb.vec(kb.b.getF16Type()), kb.at(line, vector * 32), 32));
    case Arithmetic::Widened:
    case Arithmetic::Pairs:
    case Arithmetic::Bytes:
    case Arithmetic::Nibbles:
      break;
    }
    return kb.load(kb.v16i, kb.at(line, vector * 64), 64);
  }

  /// Adds x * w: of each row the element (or pair) at `offset` bytes, of the line its vectors.
  void multiplyAdd(ArrayRef<Val> a, int64_t offset, ArrayRef<Val> w, Vals &acc) {
    bool pairs = arithmetic == Arithmetic::Pairs;
    for (size_t r = 0; r < rows.size(); ++r) {
      Val x = kb.splat(kb.load(pairs ? kb.i32 : kb.f32, kb.at(a[r], offset)));
      for (int64_t v = 0; v < vectors; ++v) {
        Val &sum = acc[r * vectors + v];
        sum = pairs ? kb.dotPairs(sum, x, w[v]) : kb.fma(x, w[v], sum);
      }
    }
  }

  /// One line; with `half`, of widened pairs the first elements only.
  void line(Val at, ArrayRef<Val> a, int64_t offset, bool half, Vals &acc) {
    auto loaded = [&](function_ref<Val(Val)> each) {
      Vals w;
      for (int64_t v = 0; v < vectors; ++v)
        w.push_back(each(load(at, v)));
      return w;
    };
    if (arithmetic != Arithmetic::Widened)
      return multiplyAdd(a, offset, loaded([](Val w) { return w; }), acc);
    multiplyAdd(a, offset, loaded([&](Val w) { return kb.widenLow(w); }), acc);
    if (half)
      return;
    // The sums leave no room for a line and its two halves: it is read again from the first-level cache; and where
    // there are few registers, none for the mask of the upper half: it is read from there, too.
    if (!upper) {
      kb.forgetLoads();
      return multiplyAdd(a, offset + 4, loaded([&](Val w) { return kb.widenHigh(w); }), acc);
    }
    kb.forgetLoads(*upper);
    Val mask = kb.load(kb.v16i, *upper, 64);
    multiplyAdd(a, offset + 4, loaded([&](Val w) { return kb.cast(kb.v16f, kb.bitAnd(w, mask)); }), acc);
  }

  /// Lines [from, to), `unroll` at a time.
  void run(Val from, Val to, int64_t unroll, bool half = false) {
    int64_t bytes = lineBytes(storageOf(arithmetic));
    sums = kb.loop(from, to, unroll, sums, [&](Val i, ArrayRef<Val> carried) {
      Vals acc(carried.begin(), carried.end()), a;
      for (Val row : rows)
        a.push_back(kb.at(row, i * rowStep()));
      Val first = kb.at(weight, i * bytes);
      // A part takes one cache line of each line: no prefetcher of a CPU's own sees that pattern in time.
      if (parts > 1 && unroll == unrolled)
        for (int64_t u = 0; u < unroll; ++u)
          kb.prefetch(kb.at(first, (2 * unrolled + u) * bytes));
      if (unroll == unrolled)
        fetcher.fetch(kb.shiftRight(i, kb.index(2)));
      for (int64_t u = 0; u < unroll; ++u)
        line(kb.at(first, u * bytes), a, u * rowStep(), half, acc);
      return acc;
    });
  }
};
} // namespace

SmallVector<Vals, 4> quoin::cpu::productTile(KernelBuilder &kb, ArrayRef<Val> rows, Val weight, Val k, int64_t vectors,
                                             Arithmetic arithmetic, Prefetch prefetch) {
  // Rows of F32 end with their last element; in rows of BF16 a zero fills up the last pair.
  Val lines = linesOf(kb, k, arithmetic), whole = kb.bitAnd(lines, kb.index(-unrolled));
  Fetcher fetcher(kb, prefetch, roundBytes(arithmetic), kb.shiftRight(lines, kb.index(2)));
  ProductTile tile{kb, rows, weight, vectors, arithmetic, prefetch.parts, fetcher};
  if (arithmetic == Arithmetic::Widened && prefetch.parts > 1) {
    tile.upper = kb.stack(64);
    kb.store(kb.integer(kb.v16i, int32_t(0xffff0000)), *tile.upper, 64);
  }
  tile.run(kb.index(0), whole, unrolled);
  tile.run(whole, lines, 1);
  if (arithmetic == Arithmetic::Widened)
    tile.run(lines, lines + kb.bitAnd(k, kb.index(1)), 1, true);
  SmallVector<Vals, 4> out;
  for (size_t r = 0; r < rows.size(); ++r)
    out.push_back(Vals(tile.sums.begin() + r * vectors, tile.sums.begin() + (r + 1) * vectors));
  return out;
}

//===----------------------------------------------------------------------===//
// What is fetched for later
//===----------------------------------------------------------------------===//

/// What a round fetches in one part, in whole lines of the cache; and the streams that they are in.
static int64_t fetchedLines(int64_t roundBytes, int64_t eighths, int64_t parts) {
  return llvm::divideCeil(roundBytes * eighths / 8 / parts, 64);
}

/// Prefetches go to several places at once: a core asks memory for more when its own prefetchers follow several
/// streams, each within its pages.
static int64_t fetchedStreams(int64_t lines) {
  int64_t streams = std::clamp<int64_t>(lines, 1, 4);
  while (lines % streams)
    --streams;
  return streams;
}

Fetcher::Fetcher(KernelBuilder &builder, const Prefetch &p, int64_t bytes, Val rounds)
    : kb(builder), prefetch(p), roundBytes(bytes), each(kb.index(0)), stride(each), streams(each) {
  // What is none of the shares counts as the last, here as in `fetch`.
  bool first = true;
  for (int64_t share : llvm::reverse(prefetch.shares)) {
    int64_t lines = fetchedLines(roundBytes, share, prefetch.parts), places = fetchedStreams(lines);
    Val wide = kb.index(lines / places * 64), count = kb.index(places);
    if (!first) {
      Val is = kb.compare(Compare::eq, prefetch.eighths, share);
      wide = kb.select(is, wide, each);
      count = kb.select(is, count, streams);
    }
    each = wide;
    streams = count;
    first = false;
  }
  stride = rounds * each;
}

void Fetcher::fetch(Val round) {
  if (prefetch.shares.empty())
    return;
  Val ahead = kb.at(prefetch.from, round * each);
  // The share is a value and not a kernel of its own: a jump a round that is always foretold costs less than copies.
  std::function<void(size_t)> choose = [&](size_t i) {
    auto lines = [&] {
      int64_t count = fetchedLines(roundBytes, prefetch.shares[i], prefetch.parts), places = fetchedStreams(count);
      for (int64_t stream = 0; stream < places; ++stream)
        for (int64_t line = 0; line < count / places; ++line)
          kb.prefetch(kb.at(kb.at(ahead, stride * stream), line * 64));
    };
    if (i + 1 == prefetch.shares.size())
      return lines();
    kb.when(kb.compare(Compare::eq, prefetch.eighths, prefetch.shares[i]), lines, [&] { choose(i + 1); });
  };
  choose(0);
}

//===----------------------------------------------------------------------===//
// Passes over the rows
//===----------------------------------------------------------------------===//

RowPasses::RowPasses(KernelBuilder &builder, Val rows) : kb(builder) {
  Val six = kb.index(maxPassRows), left = kb.remainder(rows, six);
  sixes = kb.quotient(rows, six);
  // One or two rows over: with six others they make two passes of three or four, which is better than six and one.
  Val few = kb.bitAnd(kb.bitAnd(kb.compare(Compare::sgt, left, 0), kb.compare(Compare::slt, left, 3)),
                      kb.compare(Compare::sgt, sixes, 0));
  sixes = kb.select(few, sixes - 1, sixes);
  rest = kb.select(few, left + maxPassRows, left);
  Val one = kb.index(1), zero = kb.index(0);
  passes = sixes + kb.select(kb.compare(Compare::sgt, rest, 0), one, zero) +
           kb.select(kb.compare(Compare::sgt, rest, maxPassRows), one, zero);
  eighths = kb.index(2);
  for (auto [count, share] : {std::pair(3, 3), std::pair(2, 4), std::pair(1, 8)})
    eighths = kb.select(kb.compare(Compare::eq, passes, count), kb.index(share), eighths);
}

void RowPasses::each(Val tile, int64_t tileBytes, function_ref<void(const RowPass &)> body) {
  each(tile, kb.at(tile, tileBytes), tileBytes, body);
}

void RowPasses::each(Val tile, Val next, int64_t tileBytes, function_ref<void(const RowPass &)> body) {
  kb.loop(kb.index(0), passes, 1, [&](Val i) {
    Val six = kb.index(maxPassRows), two = kb.compare(Compare::sgt, rest, maxPassRows);
    Val first = kb.compare(Compare::eq, i, sixes), second = kb.compare(Compare::sgt, i, sixes);
    RowPass pass;
    Val last = kb.select(two, kb.select(first, kb.index(4), rest - 4), rest);
    pass.rows = kb.select(kb.compare(Compare::slt, i, sixes), six, last);
    pass.row = i * maxPassRows - kb.select(second, kb.index(maxPassRows - 4), kb.index(0));
    pass.eighths = eighths;
    // Parts that are already on their way are not asked for again; the current tile is in the cache anyhow.
    Val part = kb.bitAnd(eighths * (tileBytes / 8), kb.index(-64));
    Val wanted = kb.compare(Compare::slt, i * eighths, 8);
    pass.prefetch = kb.select(wanted, kb.at(next, i * part), tile);
    body(pass);
  });
}

int64_t quoin::cpu::vectorsAtOnce(const KernelOptions &options, int64_t rows) {
  int64_t each = KernelBuilder::lanes / options.registerLanes;
  for (int64_t vectors : {4, 2}) {
    // A single row uses each vector of the weight once, and need not keep it.
    int64_t weight = rows == 1 ? each : vectors * each;
    if (rows * vectors * each + weight + 1 <= options.registers)
      return vectors;
  }
  return 1;
}

/// "product_f32", or of rows that lie anywhere, or of groups.
static std::string productName(Arithmetic arithmetic, RowsLie rows, int64_t group) {
  return ("product_" + arithmeticName(arithmetic) + (group ? "_by_" + Twine(group) : Twine()) +
          (rows == RowsLie::Anywhere ? "_anywhere" : ""))
      .str();
}

/// As a pass's, for one number of rows.
static LLVM::LLVMFuncOp blockKernel(KernelBuilder &kb, Arithmetic arithmetic, RowsLie lie, int64_t group,
                                    int64_t count) {
  std::string name = (productName(arithmetic, lie, group) + "_" + Twine(count)).str();
  Type where = lie == RowsLie::Apart ? kb.i64 : kb.ptr;
  return kb.function(name, {kb.ptr, where, kb.ptr, kb.i64, kb.ptr, kb.ptr, kb.i64}, [&](ArrayRef<Val> a) {
    Vals rows;
    for (int64_t r = 0; r < count; ++r)
      rows.push_back(kb.at(a[0], lie == RowsLie::Apart ? a[1] * r : kb.load(kb.i64, kb.at(a[1], r * 8))));
    int64_t vectors = vectorsAtOnce(kb.options, count), parts = 4 / vectors;
    WholeFormat whole{arithmetic == Arithmetic::Nibbles, group};
    // Passes of one or two rows are alone; those of three to five come at most twice among four or more, and fetch
    // more than their share there.
    static constexpr int64_t shares[] = {8, 4, 3, 2};
    auto mine = ArrayRef(shares).take_front(count < 3 ? 1 : count < maxPassRows ? 3 : 4);
    auto part = [&](Val weight, Val out, Val from) {
      Prefetch ahead{from, a[6], mine, parts};
      auto sums = isWhole(arithmetic) ? wholeTile(kb, rows, weight, a[3], vectors, whole, ahead)
                                      : productTile(kb, rows, weight, a[3], vectors, arithmetic, ahead);
      for (int64_t r = 0; r < count; ++r)
        for (int64_t v = 0; v < vectors; ++v)
          kb.store(sums[r][v], kb.at(out, r * 256 + v * 64), 64);
    };
    if (parts == 1)
      return part(a[2], a[4], a[5]);
    // Each part of the line's columns runs down k on its own, and fetches its part of what comes next.
    Val rounds =
        isWhole(arithmetic) ? wholeRounds(kb, a[3]) : kb.shiftRight(linesOf(kb, a[3], arithmetic), kb.index(2));
    Fetcher fetcher(kb, {a[5], a[6], mine, parts},
                    isWhole(arithmetic) ? wholeRoundBytes(whole) : roundBytes(arithmetic), rounds);
    Val bytes = fetcher.partBytes();
    kb.loop(kb.index(0), kb.index(parts), 1, [&](Val p) {
      part(kb.at(a[2], p * (vectors * lineBytes(storageOf(arithmetic)) / 4)), kb.at(a[4], p * (vectors * 64)),
           kb.at(a[5], p * bytes));
    });
  });
}

LLVM::LLVMFuncOp quoin::cpu::passKernel(KernelBuilder &kb, Arithmetic arithmetic, RowsLie lie, int64_t group) {
  Type where = lie == RowsLie::Apart ? kb.i64 : kb.ptr;
  SmallVector<Type> types{kb.ptr, where, kb.ptr, kb.i64, kb.ptr, kb.ptr, kb.i64, kb.i64};
  return kb.function(productName(arithmetic, lie, group), types, [&](ArrayRef<Val> a) {
    for (int64_t count = 1; count <= maxPassRows; ++count)
      kb.when(kb.compare(Compare::eq, a[6], count), [&] {
        kb.call(blockKernel(kb, arithmetic, lie, group, count), {a[0], a[1], a[2], a[3], a[4], a[5], a[7]});
      });
  });
}

void quoin::cpu::callPass(KernelBuilder &kb, const LinearShape &shape, Val a, Val weight, Val sums,
                          const RowPass &pass) {
  int64_t bytes = rowBytes(shape.k, rowsOf(shape.arithmetic));
  kb.call(passKernel(kb, shape.arithmetic, RowsLie::Apart, shape.group),
          {kb.at(a, pass.row * bytes), kb.index(bytes), weight, kb.index(shape.k), sums, pass.prefetch, pass.rows,
           pass.eighths});
}

//===----------------------------------------------------------------------===//
// Whole products
//===----------------------------------------------------------------------===//

LLVM::LLVMFuncOp quoin::cpu::endKernel(KernelBuilder &kb, const LinearShape &shape, StringRef name, int64_t width) {
  std::string own = (name + "_end_" + Twine(width)).str();
  SmallVector<Type> types(3 + static_cast<size_t>(shape.others), kb.ptr);
  types.push_back(kb.i64);
  return kb.function(own, types, [&](ArrayRef<Val> a) {
    Val result = a[a.size() - 2];
    kb.loop(kb.index(0), a.back(), 1, [&](Val row) {
      int64_t vectors = 4 / shape.sources, whole = (width + 15) / 16;
      auto sumOf = [&](int64_t v) {
        Val sum = kb.load(kb.v16f, kb.at(kb.at(a[0], row * 256), v * 64), 64);
        return shape.bias ? sum + kb.load(kb.v16f, kb.at(a[1], v * 64)) : sum;
      };
      // Whole vectors: what is written beyond the width is padding. Of a pair of BF16 the other half is zero, as the
      // sum is where the weight ends.
      for (int64_t v = 0; v < whole; ++v) {
        Vals numbers;
        for (int64_t source = 0; source < shape.sources; ++source)
          numbers.push_back(sumOf(source * vectors + v));
        for (int64_t other = 0; other < shape.others; ++other)
          numbers.push_back(kb.load(kb.v16f, kb.at(a[2 + other], row * rowBytes(shape.n) + v * 64)));
        Val y = shape.end ? emitFormula(kb, *shape.end, numbers) : numbers[0];
        Val out = kb.at(result, row * rowBytes(shape.n, shape.result) + v * (16 * storageBytes(shape.result)));
        if (shape.result != Storage::BF16) {
          kb.store(y, out);
          continue;
        }
        if (int64_t count = width - v * 16; shape.end && count < 16)
          y = kb.select(kb.firstLanes(count), y, kb.constant(kb.v16f, 0));
        storeNarrow(kb, y, out);
      }
    });
  });
}

std::string quoin::cpu::linearName(const LinearShape &shape) {
  return ("linear_" + Twine(shape.k) + "x" + Twine(shape.n) + "_" + arithmeticName(shape.arithmetic) +
          (shape.group ? "_by_" + Twine(shape.group) : Twine()) +
          (shape.sources > 1 ? "_of_" + Twine(shape.sources) : Twine()) + (shape.bias ? "_bias" : "") +
          formulaName(shape.end) + (shape.result == Storage::BF16 ? "_narrow" : ""))
      .str();
}

LLVM::LLVMFuncOp quoin::cpu::linearKernel(KernelBuilder &kb, const LinearShape &shape) {
  std::string name = linearName(shape);
  SmallVector<Type> types(4 + static_cast<size_t>(shape.others), kb.ptr);
  types.append(3, kb.i64);
  return kb.function(name, types, [&](ArrayRef<Val> a) {
    ArrayRef<Val> others = a.slice(3, static_cast<size_t>(shape.others));
    Val out = a[3 + others.size()], rows = a[4 + others.size()];
    RowPasses passes(kb, rows);
    int64_t fullTiles = shape.n / shape.tileOutputs(), tail = shape.n % shape.tileOutputs();
    Val full = kb.index(fullTiles), sums = kb.stack(maxPassRows * 256);
    kb.loop(a[a.size() - 2], a.back(), 1, [&](Val tile) {
      Val weight = kb.at(a[1], tile * shape.tileBytes());
      Val bias = shape.bias ? kb.at(a[2], tile * (tileColumns * 4)) : a[2];
      passes.each(weight, shape.tileBytes(), [&](const RowPass &pass) {
        callPass(kb, shape, a[0], weight, sums, pass);
        auto place = [&](Val base, Storage storage) {
          return kb.at(base,
                       pass.row * rowBytes(shape.n, storage) + tile * (shape.tileOutputs() * storageBytes(storage)));
        };
        Vals arguments{sums, bias};
        for (Val other : others)
          arguments.push_back(place(other, Storage::F32));
        arguments.append({place(out, shape.result), pass.rows});
        auto finish = [&](int64_t width) { kb.call(endKernel(kb, shape, name, width), arguments); };
        if (!tail)
          return finish(shape.tileOutputs());
        kb.when(kb.compare(Compare::eq, tile, full), [&] { finish(tail); }, [&] { finish(shape.tileOutputs()); });
      });
    });
  });
}
