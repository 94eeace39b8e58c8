//===- TokenOrderTest.cpp - permutations, and which are chosen ----------------===//

#include "dialects/quoin/TokenOrder.h"
#include "passes/StaticOrders.h"
#include "test/unit/MaskFixture.h"
#include <gtest/gtest.h>
#include <numeric>
#include <random>

using namespace quoin;
using test::parse;

static std::vector<MaskToken> plain(int64_t count) {
  std::vector<MaskToken> tokens(static_cast<size_t>(count));
  for (size_t i = 0; i < tokens.size(); ++i)
    tokens[i].position = tokens[i].slot = static_cast<int64_t>(i);
  return tokens;
}

TEST(TokenOrder, SortsStablyAndInverts) {
  TokenOrder order = TokenOrder::sortedBy({2, 0, 1, 0, 2});
  EXPECT_EQ(order.list().vec(), (std::vector<int64_t>{1, 3, 2, 0, 4}));
  EXPECT_EQ(order.print(), "1, 3, 2, 0, 4");
  EXPECT_EQ(order.apply(llvm::ArrayRef<char>({'a', 'b', 'c', 'd', 'e'})), (std::vector<char>{'b', 'd', 'c', 'a', 'e'}));
  EXPECT_TRUE(order.inverse().after(order).isIdentity());
  EXPECT_TRUE(order.after(order.inverse()).isIdentity());
  EXPECT_FALSE(order.isIdentity());
  EXPECT_EQ(TokenOrder::identity(7).print(), "0 to 6");
}

TEST(TokenOrder, AfterIsOneOrderThenTheOther) {
  std::mt19937 random(5);
  for (int round = 0; round < 50; ++round) {
    size_t size = 1 + random() % 30;
    std::vector<int64_t> a(size), b(size);
    for (size_t i = 0; i < size; ++i) {
      a[i] = random() % 5;
      b[i] = random() % 5;
    }
    TokenOrder first = TokenOrder::sortedBy(a), second = TokenOrder::sortedBy(b);
    std::vector<int64_t> values(size);
    std::iota(values.begin(), values.end(), 100);
    EXPECT_EQ(second.after(first).apply(llvm::ArrayRef(values)),
              second.apply(llvm::ArrayRef(first.apply(llvm::ArrayRef(values)))));
  }
}

TEST(TokenOrder, ListsAreChecked) {
  std::string error;
  EXPECT_FALSE(TokenOrder::fromList({0, 0}, error));
  EXPECT_EQ(error, "expects each token once, but found 0 twice");
  EXPECT_FALSE(TokenOrder::fromList({1, -1}, error));
  EXPECT_EQ(error, "expects tokens below 2, but found -1");
  EXPECT_TRUE(TokenOrder::fromList({1, 0}, error));
}

TEST(PositionKey, GridsAreVisitedAsTheirNamesSay) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto sorted = [](mlir::AffineMap map, int64_t size) {
    EXPECT_EQ(checkPositionKey(map), "");
    std::vector<int64_t> keys;
    for (int64_t p = 0; p < size; ++p)
      keys.push_back(positionKey(map, p));
    return TokenOrder::sortedBy(keys).list().vec();
  };
  using List = std::vector<int64_t>;
  EXPECT_EQ(sorted(wavefrontKey(context, 3), 9), (List{0, 1, 3, 2, 4, 6, 5, 7, 8}));
  EXPECT_EQ(sorted(cellKey(context, 4, 2), 8), (List{0, 1, 4, 5, 2, 3, 6, 7}));
  EXPECT_EQ(sorted(subsampleKey(context, 4, 2), 8), (List{0, 2, 1, 3, 4, 6, 5, 7}));
  EXPECT_EQ(sorted(remainderKey(context, 2), 5), (List{0, 2, 4, 1, 3}));
}

