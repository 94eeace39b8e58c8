//===- ModelOpTest.cpp - an op that bodies did not hold before --------------===//
//
// `arith.mulf` is given the interface here, with one relation or another: the verifier then lets it into bodies, and
// passes do what the relation allows. No op that Quoin has relates everything to everything.
//
//===----------------------------------------------------------------------===//

#include "dialects/quoin/QuoinDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace quoin;

namespace {
template <RowRelation relation> struct Multiply : ModelOpInterface::ExternalModel<Multiply<relation>, arith::MulFOp> {
  RowRelation getRelation(Operation *) const { return relation; }
};

/// A model with a product of rows, and a decoder whose mask alone would allow a cache and a sort.
constexpr StringLiteral program = R"mlir(
  quoin.weight @e : tensor<8x4xf32> from "m" tensor "e"
  quoin.model @m head @e {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
    %h = quoin.embed %ids by @e : tensor<?x4xf32>
    %n = arith.mulf %h, %h : tensor<?x4xf32>
    quoin.hidden %n : tensor<?x4xf32>
  }
  quoin.decoder @d(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %P = quoin.length %x
    %y = quoin.extend %x by %max
    %n = quoin.length %y
    %rows = quoin.span %P to %n
    %l = quoin.forward @m of %y[to %n] read %rows mask #quoin.mask<observed_first>
    %token = quoin.score %l [token] : tensor<?xi32>
    %z = quoin.fill %y at %rows with %token
    %again = quoin.forward @m of %z[to %n] read %rows mask #quoin.mask<observed_first>
    %more = quoin.score %again [token] : tensor<?xi32>
    %w = quoin.edit %z at %rows with %more
    quoin.return %w[%P to %n]
  }
)mlir";

struct ModelOp : testing::Test {
  ModelOp() : context(MLIRContext::Threading::DISABLED) {
    context.loadDialect<QuoinDialect, arith::ArithDialect, func::FuncDialect, scf::SCFDialect>();
  }

  template <RowRelation relation> void attach() { arith::MulFOp::attachInterface<Multiply<relation>>(context); }

  template <typename Op> int64_t count() {
    int64_t all = 0;
    module->walk([&](Op) { ++all; });
    return all;
  }

  void run(std::unique_ptr<Pass> onDecoder) {
    PassManager pm(&context);
    pm.addNestedPass<DecoderOp>(std::move(onDecoder));
    ASSERT_TRUE(succeeded(pm.run(*module)));
  }

  void prune() {
    PassManager pm(&context);
    pm.addNestedPass<quoin::ModelOp>(createPruneRowsPass());
    ASSERT_TRUE(succeeded(pm.run(*module)));
  }

  bool parse() {
    module = parseSourceString<ModuleOp>(program, &context);
    return static_cast<bool>(module);
  }

  /// Are the rows that go into the product those read?
  bool productReads() {
    bool reads = false;
    module->walk([&](arith::MulFOp op) { reads = op.getLhs().getDefiningOp<GatherRowsOp>() != nullptr; });
    return reads;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

TEST_F(ModelOp, WithoutTheInterfaceIsRefused) {
  std::string text;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &d) { text += d.str(); });
  EXPECT_FALSE(parse());
  EXPECT_EQ(text, "'quoin.model' op expects a body of model ops, but found 'arith.mulf'");
}

TEST_F(ModelOp, RowByRowIsPrunedAndCached) {
  attach<RowRelation::RowByRow>();
  ASSERT_TRUE(parse());
  run(createInferCachePass());
  EXPECT_EQ(count<ForwardCachedOp>(), 2);
  prune();
  EXPECT_TRUE(productReads());
}

TEST_F(ModelOp, OfEverythingIsNeitherPrunedNorCachedNorSorted) {
  attach<RowRelation::Everything>();
  ASSERT_TRUE(parse());
  run(createInferCachePass());
  EXPECT_EQ(count<ForwardOp>(), 2);
  EXPECT_EQ(count<CacheOp>(), 0);
  run(createPermuteTokensPass());
  EXPECT_EQ(count<PermuteTokensOp>(), 0);
  prune();
  EXPECT_FALSE(productReads());
}

TEST_F(ModelOp, OfEverythingIsWhatHindersTheSort) {
  attach<RowRelation::RowByRow>();
  ASSERT_TRUE(parse());
  run(createInferCachePass());
  run(createPermuteTokensPass());
  EXPECT_GT(count<PermuteTokensOp>(), 0);
}
} // namespace
