//===- CpuKernelsTest.cpp - kernels against double precision ------------------===//
//
// Kernels are compiled, linked and loaded as a program's are, then compared with plain loops in double. Shapes have
// tails on purpose. Where the design promises equal bits (a row alone and among others, one worker and two) bits are
// compared.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/HeadKernel.h"
#include "compiler/cpu/RowFunctions.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Parser/Parser.h"
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

/// What ends a product: nothing, the sum with another row, or `silu(a) b` of two sums.
enum class End { None, Row, Gate };

Block *blockOf(End end) {
  static std::map<End, std::unique_ptr<Block>> made;
  std::unique_ptr<Block> &block = made[end];
  if (end == End::None || block)
    return block.get();
  block = std::make_unique<Block>();
  Program::context()->loadDialect<arith::ArithDialect, math::MathDialect>();
  OpBuilder b(Program::context());
  Location loc = b.getUnknownLoc();
  Value x = block->addArgument(b.getF32Type(), loc), y = block->addArgument(b.getF32Type(), loc);
  b.setInsertionPointToEnd(block.get());
  Value result;
  if (end == End::Row) {
    result = arith::AddFOp::create(b, loc, y, x);
  } else {
    Value one = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(1));
    Value power = math::ExpOp::create(b, loc, arith::NegFOp::create(b, loc, x));
    result = arith::DivFOp::create(b, loc, x, arith::AddFOp::create(b, loc, power, one));
    result = arith::MulFOp::create(b, loc, result, y);
  }
  NumberOp::create(b, loc, result);
  return block.get();
}

struct LinearCase {
  int64_t k, n;
  Arithmetic arithmetic = Arithmetic::F32;
  End end = End::None;
  bool bias = false;
  Storage result = Storage::F32;

  LinearShape shape() const {
    return {k, n, arithmetic, end == End::Gate ? 2 : 1, bias, result, blockOf(end), end == End::Row ? 1 : 0};
  }
};

class Linear : public testing::TestWithParam<LinearCase> {};

TEST_P(Linear, EqualsDoublePrecisionForAnyRows) {
  LinearShape shape = GetParam().shape();
  bool gated = GetParam().end == End::Gate;
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
      gated ? WeightPiece::Kind::GateUp : WeightPiece::Kind::Packed, {"a"}, shape.n, shape.k, 1, shape.storage()};
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
    if (shape.others)
      return p.call(name, x.row(row), weights.data() + weight, weights.data() + biasAt, residual.row(row),
                    out.row(outRow), rows, from, to);
    p.call(name, x.row(row), weights.data() + weight, weights.data() + biasAt, out.row(outRow), rows, from, to);
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
      if (GetParam().end == End::Row)
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
                         testing::Values(LinearCase{64, 64}, LinearCase{61, 200, A::F32, End::None, true},
                                         LinearCase{1024, 70, A::F32, End::Row},
                                         LinearCase{33, 17, A::F32, End::Row, true},
                                         LinearCase{40, 160, A::F32, End::Gate},
                                         LinearCase{40, 41, A::F32, End::Gate}));
INSTANTIATE_TEST_SUITE_P(Widened, Linear,
                         testing::Values(LinearCase{50, 150, A::Widened}, LinearCase{64, 72, A::Widened, End::Gate},
                                         LinearCase{33, 70, A::Widened, End::Row, true},
                                         LinearCase{1, 64, A::Widened}));
INSTANTIATE_TEST_SUITE_P(Pairs, Linear,
                         testing::Values(LinearCase{50, 150, A::Pairs}, LinearCase{64, 72, A::Pairs, End::Gate},
                                         LinearCase{33, 70, A::Pairs, End::Row, true},
                                         LinearCase{1024, 64, A::Pairs, End::None, true},
                                         LinearCase{47, 35, A::Pairs, End::Gate, false, Storage::BF16}));

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
// Functions
//===----------------------------------------------------------------------===//

/// NaN of several kinds, what is infinite, and the ends of the range.
std::vector<float> specialNumbers() {
  std::vector<float> all = {0, -0.0f, 1, -1, 3e38f, -3e38f, 1e-38f, 1e-45f, INFINITY, -INFINITY};
  for (uint32_t bits : {0x7fc00000u, 0xffc00001u, 0x7fffffffu, 0x7fc00123u, 0x7f800001u, 0xff912345u})
    all.push_back(std::bit_cast<float>(bits));
  for (float x : {86.0f, 87.3f, 88.2f, 89.5f, 100.0f, 126.4f, 127.5f, 128.0f, 149.0f, 200.0f, 1e9f, 1e30f})
    for (float sign : {1.0f, -1.0f})
      all.push_back(sign * x);
  while (all.size() % 16)
    all.push_back(uniform());
  return all;
}

