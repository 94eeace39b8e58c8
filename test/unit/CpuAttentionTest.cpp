//===- CpuAttentionTest.cpp - the attention kernel against double precision -----===//
//
// Two sessions share a call. Their tiles are empty, partial and full at random, some rows see nothing at all. Where
// bits are promised (any number of workers, a row read alone) they are compared.
//
//===----------------------------------------------------------------------===//

#include "test/unit/CpuFixture.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;
using namespace quoin::cpu::test;

namespace {
struct AttentionCase {
  int64_t heads, kvHeads, headDim;
  double scale = 0; ///< 0: one over the root of the head size
  Storage pages = Storage::F32, rows = Storage::F32;
  const char *cpu = "native"; ///< of testTarget
};

void PrintTo(const AttentionCase &c, std::ostream *os) {
  *os << c.heads << "/" << c.kvHeads << "x" << c.headDim << " " << storageName(c.pages).str() << " "
      << storageName(c.rows).str() << " " << c.cpu;
}

/// Rows of numbers as a kernel takes and gives them; padding is NaN.
struct Rows {
  Rows(int64_t count, int64_t width, Storage s)
      : storage(s), bytes(rowBytes(width, s)), used(width * storageBytes(s)), memory(count * bytes / 2, 0x7fc0) {}
  void set(int64_t row, int64_t i, float value) {
    uint32_t bits = std::bit_cast<uint32_t>(value);
    uint16_t halves[2] = {uint16_t(bits), uint16_t(bits >> 16)};
    std::memcpy(at(row) + i * storageBytes(storage), storage == Storage::F32 ? halves : halves + 1,
                storageBytes(storage));
  }
  float get(int64_t row, int64_t i) const {
    uint16_t halves[2] = {};
    std::memcpy(storage == Storage::F32 ? halves : halves + 1, at(row) + i * storageBytes(storage),
                storageBytes(storage));
    return std::bit_cast<float>(uint32_t(halves[0]) | uint32_t(halves[1]) << 16);
  }
  uint8_t *at(int64_t row) const { return reinterpret_cast<uint8_t *>(memory.memory) + row * bytes; }
  bool same(int64_t row, const Rows &other, int64_t otherRow) const {
    return !std::memcmp(at(row), other.at(otherRow), used);
  }
  Storage storage;
  int64_t bytes, used;
  Aligned<uint16_t> memory;
};

/// Sessions with random queries, keys and values, and the kernels to run over them.
struct Scene {
  explicit Scene(AttentionCase theCase)
      : c(theCase), page{c.kvHeads, c.headDim, c.pages}, scale(c.scale ? c.scale : 1 / std::sqrt(double(c.headDim))),
        width(c.heads * c.headDim), q(rows, width, c.rows), k(rows, c.kvHeads * c.headDim, c.rows),
        v(rows, c.kvHeads * c.headDim, c.rows), p(c.cpu), logarithms(rows, c.heads, Storage::F32) {
    AttentionShape shape{c.heads, page, scale};
    shape.rows = shape.result = c.rows;
    shape.lse = true;
    attend = attentionKernel(p.kernels, shape).getName().str();
    shape.reads = true;
    attendReads = attentionKernel(p.kernels, shape).getName().str();
    cache = cacheKernel(p.kernels, page, false, c.rows).getName().str();
    p.link();
    draw();
    sessions.push_back(std::make_unique<Session>(0, 195, 195, page, 0));
    sessions.push_back(std::make_unique<Session>(195, 5, 5, page, 0));
    for (auto &s : sessions)
      chooseTiles(*s);
    args.rows = rows;
    args.groups = 2;
    args.group = groups.data();
  }

  void draw() {
    for (Rows *m : {&q, &k, &v})
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t i = 0; i < m->used / storageBytes(c.rows); ++i)
          // In bf16 if pages are, so that nothing is lost on the way there.
          m->set(r, i,
                 std::bit_cast<float>(std::bit_cast<uint32_t>(2 * uniform()) &
                                      (c.pages == Storage::F32 ? 0xffffffffu : 0xffff0000u)));
  }

  /// Row 3 sees nothing; some rows see only the last page; others half of a partial tile.
  void chooseTiles(Session &s) {
    int64_t tiles = roundUp(s.group.slots, 64) / 64;
    for (size_t i = 0; i < s.classes.size(); ++i)
      s.classes[i] = s.group.rows < 64 || int64_t(i) < tiles || int64_t(i) % tiles == tiles - 1 ? 1 : engine() % 3;
    for (int64_t r = 0; r < s.group.rows; ++r)
      for (int64_t key = 0; key < s.group.slots; ++key)
        if (r != 3 && (r % 7 == 1 ? key >= 192 : engine() % 2))
          s.words[s.wordAt(r, key / 64)] |= uint64_t(1) << key % 64;
    groups.push_back(s.group);
  }

