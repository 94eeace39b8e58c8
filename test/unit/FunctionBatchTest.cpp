//===- FunctionBatchTest.cpp - bf16, ragged batches and queries that see nothing -===//

#include "test/unit/FunctionFixture.h"

using namespace quoin;
using namespace quoin::test;

namespace {

//===----------------------------------------------------------------------===//
// bf16
//===----------------------------------------------------------------------===//

/// Numbers of bf16, and as floats.
struct Brain {
  Brain(int64_t count, unsigned seed) : floats(numbers(count, seed)) {
    for (float &f : floats) {
      halves.push_back(static_cast<uint16_t>(llvm::bit_cast<uint32_t>(f) >> 16));
      f = widen(halves.back());
    }
  }
  static float widen(uint16_t half) { return llvm::bit_cast<float>(uint32_t(half) << 16); }
  std::vector<float> floats;
  std::vector<uint16_t> halves;
};

quoin_array_t bf16(std::vector<uint16_t> &data, std::initializer_list<int64_t> sizes) {
  quoin_array_t array = {QUOIN_DTYPE_BF16, static_cast<int32_t>(sizes.size()), {}, data.data()};
  std::copy(sizes.begin(), sizes.end(), array.sizes);
  return array;
}

class BrainFunction : public testing::TestWithParam<Shape> {};

TEST_P(BrainFunction, EqualsTheReferenceForAnyLengthsAndWorkers) {
  Shape s = GetParam();
  Folder folder;
  std::string q = "tensor<?x" + std::to_string(s.heads) + "x" + std::to_string(s.size) + "xbf16>",
              k = "tensor<?x" + std::to_string(s.kvHeads) + "x" + std::to_string(s.size) + "xbf16>",
              lse = "tensor<?x" + std::to_string(s.heads) + "xf32>";
  std::string formula = "(q, k) : k floordiv 3 le q floordiv 3 + 20 and k mod 5 ne 1";
  ASSERT_EQ(compile("func.func @f(%q: " + q + ", %k: " + k + ", %v: " + k + ") -> (" + q + ", " + lse +
                        ") {\n %o, %l = quoin.block_attention %q, %k, %v mask #quoin.mask<" + formula +
                        "> scale 0.2 : " + q + ", " + k + ", " + k + " lse " + lse + "\n return %o, %l : " + q + ", " +
                        lse + "\n}\n",
                    folder.path),
            "");
  std::string error;
  BlockMask mask = *BlockMask::parse(formula, error);
  std::vector<std::vector<uint16_t>> byWorkers;
  for (int32_t workers : {1, 2, 3}) {
    Host host(workers);
    host.load(folder.path);
    for (auto [nq, nk] : {std::pair<int64_t, int64_t>{150, 197}, {1, 64}, {65, 3}, {0, 5}, {4, 0}}) {
      Brain query(nq * s.heads * s.size, 1), key(nk * s.kvHeads * s.size, 2), value(nk * s.kvHeads * s.size, 3);
      std::vector<uint16_t> out(query.halves.size(), 0x7fc0);
      std::vector<float> logs(static_cast<size_t>(nq * s.heads), NAN);
      quoin_array_t arguments[] = {bf16(query.halves, {nq, s.heads, s.size}), bf16(key.halves, {nk, s.kvHeads, s.size}),
                                   bf16(value.halves, {nk, s.kvHeads, s.size})};
      quoin_array_t results[] = {bf16(out, {nq, s.heads, s.size}), f32(logs, {nq, s.heads})};
      ASSERT_EQ(quoin_function_call(host.function, arguments, 3, results, 2), QUOIN_STATUS_OK) << host.error();
      std::vector<double> wantLogs, want = reference(mask, plain(nq), plain(nk), {}, s, 0.2, query.floats.data(),
                                                     key.floats.data(), value.floats.data(), wantLogs);
      double worst = 0, worstLog = 0;
      for (size_t i = 0; i < want.size(); ++i) {
        double off = std::abs(want[i] - Brain::widen(out[i])) / std::max(1.0, std::abs(want[i]));
        worst = std::max(worst, std::isnan(off) ? INFINITY : off);
      }
      for (size_t i = 0; i < wantLogs.size(); ++i)
        if (wantLogs[i] != logs[i])
          worstLog = std::max(worstLog, std::isnan(logs[i]) ? INFINITY : std::abs(wantLogs[i] - double(logs[i])));
      EXPECT_LT(worst, quoin::tolerance::attention_bf16) << nq << " x " << nk;
      EXPECT_LT(worstLog, quoin::tolerance::attention_bf16) << nq << " x " << nk;
      if (nq == 150)
        byWorkers.push_back(out);
    }
  }
  EXPECT_EQ(byWorkers[0], byWorkers[1]);
  EXPECT_EQ(byWorkers[0], byWorkers[2]);
}

INSTANTIATE_TEST_SUITE_P(All, BrainFunction,
                         testing::Values(Shape{1, 1, 8}, Shape{6, 3, 21}, Shape{8, 2, 64}, Shape{5, 1, 255}));

//===----------------------------------------------------------------------===//
// Ragged batches
//===----------------------------------------------------------------------===//

/// Causal attention with labels and a symbol, 4 heads of 16 over 2; `more` comes before `scale`.
std::string labelledAttention(const std::string &arguments, const std::string &more) {
  return "func.func @f(%q: tensor<?x4x16xf32>, %k: tensor<?x2x16xf32>, %v: tensor<?x2x16xf32>, %n: index, "
         "%a: tensor<?xi32>, %b: tensor<?xi32>" +
         arguments +
         ") -> (tensor<?x4x16xf32>, tensor<?x4xf32>) {\n"
         "  %o, %l = quoin.block_attention %q, %k, %v mask #quoin.mask<(q, k)[n] : slot(k) le q + n and "
         "label(k) le label(q)>[%n] labels(%a : tensor<?xi32>, %b : tensor<?xi32>) " +
         more +
         " scale 0.3 : tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32> lse tensor<?x4xf32>\n"
         "  return %o, %l : tensor<?x4x16xf32>, tensor<?x4xf32>\n}\n";
}

TEST(RaggedBatch, GivesWhatEachSequenceGivesAlone) {
  Folder together, alone;
  ASSERT_EQ(compile(labelledAttention(", %s: tensor<?xi32>, %t: tensor<?xi32>",
                                      "sequences(%s : tensor<?xi32>, %t : tensor<?xi32>)"),
                    together.path),
            "");
  ASSERT_EQ(compile(labelledAttention("", ""), alone.path), "");
  std::vector<int32_t> queryOffsets = {0, 70, 70, 71, 104, 169, 300}, keyOffsets = {0, 131, 136, 200, 200, 203, 334};
  std::vector<float> q = numbers(300 * 64, 1), k = numbers(334 * 32, 2), v = numbers(334 * 32, 3);
  std::vector<int32_t> queryLabels, keyLabels;
  for (int32_t i = 0; i < 300; ++i)
    queryLabels.push_back(i / 9 % 4);
  for (int32_t i = 0; i < 334; ++i)
    keyLabels.push_back(i / 5 % 4);
  int64_t n = 40;
  for (int32_t workers : {1, 2, 3}) {
    Host host(workers), single;
    host.load(together.path);
    single.load(alone.path);
    std::vector<float> out(q.size(), NAN), logs(300 * 4, NAN);
    quoin_array_t arguments[] = {
        f32(q, {300, 4, 16}), f32(k, {334, 2, 16}), f32(v, {334, 2, 16}), {QUOIN_DTYPE_I64, 0, {}, &n},
        i32(queryLabels),     i32(keyLabels),       i32(queryOffsets),    i32(keyOffsets)};
    quoin_array_t results[] = {f32(out, {300, 4, 16}), f32(logs, {300, 4})};
    ASSERT_EQ(quoin_function_call(host.function, arguments, 8, results, 2), QUOIN_STATUS_OK) << host.error();
    for (size_t s = 0; s + 1 < queryOffsets.size(); ++s) {
      auto part = [](auto &all, const std::vector<int32_t> &offsets, size_t number, int64_t each) {
        return std::decay_t<decltype(all)>(all.begin() + offsets[number] * each,
                                           all.begin() + offsets[number + 1] * each);
      };
      int64_t nq = queryOffsets[s + 1] - queryOffsets[s], nk = keyOffsets[s + 1] - keyOffsets[s];
      auto partQ = part(q, queryOffsets, s, 64), partK = part(k, keyOffsets, s, 32), partV = part(v, keyOffsets, s, 32);
      auto labelsQ = part(queryLabels, queryOffsets, s, 1), labelsK = part(keyLabels, keyOffsets, s, 1);
      std::vector<float> partOut(partQ.size(), NAN), partLogs(static_cast<size_t>(nq * 4), NAN);
      quoin_array_t its[] = {f32(partQ, {nq, 4, 16}),
                             f32(partK, {nk, 2, 16}),
                             f32(partV, {nk, 2, 16}),
                             {QUOIN_DTYPE_I64, 0, {}, &n},
                             i32(labelsQ),
                             i32(labelsK)};
      quoin_array_t itsResults[] = {f32(partOut, {nq, 4, 16}), f32(partLogs, {nq, 4})};
      ASSERT_EQ(quoin_function_call(single.function, its, 6, itsResults, 2), QUOIN_STATUS_OK) << single.error();
      EXPECT_EQ(partOut, part(out, queryOffsets, s, 64)) << "sequence " << s;
      EXPECT_EQ(partLogs, part(logs, queryOffsets, s, 4)) << "sequence " << s;
    }
  }
}

TEST(RaggedBatch, ChecksOffsets) {
  Folder folder;
  std::string type = "tensor<?x1x8xf32>";
  ASSERT_EQ(compile("func.func @f(%q: " + type + ", %k: " + type + ", %s: tensor<?xi32>) -> " + type +
                        " {\n %o = quoin.block_attention %q, %k, %k mask #quoin.mask<causal> sequences(%s : "
                        "tensor<?xi32>, %s : tensor<?xi32>) scale 1.0 : " +
                        type + ", " + type + ", " + type + "\n return %o : " + type + "\n}\n",
                    folder.path),
            "");
  Host host(2);
  host.load(folder.path);
  std::vector<float> x = numbers(10 * 8, 1), out(x.size());
  auto call = [&](std::vector<int32_t> offsets, int64_t keys = 10) {
    quoin_array_t arguments[] = {f32(x, {10, 1, 8}), f32(x, {keys, 1, 8}), i32(offsets)}, result = f32(out, {10, 1, 8});
    quoin_status_t status = quoin_function_call(host.function, arguments, 3, &result, 1);
    EXPECT_EQ(status, status ? QUOIN_STATUS_INVALID_ARGUMENT : QUOIN_STATUS_OK);
    return status ? host.error() : "";
  };
  EXPECT_EQ(call({0, 3, 3, 10}), "");
  EXPECT_EQ(call({0, 10}), "");
  EXPECT_EQ(call({1, 10}), "expects 'query_offsets' to start at 0, but found 1");
  EXPECT_EQ(call({0, 7, 5, 10}), "expects 'query_offsets' never to fall, but found 5 after 7");
  EXPECT_EQ(call({0, 9}), "expects 'query_offsets' to end at 10, but found 9");
  EXPECT_EQ(call({0}), "expects 'query_offsets' to end at 10, but found 0");
  EXPECT_EQ(call({}), "expects at least one offset in 'query_offsets', but found none");
  // Offsets of both make the lengths one.
  EXPECT_EQ(call({0, 10}, 9), "expects size 0 of 'k' to be 10, as that of 'q', but found 9");
}

//===----------------------------------------------------------------------===//
// Queries that see nothing
//===----------------------------------------------------------------------===//

TEST(BlindQuery, IsNamedAfterTheCall) {
  Folder folder;
  ASSERT_EQ(compile(labelledAttention("", ""), folder.path), "");
  static std::string logged;
  quoin_hooks_t hooks = {};
  hooks.workers = 2;
  hooks.log = [](void *, int32_t, const char *message) { logged = message; };
  Host host(hooks);
  host.load(folder.path);
  std::vector<float> x = numbers(200 * 64, 1), out(x.size()), logs(200 * 4);
  std::vector<int32_t> queryLabels(200, 1), keyLabels(200, 1);
  int64_t n = 0;
  quoin_array_t arguments[] = {f32(x, {200, 4, 16}),         f32(x, {200, 2, 16}), f32(x, {200, 2, 16}),
                               {QUOIN_DTYPE_I64, 0, {}, &n}, i32(queryLabels),     i32(keyLabels)};
  quoin_array_t results[] = {f32(out, {200, 4, 16}), f32(logs, {200, 4})};
  EXPECT_EQ(quoin_function_blind_query(host.function), -1);
  ASSERT_EQ(quoin_function_call(host.function, arguments, 6, results, 2), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_function_blind_query(host.function), -1);
  EXPECT_EQ(logged, "");
  queryLabels[71] = queryLabels[150] = 0;
  ASSERT_EQ(quoin_function_call(host.function, arguments, 6, results, 2), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_function_blind_query(host.function), 71);
  EXPECT_EQ(logged, "query 71 of 'f' sees no key; its result is 0");
  EXPECT_EQ(out[71 * 64], 0);
  EXPECT_EQ(logs[71 * 4], -INFINITY);
  queryLabels[71] = queryLabels[150] = 1;
  ASSERT_EQ(quoin_function_call(host.function, arguments, 6, results, 2), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_function_blind_query(host.function), -1);
}

TEST(BlindQuery, OfSortedRowsIsNamedByItsPlaceAsGiven) {
  // Row 95 is stored first and sees nothing.
  std::string positions = "95", type = "tensor<96x1x8xf32>";
  for (int i = 0; i < 95; ++i)
    positions += ", " + std::to_string(i);
  std::string text = "func.func @f(%x: " + type + ") -> " + type + " {\n  %s = quoin.permute_rows %x : " + type +
                     " by #quoin.order<95, 0 to 94>\n  %o, %l = quoin.block_attention %s, %s, %s mask #quoin.mask<(q, "
                     "k) where at = [" +
                     positions + "] : at(q) ne 95> scale 1.0 : " + type + ", " + type + ", " + type +
                     " lse tensor<96x1xf32>\n  %r = quoin.permute_rows %o : " + type +
                     " by #quoin.order<1 to 95, 0>\n  return %r : " + type + "\n}\n";
  Folder folder;
  ASSERT_EQ(compile(text, folder.path), "");
  Host host;
  host.load(folder.path);
  std::vector<float> x = numbers(96 * 8, 3), out(x.size());
  quoin_array_t argument = f32(x, {96, 1, 8}), result = f32(out, {96, 1, 8});
  ASSERT_EQ(quoin_function_call(host.function, &argument, 1, &result, 1), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_function_blind_query(host.function), 95);
  EXPECT_EQ(out[95 * 8], 0);
  EXPECT_NE(out[0], 0);
}

} // namespace
