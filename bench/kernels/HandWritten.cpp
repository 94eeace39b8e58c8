//===- HandWritten.cpp - kernels written for one formula each -------------===//

#include "bench/kernels/HandWritten.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace quoin::cpu;

LLVM::LLVMFuncOp quoin::bench::handNorm(KernelBuilder &kb, int64_t width, int64_t group, double epsilon,
                                        Storage result) {
  // Two epsilons of one shape are two functions; the bits of the number are its name.
  std::string name = ("hand_norm_" + Twine(width) + "_" + Twine(group) + "_" +
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
          if (result == Storage::BF16)
            storeNarrow(kb, value, kb.at(y, kb.shiftRight(o, kb.index(1))));
          else
            kb.storeFloats(value, kb.at(y, o), n);
        });
      });
    });
  });
}

LLVM::LLVMFuncOp quoin::bench::handSwiglu(KernelBuilder &kb, int64_t width, Storage result) {
  std::string name = ("hand_swiglu_" + Twine(width) + (result == Storage::BF16 ? "_narrow" : "")).str();
  return kb.function(name, {kb.ptr, kb.ptr, kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    kb.loop(a[3], a[4], 1, [&](Val row) {
      Val base = row * rowBytes(width);
      kb.loop(kb.index(0), kb.index(roundUp(width, 16) * 4), 64, [&](Val o) {
        Val gate = kb.load(kb.v16f, kb.at(kb.at(a[0], base), o)), up = kb.load(kb.v16f, kb.at(kb.at(a[1], base), o));
        Val y = gate / (literal(gate, 1.0) + kb.exp(literal(gate, 0.0) - gate)) * up;
        if (result == Storage::BF16)
          storeNarrow(kb, y, kb.at(kb.at(a[2], row * rowBytes(width, result)), kb.shiftRight(o, kb.index(1))));
        else
          kb.store(y, kb.at(kb.at(a[2], base), o));
      });
    });
  });
}

LLVM::LLVMFuncOp quoin::bench::handRotary(KernelBuilder &kb, int64_t width, int64_t headDim) {
  int64_t half = headDim / 2;
  return kb.function(("hand_rotary_" + Twine(width) + "_" + Twine(headDim)).str(),
                     {kb.ptr, kb.ptr, kb.ptr, kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
                       kb.loop(a[4], a[5], 1, [&](Val row) {
                         Val position = kb.extend(kb.i64, kb.load(kb.i32, kb.at(a[2], row * 4)), true);
                         Val cosines = kb.at(a[1], position * (headDim * 4)), sines = kb.at(cosines, half * 4);
                         kb.loop(kb.index(0), kb.index(width / headDim), 1, [&](Val head) {
                           Val offset = row * rowBytes(width) + head * (headDim * 4), x = kb.at(a[0], offset),
                               y = kb.at(a[3], offset);
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

LLVM::LLVMFuncOp quoin::bench::handEmbed(KernelBuilder &kb, int64_t width, Storage table) {
  std::string name = ("hand_embed_" + Twine(width) + (table == Storage::BF16 ? "_bf16" : "")).str();
  int64_t padded = roundUp(width, 16), bytes = storageBytes(table);
  return kb.function(name, {kb.ptr, kb.ptr, kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    kb.loop(a[3], a[4], 1, [&](Val row) {
      Val id = kb.extend(kb.i64, kb.load(kb.i32, kb.at(a[0], row * 4)), true);
      Val from = kb.at(a[1], id * (padded * bytes)), to = kb.at(a[2], row * rowBytes(width));
      kb.loop(kb.index(0), kb.index(padded), 16, [&](Val i) {
        Val source = kb.at(from, i * bytes);
        Val x = table == Storage::F32 ? kb.load(kb.v16f, source)
                                      : kb.cast(kb.v16f, kb.shiftLeft(kb.extend(kb.v16i, kb.loadHalves(source), false),
                                                                      kb.integer(kb.v16i, 16)));
        kb.store(x, kb.at(to, i * 4));
      });
    });
  });
}