  void fillPages() {
    p.call(cache, &args, k.at(0), v.at(0), int64_t(0), int64_t(0), int64_t(70));
    p.call(cache, &args, k.at(0), v.at(0), int64_t(0), int64_t(70), rows);
  }

  void run(Rows &out, int64_t workers) {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t h = 0; h < c.heads; ++h)
        logarithms.set(r, h, 1e9f);
    for (int64_t w = 0; w < workers; ++w)
      p.call(attend, &args, q.at(0), out.at(0), int64_t(0), w, workers, logarithms.at(0));
  }

  /// Every `step`-th row.
  void compare(Rows &out, int64_t step = 1) {
    for (auto &s : sessions)
      for (int64_t r = 0; r < s->group.rows; r += step)
        for (int64_t h = 0; h < c.heads; ++h)
          compareRow(out, *s, r, h);
  }

  /// Softmax by its definition: the largest score, where NaN is larger than any, is subtracted from each. A weight that
  /// f32 has no normal number for may have become 0, which makes NaN of an infinite value: either is right then.
  void compareRow(Rows &out, const Session &s, int64_t r, int64_t h) {
    int64_t first = s.group.first_row, kv = h / (c.heads / c.kvHeads);
    std::vector<double> score(s.group.slots), sum(c.headDim), sumOfNormal(c.headDim);
    double total = 0, top = -INFINITY;
    bool blind = true;
    auto seen = [&](auto body) {
      for (int64_t key = 0; key < s.group.slots; ++key)
        if (s.sees(r, key))
          body(key);
    };
    seen([&](int64_t key) {
      double dot = 0;
      for (int64_t i = 0; i < c.headDim; ++i)
        dot += double(q.get(first + r, h * c.headDim + i)) * k.get(first + key, kv * c.headDim + i);
      score[key] = dot * scale;
      top = std::isnan(top) || std::isnan(score[key]) ? NAN : std::max(top, score[key]);
      blind = false;
    });
    seen([&](int64_t key) {
      double weight = std::exp(score[key] - top);
      total += weight;
      // The kernel's reference may lie 8 powers of two below the top when the key comes.
      double normal = weight < 0x1p-118 ? 0 : weight;
      for (int64_t i = 0; i < c.headDim; ++i) {
        sum[i] += weight * v.get(first + key, kv * c.headDim + i);
        sumOfNormal[i] += normal * v.get(first + key, kv * c.headDim + i);
      }
    });
    // A score is rounded in proportion to its size, and its weight by as much as the score.
    double near = tolerance() * (std::isfinite(top) ? std::clamp(std::fabs(top) / 16, 1.0, 8.0) : 1);
    auto expectSame = [&](double want, double got, double within, const char *what) {
      if (std::isfinite(want))
        EXPECT_NEAR(want, got, within) << what << " of row " << first + r << " head " << h;
      else if (std::isnan(want))
        EXPECT_TRUE(std::isnan(got)) << what << " of row " << first + r << " head " << h << " is " << got;
      else
        EXPECT_EQ(want, got) << what << " of row " << first + r << " head " << h;
    };
    for (int64_t i = 0; i < c.headDim; ++i)
      if (double got = out.get(first + r, h * c.headDim + i); !std::isnan(sumOfNormal[i]) || !std::isnan(got))
        expectSame(blind ? 0 : sum[i] / total, got, near, "result");
    double lse = static_cast<float>(blind ? -INFINITY : top + std::log(total));
    expectSame(lse, logarithms.get(first + r, h), tolerance() * std::max(1.0, std::fabs(lse)), "logarithm");
  }

  double tolerance() const {
    return c.pages == Storage::BF16 || c.rows == Storage::BF16 ? quoin::tolerance::attention_bf16
                                                               : quoin::tolerance::attention;
  }
  Rows results(int64_t count) const { return Rows(count, width, c.rows); }

  AttentionCase c;
  PageLayout page;
  double scale;
  int64_t width, rows = 200;
  Rows q, k, v;
  Program p;
  std::string attend, attendReads, cache;
  Rows logarithms; ///< a number a head
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<quoin_group_t> groups;
  quoin_layers_t args{};
};

class Attention : public testing::TestWithParam<AttentionCase> {};

