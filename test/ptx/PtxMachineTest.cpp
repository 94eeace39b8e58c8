//===- PtxMachineTest.cpp - whole kernels, right and with planted bugs -------===//
//
// Five kernels of the kinds that Quoin emits must compute the same bits under every schedule, near what doubles give,
// and without a fault. Each planted bug must be found under every schedule: by a fault or, where only numbers can tell,
// by them.
//
//===----------------------------------------------------------------------===//

#include "test/ptx/PtxKernels.h"
#include <algorithm>

namespace quoin::ptx::test::kernels {

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

} // namespace quoin::ptx::test::kernels
