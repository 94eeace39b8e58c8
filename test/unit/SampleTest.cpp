// SampleTest.cpp: random numbers, and draws over whole rows, against numbers worked out by hand.

#include "runtime/src/sample.h"
#include "RuntimeFixture.h"

#include <array>
#include <cmath>

using namespace quoin::rt;
using namespace quoin::test;

namespace {

std::vector<float> logitsOf(std::vector<double> probabilities) {
  std::vector<float> logits;
  for (double p : probabilities)
    logits.push_back(float(std::log(p)));
  return logits;
}

/// How often each token is drawn from `probabilities`, and its confidence.
struct Drawn {
  std::vector<int> count;
  std::vector<double> confidence;
};

Drawn drawMany(std::vector<double> probabilities, std::vector<uint8_t> transforms, double temperature, double topK,
               double topP, int32_t fill = -1) {
  std::vector<float> logits = logitsOf(probabilities);
  std::vector<Scratch::Candidate> scratch(logits.size());
  Sampler sampler{transforms.data(), uint32_t(transforms.size()), temperature, topK, topP, fill};
  Drawn drawn{std::vector<int>(logits.size()), std::vector<double>(logits.size())};
  for (uint32_t i = 0; i < 4000; ++i) {
    Draw draw =
        drawFiltered(logits.data(), int64_t(logits.size()), sampler, Random{9, i, 3, kTokenDraw}, scratch.data());
    ++drawn.count[size_t(draw.token)];
    drawn.confidence[size_t(draw.token)] = draw.confidence;
  }
  return drawn;
}

constexpr uint8_t T = QUOIN_TRANSFORM_TEMPERATURE, K = QUOIN_TRANSFORM_TOP_K, P = QUOIN_TRANSFORM_TOP_P,
                  BELOW = QUOIN_TRANSFORM_TOP_P_BELOW, WITHOUT = QUOIN_TRANSFORM_WITHOUT_FILL,
                  GREEDY = QUOIN_TRANSFORM_GREEDY, FILTERED = QUOIN_TRANSFORM_FILTERED_CONFIDENCE;

} // namespace