TEST_P(Attention, EqualsDoublePrecisionAndKeepsBits) {
  Scene s(GetParam());
  QUOIN_SKIP_UNLESS_IT_RUNS(s.p);
  s.fillPages();
  Rows out = s.results(s.rows);
  s.run(out, 1);
  s.compare(out);
  for (int64_t workers : {2, 3, 7}) {
    Rows again = s.results(s.rows);
    s.run(again, workers);
    for (int64_t r = 0; r < s.rows; ++r)
      EXPECT_TRUE(out.same(r, again, r)) << workers << " workers, row " << r;
  }
  std::vector<int64_t> read = {130, 2, 1, 3, 64, 194, 197}, readGroup = {0, 0, 0, 0, 0, 0, 1};
  auto count = static_cast<int64_t>(read.size());
  Rows picked = s.results(count), alone = s.results(count);
  Rows logarithms(count, s.c.heads, Storage::F32);
  for (int64_t i = 0; i < count; ++i)
    std::copy_n(s.q.at(read[i]), s.q.bytes, picked.at(i));
  s.args.reads = count;
  s.args.read = read.data();
  s.args.read_group = readGroup.data();
  for (int64_t w = 0; w < 3; ++w)
    s.p.call(s.attendReads, &s.args, picked.at(0), alone.at(0), int64_t(0), w, int64_t(3), logarithms.at(0));
  for (int64_t i = 0; i < count; ++i) {
    EXPECT_TRUE(out.same(read[i], alone, i)) << "read " << i;
    EXPECT_TRUE(s.logarithms.same(read[i], logarithms, i)) << "read " << i;
  }
}

class UnseenValues : public testing::TestWithParam<AttentionCase> {};

TEST_P(UnseenValues, StayOut) {
  // NaN and infinite values at two keys: rows that see neither keep their bits, the others notice.
  Scene s(GetParam());
  QUOIN_SKIP_UNLESS_IT_RUNS(s.p);
  s.fillPages();
  Rows before = s.results(s.rows), after = s.results(s.rows);
  s.run(before, 1);
  for (int64_t i = 0; i < s.c.kvHeads * s.c.headDim; ++i) {
    s.v.set(70, i, NAN);
    s.v.set(121, i, -INFINITY);
  }
  s.fillPages();
  s.run(after, 2);
  int64_t spared = 0;
  for (int64_t r = 0; r < 195; ++r) {
    bool sees = s.sessions[0]->sees(r, 70) || s.sessions[0]->sees(r, 121);
    spared += !sees;
    EXPECT_EQ(before.same(r, after, r), !sees) << "row " << r;
    EXPECT_EQ(std::isfinite(after.get(r, 0)), !sees) << "row " << r;
  }
  EXPECT_GT(spared, 20);
}

float fromBits(uint32_t bits) { return std::bit_cast<float>(bits); }

void compareNotNumbers(Scene &s) {
  int64_t size = s.c.headDim, heads = s.c.heads, last = size - 1;
  // NaN of several kinds in a query, in keys and in values; each at one head, which others do not notice.
  s.q.set(5, 0, fromBits(0x7fc00001));
  s.q.set(6, last, fromBits(0xffc12345));
  s.q.set(134, (heads - 1) * size, fromBits(0x7f812345));
  s.k.set(70, 0, NAN);
  s.k.set(121, last, fromBits(0xffffffff));
  s.v.set(20, 0, fromBits(0x7fc10001));
  s.v.set(190, last, INFINITY);
  s.v.set(189, last, -INFINITY);
  s.fillPages();
  Rows out = s.results(s.rows), again = s.results(s.rows);
  s.run(out, 1);
  s.compare(out);
  s.run(again, 3);
  for (int64_t r = 0; r < s.rows; ++r)
    EXPECT_TRUE(out.same(r, again, r)) << "row " << r;
}

void compareInfiniteScores(Scene &s) {
  // Scores of keys 10 to 99 are infinite, of one sign or the other by the query's; in some rows those of all keys are.
  for (int64_t r = 0; r < s.rows; ++r) {
    for (int64_t h = 0; h < s.c.heads; ++h)
      s.q.set(r, h * s.c.headDim, (r + h) % 3 ? 1.5f : -1.0f);
    for (int64_t h = 0; h < s.c.kvHeads; ++h)
      if (h == 0 ? r >= 10 && r < 100 : true)
        s.k.set(r, h * s.c.headDim, r % 11 ? INFINITY : s.k.get(r, 1));
  }
  s.fillPages();
  Rows out = s.results(s.rows);
  s.run(out, 2);
  s.compare(out);
  // All infinitely bad, from the first page to the last.
  for (int64_t r = 0; r < s.rows; ++r)
    for (int64_t h = 0; h < s.c.kvHeads; ++h)
      s.k.set(r, h * s.c.headDim, INFINITY);
  s.fillPages();
  s.run(out, 2);
  s.compare(out, 3);
}

