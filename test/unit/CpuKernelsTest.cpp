//===- CpuKernelsTest.cpp - kernels against double precision ------------------===//
//
// Kernels are compiled, linked and loaded as a program's are, then compared with plain loops in double. Shapes have
// tails on purpose. Where the design promises equal bits (a row alone and among others, one worker and two) bits are
// compared.
//
//===----------------------------------------------------------------------===//

#include "test/unit/CpuFixture.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;
using namespace quoin::cpu::test;

namespace {
//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

double silu(double x) { return x / (1 + std::exp(-x)); }

class Linear : public testing::TestWithParam<LinearShape> {};

TEST_P(Linear, EqualsDoublePrecisionForAnyRows) {
  LinearShape shape = GetParam();
  bool gated = shape.epilogue == Epilogue::Swiglu;
  Matrix a(shape.n, shape.k), b(shape.n, shape.k), bias(0, shape.n);
  bias.values.resize(shape.n);
  for (float &v : bias.values)
    v = uniform();
  if (shape.storage() == Storage::BF16)
    for (Matrix *m : {&a, &b})
      for (float &v : m->values)
        v = widen(narrow(v));
  WeightPlan plan;
  WeightPiece piece{
      gated ? WeightPiece::Kind::GateUp : WeightPiece::Kind::Packed, {"a"}, shape.n, shape.k, shape.storage()};
  if (gated)
    piece.sources.push_back("b");
  int64_t weight = plan.add(piece), biasAt = plan.add({WeightPiece::Kind::Vector, {"bias"}, shape.n, 0});
  std::vector<uint8_t> file = pack(plan, {{"a", &a}, {"b", &b}, {"bias", &bias}});
  Aligned<uint8_t> weights(file.size());
  std::copy(file.begin(), file.end(), weights.data());

  Program p;
  std::string name = linearKernel(p.kernels, shape).getName().str();
  p.link();
  Rows x(17, shape.k, rowsOf(shape.arithmetic)), residual(17, shape.n), all(17, shape.n, shape.result);
  x.fill();
  residual.fill();
  auto run = [&](int64_t row, int64_t rows, Rows &out, int64_t outRow, int64_t from, int64_t to) {
    p.call(name, x.row(row), weights.data() + weight, weights.data() + biasAt, residual.row(row), out.row(outRow), rows,
           from, to);
  };
  run(0, 17, all, 0, 0, shape.tiles());
  for (int64_t r = 0; r < 17; ++r)
    for (int64_t j = 0; j < shape.n; ++j) {
      double sum = 0, up = 0;
      for (int64_t i = 0; i < shape.k; ++i) {
        sum += double(x.at(r, i)) * a.at(j, i);
        up += double(x.at(r, i)) * b.at(j, i);
      }
      if (shape.bias)
        sum += bias.values[j];
      if (gated)
        sum = silu(sum) * up;
      if (shape.epilogue == Epilogue::Residual)
        sum += residual.at(r, j);
      if (shape.result == Storage::BF16)
        EXPECT_NEAR(sum, all.at(r, j), quoin::tolerance::narrowed * (1 + std::fabs(sum))) << r;
      else
        expectNear(sum, all.at(r, j), std::sqrt(double(shape.k)), "row", r);
    }
  // Any number of rows, any split of the tiles: the same bits.
  for (int64_t rows = 1; rows <= 9; ++rows) {
    Rows part(17, shape.n, shape.result);
    int64_t cut = shape.tiles() / 2, row = 17 - rows;
    run(row, rows, part, 0, 0, cut);
    run(row, rows, part, 0, cut, shape.tiles());
    for (int64_t r = 0; r < rows; ++r)
      EXPECT_EQ(0, std::memcmp(part.row(r), all.row(row + r), shape.n * storageBytes(shape.result))) << rows;
  }
}

using A = Arithmetic;
INSTANTIATE_TEST_SUITE_P(Shapes, Linear,
                         testing::Values(LinearShape{64, 64}, LinearShape{61, 200, A::F32, Epilogue::None, true},
                                         LinearShape{1024, 70, A::F32, Epilogue::Residual},
                                         LinearShape{33, 17, A::F32, Epilogue::Residual, true},
                                         LinearShape{40, 160, A::F32, Epilogue::Swiglu},
                                         LinearShape{40, 41, A::F32, Epilogue::Swiglu}));
INSTANTIATE_TEST_SUITE_P(Widened, Linear,
                         testing::Values(LinearShape{50, 150, A::Widened},
                                         LinearShape{64, 72, A::Widened, Epilogue::Swiglu},
                                         LinearShape{33, 70, A::Widened, Epilogue::Residual, true},
                                         LinearShape{1, 64, A::Widened}));
INSTANTIATE_TEST_SUITE_P(Pairs, Linear,
                         testing::Values(LinearShape{50, 150, A::Pairs},
                                         LinearShape{64, 72, A::Pairs, Epilogue::Swiglu},
                                         LinearShape{33, 70, A::Pairs, Epilogue::Residual, true},
                                         LinearShape{1024, 64, A::Pairs, Epilogue::None, true},
                                         LinearShape{47, 35, A::Pairs, Epilogue::Swiglu, false, Storage::BF16}));

/// The machine's instruction where it has one, and what stands in for it elsewhere.
class BrainFloat : public testing::TestWithParam<const char *> {};

TEST_P(BrainFloat, RoundsAndMultipliesPairs) {
  Program p(GetParam());
  QUOIN_SKIP_UNLESS_IT_RUNS(p);
  KernelBuilder &kb = p.kernels;
  // (low [16], high [16], other pairs [16], sum [16], pairs out [16])
  kb.function("pairs", {kb.ptr, kb.ptr, kb.ptr, kb.ptr, kb.ptr}, [&](ArrayRef<Val> a) {
    Val pairs = kb.narrowPairs(kb.load(kb.v16f, a[0]), kb.load(kb.v16f, a[1]));
    kb.store(pairs, a[4]);
    kb.store(kb.dotPairs(kb.load(kb.v16f, a[3]), pairs, kb.load(kb.v16i, a[2])), a[3]);
  });
  p.link();
  std::vector<float> low(16), high(16), sum(16), before;
  std::vector<uint16_t> other(32), out(32);
  for (int i = 0; i < 16; ++i) {
    low[i] = uniform();
    high[i] = uniform() * 1000;
    sum[i] = uniform();
  }
  // Ties go to even, and the carry may reach the exponent.
  low[0] = std::bit_cast<float>(0x3f808000u);
  low[1] = std::bit_cast<float>(0x3f818000u);
  low[2] = std::bit_cast<float>(0x3fffffffu);
  for (uint16_t &v : other)
    v = narrow(uniform());
  before = sum;
  p.call("kernel.pairs", low.data(), high.data(), other.data(), sum.data(), out.data());
  EXPECT_EQ(out[0], 0x3f80);
  EXPECT_EQ(out[2], 0x3f82);
  EXPECT_EQ(out[4], 0x4000);
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(out[2 * i], narrow(low[i]));
    EXPECT_EQ(out[2 * i + 1], narrow(high[i]));
    double exact = before[i] + double(widen(out[2 * i])) * widen(other[2 * i]) +
                   double(widen(out[2 * i + 1])) * widen(other[2 * i + 1]);
    expectNear(exact, sum[i], 1000, "lane", i);
  }
  low[0] = NAN;
  p.call("kernel.pairs", low.data(), high.data(), other.data(), sum.data(), out.data());
  EXPECT_TRUE(std::isnan(widen(out[0])));
}

