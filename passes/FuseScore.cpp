//===- FuseScore.cpp - the head runs once for a row, and only if it is asked --===//
//
//   1. A statistic that nobody reads is not asked for; a score without statistics goes.
//   2. Two scores of the same logits become one if one is made wherever the other is and they draw alike, or one of
//      them does not draw: only `token` and `confidence` depend on the sampler.
//   3. A score that is read on one side of a branch only is made there.
//   4. A call whose logits nobody reads any more reads no rows: they leave before the last layer.
//
// Draws name their evaluation, so no draw changes by being made later or not at all.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "passes/Counters.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

using namespace mlir;
using namespace quoin;

namespace quoin {
#define GEN_PASS_DEF_FUSESCOREPASS
#include "passes/Passes.h.inc"
} // namespace quoin

/// Does the statistic depend on the sampler?
static bool isOfDraw(Statistic s) {
  return s == Statistic::Token || s == Statistic::Confidence || s == Statistic::LogConfidence || isFiltered(s);
}

static bool asksForDraw(ScoreOp op) { return llvm::any_of(op.getStatistics().getStatistics(), isOfDraw); }

/// The same score with other statistics; `of`, if it has one, must belong to them.
static ScoreOp withStatistics(OpBuilder &b, ScoreOp like, ArrayRef<Statistic> statistics, Value of) {
  SmallVector<Type> types;
  for (Statistic s : statistics)
    types.push_back(
        RankedTensorType::get({ShapedType::kDynamic}, s == Statistic::Token ? Type(b.getI32Type()) : b.getF32Type()));
  bool draws = llvm::any_of(statistics, isOfDraw);
  return ScoreOp::create(b, like.getLoc(), types, like.getLogits(), StatisticsAttr::get(b.getContext(), statistics), of,
                         draws ? like.getSamplerAttr() : SamplerAttr(), draws ? like.getPositions() : Value(),
                         draws ? like.getEvaluation() : Value());
}

static void replaceBy(ScoreOp old, ScoreOp made) {
  for (auto [statistic, value] : llvm::zip(old.getStatistics().getStatistics(), old.getValues()))
    if (!value.use_empty())
      value.replaceAllUsesWith(made.getValues()[llvm::find(made.getStatistics().getStatistics(), statistic) -
                                                made.getStatistics().getStatistics().begin()]);
  old.erase();
}

/// The block of a branch that holds all uses of the op's results, or null: only one side of some `scf.if` reads them.
static Block *onlyBranch(Operation *op) {
  Block *common = nullptr;
  for (Operation *user : op->getUsers()) {
    Block *block = user->getBlock();
    if (!common) {
      common = block;
      continue;
    }
    while (common && !common->getParent()->isAncestor(block->getParent()))
      common = common->getParentOp()->getBlock();
    if (common && common->getParent() == block->getParent() && common != block)
      return nullptr;
  }
  if (!common)
    return nullptr;
  // Up from there, everything to the op's own block is a branch: a loop would make the score again and again.
  for (Block *block = common; block != op->getBlock(); block = block->getParentOp()->getBlock())
    if (!isa<scf::IfOp>(block->getParentOp()))
      return nullptr;
  return common == op->getBlock() ? nullptr : common;
}

namespace {
struct FuseScore : quoin::impl::FuseScorePassBase<FuseScore> {
  Counter numDropped{"fuse-score", "num-statistics-dropped"};
  Counter numMerged{"fuse-score", "num-scores-merged"};
  Counter numSunk{"fuse-score", "num-scores-sunk"};
  Counter numUnread{"fuse-score", "num-calls-unread"};

  void runOnOperation() override {
    DecoderOp decoder = getOperation();
    each<ScoreOp>(decoder, [&](ScoreOp op) { dropUnread(op); });
    mergeScores(decoder);
    each<ScoreOp>(decoder, [&](ScoreOp op) { sink(op); });
    each<DrawResidualOp>(decoder, [&](DrawResidualOp op) { sink(op); });
    each<MaterializeOp>(decoder, [&](MaterializeOp op) { dropOrSink(op); });
    each<LikeliestOp>(decoder, [&](LikeliestOp op) { dropOrSink(op); });
    each<ForwardCachedOp>(decoder, [&](ForwardCachedOp op) { dropReads(op); });
  }

private:
  template <typename Op> void each(DecoderOp decoder, function_ref<void(Op)> fn) {
    SmallVector<Op> ops;
    decoder.walk([&](Op op) { ops.push_back(op); });
    for (Op op : ops)
      fn(op);
  }