TEST(PositionKey, WhatIsNoKeyIsNamed) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  mlir::AffineExpr p = mlir::getAffineDimExpr(0, &context);
  std::string divisions = "products with constants and divisions by positive ones";
  EXPECT_EQ(checkPositionKey(mlir::AffineMap::get(2, 0, p)), "one dimension, no symbols and one result");
  EXPECT_EQ(checkPositionKey(mlir::AffineMap::get(1, 0, p.floorDiv(mlir::getAffineConstantExpr(-2, &context)))),
            divisions);
  EXPECT_EQ(checkPositionKey(mlir::AffineMap::get(1, 0, (p + 3) * (p + 1))), divisions);
}

/// The order keeps who sees whom, and its count is that of its map.
/// The map goes with the context and is not returned.
static OrderChoice choose(llvm::StringRef text, int64_t size) {
  BlockMask mask = parse(text);
  std::vector<MaskToken> tokens = plain(size);
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  OrderChoice choice = chooseOrder(context, mask, tokens, {});
  std::vector<MaskToken> sorted = choice.order.apply(llvm::ArrayRef(tokens));
  TileMap map(mask, sorted, sorted, {});
  if (size == choice.judged)
    EXPECT_EQ(map.rows() * map.columns() - map.count(Tile::Empty), choice.visitedAfter) << text.str();
  EXPECT_LE(choice.visitedAfter, choice.visitedBefore);
  EXPECT_EQ(choice.order.isIdentity(), choice.visitedAfter == choice.visitedBefore);
  choice.map = {};
  return choice;
}

TEST(StaticOrders, CausalStaysAsItIs) { EXPECT_TRUE(choose("causal", 640).order.isIdentity()); }

TEST(StaticOrders, StreamsAreGathered) {
  OrderChoice choice = choose("(q, k) : k mod 8 eq q mod 8", 1024);
  EXPECT_EQ(choice.visitedBefore, 256);
  EXPECT_EQ(choice.visitedAfter, 32); // eight streams of two tiles each
}

TEST(StaticOrders, AWavefrontHalvesTheTiles) {
  // 32 x 32 tokens, line by line: nearly every tile is visited; by distance from the corner little more than half.
  OrderChoice choice = choose("(q, k) : k floordiv 32 + k mod 32 le q floordiv 32 + q mod 32", 1024);
  EXPECT_GT(choice.visitedBefore, 240);
  EXPECT_LT(choice.visitedAfter, 165);
}

TEST(StaticOrders, SubsamplesAndCellsComeTogether) {
  EXPECT_LT(
      choose("(q, k) : k floordiv 32 mod 2 * 2 + k mod 32 mod 2 le q floordiv 32 mod 2 * 2 + q mod 32 mod 2", 1024)
          .visitedAfter,
      165);
  EXPECT_LT(
      choose("(q, k) : k floordiv 256 * 4 + k mod 32 floordiv 8 le q floordiv 256 * 4 + q mod 32 floordiv 8", 1024)
          .visitedAfter,
      165);
}

TEST(StaticOrders, LabelArraysCluster) {
  std::string labels;
  for (int i = 0; i < 512; ++i)
    labels += (i ? ", " : "") + std::to_string(i * 7 % 5);
  OrderChoice choice = choose("(q, k) where part = [" + labels + "] : part(k) eq part(q)", 512);
  EXPECT_EQ(choice.visitedBefore, 64);
  EXPECT_LE(choice.visitedAfter, 26); // five clusters of 102 tokens cross borders of tiles
}

TEST(StaticOrders, LongCallsAreJudgedBySomeTokens) {
  OrderChoice choice = choose("(q, k) : k floordiv 128 + k mod 128 le q floordiv 128 + q mod 128", 16384);
  EXPECT_EQ(choice.judged, mostTokensJudged);
  EXPECT_EQ(choice.order.size(), 16384);
  EXPECT_LT(choice.visitedAfter, choice.visitedBefore * 3 / 4);
  EXPECT_EQ(choice.name, "wavefront 128");
}
