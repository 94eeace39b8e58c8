//===- VerifyMasks.cpp - refuses masks that leave a row without keys ---------===//

#include "passes/BlindRow.h"
#include "passes/Counters.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace quoin;

namespace quoin {
#define GEN_PASS_DEF_VERIFYMASKSPASS
#include "passes/Passes.h.inc"
} // namespace quoin

/// The mask of a call whose queries are its keys and whose every row must see something; null for other ops.
static MaskAttr maskAndLengthOf(Operation *op, std::optional<int64_t> &length) {
  if (auto forward = dyn_cast<ForwardOp>(op))
    return forward.getMaskAttr();
  if (auto commit = dyn_cast<CommitOp>(op))
    return commit.getMaskAttr();
  auto attention = dyn_cast<BlockAttentionOp>(op);
  if (!attention || attention.getLse())
    return {}; // with the log-sum-exp, minus infinity says that a row saw nothing
  int64_t queries = attention.getQuery().getType().getDimSize(0), keys = attention.getKey().getType().getDimSize(0);
  if (!ShapedType::isDynamic(queries) && !ShapedType::isDynamic(keys) && !attention.getQueryOffsets()) {
    if (queries != keys || queries == 0)
      return {};
    length = queries;
  }
  return attention.getMaskAttr();
}

namespace {
struct VerifyMasks : quoin::impl::VerifyMasksPassBase<VerifyMasks> {
  Counter numVerified{"verify-masks", "num-masks-verified"};

  void runOnOperation() override {
    llvm::SmallDenseSet<std::pair<Attribute, int64_t>> seen;
    WalkResult result = getOperation()->walk([&](Operation *op) {
      std::optional<int64_t> length;
      MaskAttr mask = maskAndLengthOf(op, length);
      // A text's first tokens are then not those at the first positions.
      if (auto decoder = op->getParentOfType<DecoderOp>(); mask && decoder && givesPositions(decoder))
        mask = {};
      if (!mask || !seen.insert({mask, length.value_or(-1)}).second)
        return WalkResult::advance();
      ++numVerified;
      std::optional<BlindRow> blind = findBlindRow(mask.getFormula(), length);
      if (!blind)
        return WalkResult::advance();
      op->emitOpError(blind->message());
      return WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
