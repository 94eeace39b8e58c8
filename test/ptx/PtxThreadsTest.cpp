//===- PtxThreadsTest.cpp - threads that part, meet, and act together --------===//

#include "test/ptx/PtxFixture.h"

namespace quoin::ptx::test::threads {

/// What each of 32 threads leaves in %r9, under several schedules.
static std::vector<uint32_t> perThread(const std::string &body) {
  std::vector<uint32_t> first;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Launch launch;
    launch.seed = seed;
    std::vector<uint32_t> all = runRight<uint32_t>(kernelOf(body + "\nst.global.b32 [%at], %r9;"), {0}, 128, launch),
                          each;
    for (size_t l = 0; l < 32; ++l)
      each.push_back(all[l * 4]);
    if (first.empty())
      first = each;
    EXPECT_EQ(each, first) << body;
  }
  return first;
}

static std::vector<uint32_t> expected(uint32_t (*of)(uint32_t lane)) {
  std::vector<uint32_t> values;
  for (uint32_t l = 0; l < 32; ++l)
    values.push_back(of(l));
  return values;
}

/// The faults of a kernel; each kind and line once.
static std::vector<Fault> faultsOf(const std::string &text, uint64_t seed = 1) {
  std::vector<Fault> faults;
  Launch launch;
  launch.seed = seed;
  run<uint32_t>(text, {0}, 4096, faults, launch);
  return faults;
}

TEST(PtxThreads, Shuffle) {
  EXPECT_EQ(perThread("shfl.sync.bfly.b32 %r9, %t, 5, 31, -1;"), expected([](uint32_t l) { return l ^ 5; }));
  EXPECT_EQ(perThread("shfl.sync.up.b32 %r9, %t, 3, 0, -1;"), expected([](uint32_t l) { return l < 3 ? l : l - 3; }));
  EXPECT_EQ(perThread("shfl.sync.down.b32 %r9, %t, 3, 31, -1;"),
            expected([](uint32_t l) { return l > 28 ? l : l + 3; }));
  EXPECT_EQ(perThread("shfl.sync.idx.b32 %r9, %t, 7, 31, -1;"), expected([](uint32_t) { return 7u; }));
  // Segments of eight: the upper bits of the last operand are those that a lane keeps.
  EXPECT_EQ(perThread("shfl.sync.idx.b32 %r9, %t, 3, 0x181f, -1;"), expected([](uint32_t l) { return l / 8 * 8 + 3; }));
  EXPECT_EQ(perThread("shfl.sync.down.b32 %r9, %t, 3, 0x181f, -1;"),
            expected([](uint32_t l) { return l % 8 > 4 ? l : l + 3; }));
  EXPECT_EQ(perThread("shfl.sync.up.b32 %r8|%p1, %t, 3, 0, -1; selp.b32 %r9, 1, 0, %p1;"),
            expected([](uint32_t l) { return uint32_t(l >= 3); }));
}

TEST(PtxThreads, VoteReduceElect) {
  EXPECT_EQ(perThread("setp.lt.u32 %p1, %t, 4; vote.sync.ballot.b32 %r9, %p1, -1;"),
            expected([](uint32_t) { return 15u; }));
  EXPECT_EQ(perThread("setp.lt.u32 %p1, %t, 4; vote.sync.any.pred %p2, %p1, -1; vote.sync.all.pred %p3, %p1, -1;"
                      "vote.sync.uni.pred %p4, !%p1, -1; selp.b32 %r9, 1, 0, %p2; @%p3 add.u32 %r9, %r9, 2; @%p4 "
                      "add.u32 %r9, %r9, 4;"),
            expected([](uint32_t) { return 1u; }));
  EXPECT_EQ(perThread("redux.sync.add.s32 %r9, %t, -1;"), expected([](uint32_t) { return 496u; }));
  EXPECT_EQ(perThread("sub.s32 %r1, %t, 5; redux.sync.min.s32 %r9, %r1, -1;"),
            expected([](uint32_t) { return uint32_t(-5); }));
  EXPECT_EQ(perThread("sub.s32 %r1, %t, 5; redux.sync.max.u32 %r9, %r1, -1;"),
            expected([](uint32_t) { return uint32_t(-1); }));
  EXPECT_EQ(perThread("redux.sync.xor.b32 %r9, %t, -1;"), expected([](uint32_t) { return 0u; }));
  EXPECT_EQ(perThread("elect.sync %r8|%p1, -1; selp.b32 %r9, 1, 0, %p1;"),
            expected([](uint32_t l) { return uint32_t(!l); }));
  EXPECT_EQ(perThread("mov.u32 %r9, %lanemask_lt;"), expected([](uint32_t l) { return (1u << l) - 1; }));
}

