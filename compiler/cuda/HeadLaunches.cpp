//===- HeadLaunches.cpp - hidden rows to statistics, in three launches ------===//
//
// As HeadKernel.cpp, with launches where workers meet: rows are prepared; chunks of the vocabulary, four rows at a
// time, become partials; those of each row are joined in order.
//
//===----------------------------------------------------------------------===//

#include "compiler/cuda/CudaKernels.h"
#include "runtime/include/quoin/program.h"
#include <cstddef>

using namespace mlir;
using namespace quoin::cuda;
using namespace quoin::cpu;

namespace {
/// The arguments of a head.
struct Head {
  KernelBuilder &kb;
  const HeadShape &shape;
  Val args;

  Val field(Type type, size_t offset) { return kb.load(type, kb.at(args, int64_t(offset))); }
  Val rows() { return field(kb.i64, offsetof(quoin_head_t, rows)); }
  Val scratch() { return field(kb.ptr, offsetof(quoin_head_t, scratch)); }
  Val weight(int64_t offset) { return kb.at(field(kb.ptr, offsetof(quoin_head_t, weights)), offset); }
  Val rowAt(Val r) { return kb.at(field(kb.ptr, offsetof(quoin_head_t, row)), r * int64_t(sizeof(quoin_head_row_t))); }
  Val partialAt(Val r, Val chunk) {
    return kb.at(kb.at(scratch(), rows() * shape.inputBytes()), (r * shape.chunks() + chunk) * Partial::bytes);
  }
};
} // namespace

/// A kernel is one head's: what it knows of it stands in its name.
static std::string headKernelName(StringRef kernel, const HeadShape &shape) {
  std::string name = kernel.str();
  for (int64_t number : {shape.hidden, shape.vocabulary, static_cast<int64_t>(shape.arithmetic), shape.group,
                         shape.weightOffset, shape.biasOffset + 1})
    name += "_" + std::to_string(number);
  return name;
}

LLVM::LLVMFuncOp quoin::cuda::headRows(KernelBuilder &kb, const HeadShape &shape) {
  return kb.function(headKernelName("head_rows", shape), {kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    Head head{kb, shape, a[0]};
    auto [begin, end] = share(kb, head.rows(), a[1], a[2]);
    kb.call(prepareKernel(kb, shape), {head.rowAt(kb.index(0)), head.scratch(), begin, end});
  });
}

LLVM::LLVMFuncOp quoin::cuda::headChunks(KernelBuilder &kb, const HeadShape &shape) {
  return kb.function(headKernelName("head_chunks", shape), {kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    Head head{kb, shape, a[0]};
    LinearShape product = shape.product();
    Val rows = head.rows(), scratch = head.scratch(), weight = head.weight(shape.weightOffset);
    Val bias = shape.biasOffset < 0 ? weight : head.weight(shape.biasOffset);
    Val scores = kb.stack(rowsAtOnce * tileColumns * 4), chunks = kb.index(shape.chunks());
    LLVM::LLVMFuncOp statistics = tileStatistics(kb);
    // Blocks beside each other have the same rows.
    kb.loopBy(a[1], kb.ceilDiv(rows, rowsAtOnce) * chunks, a[2], [&](Val item) {
      Val chunk = kb.remainder(item, chunks), first = kb.quotient(item, chunks) * rowsAtOnce;
      Val count = kb.min(rows - first, kb.index(rowsAtOnce)), from = chunk * shape.chunkTiles();
      kb.loop(kb.index(0), count, 1, [&](Val r) { Partial::initial(kb).store(head.partialAt(first + r, chunk)); });
      kb.loop(from, kb.min(from + shape.chunkTiles(), kb.index(product.tiles())), 1, [&](Val tile) {
        multiplyTile(kb, product, scratch, first, rows, kb.at(weight, tile * product.tileBytes()), scores);
        Val token = kb.truncate(kb.i32, tile * tileColumns);
        kb.loop(kb.index(0), count, 1, [&](Val r) {
          Val own = kb.at(scores, r * (tileColumns * 4));
          for (int64_t v = 0; shape.biasOffset >= 0 && v < 4; ++v)
            kb.store(kb.load(kb.v16f, kb.at(own, v * 64), 64) +
                         kb.load(kb.v16f, kb.at(bias, tile * (tileColumns * 4) + v * 64), 64),
                     kb.at(own, v * 64), 64);
          kb.call(statistics, {head.rowAt(first + r), head.partialAt(first + r, chunk), own, token,
                               kb.integer(kb.i32, shape.vocabulary)});
        });
      });
    });
  });
}

LLVM::LLVMFuncOp quoin::cuda::headResults(KernelBuilder &kb, const HeadShape &shape) {
  return kb.function(headKernelName("head_last", shape), {kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    Head head{kb, shape, a[0]};
    auto [begin, end] = share(kb, head.rows(), a[1], a[2]);
    LLVM::LLVMFuncOp results = rowResults(kb, shape.vocabulary);
    kb.loop(begin, end, 1, [&](Val r) {
      kb.call(results, {head.rowAt(r), head.partialAt(r, kb.index(0)), kb.index(shape.chunks()),
                        kb.index(shape.chunkTiles() * tileColumns)});
    });
  });
}