class Functions : public testing::TestWithParam<const char *> {};

TEST_P(Functions, OfAnyNumber) {
  Program p(GetParam());
  QUOIN_SKIP_UNLESS_IT_RUNS(p);
  KernelBuilder &kb = p.kernels;
  auto define = [&](const char *name, function_ref<Val(Val)> f) {
    kb.function(name, {kb.ptr, kb.ptr}, [&](ArrayRef<Val> a) { kb.store(f(kb.load(kb.v16f, a[0])), a[1]); });
  };
  define("exp", [&](Val x) { return kb.exp(x); });
  define("expOfNegated", [&](Val x) { return kb.exp(kb.wrap(arith::NegFOp::create(kb.b, kb.loc, x))); });
  define("exp2", [&](Val x) { return kb.exp2(x); });
  define("exp2Brief", [&](Val x) { return kb.exp2Brief(x); });
  define("log", [&](Val x) { return kb.log(x); });
  define("sqrt", [&](Val x) { return kb.sqrt(x); });
  define("silu", [&](Val x) { return emitFormula(kb, *blockOf(End::Gate), {x, kb.constant(kb.v16f, 1)}); });
  p.link();
  std::vector<float> numbers = specialNumbers(), found(numbers.size());
  auto check = [&](const char *name, double (*exact)(double), double tolerance, auto applies) {
    for (size_t i = 0; i < numbers.size(); i += 16)
      p.call(std::string("kernel.") + name, &numbers[i], &found[i]);
    for (size_t i = 0; i < numbers.size(); ++i) {
      if (!applies(numbers[i]))
        continue;
      float want = static_cast<float>(exact(numbers[i]));
      // What is no normal number may be 0.
      if (std::isnan(want))
        EXPECT_TRUE(std::isnan(found[i])) << name << " " << numbers[i] << " is " << found[i];
      else if (std::isinf(want))
        EXPECT_EQ(found[i], want) << name << " " << numbers[i];
      else
        EXPECT_NEAR(found[i], want, std::max(tolerance * std::fabs(want), 0x1.8p-126)) << name << " " << numbers[i];
    }
  };
  auto any = [](float) { return true; };
  // Without fused multiply-add the argument of a large exponential is reduced less well.
  const double ofExp = StringRef(GetParam()) == "nehalem" ? 3e-6 : 3e-7;
  check("exp", std::exp, ofExp, [](float x) { return !(x > 88.3f && x < 88.8f); });
  // Constants that take the sign change no bit.
  for (size_t i = 0; i < numbers.size(); i += 16) {
    float negated[16], ofNegated[16], direct[16];
    std::transform(&numbers[i], &numbers[i] + 16, negated, [](float x) { return -x; });
    p.call("kernel.expOfNegated", &numbers[i], &ofNegated[0]);
    p.call("kernel.exp", &negated[0], &direct[0]);
    for (size_t k = 0; k < 16; ++k)
      EXPECT_TRUE(ofNegated[k] == direct[k] || (std::isnan(ofNegated[k]) && std::isnan(direct[k]))) << negated[k];
  }
  check("exp2", std::exp2, 3e-7, [](float x) { return !(x >= 127.5f); });
  check("exp2Brief", std::exp2, 1e-5, [](float x) { return !(x >= 127.5f); });
  check("log", std::log, 3e-7, [](float x) { return !(std::fabs(x) > 0 && std::fabs(x) < 1.2e-38f); });
  check("sqrt", std::sqrt, 3e-7, any);
  // The exponential is infinite from 88.4 on, the quotient then 0.
  check("silu", silu, std::max(1e-6, ofExp), [](float x) { return !(x < -88.3f && x > -95); });
}

INSTANTIATE_TEST_SUITE_P(Cpus, Functions, testing::Values("native", "x86-64-v4", "haswell", "nehalem"));

//===----------------------------------------------------------------------===//
// Statistics of scores
//===----------------------------------------------------------------------===//

constexpr int64_t vocabulary = 515, chunkTiles = 2;

