//===- RowKernels.cpp - the vectors of a row ------------------------------===//

#include "compiler/cpu/Kernels.h"

using namespace mlir;
using namespace quoin::cpu;

void quoin::cpu::overWidth(KernelBuilder &kb, int64_t width, function_ref<void(Val, int64_t)> body) {
  int64_t whole = width / 16 * 16;
  if (whole)
    kb.loop(kb.index(0), kb.index(whole * 4), 64, [&](Val offset) { body(offset, 16); });
  if (width != whole)
    body(kb.index(whole * 4), width - whole);
}

void quoin::cpu::storeNarrow(KernelBuilder &kb, Val value, Val address) { kb.store(kb.narrow(value), address); }
