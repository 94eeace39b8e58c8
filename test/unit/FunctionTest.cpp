// FunctionTest.cpp: attention functions, compiled in this process and called through the runtime.

#include "test/unit/FunctionFixture.h"

using namespace quoin;
using namespace quoin::test;

extern "C" int quoin_call_from_c(const char *folder, float *x, float *out, int64_t length, int64_t heads, int64_t size,
                                 int32_t workers);

namespace {

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

class HeadSizes : public testing::TestWithParam<Shape> {};

TEST_P(HeadSizes, SymbolsLabelsAndLogarithms) {
  Shape s = GetParam();
  Folder folder;
  auto type = [&](int64_t heads) {
    return "tensor<?x" + std::to_string(heads) + "x" + std::to_string(s.size) + "xf32>";
  };
  std::string formula = "(q, k)[n] : k le q + n and label(k) eq label(q) and slot(q) mod 5 ne 1 and open(k) eq 0";
  std::string lse = "tensor<?x" + std::to_string(s.heads) + "xf32>";
  std::string text = "func.func @f(%q: " + type(s.heads) + ", %k: " + type(s.kvHeads) + ", %v: " + type(s.kvHeads) +
                     ", %n: index, %a: tensor<?xi32>, %b: tensor<?xi32>) -> (" + lse + ", " + type(s.heads) +
                     ") {\n %o, %l = quoin.block_attention %q, %k, %v mask #quoin.mask<" + formula +
                     ">[%n] labels(%a : tensor<?xi32>, %b : tensor<?xi32>) scale 0.25 : " + type(s.heads) + ", " +
                     type(s.kvHeads) + ", " + type(s.kvHeads) + " lse " + lse + "\n return %l, %o : " + lse + ", " +
                     type(s.heads) + "\n}\n";
  ASSERT_EQ(compile(text, folder.path), "");
  std::string error;
  std::optional<BlockMask> mask = BlockMask::parse(formula, error);
  ASSERT_TRUE(mask) << error;

  std::vector<std::vector<float>> byWorkers;
  for (int32_t workers : {1, 2, 3}) {
    Host host(workers);
    host.load(folder.path);
    for (auto [nq, nk] : {std::pair<int64_t, int64_t>{70, 131}, {1, 64}, {65, 3}, {0, 5}, {4, 0}}) {
      std::vector<float> q = numbers(nq * s.heads * s.size, 1), k = numbers(nk * s.kvHeads * s.size, 2),
                         v = numbers(nk * s.kvHeads * s.size, 3), out(q.size(), NAN),
                         logs(static_cast<size_t>(nq * s.heads), NAN);
      std::vector<MaskToken> queries = plain(nq), keys = plain(nk);
      std::vector<int32_t> ql, kl;
      for (MaskToken &t : queries)
        ql.push_back(static_cast<int32_t>(t.label = t.slot / 20 % 3));
      for (MaskToken &t : keys)
        kl.push_back(static_cast<int32_t>(t.label = t.slot / 7 % 3));
      int64_t n = 9;
      quoin_array_t arguments[] = {f32(q, {nq, s.heads, s.size}),         f32(k, {nk, s.kvHeads, s.size}),
                                   f32(v, {nk, s.kvHeads, s.size}),       {QUOIN_DTYPE_I64, 0, {}, &n},
                                   {QUOIN_DTYPE_I32, 1, {nq}, ql.data()}, {QUOIN_DTYPE_I32, 1, {nk}, kl.data()}};
      quoin_array_t results[] = {f32(logs, {nq, s.heads}), f32(out, {nq, s.heads, s.size})};
      ASSERT_EQ(quoin_function_call(host.function, arguments, 6, results, 2), QUOIN_STATUS_OK) << host.error();
      std::vector<double> wantLogs,
          want = reference(*mask, queries, keys, {n}, s, 0.25, q.data(), k.data(), v.data(), wantLogs);
      double worst = 0;
      for (size_t i = 0; i < want.size(); ++i)
        worst = std::max(worst, std::isnan(out[i]) ? INFINITY : std::abs(want[i] - out[i]));
      EXPECT_LT(worst, 2e-5) << nq << " x " << nk;
      for (size_t i = 0; i < wantLogs.size(); ++i)
        if (std::isinf(wantLogs[i]))
          EXPECT_EQ(logs[i], -INFINITY);
        else
          EXPECT_NEAR(logs[i], wantLogs[i], 3e-5);
      if (nq == 70)
        byWorkers.push_back(out);
    }
  }
  EXPECT_EQ(byWorkers[0], byWorkers[1]);
  EXPECT_EQ(byWorkers[0], byWorkers[2]);
}

// Sizes with and without whole vectors; widths of 1024 floats, whose rows a model would pad.
INSTANTIATE_TEST_SUITE_P(All, HeadSizes,
                         testing::Values(Shape{1, 1, 8}, Shape{6, 3, 20}, Shape{8, 2, 64}, Shape{8, 8, 128},
                                         Shape{5, 1, 96}, Shape{4, 2, 256}));

TEST(Function, IsCalledFromC) {
  Folder folder;
  ASSERT_EQ(compile(selfAttention("causal", 2, 16), folder.path), "");
  std::vector<float> x = numbers(37 * 2 * 16, 5), out(x.size());
  ASSERT_EQ(quoin_call_from_c(folder.path.c_str(), x.data(), out.data(), 37, 2, 16, 2), QUOIN_STATUS_OK);
  std::vector<double> lse, want = reference(BlockMask::causal(), plain(37), plain(37), {}, {2, 2, 16}, 0.3, x.data(),
                                            x.data(), x.data(), lse);
  for (size_t i = 0; i < out.size(); ++i)
    EXPECT_NEAR(out[i], want[i], quoin::tolerance::attention);
}

TEST(Function, TakesLabelsThatAreConstants) {
  Folder folder;
  std::string text = R"(
    func.func @f(%q: tensor<?x1x8xf32>, %k: tensor<?x1x8xf32>) -> tensor<?x1x8xf32> {
      %a = arith.constant dense<[0, 1, 1]> : tensor<3xi32>
      %b = arith.constant dense<1> : tensor<4xi32>
      %out = quoin.block_attention %q, %k, %k mask #quoin.mask<(q, k) : label(k) eq label(q)>
          labels(%a : tensor<3xi32>, %b : tensor<4xi32>) scale 1.0 : tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>
      return %out : tensor<?x1x8xf32>
    })";
  ASSERT_EQ(compile(text, folder.path), "");
  Host host;
  host.load(folder.path);
  std::vector<float> q = numbers(3 * 8, 1), k = numbers(4 * 8, 2), out(q.size());
  quoin_array_t arguments[] = {f32(q, {3, 1, 8}), f32(k, {4, 1, 8})}, result = f32(out, {3, 1, 8});
  ASSERT_EQ(quoin_function_call(host.function, arguments, 2, &result, 1), QUOIN_STATUS_OK) << host.error();
  std::vector<double> lse,
      want = reference(BlockMask::full(), plain(3), plain(4), {}, {1, 1, 8}, 1.0, q.data(), k.data(), k.data(), lse);
  for (size_t i = 0; i < out.size(); ++i)
    EXPECT_NEAR(out[i], i < 8 ? 0.0 : want[i], quoin::tolerance::attention);
  arguments[0].sizes[0] = 2;
  EXPECT_EQ(quoin_function_call(host.function, arguments, 2, &result, 1), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(host.error(), "expects size 0 of 'q' to be 3, but found 2");
}

//===----------------------------------------------------------------------===//
// Refusals
//===----------------------------------------------------------------------===//

TEST(Function, ChecksWhatItIsGiven) {
  Folder folder;
  std::string text = R"(
    func.func @f(%q: tensor<?x2x16xf32>, %k: tensor<?x1x16xf32>, %v: tensor<?x1x16xf32> {quoin.name = "values"}) -> tensor<?x2x16xf32> {
      %out = quoin.block_attention %q, %k, %v mask #quoin.mask<causal> scale 1.0 : tensor<?x2x16xf32>, tensor<?x1x16xf32>, tensor<?x1x16xf32>
      return %out : tensor<?x2x16xf32>
    })";
  ASSERT_EQ(compile(text, folder.path), "");
  Host host;
  host.load(folder.path);
  const quoin_function_program_t *program = quoin_function_describe(host.function);
  EXPECT_STREQ(program->name, "f");
  EXPECT_STREQ(program->arguments[2].name, "values");
  std::vector<float> q(5 * 2 * 16), k(7 * 16), v(7 * 16), out(q.size());
  quoin_array_t arguments[] = {f32(q, {5, 2, 16}), f32(k, {7, 1, 16}), f32(v, {7, 1, 16})},
                result = f32(out, {5, 2, 16});
  auto call = [&](size_t in = 3, size_t results = 1) {
    quoin_status_t status = quoin_function_call(host.function, arguments, in, &result, results);
    return status == QUOIN_STATUS_OK ? "" : host.error();
  };
  EXPECT_EQ(call(), "");
  EXPECT_EQ(call(2), "expects 3 arguments of 'f', but found 2");
  EXPECT_EQ(call(3, 0), "expects 1 results of 'f', but found 0");
  arguments[2].sizes[0] = 6;
  EXPECT_EQ(call(), "expects size 0 of 'values' to be 7, as that of 'k', but found 6");
  arguments[2].sizes[0] = 7;
  arguments[0].sizes[1] = 3;
  EXPECT_EQ(call(), "expects size 1 of 'q' to be 2, but found 3");
  arguments[0].sizes[1] = 2;
  arguments[1].dtype = QUOIN_DTYPE_I32;
  EXPECT_EQ(call(), "expects elements f32 of 'k', but found i32");
  arguments[1].dtype = QUOIN_DTYPE_F32;
  arguments[1].rank = 2;
  EXPECT_EQ(call(), "expects rank 3 of 'k', but found 2");
  arguments[1].rank = 3;
  arguments[1].sizes[0] = -1;
  EXPECT_EQ(call(), "expects size 0 of 'k' from 0 to 2147483647, but found -1");
  arguments[1].sizes[0] = 7;
  result.sizes[0] = 4;
  EXPECT_EQ(call(), "expects size 0 of 'out' to be 5, as that of 'q', but found 4");
  result.sizes[0] = 5;
  result.data = nullptr;
  EXPECT_EQ(call(), "expects data of 'out', but found none");
  quoin_array_t described = {};
  EXPECT_EQ(quoin_function_results(host.function, arguments, 3, &described, 1), QUOIN_STATUS_OK);
  EXPECT_EQ(described.sizes[0], 5);
  EXPECT_EQ(described.sizes[2], 16);
}

