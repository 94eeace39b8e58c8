//===- LinearKernel.cpp - rows times a packed weight -------------------------===//
//
// The weight lies in tiles of 64 columns: [tile][k][64]. For each tile of its range the kernel passes over the rows, up
// to six at a time, and keeps 6 x 64 sums in 24 registers while it runs down k: per step four loads of the weight, six
// broadcasts and 24 fused multiply-adds. The weight's tile stays in the second-level cache for the passes that follow.
//
// Few rows wait for memory, many for arithmetic, and between the two (4 to 24 rows: where block diffusion lives) a
// kernel that first loads a tile and then computes with it would pay for both. So each pass also prefetches its share
// of the tile that comes next: all of it if there is one pass, a half of it in each of two or three, a quarter in more.
//
// bf16 is stored so that widening costs one operation per 16 columns: in each group of 32 columns, 32-bit lane i holds
// column i in its low half and column 16 + i in its high half; a shift or a mask makes them f32.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/Kernels.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace quoin::cpu;
using Compare = KernelBuilder::Compare;

StringRef quoin::cpu::storageName(Storage s) { return s == Storage::F32 ? "f32" : s == Storage::BF16 ? "bf16" : "f16"; }

/// Columns [0, 16 * vectors) of one line of a packed tile, as f32.
static Vals loadLine(KernelBuilder &kb, Val line, int64_t vectors, Storage storage) {
  Vals out;
  for (int64_t v = 0; v < vectors; ++v) {
    switch (storage) {
    case Storage::F32:
      out.push_back(kb.load(kb.v16f, kb.at(line, v * 64), 64));
      break;
    case Storage::F16:
      out.push_back(kb.toFloat(kb.v16f, kb.load(kb.vec(kb.b.getF16Type()), kb.at(line, v * 32), 32)));
      break;
    case Storage::BF16: {
      Val pair = kb.load(kb.v16i, kb.at(line, v / 2 * 64), 64);
      out.push_back(kb.cast(kb.v16f, v % 2 ? kb.bitAnd(pair, kb.integer(kb.v16i, int32_t(0xffff0000)))
                                           : kb.shiftLeft(pair, kb.integer(kb.v16i, 16))));
    }
    }
  }
  return out;
}

SmallVector<Vals, 4> quoin::cpu::productTile(KernelBuilder &kb, ArrayRef<Val> rows, Val weight, int64_t k,
                                             int64_t vectors, Storage storage, Prefetch prefetch) {
  int64_t count = rows.size(), lineBytes = tileColumns * storageBytes(storage);
  Vals sums(count * vectors, kb.constant(kb.v16f, 0));
  auto step = [&](Val line, ArrayRef<Val> a, int64_t offset, Vals &acc) {
    Vals w = loadLine(kb, kb.at(line, offset * lineBytes), vectors, storage);
    for (int64_t r = 0; r < count; ++r) {
      Val x = kb.splat(kb.load(kb.f32, kb.at(a[r], offset * 4)));
      for (int64_t v = 0; v < vectors; ++v)
        acc[r * vectors + v] = kb.fma(x, w[v], acc[r * vectors + v]);
    }
  };
  auto run = [&](int64_t from, int64_t to, int64_t unroll) {
    if (from == to)
      return;
    sums = kb.loop(kb.index(from), kb.index(to), unroll, sums, [&](Val i, ArrayRef<Val> carried) {
      Vals acc(carried.begin(), carried.end()), a;
      for (Val row : rows)
        a.push_back(kb.at(row, i * 4));
      Val line = kb.at(weight, i * lineBytes);
      if (prefetch.parts && unroll > 1) {
        Val ahead = kb.at(prefetch.from, i * (lineBytes / prefetch.parts));
        for (int64_t byte = 0; byte < unroll * lineBytes / prefetch.parts; byte += 64)
          kb.prefetch(kb.at(ahead, byte));
      }
      for (int64_t u = 0; u < unroll; ++u)
        step(line, a, u, acc);
      return acc;
    });
  };
  run(0, k / 4 * 4, 4);
  run(k / 4 * 4, k, 1);
  SmallVector<Vals, 4> out;
  for (int64_t r = 0; r < count; ++r)
    out.push_back(Vals(sums.begin() + r * vectors, sums.begin() + (r + 1) * vectors));
  return out;
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
  Val count = sixes + kb.select(kb.compare(Compare::sgt, rest, 0), kb.index(1), kb.index(0)) +
              kb.select(kb.compare(Compare::sgt, rest, maxPassRows), kb.index(1), kb.index(0));
  parts = kb.select(kb.compare(Compare::sgt, count, 3), kb.index(4),
                    kb.select(kb.compare(Compare::sgt, count, 1), kb.index(2), kb.index(1)));
}