TEST(Philox, KnownAnswers) {
  auto run = [](std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
    philox(counter.data(), key.data());
    return counter;
  };
  using Words = std::array<uint32_t, 4>;
  EXPECT_EQ(run({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(run({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(run({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, UniformTakesTheLanesWord) {
  Random random{0, 0, 0, 0};
  EXPECT_EQ(random.uniform(1), ((0xe169c58du >> 8) + 0.5) / 16777216);
  EXPECT_EQ(random.uniform(3), ((0x9b00dbd8u >> 8) + 0.5) / 16777216);
}

TEST(Sample, TopPKeepsTheTokenThatCrosses) {
  Drawn drawn = drawMany({.5, .3, .2}, {P}, 1, 0, .7);
  EXPECT_GT(drawn.count[1], 0);
  EXPECT_EQ(drawn.count[2], 0);
  EXPECT_NEAR(drawn.confidence[0], .5 / .8, 1e-6);
  EXPECT_NEAR(drawn.count[0], 4000 * .5 / .8, 120);
}

TEST(Sample, TopPBelowLeavesItOut) {
  Drawn drawn = drawMany({.3, .5, .2}, {BELOW}, 1, 0, .7);
  EXPECT_EQ(drawn.count, (std::vector<int>{0, 4000, 0}));
  EXPECT_NEAR(drawn.confidence[1], 1, 1e-9);
  EXPECT_EQ(drawMany({.3, .5, .2}, {BELOW}, 1, 0, .1).count[1], 4000); // the first always
}

TEST(Sample, AnArgMaxHasAFilteredConfidence) {
  // The fill token is left out first, so .2 and .5 are left, of which the nucleus keeps the second.
  Drawn drawn = drawMany({.3, .2, .5}, {WITHOUT, GREEDY, FILTERED}, 0, 0, 1, /*fill=*/0);
  EXPECT_EQ(drawn.count, (std::vector<int>{0, 0, 4000}));
  EXPECT_NEAR(drawn.confidence[2], .5 / .7, 1e-6);
  EXPECT_NEAR(drawMany({.3, .2, .5}, {WITHOUT, BELOW, GREEDY, FILTERED}, 0, 0, .7, 0).confidence[2], 1, 1e-9);
  // At temperature 0 it is an arg max, too, and the temperature changes nothing; a greedy one feels it.
  EXPECT_NEAR(drawMany({.3, .2, .5}, {T, K, FILTERED}, 0, 2, 1).confidence[2], .5 / .8, 1e-6);
  EXPECT_NEAR(drawMany({.3, .2, .5}, {T, K, GREEDY, FILTERED}, .5, 2, 1).confidence[2], .25 / (.25 + .09), 1e-6);
  // Only the fill token is left: the best of the others, which has no mass.
  drawn = drawMany({.3, .2, .5}, {K, GREEDY, FILTERED}, 0, 1, 1, 2);
  EXPECT_EQ(drawn.count, (std::vector<int>{4000, 0, 0}));
  EXPECT_EQ(drawn.confidence[0], 0);
}

TEST(Sample, WhatIsLeftHasStatistics) {
  auto facts = [](std::vector<double> probabilities, std::vector<uint8_t> transforms, double temperature, double topK,
                  double topP, int32_t fill) {
    std::vector<float> logits = logitsOf(probabilities);
    std::vector<Scratch::Candidate> scratch(logits.size());
    Sampler sampler{transforms.data(), uint32_t(transforms.size()), temperature, topK, topP, fill};
    FilteredFacts found = {};
    drawFiltered(logits.data(), int64_t(logits.size()), sampler, Random{9, 1, 3, kTokenDraw}, scratch.data(), &found);
    return found;
  };
  // .5 and .3 are left, of .8.
  FilteredFacts found = facts({.5, .3, .2}, {T, K}, 0, 2, 1, -1);
  EXPECT_NEAR(found.best, .625, 1e-6);
  EXPECT_NEAR(found.margin, .25, 1e-6);
  EXPECT_NEAR(found.entropy, -.625 * std::log(.625) - .375 * std::log(.375), 1e-6);
  EXPECT_NEAR(found.mass, std::log(.8), 1e-6);
  // At temperature 0.5 the masses are .25, .09 and .04; the fill token has its part of them, but is not the best.
  found = facts({.5, .3, .2}, {T}, .5, 0, 1, 0);
  EXPECT_NEAR(found.best, .09 / .38, 1e-6);
  EXPECT_NEAR(found.margin, .05 / .38, 1e-6);
  EXPECT_NEAR(found.mass, std::log(.38), 1e-6);
  // Nothing but the fill token is left, or nothing at all.
  found = facts({.5, .3, .2}, {K}, 0, 1, 1, 0);
  EXPECT_EQ(found.best, 0);
  EXPECT_NEAR(found.mass, std::log(.5), 1e-6);
  EXPECT_EQ(facts({1}, {WITHOUT}, 0, 0, 1, 0).mass, -HUGE_VAL);
  EXPECT_TRUE(std::isnan(facts({.5, NAN}, {K}, 0, 1, 1, -1).entropy));
}

TEST(Sample, OnlyWhatTransformsChangeNeedsTheRow) {
  auto needs = [](std::vector<uint8_t> transforms, double temperature, double topP) {
    return Sampler{transforms.data(), uint32_t(transforms.size()), temperature, 0, topP, 5}.needsRow(100);
  };
  EXPECT_FALSE(needs({T, P}, 0, .5));
  EXPECT_TRUE(needs({T, P}, 1, .5));
  EXPECT_FALSE(needs({T, P}, 1, 1));
  EXPECT_FALSE(needs({P, GREEDY}, 1, .5));
  EXPECT_TRUE(needs({P, GREEDY, FILTERED}, 1, .5));
  EXPECT_FALSE(needs({P, GREEDY, FILTERED}, 1, 1));
  EXPECT_TRUE(needs({T, P, FILTERED}, 0, .5));
  EXPECT_FALSE(needs({T, P, FILTERED}, 0, 1));
  EXPECT_TRUE(needs({T, GREEDY, FILTERED}, .5, 1));
}

TEST(Sample, TopKTakesTheLowestOfEquals) {
  Drawn drawn = drawMany({.1, .3, .3, .3}, {T, K}, 1, 2, 1);
  EXPECT_EQ(drawn.count[0] + drawn.count[3], 0);
  EXPECT_NEAR(drawn.count[1], 2000, 130);
}

TEST(Sample, TransformsActInTheirOrder) {
  // At temperature 0.5 the masses are 25 : 9 : 4 of 38; 25/38 is above 0.6, 0.5 is not.
  EXPECT_EQ(drawMany({.5, .3, .2}, {T, P}, .5, 0, .6).count[1], 0);
  Drawn drawn = drawMany({.5, .3, .2}, {P, T}, .5, 0, .6);
  EXPECT_NEAR(drawn.count[1], 4000 * 9. / 34, 120);
  EXPECT_NEAR(drawn.confidence[1], 9. / 34, 1e-6);
  // top-p after top-k sees the mass of what top-k kept: .5 of .8 is above .6.
  EXPECT_EQ(drawMany({.5, .3, .2}, {K, P}, 1, 2, .6).count[1], 0);
  EXPECT_GT(drawMany({.5, .3, .2}, {P, K}, 1, 2, .6).count[1], 0);
}

TEST(Sample, FillIsNeverDrawnButHasItsMass) {
  Drawn drawn = drawMany({.5, .3, .2}, {K}, 1, 2, 1, 0);
  EXPECT_EQ(drawn.count, (std::vector<int>{0, 4000, 0}));
  EXPECT_NEAR(drawn.confidence[1], .3 / .8, 1e-6);
  // Kept alone, it still gives way.
  EXPECT_EQ(drawMany({.5, .2, .3}, {K}, 1, 1, 1, 0).count[2], 4000);
  drawn = drawMany({.5, .3, .2}, {WITHOUT}, 1, 0, 1, 0);
  EXPECT_NEAR(drawn.confidence[1], .6, 1e-6);
}

TEST(Sample, ResidualIsTheDifference) {
  std::vector<float> q = logitsOf({.5, .3, .2}), p = logitsOf({.2, .2, .6});
  int count[3] = {};
  for (uint32_t i = 0; i < 4000; ++i)
    ++count[drawResidual(q.data(), p.data(), 3, -1, Random{1, i, 0, kResidualDraw}).token];
  EXPECT_NEAR(count[0], 3000, 120);
  EXPECT_EQ(count[2], 0);
  EXPECT_EQ(drawResidual(q.data(), p.data(), 3, 0, Random{1, 0, 0, kResidualDraw}).token, 1);
  // No mass at all: a draw from q.
  int same[3] = {};
  for (uint32_t i = 0; i < 4000; ++i)
    ++same[drawResidual(q.data(), q.data(), 3, -1, Random{1, i, 0, kResidualDraw}).token];
  EXPECT_NEAR(same[2], 800, 110);
}

TEST(Sample, WithoutASoftmaxThereIsNoDraw) {
  struct Case {
    std::vector<float> logits;
    int32_t fill, token;
  };
  std::vector<Scratch::Candidate> scratch(3);
  std::vector<float> other(3);
  for (uint8_t transform : {T, K, P, BELOW, WITHOUT}) {
    Sampler sampler{&transform, 1, 1, 2, 0.5, -1};
    for (const Case &c : {Case{{0, NAN, 2}, -1, 1}, Case{{0, NAN, 2}, 1, 2}, Case{{HUGE_VALF, 0, NAN}, 0, 2},
                          Case{{-HUGE_VALF, -HUGE_VALF, -HUGE_VALF}, 0, 1}, Case{{5, HUGE_VALF, HUGE_VALF}, -1, 1}}) {
      sampler.fill = c.fill;
      Draw draw = drawFiltered(c.logits.data(), 3, sampler, Random{9, 1, 3, kTokenDraw}, scratch.data());
      EXPECT_EQ(draw.token, c.token);
      EXPECT_TRUE(std::isnan(draw.confidence));
      draw = drawResidual(c.logits.data(), other.data(), 3, c.fill, Random{9, 1, 3, kResidualDraw});
      EXPECT_EQ(draw.token, c.token);
      EXPECT_TRUE(std::isnan(draw.confidence));
      EXPECT_TRUE(std::isnan(
          drawResidual(other.data(), c.logits.data(), 3, c.fill, Random{9, 1, 3, kResidualDraw}).confidence));
    }
    // At the ends of the range there is one.
    sampler.fill = -1;
    std::vector<float> ends = {-3e38f, 3e38f, -HUGE_VALF};
    Draw draw = drawFiltered(ends.data(), 3, sampler, Random{9, 1, 3, kTokenDraw}, scratch.data());
    EXPECT_EQ(draw.token, 1);
    EXPECT_EQ(draw.confidence, 1);
  }
}

TEST(Sample, HostAndKernelDrawTheSame) {
  Runtime runtime;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Request request;
    request.seed = seed + (seed << 40);
    request.settings = {{"temperature", 0.7}};
    Answer kernel = runtime.run(request);
    request.settings["top_k"] = 47; // all but the least likely: the draw is the host's now
    EXPECT_EQ(runtime.run(request), kernel) << seed;
  }
}

TEST(Sample, TemperatureZeroIgnoresFiltersAndSeeds) {
  Runtime runtime;
  Request request;
  Answer expected = runtime.run(request);
  request.settings = {{"top_k", 3}, {"top_p", 0.5}};
  request.seed = 99;
  EXPECT_EQ(runtime.run(request), expected);
}