TEST(PtxThreads, PartAndMeet) {
  // Each thread counts to its own number, in a branch or past it.
  EXPECT_EQ(perThread("mov.b32 %r9, 0; setp.lt.u32 %p1, %t, 16; @%p1 bra LESS;\nMORE: add.u32 %r9, %r9, 1; setp.lt.u32 "
                      "%p2, %r9, %t;"
                      "@%p2 bra MORE; bra MET;\nLESS: mov.b32 %r9, 99;\nMET: shfl.sync.idx.b32 %r8, %r9, 31, 31, -1; "
                      "add.u32 %r9, %r9, %r8;"),
            expected([](uint32_t l) { return (l < 16 ? 99 : l) + 31; }));
  // Half of the warp shuffles in one place, half in another.
  EXPECT_EQ(perThread("setp.lt.u32 %p1, %t, 16; @!%p1 bra ELSE;\nshfl.sync.bfly.b32 %r9, %t, 1, 31, 0xffff; bra MET;\n"
                      "ELSE: shfl.sync.bfly.b32 %r9, %t, 2, 31, 0xffff0000;\nMET: bar.warp.sync -1;"),
            expected([](uint32_t l) { return l < 16 ? l ^ 1 : l ^ 2; }));
  // Some leave before the others end.
  std::vector<uint32_t> out = runRight<uint32_t>(
      kernelOf("setp.ge.u32 %p1, %t, 8; @%p1 ret; activemask.b32 %r9; st.global.b32 [%at], %r9;"), {0}, 128);
  EXPECT_EQ(out[0], 255u);
  EXPECT_EQ(out[8 * 4], 0xa5a5a5a5);
}

TEST(PtxThreads, GuardsChoose) {
  EXPECT_EQ(perThread("mov.b32 %r9, 1; setp.gt.u32 %p1, %t, 3; @%p1 mov.b32 %r9, 2; @!%p1 add.u32 %r9, %r9, 4;"),
            expected([](uint32_t l) { return l > 3 ? 2u : 5u; }));
}

TEST(PtxThreads, MisuseIsFound) {
  // A shuffle that waits for threads which went elsewhere.
  std::vector<Fault> faults = faultsOf(kernelOf(
      "setp.lt.u32 %p1, %t, 16; @!%p1 bra ELSE;\nshfl.sync.bfly.b32 %r9, %t, 1, 31, -1;\nELSE: bar.warp.sync -1;"));
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].kind, Fault::Kind::Barrier);
  EXPECT_EQ(faults[0].line, 11u);
  EXPECT_NE(faults[0].text.find("warp 0 at line 11 for other threads of the warp"), std::string::npos)
      << faults[0].text;
  // From a thread that does not take part.
  faults = faultsOf(kernelOf(
      "setp.lt.u32 %p1, %t, 16; @!%p1 ret;\nshfl.sync.bfly.b32 %r9, %t, 16, 31, 0xffff; st.global.b32 [%at], %r9;"));
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].kind, Fault::Kind::Unwritten);
  // Outside of its own mask.
  faults = faultsOf(kernelOf("shfl.sync.bfly.b32 %r9, %t, 1, 31, 0xffff;"));
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].kind, Fault::Kind::Undefined);
  faults = faultsOf(kernelOf("@%p1 bra L;\nL: ret;"));
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].kind, Fault::Kind::Unwritten);
  EXPECT_EQ(faults[0].line, 10u);
  faults = faultsOf(kernelOf("trap;"));
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].kind, Fault::Kind::Undefined);
}

TEST(PtxThreads, EndlessLoopsAreStopped) {
  std::vector<Fault> faults;
  Launch launch;
  launch.mostInstructions = 10000;
  run<uint32_t>(kernelOf("L: bra L;"), {0}, 1, faults, launch);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].kind, Fault::Kind::Barrier);
}