INSTANTIATE_TEST_SUITE_P(Cpus, BrainFloat,
                         testing::Values("native", "znver5", "x86-64-v4", "haswell", "nehalem", "pairs"));

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

TEST(Masks, EqualTheFormulaForEveryPair) {
  std::vector<BlockMask> masks;
  for (const char *text :
       {"causal", "full", "block_causal<4>", "window<70>", "(q, k)[a] : k le q or (q ge a and k ge a)",
        "(q, k)[a, b] : (k - a) floordiv 7 le (q - b) floordiv 7 and not (open(k) eq 1 and label(q) ne label(k))",
        "(q, k) : (q - k * 3) mod 5 lt 2 or slot(k) floordiv 64 eq 1",
        "(q, k)[a] : (q - 2 * k) floordiv 3 ge -10 and k mod 8 ne 3", "(q, k) : open(q) eq 0", "(q, k)[a] : a gt 20"}) {
    std::string error;
    std::optional<BlockMask> mask = BlockMask::parse(text, error);
    ASSERT_TRUE(mask) << text << ": " << error;
    masks.push_back(*mask);
  }
  Program p;
  std::string name = maskKernel(p.kernels, masks).getName().str();
  p.link();
  PageLayout page{1, 8};
  for (auto [rows, slots] : {std::pair<int64_t, int64_t>{131, 131}, {1, 1}, {70, 192}, {3, 65}, {64, 64}}) {
    std::vector<std::unique_ptr<Session>> sessions;
    std::vector<quoin_group_t> groups;
    for (size_t m = 0; m < masks.size(); ++m) {
      sessions.push_back(std::make_unique<Session>(m * rows, rows, slots, page, m));
      groups.push_back(sessions.back()->group);
    }
    quoin_layers_t args{};
    args.groups = static_cast<int64_t>(groups.size());
    args.group = groups.data();
    for (int64_t w = 0; w < 2; ++w)
      p.call(name, &args, w, int64_t(2));
    for (auto &s : sessions) {
      const BlockMask &mask = masks[s->group.mask];
      int64_t tiles = roundUp(slots, 64) / 64, wrong = 0;
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t key = 0; key < tiles * 64; ++key) {
          bool see = key < slots && mask.see(s->token(slots - rows + r), s->token(key),
                                             ArrayRef(s->group.symbols).take_front(mask.symbols().size()));
          wrong += see != s->sees(r, key);
        }
      EXPECT_EQ(wrong, 0) << s->group.mask << " " << rows << " " << slots;
      for (int64_t block = 0; block * 64 < rows; ++block)
        for (int64_t t = 0; t < tiles; ++t) {
          bool any = false, all = true;
          for (int64_t r = block * 64; r < std::min(rows, block * 64 + 64); ++r)
            for (int64_t key = t * 64; key < t * 64 + 64; ++key) {
              any |= s->sees(r, key);
              all &= s->sees(r, key);
            }
          EXPECT_EQ(s->classes[block * tiles + t], !any ? 0 : all ? 2 : 1);
        }
    }
  }
}

