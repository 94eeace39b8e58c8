//===- RandomTest.cpp - random numbers and samplers of the interpreter -----===//

#include "dialects/reference/Sampling.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace quoin;
using namespace quoin::ref;

namespace {

using Words = std::array<uint32_t, 4>;

// The known answers that come with Random123, the authors' own implementation.
TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Uniform, TakesTheWordOfItsLane) {
  DrawName name = {/*seed=*/0x299f31d0a4093822, /*evaluation=*/7, /*position=*/11, /*stream=*/2};
  Words words = philox({5, 7, 11, 2}, {0xa4093822, 0x299f31d0});
  for (uint32_t i = 0; i < 4; ++i)
    EXPECT_EQ(uniform(name, 20 + i), ((words[i] >> 8) + 0.5) / 16777216.0);
}

TEST(Uniform, IsNeverZeroOrOne) {
  for (uint32_t lane = 0; lane < 10000; ++lane) {
    double u = uniform({}, lane);
    EXPECT_GT(u, 0.0);
    EXPECT_LT(u, 1.0);
  }
}

const std::vector<double> row = {0.0, 2.0, 1.0, 2.0, -1.0};
constexpr int32_t none = -1;

/// How often each token is drawn.
std::vector<int> histogram(std::vector<Transform> transforms, SamplerNumbers numbers, int32_t fill, int draws) {
  std::vector<int> counts(row.size());
  for (int i = 0; i < draws; ++i)
    ++counts[static_cast<size_t>(
        scoreRow(row, fill, transforms, numbers, {1, 0, static_cast<uint32_t>(i), 0}, none).token)];
  return counts;
}

TEST(Score, WithoutASamplerIsTheLowestOfTheHighest) {
  RowScore s = scoreRow(row, none, {}, {}, {}, /*of=*/2);
  double total = 1 + 2 * std::exp(2.0) + std::exp(1.0) + std::exp(-1.0);
  EXPECT_EQ(s.token, 1);
  EXPECT_NEAR(s.confidence, std::exp(2.0) / total, 1e-12);
  EXPECT_NEAR(s.probability, std::exp(1.0) / total, 1e-12);
  EXPECT_NEAR(s.margin, 0, 1e-12);
  EXPECT_NEAR(s.normalizedEntropy, s.entropy / std::log(5.0), 1e-12);
}

TEST(Score, NeverChoosesTheFillTokenButKeepsItsMass) {
  RowScore s = scoreRow(row, /*fill=*/1, {}, {}, {}, none);
  EXPECT_EQ(s.token, 3);
  EXPECT_NEAR(s.confidence, scoreRow(row, none, {}, {}, {}, /*of=*/3).probability, 1e-12);
  std::vector<int> counts = histogram({Transform::Temperature}, {.temperature = 1}, /*fill=*/1, 500);
  EXPECT_EQ(counts[1], 0);
}

TEST(Score, OfAFilterThatKeepsOnlyTheFillTokenIsTheNextBestWithoutConfidence) {
  RowScore s =
      scoreRow(row, /*fill=*/1, {Transform::Temperature, Transform::TopK}, {.temperature = 1, .topK = 1}, {}, none);
  EXPECT_EQ(s.token, 3);
  EXPECT_EQ(s.confidence, 0.0);
}

TEST(Score, AtTemperatureZeroIsTheArgMaxOfTheRawScores) {
  RowScore s = scoreRow(row, none, {Transform::Temperature, Transform::TopK}, {.topK = 1}, {}, none);
  EXPECT_EQ(s.token, 1);
  EXPECT_LT(s.confidence, 0.5);
}

TEST(Score, WithoutTemperatureInTheListDraws) {
  std::vector<int> counts = histogram({Transform::WithoutFill}, {}, /*fill=*/1, 500);
  EXPECT_EQ(counts[1], 0);
  EXPECT_GT(counts[2], 0);
}

