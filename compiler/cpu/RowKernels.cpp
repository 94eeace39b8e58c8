//===- RowKernels.cpp - kernels that treat each row by itself ----------------===//

#include "compiler/cpu/Kernels.h"
#include "runtime/include/quoin/program.h"
#include "llvm/ADT/Twine.h"
#include <cstddef>

using namespace mlir;
using namespace quoin::cpu;
using Compare = KernelBuilder::Compare;

void quoin::cpu::overWidth(KernelBuilder &kb, int64_t width, function_ref<void(Val, int64_t)> body) {
  int64_t whole = width / 16 * 16;
  if (whole)
    kb.loop(kb.index(0), kb.index(whole * 4), 64, [&](Val offset) { body(offset, 16); });
  if (width != whole)
    body(kb.index(whole * 4), width - whole);
}

void quoin::cpu::storeNarrow(KernelBuilder &kb, Val value, Val address) { kb.store(kb.narrow(value), address); }

LLVM::LLVMFuncOp quoin::cpu::narrowKernel(KernelBuilder &kb, int64_t width) {
  return kb.function(("narrow_" + Twine(width)).str(), {kb.ptr, kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    kb.loop(a[2], a[3], 1, [&](Val row) {
      Val x = kb.at(a[0], row * rowBytes(width)), y = kb.at(a[1], row * rowBytes(width, Storage::BF16));
      overWidth(kb, width, [&](Val o, int64_t n) {
        storeNarrow(kb, kb.loadFloats(kb.at(x, o), n), kb.at(y, kb.shiftRight(o, kb.index(1))));
      });
    });
  });
}

LLVM::LLVMFuncOp quoin::cpu::embedKernel(KernelBuilder &kb, const EmbedShape &shape) {
  int64_t width = roundUp(shape.width, 16), bytes = storageBytes(shape.storage);
  std::string name = ("embed_" + Twine(shape.width) + "_" + storageName(shape.storage)).str();
  if (shape.rows)
    name += ("_of_" + Twine(shape.rows) + "_by_" + Twine(shape.stride) + (shape.reads ? "_reads" : "")).str();
  return kb.function(name, {kb.ptr, kb.ptr, kb.ptr, kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    auto load = [&](Val source) {
      if (shape.storage == Storage::F32)
        return kb.load(kb.v16f, source);
      if (shape.storage == Storage::F16)
        return kb.toFloat(kb.v16f, kb.load(kb.vec(kb.b.getF16Type()), source));
      return kb.cast(kb.v16f,
                     kb.shiftLeft(kb.extend(kb.v16i, kb.load(kb.vec(kb.i16), source), false), kb.integer(kb.v16i, 16)));
    };
    kb.loop(a[4], a[5], 1, [&](Val row) {
      Val source = shape.reads ? kb.load(kb.i64, kb.at(a[2], row * 8)) : row;
      Val id = kb.extend(kb.i64, kb.load(kb.i32, kb.at(a[0], source * shape.stride)), true);
      Val to = kb.at(a[3], row * rowBytes(shape.width));
      // Rows of the table are padded to whole vectors, those of activations too.
      auto copy = [&] {
        Val from = kb.at(a[1], id * (width * bytes));
        kb.loop(kb.index(0), kb.index(width), 16,
                [&](Val i) { kb.store(load(kb.at(from, i * bytes)), kb.at(to, i * 4)); });
      };
      if (!shape.rows)
        return copy();
      Val there = kb.bitAnd(kb.compare(Compare::sge, id, 0), kb.compare(Compare::slt, id, shape.rows));
      kb.when(there, copy, [&] {
        kb.loop(kb.index(0), kb.index(width), 16, [&](Val i) { kb.store(kb.constant(kb.v16f, 0), kb.at(to, i * 4)); });
      });
    });
  });
}

LLVM::LLVMFuncOp quoin::cpu::gatherKernel(KernelBuilder &kb, int64_t width, Storage storage) {
  // Whole vectors, padding included: the last pair of BF16 counts.
  int64_t stride = rowBytes(width, storage);
  return kb.function(("gather_" + Twine(stride)).str(), {kb.ptr, kb.ptr, kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    kb.loop(a[3], a[4], 1, [&](Val row) {
      Val from = kb.at(a[0], kb.load(kb.i64, kb.at(a[1], row * 8)) * stride), to = kb.at(a[2], row * stride);
      kb.loop(kb.index(0), kb.index(stride), 64,
              [&](Val o) { kb.store(kb.load(kb.v16i, kb.at(from, o)), kb.at(to, o)); });
    });
  });
}

LLVM::LLVMFuncOp quoin::cpu::spreadKernel(KernelBuilder &kb, int64_t width) {
  int64_t stride = rowBytes(width);
  return kb.function(("spread_" + Twine(stride)).str(), {kb.ptr, kb.ptr, kb.i64, kb.ptr, kb.i64, kb.i64},
                     [&](ArrayRef<Val> a) {
                       kb.loop(kb.index(0), a[2], 1, [&](Val g) {
                         Val group = kb.at(a[1], g * int64_t(sizeof(quoin_group_t)));
                         auto field = [&](size_t offset) { return kb.load(kb.i64, kb.at(group, int64_t(offset))); };
                         Val first = field(offsetof(quoin_group_t, first_row));
                         Val begin = kb.max(first, a[4]);
                         Val end = kb.min(first + field(offsetof(quoin_group_t, rows)), a[5]);
                         Val from = kb.at(a[0], g * stride);
                         kb.loop(begin, kb.max(begin, end), 1, [&](Val row) {
                           Val to = kb.at(a[3], row * stride);
                           kb.loop(kb.index(0), kb.index(stride), 64,
                                   [&](Val o) { kb.store(kb.load(kb.v16i, kb.at(from, o)), kb.at(to, o)); });
                         });
                       });
                     });
}

LLVM::LLVMFuncOp quoin::cpu::scatterKernel(KernelBuilder &kb, int64_t width, bool reads) {
  std::string name = ("scatter_" + Twine(width) + (reads ? "_reads" : "")).str();
  return kb.function(name, {kb.ptr, kb.ptr, kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    kb.loop(a[3], a[4], 1, [&](Val row) {
      Val source = reads ? kb.load(kb.i64, kb.at(a[1], row * 8)) : row;
      Val from = kb.at(a[0], source * rowBytes(width)), to = kb.load(kb.ptr, kb.at(a[2], row * 8));
      overWidth(kb, width,
                [&](Val o, int64_t n) { kb.storeFloats(kb.loadFloats(kb.at(from, o), n), kb.at(to, o), n); });
    });
  });
}
