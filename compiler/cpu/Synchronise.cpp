//===- Synchronise.cpp - how workers share work and meet ---------------------===//

#include "compiler/cpu/Kernels.h"
#include "runtime/include/quoin/program.h"
#include <cstddef>

using namespace mlir;
using namespace quoin::cpu;
using Compare = KernelBuilder::Compare;

std::pair<Val, Val> quoin::cpu::share(KernelBuilder &kb, Val count, Val worker, Val workers) {
  return {kb.quotient(count * worker, workers), kb.quotient(count * (worker + 1), workers)};
}

/// Steps: (1) note the phase; (2) arrive; (3) the last one resets the count, opens the next phase and wakes those that
/// sleep; (4) the others wait for it, first spinning, then in the host's `wait`. The phase cannot advance before the
/// caller arrives, so noting it first is safe. Opening the phase and looking for sleepers are in one total order with
/// the sleeper that counts itself and looks at the phase: one of the two sees the other.
LLVM::LLVMFuncOp quoin::cpu::barrierKernel(KernelBuilder &kb) {
  return kb.function("barrier", {kb.ptr, kb.i64}, [&](ArrayRef<Val> a) {
    using Ordering = LLVM::AtomicOrdering;
    auto field = [&](size_t offset) { return kb.at(a[0], static_cast<int64_t>(offset)); };
    auto atomicLoad = [&](Val address, Ordering ordering) {
      return kb.wrap(LLVM::LoadOp::create(kb.b, kb.loc, kb.i32, address, 4, false, false, false, false, ordering));
    };
    auto atomicStore = [&](Val value, Val address, Ordering ordering) {
      LLVM::StoreOp::create(kb.b, kb.loc, value, address, 4, false, false, false, ordering);
    };
    auto callHost = [&](size_t member, ValueRange arguments) {
      SmallVector<Type> types(arguments.getTypes());
      auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(kb.b.getContext()), types);
      SmallVector<Value> operands{kb.load(kb.ptr, field(member))};
      llvm::append_range(operands, arguments);
      LLVM::CallOp::create(kb.b, kb.loc, type, operands);
    };
    kb.when(kb.compare(Compare::sgt, a[1], 1), [&] {
      Val arrived = field(offsetof(quoin_barrier_t, arrived)), phase = field(offsetof(quoin_barrier_t, phase));
      Val before = atomicLoad(phase, Ordering::monotonic);
      Val others = kb.wrap(LLVM::AtomicRMWOp::create(kb.b, kb.loc, LLVM::AtomicBinOp::add, arrived,
                                                     kb.integer(kb.i32, 1), Ordering::acq_rel));
      auto last = [&] {
        atomicStore(kb.integer(kb.i32, 0), arrived, Ordering::monotonic);
        atomicStore(before + 1, phase, Ordering::seq_cst);
        Val sleeping = atomicLoad(field(offsetof(quoin_barrier_t, sleeping)), Ordering::seq_cst);
        kb.when(kb.compare(Compare::ne, sleeping, 0),
                [&] { callHost(offsetof(quoin_barrier_t, wake), ValueRange{Value(a[0])}); });
      };
      auto early = [&] {
        Val spins = kb.extend(kb.i64, kb.load(kb.i32, field(offsetof(quoin_barrier_t, spins))), true);
        auto closed = [&] { return kb.compare(Compare::eq, atomicLoad(phase, Ordering::acquire), before); };
        kb.loopWhile(
            {spins}, [&](ArrayRef<Val> left) { return kb.bitAnd(kb.compare(Compare::sgt, left[0], 0), closed()); },
            [&](ArrayRef<Val> left) -> Vals {
              if (kb.options.x86)
                LLVM::CallIntrinsicOp::create(kb.b, kb.loc, kb.b.getStringAttr("llvm.x86.sse2.pause"), ValueRange());
              if (kb.options.arm) // "yield"
                LLVM::CallIntrinsicOp::create(kb.b, kb.loc, kb.b.getStringAttr("llvm.aarch64.hint"),
                                              ValueRange{kb.integer(kb.i32, 1)});
              return {left[0] - 1};
            });
        kb.when(closed(), [&] { callHost(offsetof(quoin_barrier_t, wait), ValueRange{Value(a[0]), Value(before)}); });
      };
      kb.when(kb.compare(Compare::eq, kb.extend(kb.i64, others, true), a[1] - 1), last, early);
    });
  });
}
