//===- ExpandSpellings.cpp - spellings become row programs ------------------===//

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/Counters.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "passes/Spellings.h"

using namespace mlir;
using namespace quoin;

namespace quoin {
#define GEN_PASS_DEF_EXPANDSPELLINGSPASS
#include "passes/Passes.h.inc"
} // namespace quoin

int64_t quoin::expandSpellings(ModelOp model) {
  int64_t count = 0;
  for (Operation &op : llvm::make_early_inc_range(model.getBody().front())) {
    auto spelling = dyn_cast<SpellingOpInterface>(op);
    if (!spelling)
      continue;
    OpBuilder b(&op);
    op.replaceAllUsesWith(spelling.expand(b));
    op.erase();
    ++count;
  }
  return count;
}

namespace {
struct ExpandSpellings : quoin::impl::ExpandSpellingsPassBase<ExpandSpellings> {
  Counter numExpanded{"expand-spellings", "num-spellings-expanded"};

  void runOnOperation() override {
    ModelOp model = getOperation();
    int64_t count = expandSpellings(model);
    numExpanded += count;
    if (count > 0)
      remark::passed(model.getLoc(), remarkOn<ExpandSpellings>("Model"))
          << std::to_string(count) + " spellings written out";
    else
      remark::missed(model.getLoc(), remarkOn<ExpandSpellings>("Model")) << "no op of the body is a spelling";
  }
};
} // namespace
