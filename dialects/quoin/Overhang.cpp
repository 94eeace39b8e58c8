//===- Overhang.cpp - how far sequences go beyond what a request asks for ---===//

#include "dialects/quoin/Overhang.h"
#include "dialects/quoin/QuoinDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

int64_t quoin::overhang(ModuleOp module, int64_t capacity) {
  constexpr int64_t page = 64;
  int64_t largest = 0;
  auto consider = [&](Attribute value) {
    auto number = dyn_cast_if_present<IntegerAttr>(value);
    if (number && number.getType().isIndex() && number.getInt() <= capacity)
      largest = std::max(largest, number.getInt());
  };
  for (Operation &op : module.getOps()) {
    // Functions are parts of decoders that call them.
    auto decoder = dyn_cast<DecoderOp>(op);
    if (!decoder && !isa<func::FuncOp>(op))
      continue;
    if (decoder)
      for (NamedAttribute setting : decoder.getSettings())
        consider(setting.getValue());
    op.walk([&](Operation *inner) {
      Attribute value;
      if (inner->getNumResults() == 1 && matchPattern(inner, m_Constant(&value)))
        consider(value);
    });
  }
  return (2 * largest + page - 1) / page * page;
}

int64_t quoin::positionsOf(ModuleOp module) {
  int64_t capacity = capacityOf(module);
  return capacity + overhang(module, capacity);
}