//===----------------------------------------------------------------------===//
// Targets
//===----------------------------------------------------------------------===//

TEST(Targets, SayWhatTheyNeed) {
  std::string error;
  std::optional<Target> host = makeTarget("native", error);
  ASSERT_TRUE(host) << error;
  if (!host->x86)
    GTEST_SKIP() << "names of x86 CPUs";
  EXPECT_EQ(makeTarget("haswell", error)->required, "avx2,fma,f16c,bmi,bmi2,lzcnt,movbe,popcnt");
  EXPECT_EQ(makeTarget("haswell", error)->cpu, "x86-64-v3");
  EXPECT_EQ(makeTarget("znver5", error)->cpu, "x86-64-v4");
  EXPECT_EQ(makeTarget("x86-64", error)->required, "");
  EXPECT_FALSE(makeTarget("abacus", error));
  EXPECT_NE(error.find("'abacus'"), std::string::npos);
}

TEST(Targets, NativeIsWhatQuoinCpuSays) {
  std::string error;
  if (!makeTarget("haswell", error))
    GTEST_SKIP() << "names of x86 CPUs";
  const char *old = std::getenv("QUOIN_CPU");
  std::string before = old ? old : "";
  unsetenv("QUOIN_CPU");
  Target better = *makeTarget("znver5", error), whole = *makeTarget("native", error);
  bool runsBetter = missingHere(better).empty();
  setenv("QUOIN_CPU", "x86-64-v2", 1);
  std::optional<Target> older = makeTarget("native", error);
  ASSERT_TRUE(older) << error;
  EXPECT_EQ(older->cpu, "x86-64-v2");
  EXPECT_EQ(older->required, "sse4.2,popcnt");
  EXPECT_EQ(older->tune, whole.tune);
  EXPECT_FALSE(older->kernels.half || older->kernels.narrow || older->kernels.brain);
  // Code for better CPUs may still be made, but not run.
  EXPECT_EQ(makeTarget("znver5", error)->required, better.required);
  EXPECT_EQ(missingHere(better), "avx512f");
  EXPECT_EQ(missingHere(*older), "");
  setenv("QUOIN_CPU", "x86-64-v4", 1);
  bool has = static_cast<bool>(makeTarget("native", error));
  EXPECT_EQ(has, whole.cpu == "x86-64-v4");
  if (has)
    EXPECT_FALSE(makeTarget("native", error)->kernels.narrow);
  else
    EXPECT_EQ(error,
              "expects QUOIN_CPU to be a level of this machine, but 'x86-64-v4' needs 'avx512f', which it lacks");
  setenv("QUOIN_CPU", "abacus", 1);
  EXPECT_FALSE(makeTarget("native", error));
  EXPECT_EQ(error, "expects QUOIN_CPU to be x86-64, x86-64-v2, x86-64-v3 or x86-64-v4, but found 'abacus'");
  EXPECT_EQ(missingHere(better), error);
  setenv("QUOIN_CPU", "", 1);
  EXPECT_EQ(missingHere(better).empty(), runsBetter);
  before.empty() ? unsetenv("QUOIN_CPU") : setenv("QUOIN_CPU", before.c_str(), 1);
}

