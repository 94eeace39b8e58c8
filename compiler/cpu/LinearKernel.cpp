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
// The sums of a pass go through 1.5 KiB of stack to whatever follows (bias, gate, residual). That costs nothing next to
// k steps, and lets all products of a program share the dozen kernels that are hot, so that it compiles in little time.
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

SmallVector<Vals, 4> quoin::cpu::productTile(KernelBuilder &kb, ArrayRef<Val> rows, Val weight, Val k, int64_t vectors,
                                             Storage storage, Prefetch prefetch) {
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
  auto run = [&](Val from, Val to, int64_t unroll) {
    sums = kb.loop(from, to, unroll, sums, [&](Val i, ArrayRef<Val> carried) {
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
  Val whole = kb.bitAnd(k, kb.index(-4));
  run(kb.index(0), whole, 4);
  run(whole, k, 1);
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
  Val one = kb.index(1), zero = kb.index(0);
  passes = sixes + kb.select(kb.compare(Compare::sgt, rest, 0), one, zero) +
           kb.select(kb.compare(Compare::sgt, rest, maxPassRows), one, zero);
  halvings = kb.select(kb.compare(Compare::sgt, passes, 3), kb.index(2),
                       kb.select(kb.compare(Compare::sgt, passes, 1), one, zero));
}

void RowPasses::each(Val tile, int64_t tileBytes, function_ref<void(const RowPass &)> body) {
  kb.loop(kb.index(0), passes, 1, [&](Val i) {
    Val six = kb.index(maxPassRows), two = kb.compare(Compare::sgt, rest, maxPassRows);
    Val first = kb.compare(Compare::eq, i, sixes), second = kb.compare(Compare::sgt, i, sixes);
    RowPass pass;
    Val last = kb.select(two, kb.select(first, kb.index(4), rest - 4), rest);
    pass.rows = kb.select(kb.compare(Compare::slt, i, sixes), six, last);
    pass.row = i * maxPassRows - kb.select(second, kb.index(maxPassRows - 4), kb.index(0));
    pass.halvings = halvings;
    // Parts that are already on their way are not asked for again; the current tile is in the cache anyhow.
    Val part = kb.bitAnd(kb.shiftRight(kb.index(tileBytes), halvings), kb.index(-64));
    Val wanted = kb.compare(Compare::eq, kb.shiftRight(i, halvings), 0);
    pass.prefetch = kb.select(wanted, kb.at(kb.at(tile, tileBytes), i * part), tile);
    body(pass);
  });
}

/// (A, bytes between its rows, W, k, sums [rows][64], where to prefetch from), for one number of rows.
static LLVM::LLVMFuncOp blockKernel(KernelBuilder &kb, Storage storage, int64_t count, int64_t parts) {
  std::string name = ("product_" + storageName(storage) + "_" + Twine(count) + "_" + Twine(parts)).str();
  return kb.function(name, {kb.ptr, kb.i64, kb.ptr, kb.i64, kb.ptr, kb.ptr}, [&](ArrayRef<Val> a) {
    Vals rows;
    for (int64_t r = 0; r < count; ++r)
      rows.push_back(kb.at(a[0], a[1] * r));
    auto sums = productTile(kb, rows, a[2], a[3], 4, storage, {a[5], parts});
    for (int64_t r = 0; r < count; ++r)
      for (int64_t v = 0; v < 4; ++v)
        kb.store(sums[r][v], kb.at(a[4], r * 256 + v * 64), 64);
  });
}

LLVM::LLVMFuncOp quoin::cpu::passKernel(KernelBuilder &kb, Storage storage) {
  SmallVector<Type> types{kb.ptr, kb.i64, kb.ptr, kb.i64, kb.ptr, kb.ptr, kb.i64, kb.i64};
  return kb.function(("product_" + storageName(storage)).str(), types, [&](ArrayRef<Val> a) {
    auto run = [&](int64_t count, int64_t parts) { kb.call(blockKernel(kb, storage, count, parts), a.take_front(6)); };
    for (int64_t count = 1; count <= maxPassRows; ++count)
      kb.when(kb.compare(Compare::eq, a[6], count), [&] {
        // Passes of one or two rows are alone, and only six rows at a time come four times or more.
        kb.when(
            kb.compare(Compare::eq, a[7], 0), [&] { run(count, 1); },
            [&] {
              if (count < 3)
                return;
              if (count < maxPassRows)
                return run(count, 2);
              kb.when(kb.compare(Compare::eq, a[7], 1), [&] { run(count, 2); }, [&] { run(count, 4); });
            });
      });
  });
}

void quoin::cpu::callPass(KernelBuilder &kb, Storage storage, Val a, int64_t rowBytesOfA, Val weight, int64_t k,
                          Val sums, const RowPass &pass) {
  kb.call(passKernel(kb, storage), {kb.at(a, pass.row * rowBytesOfA), kb.index(rowBytesOfA), weight, kb.index(k), sums,
                                    pass.prefetch, pass.rows, pass.halvings});
}

//===----------------------------------------------------------------------===//
// Whole products
//===----------------------------------------------------------------------===//

/// What follows the sums of `rows` rows of one tile, of which `width` result columns exist: (sums, bias, residual, out,
/// rows), all at their first row and column.
static LLVM::LLVMFuncOp epilogueKernel(KernelBuilder &kb, const LinearShape &shape, StringRef name, int64_t width) {
  std::string own = (name + "_finish_" + Twine(width)).str();
  return kb.function(own, {kb.ptr, kb.ptr, kb.ptr, kb.ptr, kb.i64}, [&](ArrayRef<Val> a) {
    kb.loop(kb.index(0), a[4], 1, [&](Val row) {
      Vals sum;
      for (int64_t v = 0; v < 4; ++v) {
        sum.push_back(kb.load(kb.v16f, kb.at(kb.at(a[0], row * 256), v * 64), 64));
        if (shape.bias)
          sum[v] = sum[v] + kb.load(kb.v16f, kb.at(a[1], v * 64));
      }
      if (shape.epilogue == Epilogue::Swiglu)
        sum = {swiglu(kb, sum[0], sum[2]), swiglu(kb, sum[1], sum[3])};
      // Whole vectors: what is written beyond the width is padding.
      for (int64_t v = 0; v < (width + 15) / 16; ++v) {
        Val offset = row * rowBytes(shape.n) + v * 64;
        if (shape.epilogue == Epilogue::Residual)
          sum[v] = sum[v] + kb.load(kb.v16f, kb.at(a[2], offset));
        kb.store(sum[v], kb.at(a[3], offset));
      }
    });
  });
}

LLVM::LLVMFuncOp quoin::cpu::linearKernel(KernelBuilder &kb, const LinearShape &shape) {
  std::string name = ("linear_" + Twine(shape.k) + "x" + Twine(shape.n) + "_" + storageName(shape.storage) +
                      (shape.bias ? "_bias" : "") +
                      (shape.epilogue == Epilogue::Residual ? "_residual"
                       : shape.epilogue == Epilogue::Swiglu ? "_swiglu"
                                                            : ""))
                         .str();
  return kb.function(name, {kb.ptr, kb.ptr, kb.ptr, kb.ptr, kb.ptr, kb.i64, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    RowPasses passes(kb, a[5]);
    int64_t fullTiles = shape.n / shape.tileOutputs(), tail = shape.n % shape.tileOutputs();
    Val full = kb.index(fullTiles), sums = kb.stack(maxPassRows * 256);
    kb.loop(a[6], a[7], 1, [&](Val tile) {
      Val weight = kb.at(a[1], tile * shape.tileBytes());
      Val bias = shape.bias ? kb.at(a[2], tile * (tileColumns * 4)) : a[2];
      passes.each(weight, shape.tileBytes(), [&](const RowPass &pass) {
        callPass(kb, shape.storage, a[0], rowBytes(shape.k), weight, shape.k, sums, pass);
        Val offset = pass.row * rowBytes(shape.n) + tile * (shape.tileOutputs() * 4);
        Val residual = shape.epilogue == Epilogue::Residual ? kb.at(a[3], offset) : a[3];
        auto finish = [&](int64_t width) {
          kb.call(epilogueKernel(kb, shape, name, width), {sums, bias, residual, kb.at(a[4], offset), pass.rows});
        };
        if (!tail)
          return finish(shape.tileOutputs());
        kb.when(kb.compare(Compare::eq, tile, full), [&] { finish(tail); }, [&] { finish(shape.tileOutputs()); });
      });
    });
  });
}