/// A row's scores through the kernels of the head, two tiles to a part.
struct Statistics {
  Statistics() {
    KernelBuilder &kb = p.kernels;
    kb.function("initial", {kb.ptr}, [&](ArrayRef<Val> a) { Partial::initial(kb).store(a[0]); });
    statistics = tileStatistics(kb).getName().str();
    results = rowResults(kb, vocabulary).getName().str();
    p.link();
  }
  void run(quoin_head_row_t &row, std::vector<float> scores) {
    int64_t tiles = (vocabulary + 63) / 64, chunks = (tiles + chunkTiles - 1) / chunkTiles;
    scores.resize(tiles * 64, NAN);
    Aligned<float> aligned(scores.size()), partials(chunks * 16);
    std::copy(scores.begin(), scores.end(), aligned.data());
    for (int64_t t = 0; t < tiles; ++t) {
      float *partial = partials.data() + t / chunkTiles * 16;
      if (t % chunkTiles == 0)
        p.call("kernel.initial", partial);
      p.call(statistics, &row, partial, aligned.data() + t * 64, t * 64, vocabulary);
    }
    p.call(results, &row, partials.data(), chunks, chunkTiles * 64);
  }
  Program p;
  std::string statistics, results;
};

/// The same by definition: a softmax that subtracts the largest score; NaN counts as the largest.
void expectStatistics(const quoin_head_row_t &h, const std::vector<float> &scores, const std::string &what) {
  double maximum = -INFINITY, sum = 0, weighted = 0, warm = 0, best = -INFINITY, second = -INFINITY, key = -INFINITY;
  int32_t token = -1, drawn = -1;
  for (float x : scores)
    maximum = std::max(maximum, std::isnan(x) ? INFINITY : double(x));
  bool valid = std::isfinite(maximum);
  for (int32_t v = 0; v < vocabulary; ++v) {
    double s = std::isnan(scores[v]) ? INFINITY : scores[v], e = std::exp(s - maximum);
    sum += e;
    weighted += e > 0 ? e * (s - maximum) : 0;
    warm += h.temperature > 0 ? std::exp((s - maximum) / h.temperature) : 0;
    if (v == h.forbid)
      continue;
    second = std::max(second, std::min(best, s));
    if (token < 0 || s > best)
      token = v;
    best = std::max(best, s);
    double u = ((philox(h.key[0], h.key[1], v / 4, h.evaluation, h.position, h.stream, v % 4) >> 8) + 0.5) / 16777216.0;
    double k = (s - maximum) / h.temperature - std::log(-std::log(u));
    if (h.temperature > 0 && k > key) {
      key = k;
      drawn = v;
    }
  }
  bool draws = valid && drawn >= 0;
  int32_t chosen = draws ? drawn : token;
  EXPECT_EQ(h.token, chosen) << what;
  auto expectSame = [&](double want, float got, double scale, const char *statistic) {
    if (!valid)
      EXPECT_TRUE(std::isnan(got)) << what << " " << statistic << " is " << got;
    else
      EXPECT_NEAR(want, got, 2e-5 * scale) << what << " " << statistic;
  };
  double chosenScore = scores[chosen];
  expectSame(h.temperature > 0 && !h.raw_confidence ? std::exp((chosenScore - maximum) / h.temperature) / warm
                                                    : std::exp(chosenScore - maximum) / sum,
             h.confidence, 1, "confidence");
  expectSame(std::exp(scores[h.of] - maximum) / sum, h.probability, 1, "probability");
  expectSame(std::log(sum) - weighted / sum, h.entropy, 5, "entropy");
  expectSame((std::exp(best - maximum) - std::exp(second - maximum)) / sum, h.margin, 1, "margin");
  expectSame(maximum + std::log(sum), h.log_sum_exp, std::max(1.0, std::fabs(maximum)), "log-sum-exp");
  expectSame(maximum, h.maximum, std::max(1.0, std::fabs(maximum)), "maximum");
}