TEST(PtxThreads, GridsAndBlocksOfThreeDimensions) {
  Module module = read(R"(.version 8.0
.target sm_80
.address_size 64
.visible .entry k(.param .u64 out)
{ .reg .b32 %r<20>; .reg .b64 %d<4>;
mov.u32 %r1, %tid.x; mov.u32 %r2, %tid.y; mov.u32 %r3, %ntid.x; mov.u32 %r4, %ntid.y; mov.u32 %r5, %ctaid.x; mov.u32 %r6, %ctaid.z;
mov.u32 %r7, %nctaid.x;
mad.lo.u32 %r8, %r2, %r3, %r1; mad.lo.u32 %r9, %r6, %r7, %r5; mul.lo.u32 %r10, %r3, %r4; mad.lo.u32 %r11, %r9, %r10, %r8;
ld.param.b64 %d1, [out]; mul.wide.u32 %d2, %r11, 4; add.s64 %d1, %d1, %d2; st.global.b32 [%d1], %r11;
})");
  Machine machine(module);
  Launch launch;
  launch.kernel = "k";
  launch.grid = {3, 1, 2};
  launch.threads = {5, 9, 1};
  uint64_t out = machine.allocate(3 * 2 * 45 * 4);
  launch.arguments = {argument(out)};
  EXPECT_TRUE(machine.launch(launch));
  std::optional<std::vector<uint32_t>> values = machine.download<uint32_t>(out, 270);
  ASSERT_TRUE(values); // all were written
  for (uint32_t i = 0; i < 270; ++i)
    EXPECT_EQ((*values)[i], i);
}

TEST(PtxThreads, LaunchesThatDoNotFitAreRefused) {
  Module module = read(kernelOf("ret;", 64));
  Launch right;
  right.kernel = "k";
  right.arguments = {argument(uint64_t(0)), argument(uint64_t(0))};
  std::vector<Launch> wrong(4, right);
  wrong[0].kernel = "other";
  wrong[1].arguments.pop_back();
  wrong[2].arguments[0].pop_back();
  wrong[3].threads = {32, 1, 1};
  EXPECT_TRUE(Machine(module).launch(right));
  for (const Launch &each : wrong) {
    Machine machine(module);
    EXPECT_FALSE(machine.launch(each));
    ASSERT_EQ(machine.faults().size(), 1u);
    EXPECT_EQ(machine.faults()[0].kind, Fault::Kind::Launch);
  }
}

TEST(PtxThreads, LaunchesBeyondLimitsAreRefused) {
  auto runs = [](std::string text, unsigned threads, unsigned dynamicShared) {
    if (size_t at = text.find(".reqntid 64"); threads && at != std::string::npos)
      text.replace(at, 11, ".maxntid 8, 8");
    Module module = read(text);
    Machine machine(module);
    Launch launch;
    launch.kernel = "k";
    launch.threads = {threads, threads ? 1u : 0u, threads ? 1u : 0u};
    launch.dynamicShared = dynamicShared;
    launch.arguments = {argument(uint64_t(0)), argument(uint64_t(0))};
    bool right = machine.launch(launch);
    for (const Fault &each : machine.faults())
      EXPECT_EQ(each.kind, Fault::Kind::Launch);
    return right;
  };
  EXPECT_TRUE(runs(kernelOf("ret;", 64), 64, 0));
  EXPECT_TRUE(runs(kernelOf("ret;", 64), 33, 0));
  EXPECT_FALSE(runs(kernelOf("ret;", 64), 65, 0));
  EXPECT_TRUE(runs(kernelOf("ret;", 64), 0, 232448));
  EXPECT_FALSE(runs(kernelOf("ret;", 64), 0, 232449));
  EXPECT_FALSE(runs(kernelOf("ret;", 64), 0, ~0u));
  const char *own = ".shared .align 16 .b8 smem[16];\n";
  EXPECT_TRUE(runs(kernelOf("ret;", 64, own), 0, 232432));
  EXPECT_FALSE(runs(kernelOf("ret;", 64, own), 0, 232448));
}

} // namespace quoin::ptx::test::threads
