//===- Quantize.cpp - weights of products as whole numbers -------------------------===//
//
// Front to back: a product whose depth has groups gets a weight that is scaled, and its rows as whole numbers, which
// are made in front of the first product that reads them so. What a group is is a question of the depth alone, so all
// products of the same rows have the same ones.
//
//===----------------------------------------------------------------------===//

#include "dialects/stage/StageDialect.h"
#include "passes/Counters.h"
#include "passes/Notes.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::stage;

namespace quoin {
#define GEN_PASS_DEF_QUANTIZEPASS
#include "passes/Passes.h.inc"
} // namespace quoin

namespace {
struct Quantize : quoin::impl::QuantizePassBase<Quantize> {
  using QuantizePassBase::QuantizePassBase;

  Counter numProducts{"quantize", "num-products-quantized"};
  Counter numRows{"quantize", "num-rows-quantized"};
  Counter numKept{"quantize", "num-products-kept"};

  void runOnOperation() override {
    StepOp step = getOperation();
    if (failed(expectOptions(step)))
      return signalPassFailure();
    rounded.clear();
    kept.clear();
    int64_t quantized = 0;
    for (Operation &op : llvm::make_early_inc_range(step.getBody().front())) {
      if (isa<ExpertsOp>(op) && bits) {
        op.emitOpError("expects no experts in a model whose weights become whole numbers, but found one");
        return signalPassFailure();
      }
      if (auto product = dyn_cast<ProductOp>(op); product && bits)
        quantized += quantize(product);
    }
    if (HeadOp last = step.getHead(); last && head && !last.getWeight().getElement())
      if (ScaledType type = typeFor(last.getInput().getType().getWidth(), head, last.getWeight())) {
        last.setWeightAttr(last.getWeight().withElement(type));
        ++quantized;
      }
    numProducts += quantized;
    numKept += static_cast<int64_t>(kept.size());
    remark::passed(step.getLoc(), remarkOn<Quantize>("Weights"))
        << std::to_string(quantized) + " products of whole numbers, of rows that are rounded " +
               std::to_string(rounded.size()) + " times";
    if (!kept.empty())
      addNote(step.getSymName(), std::to_string(kept.size()) +
                                     " matrices stay as they are, since no group divides their depth: " + kept.front() +
                                     (kept.size() > 1 ? ", .." : ""));
  }

private:
  DenseMap<Value, Value> rounded;
  SmallVector<std::string> kept; ///< weights and their depth

  LogicalResult expectOptions(StepOp step) {
    for (int64_t of : {int64_t(bits), int64_t(head)})
      if (of != 8 && of != 4 && of != 0)
        return step.emitError("expects whole numbers of 8 or 4 bits, but found ") << of;
    if (group != 0 && group != 32 && group != 64 && group != 128)
      return step.emitError("expects groups of 32, 64 or 128, but found ") << int64_t(group);
    return success();
  }

  /// Null where no group divides the depth, which is noted.
  ScaledType typeFor(int64_t depth, int64_t of, WeightAttr weight) {
    Type whole = IntegerType::get(&getContext(), static_cast<unsigned>(of));
    if (of == 8 && group == 0 && depth <= maxGroup)
      return ScaledType::get(&getContext(), whole, 0);
    for (int64_t each : {128, 64, 32})
      if (each <= (group ? int64_t(group) : 128) && depth % each == 0)
        return ScaledType::get(&getContext(), whole, each);
    kept.push_back("@" + weight.getSources()[0].getValue().str() + " of " + std::to_string(depth));
    return {};
  }

  bool quantize(ProductOp product) {
    BufferType rows = product.getInput().getType();
    if (product.getWeight().getElement() || !rows.getElement().isF32()) {
      remark::missed(product.getLoc(), remarkOn<Quantize>("Weights")) << "its stored type is decided already";
      return false;
    }
    ScaledType type = typeFor(rows.getWidth(), bits, product.getWeight());
    if (!type)
      return false;
    Value &whole = rounded[product.getInput()];
    if (!whole) {
      OpBuilder b(product);
      auto as = BufferType::get(&getContext(), rows.getSpace(), rows.getWidth(), IntegerType::get(&getContext(), 8));
      whole = QuantizeOp::create(b, product.getLoc(), as, false, product.getInput(), IntegerAttr());
      ++numRows;
    }
    product.getInputMutable().assign(whole);
    product.setWeightAttr(product.getWeight().withElement(type));
    return true;
  }
};
} // namespace
