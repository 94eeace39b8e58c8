//===- RowKernels.cpp - kernels that treat each row by itself ----------------===//

#include "compiler/cpu/Kernels.h"
#include "llvm/ADT/Twine.h"

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

Val quoin::cpu::swiglu(KernelBuilder &kb, Val gate, Val up) {
  Val one = literal(gate, 1.0), zero = literal(gate, 0.0);
  return gate / (one + kb.exp(zero - gate)) * up;
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

LLVM::LLVMFuncOp quoin::cpu::normKernel(KernelBuilder &kb, int64_t width, int64_t group, double epsilon,
                                        Storage result) {
  // Two epsilons of one shape are two functions; the bits of the number are its name.
  std::string name = ("norm_" + Twine(width) + "_" + Twine(group) + "_" +
                      Twine::utohexstr(llvm::bit_cast<uint64_t>(epsilon)) + (result == Storage::BF16 ? "_narrow" : ""))
                         .str();
  return kb.function(name, {kb.ptr, kb.ptr, kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    kb.loop(a[3], a[4], 1, [&](Val row) {
      kb.loop(kb.index(0), kb.index(width / group), 1, [&](Val g) {
        Val x = kb.at(a[0], row * rowBytes(width) + g * (group * 4));
        Val y = kb.at(a[2], row * rowBytes(width, result) + g * (group * storageBytes(result)));
        int64_t whole = group / 16 * 16;
        Val sum = kb.loop(kb.index(0), kb.index(whole * 4), 64, {kb.constant(kb.v16f, 0)},
                          [&](Val o, ArrayRef<Val> s) -> Vals {
                            Val v = kb.loadFloats(kb.at(x, o));
                            return {kb.fma(v, v, s[0])};
                          })[0];
        if (whole != group) {
          Val v = kb.loadFloats(kb.at(x, whole * 4), group - whole);
          sum = kb.fma(v, v, sum);
        }
        Val mean = kb.reduceAdd(sum) * (1.0 / static_cast<double>(group));
        Val factor = kb.splat(kb.real(1.0) / kb.sqrt(mean + epsilon));
        overWidth(kb, group, [&](Val o, int64_t n) {
          Val value = kb.loadFloats(kb.at(x, o), n) * factor * kb.loadFloats(kb.at(a[1], o), n);
          // A whole vector of BF16: the next group, if there is one, comes after.
          if (result == Storage::BF16)
            storeNarrow(kb, value, kb.at(y, kb.shiftRight(o, kb.index(1))));
          else
            kb.storeFloats(value, kb.at(y, o), n);
        });
      });
    });
  });
}

LLVM::LLVMFuncOp quoin::cpu::rotaryKernel(KernelBuilder &kb, int64_t width, int64_t headDim, int64_t capacity,
                                          bool reads) {
  std::string name =
      ("rotary_" + Twine(width) + "_" + Twine(headDim) + "_" + Twine(capacity) + (reads ? "_reads" : "")).str();
  int64_t half = headDim / 2;
  return kb.function(name, {kb.ptr, kb.ptr, kb.ptr, kb.ptr, kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    kb.loop(a[5], a[6], 1, [&](Val row) {
      Val source = reads ? kb.load(kb.i64, kb.at(a[3], row * 8)) : row;
      Val position = kb.extend(kb.i64, kb.load(kb.i32, kb.at(a[2], source * 4)), true);
      Val cosines = kb.at(a[1], position * (half * 4)), sines = kb.at(cosines, capacity * half * 4);
      kb.loop(kb.index(0), kb.index(width / headDim), 1, [&](Val head) {
        Val offset = row * rowBytes(width) + head * (headDim * 4), x = kb.at(a[0], offset), y = kb.at(a[4], offset);
        overWidth(kb, half, [&](Val o, int64_t n) {
          Val to = kb.at(y, o);
          Val u = kb.loadFloats(kb.at(x, o), n), v = kb.loadFloats(kb.at(kb.at(x, o), half * 4), n);
          Val c = kb.loadFloats(kb.at(cosines, o), n), s = kb.loadFloats(kb.at(sines, o), n);
          kb.storeFloats(u * c - v * s, to, n);
          kb.storeFloats(v * c + u * s, kb.at(to, half * 4), n);
        });
      });
    });
  });
}

LLVM::LLVMFuncOp quoin::cpu::embedKernel(KernelBuilder &kb, int64_t width, Storage storage) {
  std::string name = ("embed_" + Twine(width) + "_" + storageName(storage)).str();
  return kb.function(name, {kb.ptr, kb.ptr, kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    int64_t bytes = storageBytes(storage);
    kb.loop(a[3], a[4], 1, [&](Val row) {
      Val id = kb.extend(kb.i64, kb.load(kb.i32, kb.at(a[0], row * 4)), true);
      Val from = kb.at(a[1], id * (roundUp(width, 16) * bytes)), to = kb.at(a[2], row * rowBytes(width));
      // Rows of the table are padded to whole vectors, those of activations too.
      kb.loop(kb.index(0), kb.index(roundUp(width, 16)), 16, [&](Val i) {
        Val source = kb.at(from, i * bytes), value;
        if (storage == Storage::F32)
          value = kb.load(kb.v16f, source);
        else if (storage == Storage::F16)
          value = kb.toFloat(kb.v16f, kb.load(kb.vec(kb.b.getF16Type()), source));
        else
          value = kb.cast(kb.v16f, kb.shiftLeft(kb.extend(kb.v16i, kb.load(kb.vec(kb.i16), source), false),
                                                kb.integer(kb.v16i, 16)));
        kb.store(value, kb.at(to, i * 4));
      });
    });
  });
}

template <typename Combine>
static LLVM::LLVMFuncOp elementwise(KernelBuilder &kb, StringRef what, int64_t width, Combine combine) {
  return kb.function((what + "_" + Twine(width)).str(), {kb.ptr, kb.ptr, kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    kb.loop(a[3], a[4], 1, [&](Val row) {
      Val base = row * rowBytes(width);
      kb.loop(base, base + roundUp(width, 16) * 4, 64, [&](Val o) {
        kb.store(combine(kb.load(kb.v16f, kb.at(a[0], o)), kb.load(kb.v16f, kb.at(a[1], o))), kb.at(a[2], o));
      });
    });
  });
}

LLVM::LLVMFuncOp quoin::cpu::addKernel(KernelBuilder &kb, int64_t width) {
  return elementwise(kb, "add", width, [](Val x, Val y) { return x + y; });
}
LLVM::LLVMFuncOp quoin::cpu::swigluKernel(KernelBuilder &kb, int64_t width) {
  return elementwise(kb, "swiglu", width, [&](Val x, Val y) { return swiglu(kb, x, y); });
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