TEST(Targets, OlderCpusNeedNoLibrary) {
  std::string error;
  if (!makeTarget("haswell", error))
    GTEST_SKIP() << "names of x86 CPUs";
  // Linking fails on undefined symbols: without fused multiply-add or masked stores nothing may become a call.
  for (const char *cpu : {"nehalem", "haswell"}) {
    Program p(cpu);
    std::string name = normKernel(p.kernels, 40, 40, 1e-6).getName().str();
    std::string embed = embedKernel(p.kernels, 16, Storage::F16).getName().str();
    linearKernel(p.kernels, {33, 64, A::F16, Epilogue::Swiglu});
    linearKernel(p.kernels, {32, 70, A::Widened, Epilogue::Residual});
    linearKernel(p.kernels, {32, 70, A::Pairs, Epilogue::Residual});
    attentionKernel(p.kernels, {6, {2, 24}, 0.2, true});
    AttentionShape narrow{6, {2, 25, Storage::BF16}, 0.2};
    narrow.rows = narrow.result = Storage::BF16;
    narrow.lse = narrow.blind = true;
    attentionKernel(p.kernels, narrow);
    cacheKernel(p.kernels, narrow.page, true, Storage::BF16);
    maskKernel(p.kernels, {BlockMask::blockCausal(6)});
    headStep(p.kernels, {40, 200});
    p.link();
    if (!p.lacks.empty())
      continue;
    Aligned<float> x(rowStride(40), 3), weight(64, 0.5f), y(rowStride(40));
    p.call(name, x.data(), weight.data(), y.data(), int64_t(0), int64_t(1));
    for (int64_t i = 0; i < 40; ++i)
      EXPECT_NEAR(y[i], 0.5, 1e-6) << cpu;
    // f16: one, minus two, the smallest subnormal, the largest number.
    std::vector<uint16_t> half = {0x3c00, 0xc000, 0x0001, 0x7bff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    int32_t id = 0;
    p.call(embed, &id, half.data(), y.data(), int64_t(0), int64_t(1));
    EXPECT_EQ(std::vector<float>(y.data(), y.data() + 4), (std::vector<float>{1, -2, 0x1p-24f, 65504})) << cpu;
  }
}
} // namespace
