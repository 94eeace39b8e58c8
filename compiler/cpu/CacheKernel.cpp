//===- CacheKernel.cpp - rows of keys and values into pages -------------------===//
//
// A row is one slot of each page's [feature][slot] keys and [slot][feature] values. In pages of BF16 two features of a
// key, and two slots of a value, share a 32-bit lane. The two slots may belong to different workers, so each stores its
// own half-words and reads nothing; only the last slot of a group writes zeros into the other half, where nobody writes
// and which attention multiplies with a probability of 0.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/Kernels.h"
#include "runtime/include/quoin/program.h"
#include "llvm/ADT/Twine.h"
#include <cstddef>

using namespace mlir;
using namespace quoin::cpu;
using Compare = KernelBuilder::Compare;

namespace {
struct CacheEmitter {
  KernelBuilder &kb;
  const PageLayout &page;
  Storage rows;
  Val scratch; ///< 16 half-words

  Val field(Type type, Val base, size_t offset) { return kb.load(type, kb.at(base, int64_t(offset))); }

  /// `count` <= 16 features from feature number `at` on, as half-words; the rest is zero.
  Val halves(Val source, Val at, int64_t count) {
    return rows == Storage::BF16 ? kb.loadHalves(kb.at(source, at * 2), count)
                                 : kb.narrow(kb.loadFloats(kb.at(source, at * 4), count));
  }

  void eachVector(function_ref<void(Val, int64_t)> body) {
    overWidth(kb, page.headDim, [&](Val bytes, int64_t count) { body(kb.shiftRight(bytes, kb.index(2)), count); });
  }

  /// One head of one row, whose page begins at `keys`.
  void store(Val k, Val v, Val keys, Val slot, Val slots) {
    Val lane = kb.bitAnd(slot, kb.index(tileColumns - 1));
    Val to = kb.at(keys, lane * 4), values = kb.at(keys, page.valueOffset());
    if (page.storage == Storage::F32) {
      kb.loop(kb.index(0), kb.index(page.headDim), 1,
              [&](Val i) { kb.store(kb.load(kb.f32, kb.at(k, i * 4)), kb.at(to, i * lineBytes(page.storage))); });
      // The padding of a value is written too: it is multiplied, if never stored.
      Val line = kb.at(values, lane * page.valueLineBytes());
      return overWidth(kb, page.headDim,
                       [&](Val o, int64_t n) { kb.store(kb.loadFloats(kb.at(v, o), n), kb.at(line, o)); });
    }
    Val line = kb.at(values, kb.shiftRight(lane, kb.index(1)) * page.valueLineBytes());
    Val odd = kb.compare(Compare::ne, kb.bitAnd(lane, kb.index(1)), 0), last = kb.compare(Compare::eq, slot + 1, slots);
    Val shift = kb.splat(kb.select(odd, kb.integer(kb.i32, 16), kb.integer(kb.i32, 0)));
    Val which = kb.select(odd, kb.integer(kb.i32, int32_t(0xaaaaaaaa)),
                          kb.select(last, kb.integer(kb.i32, -1), kb.integer(kb.i32, 0x55555555)));
    eachVector([&](Val at, int64_t count) {
      kb.store(halves(k, at, count), scratch, 32);
      kb.loop(kb.index(0), kb.index((count + 1) / 2), 1, [&](Val i) {
        Val pair = kb.load(kb.i32, kb.at(scratch, i * 4));
        kb.store(pair, kb.at(to, (kb.shiftRight(at, kb.index(1)) + i) * lineBytes(page.storage)));
      });
      kb.storeHalves(kb.shiftLeft(kb.extend(kb.v16i, halves(v, at, count), false), shift), kb.at(line, at * 4), which);
    });
  }
};
} // namespace

LLVM::LLVMFuncOp quoin::cpu::cacheKernel(KernelBuilder &kb, const PageLayout &page, bool packed, Storage rows,
                                         bool byPosition) {
  std::string name = ("cache_" + Twine(page.kvHeads) + "_" + Twine(page.headDim) + "_" + storageName(page.storage) +
                      "_" + storageName(rows) + (packed ? "_packed" : "") + (byPosition ? "_by_position" : ""))
                         .str();
  int64_t width = page.kvHeads * page.headDim;
  int64_t bytes = packed ? width * storageBytes(rows) : rowBytes(width, rows);
  return kb.function(name, {kb.ptr, kb.ptr, kb.ptr, kb.i64, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    CacheEmitter emit{kb, page, rows, kb.stack(64)};
    Val groups = emit.field(kb.i64, a[0], offsetof(quoin_layers_t, groups)),
        group = emit.field(kb.ptr, a[0], offsetof(quoin_layers_t, group));
    kb.loop(kb.index(0), groups, 1, [&](Val gi) {
      Val g = kb.at(group, gi * int64_t(sizeof(quoin_group_t)));
      Val first = emit.field(kb.i64, g, offsetof(quoin_group_t, first_row));
      Val end = first + emit.field(kb.i64, g, offsetof(quoin_group_t, rows));
      Val shift = emit.field(kb.i64, g, offsetof(quoin_group_t, first_slot)) - first;
      Val slots = emit.field(kb.i64, g, offsetof(quoin_group_t, slots));
      Val pages = emit.field(kb.ptr, g, offsetof(quoin_group_t, pages));
      kb.loop(kb.max(first, a[4]), kb.min(end, a[5]), 1, [&](Val row) {
        Val slot = row + shift;
        Val layer = kb.at(kb.load(kb.ptr, kb.at(pages, kb.shiftRight(slot, kb.index(6)) * 8)), a[3]);
        Val from = row;
        if (byPosition)
          from = kb.extend(kb.i64,
                           kb.load(kb.i32, kb.at(emit.field(kb.ptr, g, offsetof(quoin_group_t, positions)), slot * 4)),
                           true);
        kb.loop(kb.index(0), kb.index(page.kvHeads), 1, [&](Val head) {
          Val source = from * bytes + head * (page.headDim * storageBytes(rows));
          emit.store(kb.at(a[1], source), kb.at(a[2], source), kb.at(layer, head * page.headBytes()), slot, slots);
        });
      });
    });
  });
}
