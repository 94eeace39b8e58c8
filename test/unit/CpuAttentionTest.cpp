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
};

/// Sessions with random queries, keys and values, and the kernels to run over them.
struct Scene {
  explicit Scene(AttentionCase theCase)
      : c(theCase), page{c.kvHeads, c.headDim}, scale(c.scale ? c.scale : 1 / std::sqrt(double(c.headDim))),
        width(c.heads * c.headDim), stride(rowStride(width)), kvStride(rowStride(c.kvHeads * c.headDim)),
        q(rows * stride), k(rows * kvStride), v(rows * kvStride) {
    attend = attentionKernel(p.kernels, {c.heads, page, scale, false}).getName().str();
    attendReads = attentionKernel(p.kernels, {c.heads, page, scale, true}).getName().str();
    cache = cacheKernel(p.kernels, page).getName().str();
    p.link();
    for (Aligned<float> *m : {&q, &k, &v})
      for (size_t i = 0; i < m->count; ++i)
        (*m)[i] = 2 * uniform();
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
          s.words[r * tiles + key / 64] |= uint64_t(1) << key % 64;
    groups.push_back(s.group);
  }

  void fillPages() {
    p.call(cache, &args, k.data(), v.data(), int64_t(0), int64_t(0), int64_t(70));
    p.call(cache, &args, k.data(), v.data(), int64_t(0), int64_t(70), rows);
  }

  void run(Aligned<float> &out, int64_t workers) {
    for (int64_t w = 0; w < workers; ++w)
      p.call(attend, &args, q.data(), out.data(), int64_t(0), w, workers);
  }

  void compare(Aligned<float> &out) {
    for (auto &s : sessions)
      for (int64_t r = 0; r < s->group.rows; ++r)
        for (int64_t h = 0; h < c.heads; ++h)
          compareRow(out, *s, r, h);
  }

  void compareRow(Aligned<float> &out, const Session &s, int64_t r, int64_t h) {
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
        dot += double(q[(first + r) * stride + h * c.headDim + i]) * k[(first + key) * kvStride + kv * c.headDim + i];
      top = std::max(top, score[key] = dot * scale);
    });
    seen([&](int64_t key) {
      double weight = std::exp(score[key] - top);
      total += weight;
      for (int64_t i = 0; i < c.headDim; ++i)
        sum[i] += weight * v[(first + key) * kvStride + kv * c.headDim + i];
    });
    for (int64_t i = 0; i < c.headDim; ++i)
      expectNear(total ? sum[i] / total : 0, out[(first + r) * stride + h * c.headDim + i], 1, "row", r);
  }

  bool sameRow(Aligned<float> &a, int64_t row, Aligned<float> &b, int64_t other) const {
    return !std::memcmp(a.data() + row * stride, b.data() + other * stride, width * 4);
  }

  AttentionCase c;
  PageLayout page;
  double scale;
  int64_t width, stride, kvStride, rows = 200;
  Program p;
  std::string attend, attendReads, cache;
  Aligned<float> q, k, v;
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<quoin_group_t> groups;
  quoin_layers_t args{};
};

class Attention : public testing::TestWithParam<AttentionCase> {};

TEST_P(Attention, EqualsDoublePrecisionAndKeepsBits) {
  Scene s(GetParam());
  s.fillPages();
  Aligned<float> out(s.rows * s.stride, NAN);
  s.run(out, 1);
  s.compare(out);
  for (int64_t workers : {2, 3, 7}) {
    Aligned<float> again(s.rows * s.stride, NAN);
    s.run(again, workers);
    for (int64_t r = 0; r < s.rows; ++r)
      EXPECT_TRUE(s.sameRow(out, r, again, r)) << workers << " workers, row " << r;
  }
  std::vector<int64_t> read = {130, 2, 1, 3, 64, 194, 197}, readGroup = {0, 0, 0, 0, 0, 0, 1};
  Aligned<float> picked(read.size() * s.stride), alone(read.size() * s.stride, NAN);
  for (size_t i = 0; i < read.size(); ++i)
    std::copy_n(s.q.data() + read[i] * s.stride, s.stride, picked.data() + i * s.stride);
  s.args.reads = static_cast<int64_t>(read.size());
  s.args.read = read.data();
  s.args.read_group = readGroup.data();
  for (int64_t w = 0; w < 3; ++w)
    s.p.call(s.attendReads, &s.args, picked.data(), alone.data(), int64_t(0), w, int64_t(3));
  for (size_t i = 0; i < read.size(); ++i)
    EXPECT_TRUE(s.sameRow(out, read[i], alone, i)) << "read " << i;
}

TEST_P(Attention, KeepsUnseenValuesOut) {
  // NaN and infinite values at two keys: rows that see neither keep their bits, the others notice.
  Scene s(GetParam());
  s.fillPages();
  Aligned<float> before(s.rows * s.stride, NAN), after(s.rows * s.stride, NAN);
  s.run(before, 1);
  int64_t kvWidth = s.c.kvHeads * s.c.headDim;
  for (int64_t i = 0; i < kvWidth; ++i) {
    s.v[70 * s.kvStride + i] = NAN;
    s.v[121 * s.kvStride + i] = -INFINITY;
  }
  s.fillPages();
  s.run(after, 2);
  int64_t spared = 0;
  for (int64_t r = 0; r < 195; ++r) {
    bool sees = s.sessions[0]->sees(r, 70) || s.sessions[0]->sees(r, 121);
    spared += !sees;
    EXPECT_EQ(s.sameRow(before, r, after, r), !sees) << "row " << r;
    EXPECT_EQ(std::isfinite(after[r * s.stride]), !sees) << "row " << r;
  }
  EXPECT_GT(spared, 20);
}

INSTANTIATE_TEST_SUITE_P(Shapes, Attention,
                         testing::Values(AttentionCase{8, 2, 24}, AttentionCase{5, 5, 40},
                                         AttentionCase{4, 2, 32, -0.4}, AttentionCase{6, 2, 80},
                                         AttentionCase{5, 1, 10}, AttentionCase{4, 2, 128},
                                         AttentionCase{3, 1, 256, 0.15}));
} // namespace