void RowPasses::each(Val tile, Val next, int64_t tileBytes, function_ref<void(Val, int64_t, Prefetch)> body) {
  auto pass = [&](Val row, Val index, int64_t rows) {
    // Parts that are already on their way are not asked for again; the current tile is in the cache anyhow.
    auto variant = [&](int64_t among) {
      Val from = kb.at(next, index * (tileBytes / among / 64 * 64));
      if (among > 1)
        from = kb.select(kb.compare(Compare::slt, index, among), from, tile);
      body(row, rows, {from, among});
    };
    // A pass of one or two rows is alone; only six rows at a time come four times or more.
    kb.when(
        kb.compare(Compare::eq, parts, 1), [&] { variant(1); },
        [&] {
          if (rows < 3)
            return;
          if (rows < maxPassRows)
            return variant(2);
          kb.when(kb.compare(Compare::eq, parts, 2), [&] { variant(2); }, [&] { variant(4); });
        });
  };
  kb.loop(kb.index(0), sixes, 1, [&](Val i) { pass(i * maxPassRows, i, maxPassRows); });
  Val row = sixes * maxPassRows, two = kb.compare(Compare::sgt, rest, maxPassRows);
  kb.when(two, [&] { pass(row, sixes, 4); });
  Val shift = kb.select(two, kb.index(4), kb.index(0)), last = rest - shift;
  Val index = sixes + kb.select(two, kb.index(1), kb.index(0));
  for (int64_t count = 1; count < maxPassRows; ++count)
    kb.when(kb.compare(Compare::eq, last, count), [&] { pass(row + shift, index, count); });
}

namespace {
struct LinearEmitter {
  KernelBuilder &kb;
  const LinearShape &shape;
  std::string name;

  /// A kernel of its own for `count` rows of one tile of which `width` result columns exist: (A, W, bias, residual,
  /// out, where to prefetch from), all at their first row and tile.
  LLVM::LLVMFuncOp block(int64_t count, int64_t width, int64_t parts) {
    std::string own = (name + "_" + Twine(count) + "_" + Twine(width) + "_" + Twine(parts)).str();
    return kb.function(own, {kb.ptr, kb.ptr, kb.ptr, kb.ptr, kb.ptr, kb.ptr}, [&](ArrayRef<Val> a) {
      Vals rows;
      for (int64_t r = 0; r < count; ++r)
        rows.push_back(kb.at(a[0], r * rowBytes(shape.k)));
      bool gated = shape.epilogue == Epilogue::Swiglu;
      int64_t vectors = gated ? 4 : (width + 15) / 16;
      auto sums = productTile(kb, rows, a[1], shape.k, vectors, shape.storage, {a[5], parts});
      for (int64_t r = 0; r < count; ++r) {
        Vals &sum = sums[r];
        if (shape.bias)
          for (int64_t v = 0; v < vectors; ++v)
            sum[v] = sum[v] + kb.load(kb.v16f, kb.at(a[2], v * 64));
        if (gated)
          sum = {swiglu(kb, sum[0], sum[2]), swiglu(kb, sum[1], sum[3])};
        // Whole vectors: what is written beyond the width is padding.
        for (int64_t v = 0; v < (width + 15) / 16; ++v) {
          int64_t offset = r * rowBytes(shape.n) + v * 64;
          Val value = sum[v];
          if (shape.epilogue == Epilogue::Residual)
            value = value + kb.load(kb.v16f, kb.at(a[3], offset));
          kb.store(value, kb.at(a[4], offset));
        }
      }
    });
  }

  /// All rows of one tile; `a` are the arguments of the whole kernel.
  void tile(ArrayRef<Val> a, RowPasses &passes, Val index, int64_t width) {
    Val weight = kb.at(a[1], index * shape.tileBytes());
    Val bias = shape.bias ? kb.at(a[2], index * (tileColumns * 4)) : a[2];
    passes.each(
        weight, kb.at(weight, shape.tileBytes()), shape.tileBytes(), [&](Val row, int64_t count, Prefetch prefetch) {
          Val offset = row * rowBytes(shape.n) + index * (shape.tileOutputs() * 4);
          Val residual = shape.epilogue == Epilogue::Residual ? kb.at(a[3], offset) : a[3];
          kb.call(block(count, width, prefetch.parts),
                  {kb.at(a[0], row * rowBytes(shape.k)), weight, bias, residual, kb.at(a[4], offset), prefetch.from});
        });
  }
};
} // namespace

LLVM::LLVMFuncOp quoin::cpu::linearKernel(KernelBuilder &kb, const LinearShape &shape) {
  std::string name = ("linear_" + Twine(shape.k) + "x" + Twine(shape.n) + "_" + storageName(shape.storage) +
                      (shape.bias ? "_bias" : "") +
                      (shape.epilogue == Epilogue::Residual ? "_residual"
                       : shape.epilogue == Epilogue::Swiglu ? "_swiglu"
                                                            : ""))
                         .str();
  return kb.function(name, {kb.ptr, kb.ptr, kb.ptr, kb.ptr, kb.ptr, kb.i64, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    LinearEmitter emit{kb, shape, name};
    RowPasses passes(kb, a[5]);
    int64_t fullTiles = shape.n / shape.tileOutputs(), tail = shape.n % shape.tileOutputs();
    Val full = kb.index(fullTiles);
    if (fullTiles)
      kb.loop(a[6], kb.min(a[7], full), 1, [&](Val tile) { emit.tile(a, passes, tile, shape.tileOutputs()); });
    if (tail)
      kb.when(kb.bitAnd(kb.compare(Compare::sgt, a[7], full), kb.compare(Compare::sle, a[6], full)),
              [&] { emit.tile(a, passes, full, tail); });
  });
}
