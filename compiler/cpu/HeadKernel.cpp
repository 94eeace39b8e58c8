//===- HeadKernel.cpp - hidden rows to statistics over the vocabulary ----------===//
//
// Steps: (1) rows are copied into padded scratch, with guidance already applied: the head is linear, so other + (g + 1)
// (hidden - other) may be formed before it at half the cost, and rounded as the head's weight wants them; (2) the
// vocabulary is cut into chunks by its size alone and workers take chunks; each tile of 64 scores goes into the partial
// of its (row, chunk) at once; (3) after a barrier, each row's partials are joined in the order of the chunks.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/HeadKernel.h"
#include "runtime/include/quoin/program.h"
#include "llvm/ADT/Twine.h"
#include <cstddef>

using namespace mlir;
using namespace quoin::cpu;
using Compare = KernelBuilder::Compare;

LLVM::LLVMFuncOp quoin::cpu::prepareKernel(KernelBuilder &kb, const HeadShape &shape) {
  bool narrow = rowsOf(shape.arithmetic) == Storage::BF16, whole = isWhole(shape.arithmetic);
  std::string name = ("head_prepare_" + Twine(shape.hidden) + (narrow ? "_bf16" : whole ? "_i8" : "")).str();
  return kb.function(name, {kb.ptr, kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    kb.loop(a[2], a[3], 1, [&](Val r) {
      Val row = kb.at(a[0], r * int64_t(sizeof(quoin_head_row_t))), to = kb.at(a[1], r * shape.inputBytes());
      Val hidden = kb.load(kb.ptr, kb.at(row, offsetof(quoin_head_row_t, hidden)));
      Val other = kb.load(kb.ptr, kb.at(row, offsetof(quoin_head_row_t, other)));
      Val scale = kb.load(kb.f32, kb.at(row, offsetof(quoin_head_row_t, guidance))) + 1.0;
      Val guided = kb.compare(Compare::ne, kb.wrap(LLVM::PtrToIntOp::create(kb.b, kb.loc, kb.i64, other)), 0);
      auto each = [&](function_ref<Val(Val, int64_t)> value) {
        if (whole)
          return quantizeRow(kb, shape.hidden, value, to);
        overWidth(kb, shape.hidden, [&](Val o, int64_t n) {
          if (narrow)
            storeNarrow(kb, value(o, n), kb.at(to, kb.shiftRight(o, kb.index(1))));
          else
            kb.store(value(o, n), kb.at(to, o));
        });
      };
      kb.when(
          guided,
          [&] {
            each([&](Val o, int64_t n) {
              Val y = kb.loadFloats(kb.at(other, o), n);
              return kb.fma(scale, kb.loadFloats(kb.at(hidden, o), n) - y, y);
            });
          },
          [&] { each([&](Val o, int64_t n) { return kb.loadFloats(kb.at(hidden, o), n); }); });
    });
  });
}

LLVM::LLVMFuncOp quoin::cpu::headStep(KernelBuilder &kb, const HeadShape &shape, StringRef name) {
  LLVM::LLVMFuncOp barrier = barrierKernel(kb), prepare = prepareKernel(kb, shape), statistics = tileStatistics(kb);
  LLVM::LLVMFuncOp results = rowResults(kb, shape.vocabulary);
  return kb.function(
      name, {kb.ptr, kb.i64, kb.i64},
      [&](ArrayRef<Val> a) {
        auto field = [&](Type type, size_t offset) { return kb.load(type, kb.at(a[0], int64_t(offset))); };
        Val rows = field(kb.i64, offsetof(quoin_head_t, rows)), row = field(kb.ptr, offsetof(quoin_head_t, row));
        Val scratch = field(kb.ptr, offsetof(quoin_head_t, scratch)),
            meet = field(kb.ptr, offsetof(quoin_head_t, barrier));
        Val weight = kb.at(field(kb.ptr, offsetof(quoin_head_t, weights)), shape.weightOffset);
        Val bias =
            shape.biasOffset < 0 ? weight : kb.at(field(kb.ptr, offsetof(quoin_head_t, weights)), shape.biasOffset);
        Val partials = kb.at(scratch, rows * shape.inputBytes()), tile = kb.stack(maxPassRows * 256);
        int64_t chunkTiles = shape.chunkTiles(), chunks = shape.chunks(), tiles = shape.product().tiles();
        auto partialAt = [&](Val r, Val chunk) { return kb.at(partials, (r * chunks + chunk) * Partial::bytes); };
        auto rowAt = [&](Val r) { return kb.at(row, r * int64_t(sizeof(quoin_head_row_t))); };

        auto [begin, end] = share(kb, rows, a[1], a[2]);
        kb.call(prepare, {row, scratch, begin, end});
        kb.call(barrier, {meet, a[2]});

        RowPasses passes(kb, rows);
        kb.loopBy(a[1], kb.index(chunks), a[2], [&](Val chunk) {
          kb.loop(kb.index(0), rows, 1, [&](Val r) { Partial::initial(kb).store(partialAt(r, chunk)); });
          Val from = chunk * chunkTiles;
          kb.loop(from, kb.min(from + chunkTiles, kb.index(tiles)), 1, [&](Val t) {
            int64_t tileBytes = shape.product().tileBytes();
            Val here = kb.at(weight, t * tileBytes), token = kb.truncate(kb.i32, t * tileColumns);
            passes.each(here, tileBytes, [&](const RowPass &pass) {
              callPass(kb, shape.product(), scratch, here, tile, pass);
              kb.loop(kb.index(0), pass.rows, 1, [&](Val i) {
                Val r = pass.row + i;
                for (int64_t v = 0; shape.biasOffset >= 0 && v < 4; ++v) {
                  Val at = kb.at(kb.at(tile, i * 256), v * 64);
                  kb.store(kb.load(kb.v16f, at, 64) + kb.load(kb.v16f, kb.at(bias, t * 256 + v * 64), 64), at);
                }
                kb.call(statistics, {rowAt(r), partialAt(r, chunk), kb.at(tile, i * 256), token,
                                     kb.integer(kb.i32, shape.vocabulary)});
              });
            });
          });
        });
        kb.call(barrier, {meet, a[2]});
        kb.loop(begin, end, 1, [&](Val r) {
          kb.call(results, {rowAt(r), partialAt(r, kb.index(0)), kb.index(chunks), kb.index(chunkTiles * tileColumns)});
        });
      },
      true);
}
