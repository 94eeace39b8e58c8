// HalideTest.cpp: our kernels against the same functions written in Halide (bench/peers/halide), a compiler that shares
// nothing with ours. Skipped where Halide is not installed.

#include <gtest/gtest.h>

#ifndef QUOIN_HALIDE_KERNELS

TEST(Halide, IsHere) { GTEST_SKIP() << "Halide is not installed; scripts/deps.sh installs it where it can be had"; }

#else

#include "compiler/driver/Compile.h"
#include "halide_attention_blocks.h"
#include "halide_attention_causal.h"
#include "halide_attention_full.h"
#include "halide_attention_window.h"
#include "halide_product.h"
#include "quoin/function.h"
#include "test/unit/CpuFixture.h"
#include <HalideBuffer.h>
#include <fstream>

using namespace quoin;
using namespace quoin::cpu;
using namespace quoin::cpu::test;
template <typename T> using Tensor = Halide::Runtime::Buffer<T>;

namespace {
constexpr int heads = 8, keyHeads = 2, headDim = 64;

struct AttentionCase {
  const char *name, *mask;
  int (*halide)(halide_buffer_t *q, halide_buffer_t *k, halide_buffer_t *v, halide_buffer_t *out);
};
std::ostream &operator<<(std::ostream &os, const AttentionCase &c) { return os << c.name; }

class HalideAttention : public testing::TestWithParam<AttentionCase> {};

std::vector<float> randomFloats(int count) {
  std::vector<float> all(static_cast<size_t>(count));
  for (float &v : all)
    v = 2 * uniform();
  return all;
}

Tensor<float> tensor(std::vector<float> &data, int head, int tokens) {
  return Tensor<float>(data.data(), headDim, head, tokens);
}

/// Our function under the mask, in a folder of its own.
std::string compileAttention(const char *mask, llvm::SmallString<128> &folder) {
  std::string q = "tensor<?x8x64xf32>", k = "tensor<?x2x64xf32>", error;
  std::string text = "func.func @attention(%q: " + q + ", %k: " + k + ", %v: " + k + ") -> " + q +
                     " {\n  %out = quoin.block_attention %q, %k, %v mask #quoin.mask<" + mask + "> scale 0.125 : " + q +
                     ", " + k + ", " + k + "\n  return %out : " + q + "\n}\n";
  EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("quoin-halide", folder));
  CompileOptions options;
  options.input = std::string(folder) + "/in.mlir";
  options.output = std::string(folder) + "/out";
  std::ofstream(options.input) << text;
  EXPECT_TRUE(quoin::compile(options, error)) << error;
  return options.output;
}

TEST_P(HalideAttention, AgreesForAnyLengths) {
  llvm::SmallString<128> folder;
  std::string path = compileAttention(GetParam().mask, folder);
  quoin_context_t *context = nullptr;
  quoin_function_t *function = nullptr;
  ASSERT_EQ(quoin_context_create(nullptr, &context), QUOIN_STATUS_OK);
  ASSERT_EQ(quoin_function_load(context, path.c_str(), &function), QUOIN_STATUS_OK)
      << quoin_context_last_error(context);
  for (auto [queries, keys] : {std::pair{1, 1}, {7, 33}, {64, 64}, {130, 200}, {301, 299}}) {
    std::vector<float> q = randomFloats(queries * heads * headDim), k = randomFloats(keys * keyHeads * headDim),
                       v = randomFloats(keys * keyHeads * headDim), ours(q.size()), theirs(q.size());
    Tensor<float> hq = tensor(q, heads, queries), hk = tensor(k, keyHeads, keys), hv = tensor(v, keyHeads, keys),
                  ho = tensor(theirs, heads, queries);
    ASSERT_EQ(GetParam().halide(hq, hk, hv, ho), 0);
    quoin_array_t in[3] = {{QUOIN_DTYPE_F32, 3, {queries, heads, headDim, 0}, q.data()},
                           {QUOIN_DTYPE_F32, 3, {keys, keyHeads, headDim, 0}, k.data()},
                           {QUOIN_DTYPE_F32, 3, {keys, keyHeads, headDim, 0}, v.data()}};
    quoin_array_t out = {QUOIN_DTYPE_F32, 3, {queries, heads, headDim, 0}, ours.data()};
    ASSERT_EQ(quoin_function_call(function, in, 3, &out, 1), QUOIN_STATUS_OK) << quoin_context_last_error(context);
    for (size_t i = 0; i < ours.size(); ++i)
      ASSERT_NEAR(ours[i], theirs[i], quoin::tolerance::attention_random)
          << queries << " x " << keys << ", element " << i;
  }
  quoin_function_destroy(function);
  quoin_context_destroy(context);
  llvm::sys::fs::remove_directories(folder);
}

INSTANTIATE_TEST_SUITE_P(
    Masks, HalideAttention,
    testing::Values(AttentionCase{"full", "(q, k) : k ge 0", halide_attention_full},
                    AttentionCase{"causal", "(q, k) : k le q", halide_attention_causal},
                    AttentionCase{"blocks", "(q, k) : k floordiv 32 le q floordiv 32", halide_attention_blocks},
                    AttentionCase{"window", "(q, k) : k le q and q - k lt 100", halide_attention_window}));

TEST(HalideProduct, AgreesWithOurs) {
  LinearShape shape{1024, 192};
  Matrix a(shape.n, shape.k);
  WeightPlan plan;
  int64_t weight = plan.add({WeightPiece::Kind::Packed, {"a"}, shape.n, shape.k, 1, shape.storage()});
  std::vector<uint8_t> file = pack(plan, {{"a", &a}});
  Aligned<uint8_t> weights(file.size());
  std::copy(file.begin(), file.end(), weights.data());
  Program p;
  std::string name = linearKernel(p.kernels, shape).getName().str();
  p.link();
  // Halide's own copy, packed here: the test must not borrow our layout.
  std::vector<float> panels(a.values.size());
  for (int64_t n = 0; n < shape.n; ++n)
    for (int64_t i = 0; i < shape.k; ++i)
      panels[static_cast<size_t>((n / 64 * shape.k + i) * 64 + n % 64)] = a.at(n, i);
  Tensor<float> packed(panels.data(), 64, int(shape.k), int(shape.n / 64));
  for (int64_t rows : {4, 5, 16, 33}) {
    Rows x(rows, shape.k), out(rows, shape.n);
    x.fill();
    p.call(name, x.row(0), weights.data() + weight, nullptr, out.row(0), rows, int64_t(0), shape.tiles());
    std::vector<float> input, theirs(static_cast<size_t>(rows * shape.n));
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t i = 0; i < shape.k; ++i)
        input.push_back(x.at(r, i));
    Tensor<float> hx(input.data(), int(shape.k), int(rows)), ho(theirs.data(), int(shape.n), int(rows));
    ASSERT_EQ(halide_product(hx, packed, ho), 0);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t n = 0; n < shape.n; ++n)
        expectNear(theirs[static_cast<size_t>(r * shape.n + n)], out.at(r, n), std::sqrt(double(shape.k)), "row", r);
  }
}
} // namespace

#endif