TEST(Score, KeepsExactlyKWithTiesToTheLowestId) {
  std::vector<int> counts =
      histogram({Transform::Temperature, Transform::TopK}, {.temperature = 2, .topK = 1}, none, 200);
  EXPECT_EQ(counts[1], 200);
}

// Probabilities .5 .3 .2 and p = .7: the two nuclei that systems use.
TEST(Score, NucleusKeepsTheTokenThatCrossesOrNot) {
  std::vector<double> scores = {std::log(0.5), std::log(0.3), std::log(0.2)};
  auto drawn = [&](Transform nucleus) {
    std::vector<bool> seen(3);
    for (uint32_t i = 0; i < 500; ++i)
      seen[static_cast<size_t>(scoreRow(scores, none, {nucleus}, {.topP = 0.7}, {0, i, 0, 0}, none).token)] = true;
    return seen;
  };
  EXPECT_EQ(drawn(Transform::TopP), (std::vector<bool>{true, true, false}));
  EXPECT_EQ(drawn(Transform::TopPBelow), (std::vector<bool>{true, false, false}));
}

TEST(Score, DrawsInProportion) {
  std::vector<int> counts = histogram({Transform::Temperature}, {.temperature = 1}, none, 20000);
  for (size_t v = 0; v < row.size(); ++v) {
    double p = scoreRow(row, none, {}, {}, {}, static_cast<int32_t>(v)).probability;
    EXPECT_NEAR(counts[v] / 20000.0, p, 0.015);
  }
}

// NaN, an infinite score, or no finite one: as in a softmax by its definition nothing is a number then.
TEST(Score, WithoutASoftmaxIsNoNumberAndTheLowestOfTheHighest) {
  struct Case {
    std::vector<double> scores;
    int32_t fill, token;
  };
  for (const Case &c : {Case{{0, NAN, 2}, none, 1}, Case{{0, NAN, 2}, 1, 2}, Case{{INFINITY, 0, NAN}, none, 0},
                        Case{{INFINITY, 0, NAN}, 0, 2}, Case{{-INFINITY, -INFINITY}, none, 0},
                        Case{{-INFINITY, -INFINITY}, 0, 1}, Case{{-NAN, 5, NAN}, 2, 0}})
    for (bool draws : {false, true}) {
      std::vector<Transform> transforms;
      if (draws)
        transforms = {Transform::Temperature, Transform::TopP, Transform::TopK};
      RowScore s = scoreRow(c.scores, c.fill, transforms, {.temperature = 1, .topK = 2, .topP = 0.5}, {}, /*of=*/0);
      EXPECT_EQ(s.token, c.token);
      for (double value : {s.confidence, s.entropy, s.normalizedEntropy, s.margin, s.probability})
        EXPECT_TRUE(std::isnan(value)) << value;
      EXPECT_EQ(drawResidual(c.scores, std::vector<double>(c.scores.size()), c.fill, {}), c.token);
    }
  // Some infinitely bad ones are nothing special.
  RowScore s = scoreRow({{-INFINITY, 1, -INFINITY, 1}}, none, {}, {}, {}, /*of=*/0);
  EXPECT_EQ(s.token, 1);
  EXPECT_NEAR(s.confidence, 0.5, 1e-12);
  EXPECT_NEAR(s.entropy, std::log(2), 1e-12);
  EXPECT_EQ(s.probability, 0);
}

TEST(Residual, DrawsOnlyWhereTheFirstHasMore) {
  std::vector<double> q = {0, 1, 0}, p = {1, 0, 0};
  for (uint32_t i = 0; i < 200; ++i)
    EXPECT_NE(drawResidual(q, p, none, {0, 0, i, residualStream}), 0);
}

TEST(Residual, OfEqualDistributionsDrawsFromTheFirst) {
  std::vector<double> q = {0, 1, 0};
  for (uint32_t i = 0; i < 200; ++i)
    EXPECT_GE(drawResidual(q, q, /*fill=*/0, {0, 0, i, residualStream}), 1);
}

} // namespace
