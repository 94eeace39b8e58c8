//===- FunctionFixture.h - compiles attention functions and calls them in a test -===//

#ifndef QUOIN_TEST_UNIT_FUNCTIONFIXTURE_H
#define QUOIN_TEST_UNIT_FUNCTIONFIXTURE_H

#include "compiler/driver/Compile.h"
#include "dialects/quoin/TileMap.h"
#include "quoin/function.h"
#include "test/lib/Tolerances.h"
#include "llvm/Support/FileSystem.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <random>

namespace quoin::test {

/// A folder that goes with the test.
struct Folder {
  Folder() {
    llvm::SmallString<128> made;
    EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("quoin-function", made));
    root = std::string(made);
    path = root + "/out";
  }
  ~Folder() { llvm::sys::fs::remove_directories(root); }
  std::string root, path;
};

/// Compiles the text, with no pass that has a choice, into the folder; gives the error.
inline std::string compile(const std::string &text, const std::string &path) {
  CompileOptions options;
  options.input = path + ".mlir";
  options.output = path;
  options.level = 0;
  std::ofstream(options.input) << text;
  std::string error;
  return quoin::compile(options, error) ? "" : error;
}

/// A function of one argument, so that queries and keys are the same.
inline std::string selfAttention(const std::string &mask, int64_t heads, int64_t size) {
  std::string type = "tensor<?x" + std::to_string(heads) + "x" + std::to_string(size) + "xf32>";
  return "func.func @f(%x: " + type + ") -> " + type +
         " {\n  %out = quoin.block_attention %x, %x, %x mask #quoin.mask<" + mask + "> scale 0.3 : " + type + ", " +
         type + ", " + type + "\n  return %out : " + type + "\n}\n";
}

struct Shape {
  int64_t heads = 1, kvHeads = 1, size = 8;
};

inline std::vector<float> numbers(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> all(static_cast<size_t>(count));
  for (float &f : all)
    f = normal(random);
  return all;
}

/// Attention by its definition; `lse` gets the logarithms.
inline std::vector<double> reference(const BlockMask &mask, const std::vector<MaskToken> &queries,
                                     const std::vector<MaskToken> &keys, const std::vector<int64_t> &symbols, Shape s,
                                     double scale, const float *q, const float *k, const float *v,
                                     std::vector<double> &lse) {
  std::vector<double> out(queries.size() * static_cast<size_t>(s.heads * s.size));
  lse.assign(queries.size() * static_cast<size_t>(s.heads), -std::numeric_limits<double>::infinity());
  for (size_t i = 0; i < queries.size(); ++i)
    for (int64_t h = 0; h < s.heads; ++h) {
      int64_t g = h / (s.heads / s.kvHeads);
      double sum = 0;
      size_t at = (i * static_cast<size_t>(s.heads) + static_cast<size_t>(h)) * static_cast<size_t>(s.size);
      for (size_t j = 0; j < keys.size(); ++j) {
        if (!mask.see(queries[i], keys[j], symbols))
          continue;
        size_t from = (j * static_cast<size_t>(s.kvHeads) + static_cast<size_t>(g)) * static_cast<size_t>(s.size);
        double score = 0;
        for (size_t c = 0; c < static_cast<size_t>(s.size); ++c)
          score += double(q[at + c]) * k[from + c];
        double p = std::exp(score * scale);
        sum += p;
        for (size_t c = 0; c < static_cast<size_t>(s.size); ++c)
          out[at + c] += p * v[from + c];
      }
      for (size_t c = 0; sum > 0 && c < static_cast<size_t>(s.size); ++c)
        out[at + c] /= sum;
      lse[i * static_cast<size_t>(s.heads) + static_cast<size_t>(h)] = std::log(sum);
    }
  return out;
}

inline std::vector<MaskToken> plain(int64_t length) {
  std::vector<MaskToken> tokens(static_cast<size_t>(length));
  for (size_t i = 0; i < tokens.size(); ++i)
    tokens[i].position = tokens[i].slot = static_cast<int64_t>(i);
  return tokens;
}

struct Host {
  explicit Host(int32_t workers = 1) : Host(hooksOf(workers)) {}
  explicit Host(const quoin_hooks_t &hooks) { EXPECT_EQ(quoin_context_create(&hooks, &context), QUOIN_STATUS_OK); }
  static quoin_hooks_t hooksOf(int32_t workers) {
    quoin_hooks_t hooks = {};
    hooks.workers = workers;
    return hooks;
  }
  ~Host() {
    quoin_function_destroy(function);
    quoin_context_destroy(context);
  }
  void load(const std::string &path) {
    ASSERT_EQ(quoin_function_load(context, path.c_str(), &function), QUOIN_STATUS_OK) << error();
  }
  std::string error() const { return quoin_context_last_error(context); }
  quoin_context_t *context = nullptr;
  quoin_function_t *function = nullptr;
};

inline quoin_array_t f32(std::vector<float> &data, std::initializer_list<int64_t> sizes) {
  quoin_array_t array = {QUOIN_DTYPE_F32, static_cast<int32_t>(sizes.size()), {}, data.data()};
  std::copy(sizes.begin(), sizes.end(), array.sizes);
  return array;
}

inline quoin_array_t i32(std::vector<int32_t> &data) {
  return {QUOIN_DTYPE_I32, 1, {static_cast<int64_t>(data.size())}, data.data()};
}

} // namespace quoin::test

#endif