TEST(Head, StatisticsOfAnyScores) {
  Statistics s;
  std::vector<float> plain(vocabulary), flat(vocabulary, 3e38f), none(vocabulary, -INFINITY);
  for (float &x : plain)
    x = 5 * uniform();
  auto with = [](std::vector<float> scores, std::initializer_list<std::pair<int64_t, float>> changes) {
    for (auto [at, x] : changes)
      scores[at] = x;
    return scores;
  };
  auto times = [&](float factor) {
    std::vector<float> scores = plain;
    for (float &x : scores)
      x *= factor;
    return scores;
  };
  std::vector<float> half = plain;
  for (int64_t v = 0; v < vocabulary; v += 2)
    half[v] = -INFINITY;
  std::pair<const char *, std::vector<float>> rows[] = {
      {"plain", plain},
      {"large", times(1e9f)},
      {"largest", times(6.8e37f)},
      {"both ends", with(times(1e30f), {{0, 3.4e38f}, {300, 3.39e38f}, {514, -3.4e38f}})},
      {"equal and large", flat},
      {"half minus infinity", half},
      {"one tile minus infinity", with(none, {{200, 1.0f}, {201, 1.5f}, {510, -3.4e38f}})},
      {"one score", with(none, {{100, -3.4e38f}})},
      {"no score", none},
      {"NaN", with(plain, {{77, NAN}})},
      {"NaN with a payload, last", with(plain, {{514, std::bit_cast<float>(0xff812345u)}})},
      {"NaN, first of two", with(none, {{140, NAN}, {3, -1.0f}, {400, NAN}})},
      {"plus infinity", with(plain, {{300, INFINITY}})},
      {"infinities", with(plain, {{300, INFINITY}, {10, -INFINITY}, {513, INFINITY}})},
  };
  for (auto &[name, scores] : rows)
    for (float temperature : {0.0f, 1.0f, 0.3f, 1e-6f, 1e-40f, 1e20f})
      for (int32_t forbid : {-1, 0, 100, 77, 300}) {
        quoin_head_row_t row{};
        row.temperature = temperature;
        row.forbid = forbid;
        row.of = 77;
        row.key[0] = 3;
        row.key[1] = 5;
        row.evaluation = 2;
        row.position = 11;
        row.raw_confidence = temperature == 0.3f;
        s.run(row, scores);
        expectStatistics(row, scores,
                         std::string(name) + " at " + std::to_string(temperature) + " without " +
                             std::to_string(forbid));
      }
}

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
  // Registers of a level, and the width in vectors of a tile of some rows whose sums they hold.
  struct Tiles {
    const char *cpu;
    int64_t registers, lanes, ofOne, ofTwo, ofFour, ofSix;
  };
  for (const Tiles &t : {Tiles{"znver5", 32, 16, 4, 4, 4, 4}, Tiles{"haswell", 16, 8, 4, 2, 1, 1},
                         Tiles{"x86-64-v2", 16, 4, 2, 1, 1, 1}, Tiles{"x86-64", 16, 4, 2, 1, 1, 1}}) {
    KernelOptions options = makeTarget(t.cpu, error)->kernels;
    EXPECT_EQ(options.registers, t.registers) << t.cpu;
    EXPECT_EQ(options.registerLanes, t.lanes) << t.cpu;
    EXPECT_EQ(vectorsAtOnce(options, 1), t.ofOne) << t.cpu;
    EXPECT_EQ(vectorsAtOnce(options, 2), t.ofTwo) << t.cpu;
    EXPECT_EQ(vectorsAtOnce(options, 4), t.ofFour) << t.cpu;
    EXPECT_EQ(vectorsAtOnce(options, 6), t.ofSix) << t.cpu;
  }
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
    OwningOpRef<ModuleOp> lookup = parseSourceString<ModuleOp>(R"(
quoin.weight @e : tensor<8x16xf16> from "w" tensor "e"
stage.step @m {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids at %read tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !stage.buffer<host, 16xf32> {
  ^bb0(%id: index, %row: tensor<16xf32>):
    quoin.row %row : tensor<16xf32>
  }
  stage.head %0 by <@e> : !stage.buffer<host, 16xf32>
})",
                                                               Program::context());
    ASSERT_TRUE(lookup);
    RowProgram embedding;
    lookup->walk([&](stage::EachRowOp op) { embedding.body = &op.getBody().front(); });
    embedding.inputs.resize(1);
    embedding.tables = {{0, Storage::F16, 32}};
    embedding.results.resize(1);
    std::string embed = rowProgramKernel(p.kernels, embedding).getName().str();
    linearKernel(p.kernels, LinearCase{33, 64, A::F16, End::Gate}.shape());
    linearKernel(p.kernels, LinearCase{32, 70, A::Widened, End::Row}.shape());
    linearKernel(p.kernels, LinearCase{32, 70, A::Pairs, End::Row}.shape());
    attentionKernel(p.kernels, {6, {2, 24}, 0.2, true});
    AttentionShape narrow{6, {2, 25, Storage::BF16}, 0.2};
    narrow.rows = narrow.result = Storage::BF16;
    narrow.lse = narrow.blind = true;
    attentionKernel(p.kernels, narrow);
    cacheKernel(p.kernels, narrow.page, true, Storage::BF16);
    maskKernel(p.kernels, {BlockMask::blockCausal(6)});
    headStep(p.kernels, {40, 200}, "head");
    p.link();
    if (!p.lacks.empty())
      continue;
    Aligned<float> y(rowStride(40));
    // f16: one, minus two, the smallest subnormal, the largest number.
    std::vector<uint16_t> half = {0x3c00, 0xc000, 0x0001, 0x7bff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    int32_t id = 0;
    p.call(embed, &id, half.data(), y.data(), static_cast<int64_t *>(nullptr), int64_t(0), int64_t(1));
    EXPECT_EQ(std::vector<float>(y.data(), y.data() + 4), (std::vector<float>{1, -2, 0x1p-24f, 65504})) << cpu;
  }
}
} // namespace