void compareLargeScores(Scene &s) {
  // Scores are exact: products of two numbers, and of zeros.
  auto queries = [&](float x) {
    for (int64_t r = 0; r < s.rows; ++r)
      for (int64_t i = 0; i < s.c.heads * s.c.headDim; ++i)
        s.q.set(r, i, i % s.c.headDim ? 0.0f : r % 5 == 4 ? -x : x);
  };
  std::vector<float> order(s.rows);
  for (int64_t r = 0; r < s.rows; ++r)
    order[r] = float(r % 195);
  std::shuffle(order.begin(), order.end(), engine);
  for (float x : {0x1p3f, 0x1p31f, 0x1p119f}) {
    queries(x);
    for (int64_t r = 0; r < s.rows; ++r)
      for (int64_t i = 0; i < s.c.kvHeads; ++i)
        s.k.set(r, i * s.c.headDim, order[r] - 97);
    s.fillPages();
    Rows out = s.results(s.rows);
    s.run(out, 2);
    s.compare(out, 3);
  }
  // The ends of the range, and both at once; sums of what is far below are not even touched.
  queries(1);
  for (int64_t r = 0; r < s.rows; ++r)
    for (int64_t i = 0; i < s.c.kvHeads; ++i)
      s.k.set(r, i * s.c.headDim, fromBits((r % 3 ? 0x7f7f0000 : 0xff7f0000) - (uint32_t(order[r]) << 16)));
  s.fillPages();
  Rows out = s.results(s.rows);
  s.run(out, 2);
  s.compare(out);
}

class SpecialNumbers : public testing::TestWithParam<AttentionCase> {};

TEST_P(SpecialNumbers, ComeOutAsTheDefinitionHasThem) {
  Scene s(GetParam());
  QUOIN_SKIP_UNLESS_IT_RUNS(s.p);
  compareNotNumbers(s);
  s.draw();
  compareInfiniteScores(s);
  s.draw();
  compareLargeScores(s);
}

constexpr Storage f32 = Storage::F32, bf16 = Storage::BF16;
INSTANTIATE_TEST_SUITE_P(
    Shapes, Attention,
    testing::Values(AttentionCase{8, 2, 24}, AttentionCase{5, 5, 40}, AttentionCase{4, 2, 32, -0.4},
                    AttentionCase{6, 2, 80}, AttentionCase{5, 1, 10}, AttentionCase{4, 2, 128},
                    AttentionCase{3, 1, 256, 0.15}, AttentionCase{8, 2, 64, 0, bf16, f32},
                    AttentionCase{6, 2, 9, 0, bf16, bf16}, AttentionCase{5, 1, 120, -0.1, bf16, bf16},
                    AttentionCase{2, 2, 256, 0, bf16, bf16}, AttentionCase{4, 2, 48, 0, f32, f32, "wide"},
                    AttentionCase{4, 4, 33, 0, bf16, f32, "x86-64-v3"},
                    AttentionCase{4, 2, 72, 0, bf16, bf16, "x86-64-v3"},
                    AttentionCase{4, 2, 72, 0, bf16, bf16, "x86-64-v4"}, AttentionCase{6, 2, 9, 0, bf16, bf16, "pairs"},
                    AttentionCase{4, 4, 33, 0, bf16, f32, "pairs"},
                    AttentionCase{5, 1, 120, -0.1, bf16, bf16, "pairs"}));
INSTANTIATE_TEST_SUITE_P(Shapes, UnseenValues,
                         testing::Values(AttentionCase{5, 1, 10}, AttentionCase{4, 2, 64},
                                         AttentionCase{6, 2, 72, 0, bf16, bf16},
                                         AttentionCase{4, 4, 33, 0, bf16, f32, "x86-64-v3"},
                                         AttentionCase{6, 2, 72, 0, bf16, bf16, "pairs"}));
INSTANTIATE_TEST_SUITE_P(
    Shapes, SpecialNumbers,
    testing::Values(AttentionCase{5, 1, 10, 1}, AttentionCase{4, 2, 64}, AttentionCase{3, 3, 16, -0.7},
                    AttentionCase{4, 2, 24, 1, f32, f32, "wide"}, AttentionCase{2, 1, 33, 0, bf16, f32},
                    AttentionCase{4, 2, 32, 1e-35}, AttentionCase{4, 2, 40, 1e-20}, AttentionCase{4, 1, 16, 3},
                    AttentionCase{8, 2, 40, 1, bf16, bf16}, AttentionCase{6, 2, 136, -0.2, bf16, bf16},
                    AttentionCase{4, 2, 40, 0.3, bf16, bf16, "x86-64-v4"},
                    AttentionCase{6, 2, 31, 1, bf16, bf16, "pairs"}, AttentionCase{3, 1, 72, -1, bf16, f32, "pairs"}));
} // namespace
