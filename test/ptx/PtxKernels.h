//===- PtxKernels.h - the kernels of `kernels/`, their data and their runs ----===//

#ifndef QUOIN_TEST_PTX_PTXKERNELS_H
#define QUOIN_TEST_PTX_PTXKERNELS_H

#include "test/ptx/Numbers.h"
#include "test/ptx/PtxFixture.h"
#include <cmath>
#include <fstream>
#include <map>
#include <random>
#include <set>

namespace quoin::ptx::test::kernels {

/// The text of a kernel, with these bugs planted: it marks lines, `// -bug` is left out, `//+bug` is put in.
inline std::string textOf(const std::string &kernel, const std::set<std::string> &planted) {
  std::ifstream file(QUOIN_SOURCE_DIR "/test/ptx/kernels/" + kernel + ".ptx");
  EXPECT_TRUE(file) << kernel;
  std::string text, line;
  while (std::getline(file, line)) {
    if (size_t put = line.find("//+"); put != std::string::npos) {
      size_t end = line.find(' ', put);
      if (planted.count(line.substr(put + 3, end - put - 3)))
        line = line.substr(end);
    }
    if (size_t left = line.find("// -"); left != std::string::npos && planted.count(line.substr(left + 4)))
      line.clear();
    text += line + "\n";
  }
  return text;
}

/// What a run gave, and how far from what it shall.
struct Outcome {
  std::vector<float> values;
  std::vector<Fault> faults;
  double error = 0;
  Counters counters;
};

inline std::vector<float> draw(std::mt19937 &random, size_t count, bool brain) {
  std::vector<float> values(count);
  for (float &each : values) {
    each = std::uniform_real_distribution<float>(-1, 1)(random);
    if (brain)
      each = float(decode(kBrain, encode(kBrain, double(each))));
  }
  return values;
}

inline std::vector<uint16_t> brains(const std::vector<float> &values) {
  std::vector<uint16_t> bits;
  for (float each : values)
    bits.push_back(uint16_t(encode(kBrain, double(each))));
  return bits;
}

/// Rows of k numbers as tiles of `rows` x 64, swizzled.
inline std::vector<uint16_t> tiles(const std::vector<float> &values, size_t depth, size_t rows) {
  std::vector<uint16_t> bits = brains(values), packed(bits.size());
  for (size_t i = 0; i < bits.size(); ++i) {
    size_t row = i / depth, k = i % depth, in = row % rows * 128 + k % 64 * 2;
    in ^= (in >> 7 & 7) << 4;
    packed[((row / rows) * (depth / 64) + k / 64) * rows * 64 + in / 2] = bits[i];
  }
  return packed;
}

inline constexpr size_t kRows = 16, kDepth = 576;
/// Two blocks of either kernel.
inline size_t columnsOf(const std::string &kernel) { return kernel == "wgmma" ? 128 : 64; }

/// What kernels read, and what they shall give.
struct Data {
  std::vector<float> x, w;
  std::vector<double> expected;
};

inline Data drawn(const std::string &kernel) {
  std::mt19937 random(15);
  Data data;
  std::vector<double> &expected = data.expected;
  if (kernel == "silu" || kernel == "norm") {
    size_t count = kernel == "silu" ? 3 * 512 : 3 * 1024;
    data.x = draw(random, count, false);
    data.w = draw(random, count, false);
    for (size_t i = 0; kernel == "silu" && i < count; ++i)
      expected.push_back(data.x[i] / (1 + std::exp(-double(data.x[i]))) * data.w[i]);
    for (size_t row = 0; kernel == "norm" && row < count; row += 1024) {
      double sum = 0;
      for (size_t k = 0; k < 1024; ++k)
        sum += double(data.x[row + k]) * data.x[row + k];
      for (size_t k = 0; k < 1024; ++k)
        expected.push_back(data.x[row + k] / std::sqrt(sum / 1024 + 1e-6));
    }
    return data;
  }
  data.x = draw(random, kRows * kDepth, true);
  data.w = draw(random, columnsOf(kernel) * kDepth, true);
  for (size_t i = 0; i < kRows; ++i)
    for (size_t j = 0; j < columnsOf(kernel); ++j) {
      double sum = 0;
      const float *x = &data.x[i * kDepth], *w = &data.w[j * kDepth];
      for (size_t k = 0; k < kDepth; ++k)
        sum += double(x[k]) * w[k];
      expected.push_back(sum);
    }
  return data;
}

inline const Data &dataOf(const std::string &kernel) {
  static std::map<std::string, Data> known;
  auto found = known.find(kernel);
  if (found == known.end())
    found = known.emplace(kernel, drawn(kernel)).first;
  return found->second;
}

/// The factors in the layout that a kernel reads.
inline const std::pair<std::vector<uint16_t>, std::vector<uint16_t>> &factorsOf(bool packed) {
  static std::map<bool, std::pair<std::vector<uint16_t>, std::vector<uint16_t>>> known;
  auto found = known.find(packed);
  if (found == known.end()) {
    const Data &data = dataOf(packed ? "wgmma" : "mma");
    auto made = packed ? std::pair(tiles(data.x, kDepth, 16), tiles(data.w, kDepth, 64))
                       : std::pair(brains(data.x), brains(data.w));
    found = known.emplace(packed, std::move(made)).first;
  }
  return found->second;
}

/// Runs a kernel over its data; `negated` where it gives the negative of what is expected.
inline Outcome runKernel(const Module &module, const std::string &kernel, bool negated, Timing timing, uint64_t seed,
                         uint64_t mostInstructions = 1 << 24) {
  Machine machine(module);
  Launch launch;
  launch.kernel = kernel;
  launch.timing = timing;
  launch.seed = seed;
  launch.mostInstructions = mostInstructions;
  launch.grid = {3, 1, 1};
  const std::vector<double> &expected = dataOf(kernel).expected;
  uint64_t out = machine.allocate(expected.size() * 4);
  if (kernel == "silu" || kernel == "norm") {
    launch.arguments.push_back(argument(machine.upload(dataOf(kernel).x)));
    if (kernel == "silu")
      launch.arguments.push_back(argument(machine.upload(dataOf(kernel).w)));
    launch.arguments.push_back(argument(out));
  } else {
    bool packed = kernel == "wgmma";
    uint64_t x = machine.upload(factorsOf(packed).first), w = machine.upload(factorsOf(packed).second);
    launch.grid = {2, 1, 1};
    launch.dynamicShared = packed ? 4 * 10240 + 64 : 0;
    launch.arguments = {argument(packed ? w : x), argument(packed ? x : w), argument(out),
                        argument(uint32_t(columnsOf(kernel))), argument(uint32_t(kDepth / 64))};
  }
  machine.launch(launch);
  Outcome outcome;
  outcome.faults = machine.faults();
  outcome.counters = machine.counters();
  outcome.values.resize(expected.size());
  if (!machine.read(out, outcome.values.data(), outcome.values.size() * 4)) {
    outcome.error = INFINITY;
    return outcome;
  }
  double difference = 0, norm = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    double error = outcome.values[i] - (negated ? -expected[i] : expected[i]);
    difference += error * error;
    norm += expected[i] * expected[i];
  }
  outcome.error = std::sqrt(difference / norm);
  return outcome;
}

} // namespace quoin::ptx::test::kernels

#endif
