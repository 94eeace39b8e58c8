//===- ProductKernel.cpp - products by fused multiply-adds -------------------===//
//
// A block takes one tile of 64 columns and four rows at a time: each of its threads has 4 columns of each row, 16 sums,
// and reads lines of the tile side by side with the others. A sum runs down the depth in order, as on the CPU, whatever
// is beside it, and so has the same bits there.
//
//===----------------------------------------------------------------------===//

#include "compiler/cuda/CudaKernels.h"

using namespace mlir;
using namespace quoin::cuda;
using namespace quoin::cpu;
using Compare = KernelBuilder::Compare;

void quoin::cuda::multiplyTile(KernelBuilder &kb, const LinearShape &shape, Val a, Val first, Val rows, Val weight,
                               Val sums) {
  int64_t bytes = stage::rowBytes(shape.k, rowsOf(shape.arithmetic)), vectors = tileColumns / KernelBuilder::lanes;
  Vals from;
  for (int64_t r = 0; r < rowsAtOnce; ++r)
    from.push_back(kb.at(a, kb.min(first + r, rows - 1) * bytes));
  auto made = isWhole(shape.arithmetic) ? wholeTile(kb, from, weight, kb.index(shape.k), vectors,
                                                    {shape.arithmetic == Arithmetic::Nibbles, shape.group}, Prefetch())
                                        : productTile(kb, from, weight, kb.index(shape.k), vectors, shape.arithmetic);
  for (int64_t r = 0; r < rowsAtOnce; ++r)
    for (int64_t v = 0; v < vectors; ++v)
      kb.store(made[static_cast<size_t>(r)][static_cast<size_t>(v)], kb.at(sums, r * (tileColumns * 4) + v * 64), 64);
}

LLVM::LLVMFuncOp quoin::cuda::productKernel(KernelBuilder &kb, const LinearShape &shape) {
  std::string name = linearName(shape);
  SmallVector<Type> types(4 + static_cast<size_t>(shape.others), kb.ptr);
  types.append(3, kb.i64);
  return kb.function(name, types, [&](ArrayRef<Val> a) {
    ArrayRef<Val> others = a.slice(3, static_cast<size_t>(shape.others));
    Val out = a[3 + others.size()], rows = a[4 + others.size()], worker = a[5 + others.size()], workers = a.back();
    Val sums = kb.stack(rowsAtOnce * tileColumns * 4), tiles = kb.index(shape.tiles());
    int64_t tail = shape.n % shape.tileOutputs();
    // Blocks beside each other have the same rows.
    kb.loopBy(worker, kb.ceilDiv(rows, rowsAtOnce) * tiles, workers, [&](Val item) {
      Val tile = kb.remainder(item, tiles), first = kb.quotient(item, tiles) * rowsAtOnce;
      multiplyTile(kb, shape, a[0], first, rows, kb.at(a[1], tile * shape.tileBytes()), sums);
      auto place = [&](Val base, Storage storage) {
        return kb.at(base,
                     first * stage::rowBytes(shape.n, storage) + tile * (shape.tileOutputs() * storageBytes(storage)));
      };
      Vals arguments{sums, shape.bias ? kb.at(a[2], tile * (tileColumns * 4)) : a[2]};
      for (Val other : others)
        arguments.push_back(place(other, Storage::F32));
      arguments.append({place(out, shape.result), kb.min(rows - first, kb.index(rowsAtOnce))});
      auto finish = [&](int64_t width) { kb.call(endKernel(kb, shape, name, width), arguments); };
      if (!tail)
        return finish(shape.tileOutputs());
      kb.when(
          kb.compare(Compare::eq, tile, shape.tiles() - 1), [&] { finish(tail); },
          [&] { finish(shape.tileOutputs()); });
    });
  });
}
