//===- LinearKernel.cpp - rows times a packed weight -------------------------===//
//
// The weight lies in tiles of 64 columns: [tile][k][64]. For each tile of its range the kernel walks over the rows,
// four at a time, and keeps 4 x 64 sums in 16 registers while it runs down k: per step four loads of the weight, four
// broadcasts and 16 fused multiply-adds. The weight's tile stays in the second-level cache for the rows that follow.
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
                                             int64_t vectors, Storage storage, bool prefetch) {
  int64_t count = rows.size(), lineBytes = tileColumns * storageBytes(storage);
  Vals sums(count * vectors, kb.constant(kb.v16f, 0));
  auto step = [&](Val line, ArrayRef<Val> a, int64_t offset, Vals &acc) {
    Val here = kb.at(line, offset * lineBytes);
    Vals w = loadLine(kb, here, vectors, storage);
    if (prefetch)
      for (int64_t byte = 0; byte < lineBytes; byte += 64)
        kb.prefetch(kb.at(here, 4096 + byte));
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

namespace {
struct LinearEmitter {
  KernelBuilder &kb;
  const LinearShape &shape;
  Val a, weight, bias, residual, out;

  /// `count` rows from `row` of one tile, of which `width` result columns exist.
  void block(Val row, int64_t count, Val tile, int64_t width, bool prefetch) {
    Vals rows;
    for (int64_t r = 0; r < count; ++r)
      rows.push_back(kb.at(a, (row + r) * rowBytes(shape.k)));
    bool gated = shape.epilogue == Epilogue::Swiglu;
    int64_t vectors = gated ? 4 : (width + 15) / 16;
    auto sums =
        productTile(kb, rows, kb.at(weight, tile * shape.tileBytes()), shape.k, vectors, shape.storage, prefetch);
    for (int64_t r = 0; r < count; ++r) {
      Vals &sum = sums[r];
      if (shape.bias)
        for (int64_t v = 0; v < vectors; ++v)
          sum[v] = sum[v] + kb.load(kb.v16f, kb.at(bias, tile * (tileColumns * 4) + v * 64));
      if (gated)
        sum = {swiglu(kb, sum[0], sum[2]), swiglu(kb, sum[1], sum[3])};
      Val offset = (row + r) * rowBytes(shape.n) + tile * (shape.tileOutputs() * 4);
      // Whole vectors: what is written beyond the width is padding.
      for (int64_t v = 0; v < (width + 15) / 16; ++v) {
        Val value = sum[v];
        if (shape.epilogue == Epilogue::Residual)
          value = value + kb.load(kb.v16f, kb.at(residual, offset + v * 64));
        kb.store(value, kb.at(out, offset + v * 64));
      }
    }
  }

  /// All rows of one tile.
  void tile(Val index, Val rows, int64_t width) {
    // The first rows bring the tile in, so only they prefetch.
    Val four = kb.index(4), zero = kb.index(0);
    Val whole = kb.bitAnd(rows, kb.index(~int64_t(3)));
    kb.when(kb.compare(Compare::sge, rows, four), [&] {
      block(zero, 4, index, width, true);
      kb.loop(four, whole, 4, [&](Val row) { block(row, 4, index, width, false); });
    });
    for (int64_t rest = 1; rest < 4; ++rest)
      kb.when(kb.compare(Compare::eq, rows - whole, rest), [&] { block(whole, rest, index, width, rest > 1); });
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
    LinearEmitter emit{kb, shape, a[0], a[1], a[2], a[3], a[4]};
    int64_t fullTiles = shape.n / shape.tileOutputs(), tail = shape.n % shape.tileOutputs();
    Val full = kb.index(fullTiles);
    if (fullTiles)
      kb.loop(a[6], kb.min(a[7], full), 1, [&](Val tile) { emit.tile(tile, a[5], shape.tileOutputs()); });
    if (tail)
      kb.when(kb.bitAnd(kb.compare(Compare::sgt, a[7], full), kb.compare(Compare::sle, a[6], full)),
              [&] { emit.tile(full, a[5], tail); });
  });
}