TEST(Function, IsNotThere) {
  Host host;
  quoin_function_t *none = nullptr;
  EXPECT_EQ(quoin_function_load(host.context, "/nowhere", &none), QUOIN_STATUS_NOT_FOUND);
  EXPECT_EQ(host.error(), "cannot open '/nowhere/model.so': No such file or directory");
  EXPECT_EQ(quoin_function_from_program(host.context, nullptr, &none), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(quoin_function_from_program(
                host.context, [](uint32_t) -> const quoin_function_program_t * { return nullptr; }, &none),
            QUOIN_STATUS_INCOMPATIBLE);
  EXPECT_EQ(none, nullptr);
}

TEST(Function, SaysWhatItCannotCompile) {
  Folder folder;
  std::string type = "tensor<?x1x8xf32>",
              op = "quoin.block_attention %x, %x, %x mask #quoin.mask<causal> scale 1.0 : " + type + ", " + type +
                   ", " + type;
  auto body = [&](const std::string &lines) {
    return compile("func.func @f(%x: " + type + ") -> " + type + " {\n" + lines + "}\n", folder.path);
  };
  auto has = [](const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; };
  std::string error = body("%a = " + op + "\n%b = " + op + "\nreturn %b : " + type + "\n");
  EXPECT_TRUE(has(error, "expects to be the function's only attention, but there is another")) << error;
  error = body("%a = " + op + "\n%b = arith.addf %a, %a : " + type + "\nreturn %b : " + type + "\n");
  EXPECT_TRUE(has(error, "expects a function of one 'quoin.block_attention' and its return, but found this")) << error;
  error = body("%a = " + op + "\nreturn %x : " + type + "\n");
  EXPECT_TRUE(has(error, "expects results of 'quoin.block_attention', but found something else")) << error;
  error = compile("func.func @f(%x: " + type + ", %y: index) -> " + type + " {\n%a = " + op + "\nreturn %a : " + type +
                      "\n}\n",
                  folder.path);
  EXPECT_TRUE(has(error, "expects arguments that the attention uses, but argument 1 is not used")) << error;
  EXPECT_FALSE(llvm::sys::fs::exists(folder.path));
}

TEST(Function, CompileTimeKnowsNoLength) {
  Folder folder;
  std::string text = selfAttention("(q, k) : k floordiv 1000000 le q floordiv 1000000", 1, 8);
  for (size_t at; (at = text.find("tensor<?x")) != std::string::npos;)
    text.replace(at, 9, "tensor<50000000x");
  EXPECT_EQ(compile(text, folder.path), "");
}

} // namespace
