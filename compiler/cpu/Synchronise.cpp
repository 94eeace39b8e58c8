//===- Synchronise.cpp - how workers share work and meet ---------------------===//

#include "compiler/cpu/Kernels.h"
#include "runtime/include/quoin/program.h"
#include <cstddef>

using namespace mlir;
using namespace quoin::cpu;

std::pair<Val, Val> quoin::cpu::share(KernelBuilder &kb, Val count, Val worker, Val workers) {
  return {kb.quotient(count * worker, workers), kb.quotient(count * (worker + 1), workers)};
}

/// Steps: (1) note the phase; (2) arrive; (3) the last one resets the count and opens the next phase; (4) the others
/// wait for it, first spinning, then handing their time slice back now and then. The phase cannot advance before the
/// caller arrives, so noting it first is safe.
LLVM::LLVMFuncOp quoin::cpu::barrierKernel(KernelBuilder &kb) {
  return kb.function("barrier", {kb.ptr, kb.i64}, [&](ArrayRef<Val> a) {
    using Ordering = LLVM::AtomicOrdering;
    auto atomicLoad = [&](Val address, Ordering ordering) {
      return kb.wrap(LLVM::LoadOp::create(kb.b, kb.loc, kb.i32, address, 4, false, false, false, false, ordering));
    };
    auto atomicStore = [&](Val value, Val address, Ordering ordering) {
      LLVM::StoreOp::create(kb.b, kb.loc, value, address, 4, false, false, false, ordering);
    };
    kb.when(kb.compare(KernelBuilder::Compare::sgt, a[1], 1), [&] {
      Val arrived = kb.at(a[0], offsetof(quoin_barrier_t, arrived)),
          phase = kb.at(a[0], offsetof(quoin_barrier_t, phase));
      Val before = atomicLoad(phase, Ordering::monotonic);
      Val others = kb.wrap(LLVM::AtomicRMWOp::create(kb.b, kb.loc, LLVM::AtomicBinOp::add, arrived,
                                                     kb.integer(kb.i32, 1), Ordering::acq_rel));
      kb.when(
          kb.compare(KernelBuilder::Compare::eq, kb.extend(kb.i64, others, true), a[1] - 1),
          [&] {
            atomicStore(kb.integer(kb.i32, 0), arrived, Ordering::monotonic);
            atomicStore(before + 1, phase, Ordering::release);
          },
          [&] {
            kb.loopWhile(
                {kb.index(1)},
                [&](ArrayRef<Val>) {
                  return kb.compare(KernelBuilder::Compare::eq, atomicLoad(phase, Ordering::acquire), before);
                },
                [&](ArrayRef<Val> spins) -> Vals {
                  if (kb.options.x86)
                    LLVM::CallIntrinsicOp::create(kb.b, kb.loc, kb.b.getStringAttr("llvm.x86.sse2.pause"),
                                                  ValueRange());
                  // A few tens of microseconds of pauses, then the host decides.
                  Val tired = kb.compare(KernelBuilder::Compare::eq, kb.bitAnd(spins[0], kb.index(4095)), 0);
                  kb.when(tired, [&] {
                    Val relax = kb.load(kb.ptr, kb.at(a[0], offsetof(quoin_barrier_t, relax)));
                    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(kb.b.getContext()), {});
                    LLVM::CallOp::create(kb.b, kb.loc, type, ValueRange{relax});
                  });
                  return {spins[0] + 1};
                });
          });
    });
  });
}
