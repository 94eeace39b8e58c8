//===- PtxMachineTest.cpp - whole kernels, right and with planted bugs -------===//
//
// Five kernels of the kinds that Quoin emits must compute the same bits under every schedule, near what doubles give,
// and without a fault. Each planted bug must be found under every schedule: by a fault or, where only numbers can tell,
// by them. `kernels/*.ptx` mark lines for that: `// -bug` is left out, `//+bug` is put in.
//
//===----------------------------------------------------------------------===//

#include "test/ptx/Numbers.h"
#include "test/ptx/PtxFixture.h"
#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>

namespace quoin::ptx::test::kernels {

static std::string textOf(const std::string &kernel, const std::set<std::string> &planted) {
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

namespace {
struct Outcome {
  std::vector<float> values;
  std::vector<Fault> faults;
  double error = 0;
  Counters counters;
};
} // namespace

static std::vector<float> draw(std::mt19937 &random, size_t count, bool brain) {
  std::vector<float> values(count);
  for (float &each : values) {
    each = std::uniform_real_distribution<float>(-1, 1)(random);
    if (brain)
      each = float(decode(kBrain, encode(kBrain, double(each))));
  }
  return values;
}

static std::vector<uint16_t> brains(const std::vector<float> &values) {
  std::vector<uint16_t> bits;
  for (float each : values)
    bits.push_back(uint16_t(encode(kBrain, double(each))));
  return bits;
}

/// Rows of k numbers as tiles of `rows` x 64, swizzled.
static std::vector<uint16_t> tiles(const std::vector<float> &values, size_t depth, size_t rows) {
  std::vector<uint16_t> bits = brains(values), packed(bits.size());
  for (size_t i = 0; i < bits.size(); ++i) {
    size_t row = i / depth, k = i % depth, in = row % rows * 128 + k % 64 * 2;
    in ^= (in >> 7 & 7) << 4;
    packed[((row / rows) * (depth / 64) + k / 64) * rows * 64 + in / 2] = bits[i];
  }
  return packed;
}

static constexpr size_t kRows = 16, kDepth = 576;
/// Two blocks of either kernel.
static size_t columnsOf(const std::string &kernel) { return kernel == "wgmma" ? 128 : 64; }

namespace {
/// What kernels read, and what they shall give.
struct Data {
  std::vector<float> x, w;
  std::vector<double> expected;
};
} // namespace

static Data drawn(const std::string &kernel) {
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

static const Data &dataOf(const std::string &kernel) {
  static std::map<std::string, Data> known;
  auto found = known.find(kernel);
  if (found == known.end())
    found = known.emplace(kernel, drawn(kernel)).first;
  return found->second;
}

/// The factors in the layout that a kernel reads.
static const std::pair<std::vector<uint16_t>, std::vector<uint16_t>> &factorsOf(bool packed) {
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

static Outcome runKernel(const Module &module, const std::string &kernel, bool negated, Timing timing, uint64_t seed,
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

/// The kernel `rewrite` is `wgmma` with those lines.
static std::string fileOf(const std::string &kernel) { return kernel == "rewrite" ? "wgmma" : kernel; }
static std::set<std::string> tagsOf(const std::string &kernel, const std::string &bug) {
  std::set<std::string> tags;
  if (kernel == "rewrite")
    tags.insert("rewrite");
  if (!bug.empty())
    tags.insert(bug);
  return tags;
}

class PtxKernel : public testing::TestWithParam<const char *> {};

TEST_P(PtxKernel, GivesTheSameBitsUnderEverySchedule) {
  std::string kernel = GetParam();
  Module module = read(textOf(fileOf(kernel), tagsOf(kernel, "")));
  std::vector<float> first;
  for (Timing timing : kTimings)
    for (uint64_t seed = 1; seed <= 6; ++seed) {
      Outcome outcome = runKernel(module, fileOf(kernel), kernel == "rewrite", timing, seed);
      for (const Fault &each : outcome.faults)
        ADD_FAILURE() << each.text;
      EXPECT_LT(outcome.error, 1e-6);
      if (first.empty())
        first = outcome.values;
      EXPECT_EQ(std::memcmp(first.data(), outcome.values.data(), first.size() * 4), 0);
      // None of them asks for more than it must.
      EXPECT_EQ(outcome.counters.sectors, outcome.counters.leastSectors);
      if (testing::Test::HasFailure())
        return;
    }
}
INSTANTIATE_TEST_SUITE_P(All, PtxKernel, testing::Values("silu", "norm", "mma", "wgmma", "rewrite"),
                         [](const auto &info) { return std::string(info.param); });

namespace {
struct Planted {
  const char *kernel, *bug;
  /// What its fault is of, and says; without a kind, only numbers tell.
  std::vector<Fault::Kind> kinds;
  const char *words;
};
} // namespace

class PtxPlanted : public testing::TestWithParam<Planted> {};

TEST_P(PtxPlanted, IsFoundInEveryRun) {
  const Planted &planted = GetParam();
  std::string kernel = planted.kernel;
  Module module = read(textOf(fileOf(kernel), tagsOf(kernel, planted.bug)));
  for (Timing timing : kTimings)
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      Outcome outcome = runKernel(module, fileOf(kernel), kernel == "rewrite", timing, seed);
      if (planted.kinds.empty()) {
        EXPECT_TRUE(outcome.faults.empty());
        EXPECT_GT(outcome.error, 1e-2);
        continue;
      }
      bool found = false;
      std::string all;
      for (const Fault &each : outcome.faults) {
        bool expected = std::find(planted.kinds.begin(), planted.kinds.end(), each.kind) != planted.kinds.end();
        found |= expected && each.line && each.text.find(planted.words) != std::string::npos;
        all += each.text + "\n";
      }
      EXPECT_TRUE(found) << planted.bug << " timing " << int(timing) << " seed " << seed << "\n" << all;
    }
}

using Kind = Fault::Kind;
INSTANTIATE_TEST_SUITE_P(All, PtxPlanted,
                         testing::Values(Planted{"norm", "nobar", {Kind::Race, Kind::Unwritten}, "shared byte"},
                                         Planted{"mma", "nowait", {Kind::Race}, "cp.async of warp"},
                                         Planted{"mma", "nobar", {Kind::Race}, "shared byte"},
                                         Planted{"mma", "early", {Kind::Race}, "shared byte"},
                                         Planted{"mma", "swizzle", {}, ""},
                                         Planted{"wgmma", "nowait", {Kind::Race, Kind::Unwritten}, "shared byte"},
                                         Planted{"wgmma", "parity", {Kind::Barrier}, "at the mbarrier at"},
                                         Planted{"wgmma", "layout", {}, ""},
                                         Planted{"wgmma", "nofence", {Kind::Proxy}, "fence.mbarrier_init"},
                                         Planted{"wgmma", "nobar", {Kind::Mbarrier, Kind::Race}, "initialised"},
                                         Planted{"wgmma", "early", {Kind::Race, Kind::Mbarrier}, ""},
                                         Planted{"wgmma", "bytes", {Kind::Race, Kind::Barrier, Kind::Unwritten}, ""},
                                         Planted{"wgmma", "nowgfence", {Kind::Product}, "wgmma.fence"},
                                         Planted{"wgmma", "nowgwait", {Kind::Race}, "wgmma of warp"},
                                         Planted{"wgmma", "soon", {Kind::Race}, "wgmma of warp"},
                                         Planted{"rewrite", "noproxy", {Kind::Proxy}, "fence.proxy.async"}),
                         [](const auto &info) { return std::string(info.param.kernel) + "_" + info.param.bug; });

TEST(PtxKernels, CountsShowWhatSwizzlingSaves) {
  Module right = read(textOf("mma", {})), wrong = read(textOf("mma", {"swizzle"}));
  Counters good = runKernel(right, "mma", false, Timing::Late, 1).counters,
           bad = runKernel(wrong, "mma", false, Timing::Late, 1).counters;
  EXPECT_EQ(good.sharedPasses, good.leastSharedPasses);
  EXPECT_GT(bad.sharedPasses, 2 * bad.leastSharedPasses);
  Module bulk = read(textOf("wgmma", {}));
  Counters ring = runKernel(bulk, "wgmma", false, Timing::Late, 1).counters;
  EXPECT_EQ(ring.bulkBytes, 2 * (kDepth / 64) * 10240);
  EXPECT_EQ(ring.mostBulkInFlight, 4u * 10240);
  EXPECT_EQ(ring.products, 2 * (kDepth / 64) * 4 * 4);
}

/// Kernels in which words have changed places: refused, faulty or right, but they end.
TEST(PtxKernels, DamagedOnesEnd) {
  std::mt19937 random(4);
  unsigned ran = 0;
  for (const char *kernel : {"norm", "mma", "wgmma"}) {
    std::string whole = textOf(kernel, {});
    std::vector<std::pair<size_t, size_t>> words;
    for (size_t at = whole.find('{'); at < whole.size();) {
      size_t end = whole.find_first_of(" \t\n,;[]{}", at);
      end = std::min(end, whole.size());
      if (end > at)
        words.push_back({at, end - at});
      at = end + 1;
    }
    for (int i = 0; i < 60; ++i) {
      std::string text = whole;
      auto [at, length] = words[random() % words.size()];
      auto [from, count] = words[random() % words.size()];
      std::string other = whole.substr(from, count);
      if (random() % 3 == 0)
        other = std::to_string(random() % 3 ? random() % 70 : random());
      text.replace(at, length, other);
      Diagnostic diagnostic;
      std::optional<Module> module = parse(text, diagnostic);
      if (!module || !module->kernel(kernel))
        continue;
      ++ran;
      runKernel(*module, kernel, false, kTimings[i % 3], uint64_t(i), 4000);
    }
  }
  EXPECT_GT(ran, 10u);
}

} // namespace quoin::ptx::test::kernels
