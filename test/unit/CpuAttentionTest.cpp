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
        v(rows, c.kvHeads * c.headDim, c.rows), p(c.cpu) {
    AttentionShape shape{c.heads, page, scale};
    shape.rows = shape.result = c.rows;
    attend = attentionKernel(p.kernels, shape).getName().str();
    shape.reads = true;
    attendReads = attentionKernel(p.kernels, shape).getName().str();
    cache = cacheKernel(p.kernels, page, false, c.rows).getName().str();
    p.link();
    for (Rows *m : {&q, &k, &v})
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t i = 0; i < m->used / storageBytes(c.rows); ++i)
          // In bf16 if pages are, so that nothing is lost on the way there.
          m->set(r, i,
                 std::bit_cast<float>(std::bit_cast<uint32_t>(2 * uniform()) &
                                      (c.pages == Storage::F32 ? 0xffffffffu : 0xffff0000u)));
    sessions.push_back(std::make_unique<Session>(0, 195, 195, page, 0));
    sessions.push_back(std::make_unique<Session>(195, 5, 5, page, 0));
    for (auto &s : sessions)
      chooseTiles(*s);
    args.rows = rows;
    args.groups = 2;
    args.group = groups.data();
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
    for (int64_t w = 0; w < workers; ++w)
      p.call(attend, &args, q.at(0), out.at(0), int64_t(0), w, workers);
  }

  void compare(Rows &out) {
    for (auto &s : sessions)
      for (int64_t r = 0; r < s->group.rows; ++r)
        for (int64_t h = 0; h < c.heads; ++h)
          compareRow(out, *s, r, h);
  }

  void compareRow(Rows &out, const Session &s, int64_t r, int64_t h) {
    int64_t first = s.group.first_row, kv = h / (c.heads / c.kvHeads);
    std::vector<double> score(s.group.slots), sum(c.headDim);
    double total = 0, top = -INFINITY;
    auto seen = [&](auto body) {
      for (int64_t key = 0; key < s.group.slots; ++key)
        if (s.sees(r, key))
          body(key);
    };
    seen([&](int64_t key) {
      double dot = 0;
      for (int64_t i = 0; i < c.headDim; ++i)
        dot += double(q.get(first + r, h * c.headDim + i)) * k.get(first + key, kv * c.headDim + i);
      top = std::max(top, score[key] = dot * scale);
    });
    seen([&](int64_t key) {
      double weight = std::exp(score[key] - top);
      total += weight;
      for (int64_t i = 0; i < c.headDim; ++i)
        sum[i] += weight * v.get(first + key, kv * c.headDim + i);
    });
    for (int64_t i = 0; i < c.headDim; ++i)
      EXPECT_NEAR(total ? sum[i] / total : 0, out.get(first + r, h * c.headDim + i), tolerance()) << "row " << r;
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
  for (int64_t i = 0; i < count; ++i)
    std::copy_n(s.q.at(read[i]), s.q.bytes, picked.at(i));
  s.args.reads = count;
  s.args.read = read.data();
  s.args.read_group = readGroup.data();
  for (int64_t w = 0; w < 3; ++w)
    s.p.call(s.attendReads, &s.args, picked.at(0), alone.at(0), int64_t(0), w, int64_t(3));
  for (int64_t i = 0; i < count; ++i)
    EXPECT_TRUE(out.same(read[i], alone, i)) << "read " << i;
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
} // namespace