  void dropUnread(ScoreOp op) {
    SmallVector<quoin::Statistic> read;
    for (auto [statistic, value] : llvm::zip(op.getStatistics().getStatistics(), op.getValues()))
      if (!value.use_empty())
        read.push_back(statistic);
    size_t had = op.getStatistics().getStatistics().size();
    if (read.size() == had)
      return;
    numDropped += static_cast<int64_t>(had - read.size());
    remark::passed(op.getLoc(), remarkOn<FuseScore>("Statistic"))
        << std::to_string(had - read.size()) + " statistics are not read";
    if (!read.empty()) {
      OpBuilder b(op);
      bool of = llvm::is_contained(read, quoin::Statistic::Probability);
      replaceBy(op, withStatistics(b, op, read, of ? op.getOf() : Value()));
    } else {
      op.erase();
    }
  }

  /// Merges `second` into `first`, which is made wherever it is; or says why not.
  std::optional<StringRef> merge(ScoreOp first, ScoreOp second, DominanceInfo &dominance) {
    bool bothDraw = asksForDraw(first) && asksForDraw(second);
    if (bothDraw && (first.getSamplerAttr() != second.getSamplerAttr() ||
                     first.getPositions() != second.getPositions() || first.getEvaluation() != second.getEvaluation()))
      return "they draw differently";
    if (first.getOf() && second.getOf() && first.getOf() != second.getOf())
      return "they ask for probabilities of different tokens";
    ScoreOp drawing = asksForDraw(second) && !asksForDraw(first) ? second : first;
    for (Value v : std::initializer_list<Value>{second.getOf(), drawing.getPositions(), drawing.getEvaluation()})
      if (v && !dominance.properlyDominates(v, first))
        return "what the second asks for is known after the first only";
    SmallVector<quoin::Statistic> all(first.getStatistics().getStatistics());
    for (quoin::Statistic s : second.getStatistics().getStatistics())
      if (!llvm::is_contained(all, s))
        all.push_back(s);
    OpBuilder b(first);
    ScoreOp made = withStatistics(b, drawing, all, first.getOf() ? first.getOf() : second.getOf());
    replaceBy(second, made);
    replaceBy(first, made);
    return std::nullopt;
  }

  void mergeScores(DecoderOp decoder) {
    for (bool changed = true; std::exchange(changed, false);) {
      SmallVector<ScoreOp> scores;
      decoder.walk([&](ScoreOp op) { scores.push_back(op); });
      DominanceInfo dominance(decoder);
      for (size_t i = 0; i < scores.size() && !changed; ++i)
        for (size_t j = i + 1; j < scores.size() && !changed; ++j) {
          ScoreOp first = scores[i], second = scores[j];
          if (first.getLogits() != second.getLogits() || !dominance.properlyDominates(first, second))
            continue;
          Location loc = second.getLoc();
          std::optional<StringRef> reason = merge(first, second, dominance);
          changed = !reason;
          numMerged += changed;
          if (reason)
            remark::missed(loc, remarkOn<FuseScore>("Score")) << *reason;
          else
            remark::passed(loc, remarkOn<FuseScore>("Score")) << "an earlier score of the same logits asks for both";
        }
    }
  }

  void sink(Operation *op) {
    Block *branch = onlyBranch(op);
    if (!branch)
      return;
    op->moveBefore(branch, branch->begin());
    ++numSunk;
    remark::passed(op->getLoc(), remarkOn<FuseScore>("Branch")) << "only one side of a branch reads it";
  }

  void dropOrSink(Operation *op) {
    if (!op->use_empty())
      return sink(op);
    remark::passed(op->getLoc(), remarkOn<FuseScore>("Scores")) << "nobody reads them";
    op->erase();
    ++numDropped;
  }

  void dropReads(ForwardCachedOp op) {
    if (!op.getRead() || !op->use_empty())
      return;
    op.getReadMutable().clear();
    ++numUnread;
    remark::passed(op.getLoc(), remarkOn<FuseScore>("Call")) << "its scores are not read; it stays an evaluation";
  }
};
} // namespace
