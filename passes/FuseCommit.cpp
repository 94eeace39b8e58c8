//===- FuseCommit.cpp - the calls of commits ride on the next forward ------===//

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Counters.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace quoin;

namespace quoin {
#define GEN_PASS_DEF_FUSECOMMITPASS
#include "passes/Passes.h.inc"
} // namespace quoin

/// Erases ops without effects or uses, and what only they needed.
static void eraseDead(llvm::SetVector<Operation *> worklist) {
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val();
    if (!isOpTriviallyDead(op))
      continue;
    op->walk([&](Operation *inner) {
      worklist.remove(inner);
      for (Value operand : inner->getOperands())
        if (Operation *def = operand.getDefiningOp(); def && !op->isAncestor(def))
          worklist.insert(def);
    });
    if (Operation *parent = op->getParentOp(); parent && !isa<DecoderOp>(parent))
      worklist.insert(parent);
    op->erase();
  }
}

namespace {
struct FuseCommit : quoin::impl::FuseCommitPassBase<FuseCommit> {
  Counter numFused{"fuse-commit", "num-passes-fused"};

  void runOnOperation() override {
    DecoderOp decoder = getOperation();
    SmallVector<ForwardCachedOp> passes;
    decoder.walk([&](ForwardCachedOp call) {
      if (call.getPass())
        passes.push_back(call);
      else if (call->use_empty())
        remark::missed(call.getLoc(), remarkOn<FuseCommit>("Evaluation"))
            << "its scores are not read, but it is an evaluation of the program";
    });
    bool inexact = decoder->getParentOp() && decoder->getParentOp()->hasAttr(module_attr::inexact);
    for (ForwardCachedOp call : passes) {
      if (inexact || !call->use_empty()) {
        remark::missed(call.getLoc(), remarkOn<FuseCommit>("Pass"))
            << (inexact ? "the program is approximate" : "its scores are used");
        continue;
      }
      remark::passed(call.getLoc(), remarkOn<FuseCommit>("Pass")) << "the next forward on this cache runs these rows";
      llvm::SetVector<Operation *> worklist;
      for (Value operand : call->getOperands())
        if (Operation *def = operand.getDefiningOp())
          worklist.insert(def);
      if (Operation *parent = call->getParentOp(); parent != decoder)
        worklist.insert(parent);
      call.erase();
      eraseDead(std::move(worklist));
      ++numFused;
    }
  }
};
} // namespace
