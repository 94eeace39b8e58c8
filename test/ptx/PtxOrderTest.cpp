//===- PtxOrderTest.cpp - barriers, copies, and the races without them -------===//
//
// Each case is right as it stands and wrong without its line marked `// -`: that is found under every schedule.
//
//===----------------------------------------------------------------------===//

#include "test/ptx/PtxFixture.h"
#include <algorithm>

namespace quoin::ptx::test::order {

static constexpr const char *kShared = ".shared .align 128 .b8 smem[4096];\n";

/// The body without its marks, or without its marked lines.
static std::string bodyOf(const std::string &marked, bool broken) {
  std::string body;
  for (size_t at = 0; at < marked.size();) {
    size_t end = std::min(marked.find('\n', at), marked.size());
    std::string line = marked.substr(at, end - at);
    bool drops = line.find("// -") != std::string::npos;
    body += (drops && broken ? "" : line) + "\n";
    at = end + 1;
  }
  return body;
}

/// Runs both under several schedules; the broken one has that fault, at that line if one is given.
static void expectNeeded(const std::string &marked, unsigned threads, Fault::Kind kind, uint32_t line = 0,
                         const std::string &words = "", const std::string &declarations = kShared, Launch launch = {}) {
  for (Timing timing : kTimings)
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      launch.timing = timing;
      launch.seed = seed;
      runRight<uint32_t>(kernelOf(bodyOf(marked, false), threads, declarations), std::vector<uint32_t>(64, 7), 4096,
                         launch);
      std::vector<Fault> faults;
      run<uint32_t>(kernelOf(bodyOf(marked, true), threads, declarations), std::vector<uint32_t>(64, 7), 4096, faults,
                    launch);
      bool found = false;
      std::string all;
      for (const Fault &each : faults) {
        all += each.text + "\n";
        found |= each.kind == kind && (!line || each.line == line) && each.text.find(words) != std::string::npos;
      }
      EXPECT_TRUE(found) << marked << "\n" << all;
    }
}

TEST(PtxOrder, BarrierOfTheBlock) {
  expectNeeded("mul.lo.u32 %r1, %t, 4; st.shared.b32 [%r1], %t;\nbar.sync 0; // -\nxor.b32 %r2, %r1, 128;\n"
               "ld.shared.b32 %r3, [%r2]; st.global.b32 [%at], %r3;",
               64, Fault::Kind::Race, 13, "read");
  // A read before another's write.
  expectNeeded(
      "mul.lo.u32 %r1, %t, 4; st.shared.b32 [%r1], %t; bar.sync 0;\nxor.b32 %r2, %r1, 128; ld.shared.b32 %r3, [%r2];\n"
      "bar.sync 0; // -\nst.shared.b32 [%r1], 5; st.global.b32 [%at], %r3;",
      64, Fault::Kind::Race);
}

TEST(PtxOrder, BothPartiesAreNamed) {
  std::vector<Fault> faults;
  run<uint32_t>(kernelOf("setp.ne.u32 %p1, %t, 37; @%p1 bra READ;\nst.shared.b32 [smem+8], 1; bra READ2;\nREAD: "
                         "setp.eq.u32 %p1, %t, 5;\n"
                         "@%p1 ld.shared.b32 %r1, [smem+8];\nREAD2: ret;",
                         64, kShared),
                {0}, 4, faults);
  bool found = false;
  for (const Fault &each : faults)
    found |= each.text.find("shared byte 8, written by warp 1 lane 5 at line 11") != std::string::npos ||
             each.text.find("shared byte 8, which may still be read by warp 0 lane 5 at line 13") != std::string::npos;
  EXPECT_TRUE(found);
}

TEST(PtxOrder, ThreadsOfAWarp) {
  expectNeeded("mul.lo.u32 %r1, %t, 4; st.shared.b32 [%r1], %t;\nbar.warp.sync -1; // -\nxor.b32 %r2, %r1, "
               "4;\nld.shared.b32 %r3, [%r2];\n"
               "st.global.b32 [%at], %r3;",
               32, Fault::Kind::Race, 13, "written by warp 0 lane");
  // Two threads, one word.
  std::vector<Fault> faults;
  run<uint32_t>(kernelOf("st.shared.b32 [smem], %t;", 32, kShared), {0}, 4, faults);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].kind, Fault::Kind::Race);
  // Two threads, two halves of a word: no race.
  runRight<uint32_t>(
      kernelOf("mul.lo.u32 %r1, %t, 2; cvt.u16.u32 %h1, %t; st.shared.b16 [%r1], %h1; bar.sync 0;"
               "xor.b32 %r1, %r1, 2; ld.shared.b16 %h2, [%r1]; and.b32 %r1, %r1, 60; ld.shared.b32 %r2, [%r1];",
               32, kShared),
      {0}, 4);
}

TEST(PtxOrder, NamedBarriersAndArrivals) {
  // Warp 0 writes and goes on, warp 1 waits for it.
  expectNeeded("mul.lo.u32 %r1, %t, 4; setp.ge.u32 %p1, %t, 32; @%p1 bra READ;\nst.shared.b32 [%r1], %t; bar.arrive 3, "
               "64; ret;\n"
               "READ:\nbar.sync 3, 64; // -\nld.shared.b32 %r3, [%r1+-128]; st.global.b32 [%at], %r3;",
               64, Fault::Kind::Race);
  std::vector<Fault> faults;
  run<uint32_t>(kernelOf("setp.ge.u32 %p1, %t, 32; @%p1 bra L;\nbar.sync 1;\nL: bar.sync 2;", 64), {0}, 1, faults);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].kind, Fault::Kind::Barrier);
  EXPECT_NE(faults[0].text.find("warp 0 at line 11 at barrier 1 with 32 of 64 threads; warp 1 at line 12 at barrier 2"),
            std::string::npos)
      << faults[0].text;
  // Half of a warp at an aligned barrier.
  run<uint32_t>(kernelOf("setp.ge.u32 %p1, %t, 16; @%p1 bra L;\nbar.sync 1;\nL: bar.sync 2;", 64), {0}, 1, faults);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].kind, Fault::Kind::Barrier);
  // One that left before it.
  run<uint32_t>(kernelOf("setp.eq.u32 %p1, %t, 3; @%p1 ret;\nbar.sync 0;", 32), {0}, 1, faults);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_NE(faults[0].text.find("some have ended"), std::string::npos);
  run<uint32_t>(kernelOf("bar.sync 0, 48;", 64), {0}, 1, faults);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].kind, Fault::Kind::Undefined);
}

TEST(PtxOrder, FlagsWithReleaseAndAcquire) {
  const char *spin = "AGAIN: ld.acquire.cta.shared.b32 %r4, [smem+256]; setp.eq.u32 %p2, %r4, 0; @%p2 bra AGAIN;\n";
  std::string head =
      "setp.eq.u32 %p3, %t, 0; @%p3 st.shared.b32 [smem+256], 0; bar.sync 0;\nsetp.ne.u32 %p1, %t, 32; @%p1 bra "
      "READ;\n";
  std::string read = std::string("READ: setp.ne.u32 %p1, %t, 0; @%p1 bra END;\n") + spin +
                     "ld.shared.b32 %r5, [smem]; st.global.b32 [%at], %r5;\nEND:";
  auto with = [&](const std::string &write) { return head + write + " bra END;\n" + read; };
  auto faultsOf = [&](const std::string &body) {
    std::vector<Fault> faults;
    run<uint32_t>(kernelOf(body, 64, kShared), {0}, 4, faults);
    return faults;
  };
  EXPECT_TRUE(faultsOf(with("st.shared.b32 [smem], 9; st.release.cta.shared.b32 [smem+256], 1;")).empty());
  EXPECT_TRUE(
      faultsOf(with("st.shared.b32 [smem], 9; fence.acq_rel.cta; st.relaxed.cta.shared.b32 [smem+256], 1;")).empty());
  EXPECT_TRUE(faultsOf(with("st.shared.b32 [smem], 9; atom.release.cta.shared.add.u32 _, [smem+256], 1;")).empty());
  EXPECT_FALSE(faultsOf(with("st.shared.b32 [smem], 9; st.relaxed.cta.shared.b32 [smem+256], 1;")).empty());
  EXPECT_FALSE(faultsOf(with("st.release.cta.shared.b32 [smem+256], 1; st.shared.b32 [smem], 9;")).empty());
}

TEST(PtxOrder, AsynchronousCopies) {
  const std::string begin = "mul.lo.u32 %r1, %t, 16; and.b32 %r2, %t, 15; mad.wide.u32 %d1, %r2, 16, %in;\n"
                            "cp.async.cg.shared.global [%r1], [%d1], 16; cp.async.commit_group;\n";
  expectNeeded(
      begin + "cp.async.wait_group 0; // -\nld.shared.b32 %r3, [%r1]; st.global.b32 [%at], %r3; cp.async.wait_all;", 32,
      Fault::Kind::Race, 13, "cp.async");
  // Others' copies need a barrier, too.
  expectNeeded(begin + "cp.async.wait_group 0;\nbar.sync 0; // -\nxor.b32 %r4, %r1, 16;\nld.shared.b32 %r3, [%r4];", 32,
               Fault::Kind::Race, 15, "cp.async of warp 0 lane");
  // The group before the last is waited for, the last is not.
  expectNeeded(
      begin +
          "cp.async.ca.shared.global [%r1+2048], [%d1], 8; cp.async.commit_group; cp.async.wait_group 1;\n"
          "ld.shared.b32 %r3, [%r1];\ncp.async.wait_group 0; // -\nld.shared.b32 %r3, [%r1+2048]; cp.async.wait_all;",
      32, Fault::Kind::Race, 15);
  std::vector<Fault> faults;
  run<uint32_t>(kernelOf(begin, 32, kShared), std::vector<uint32_t>(64, 7), 4, faults, [] {
    Launch l;
    l.timing = Timing::Late;
    return l;
  }());
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].kind, Fault::Kind::Unfinished);
  // Fewer bytes than there is room for: zeros follow.
  std::vector<uint32_t> out =
      runRight<uint32_t>(kernelOf("cp.async.ca.shared.global [smem], [%in], 16, 4; cp.async.wait_all; ld.shared.v4.b32 "
                                  "{%r1, %r2, %r3, %r4}, [smem];"
                                  "st.global.v4.b32 [%out], {%r1, %r2, %r3, %r4};",
                                  1, kShared),
                         {5, 6, 7, 8}, 4);
  EXPECT_EQ(out, (std::vector<uint32_t>{5, 0, 0, 0}));
  // An mbarrier that copies arrive at.
  expectNeeded("setp.ne.u32 %p1, %t, 0; @%p1 bra L; mbarrier.init.shared.b64 [smem+2048], 32;\nL: bar.sync 0;\n" +
                   begin +
                   "cp.async.mbarrier.arrive.noinc.shared.b64 [smem+2048];\n"
                   "W: mbarrier.try_wait.parity.shared.b64 %p2, [smem+2048], 0; @!%p2 bra W; // -\n"
                   "xor.b32 %r4, %r1, 16; ld.shared.b32 %r3, [%r4];",
               32, Fault::Kind::Race);
}

TEST(PtxOrder, ArrivalsOfCopiesCommitNothing) {
  const std::string begin =
      "setp.ne.u32 %p1, %t, 0; @%p1 bra L; mbarrier.init.shared.b64 [smem+2048], 32;\n"
      "L: bar.sync 0; mul.lo.u32 %r1, %t, 16; and.b32 %r2, %t, 15; mad.wide.u32 %d1, %r2, 16, %in;\n"
      "cp.async.cg.shared.global [%r1], [%d1], 16;\n"
      "cp.async.mbarrier.arrive.noinc.shared.b64 [smem+2048];\n"
      "cp.async.ca.shared.global [%r1+1024], [%d1], 8; cp.async.commit_group;\n";
  // Both copies are in the one group that the wait leaves unfinished.
  expectNeeded(begin + "cp.async.wait_group 1;\n"
                       "W: mbarrier.try_wait.parity.shared.b64 %p2, [smem+2048], 0; @!%p2 bra W; // -\n"
                       "ld.shared.b32 %r3, [%r1]; cp.async.wait_all;",
               32, Fault::Kind::Race, 17, "cp.async");
  expectNeeded(begin + "cp.async.wait_group 0; // -\nld.shared.b32 %r3, [%r1]; ld.shared.b32 %r3, [%r1+1024];\n"
                       "cp.async.wait_all;",
               32, Fault::Kind::Race, 16, "cp.async");
}

/// A thread initialises an mbarrier at smem + 2048 and one copies 256 bytes of the input to smem.
static const std::string kBulk =
    "setp.ne.u32 %p1, %t, 0; @%p1 bra READY; mbarrier.init.shared.b64 [smem+2048], 1; "
    "fence.mbarrier_init.release.cluster;\n"
    "READY: bar.sync 0; @%p1 bra WAIT;\nmbarrier.arrive.expect_tx.shared.b64 _, [smem+2048], 256;\n"
    "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [smem], [%in], 256, [smem+2048];\nWAIT:\n";

TEST(PtxOrder, BulkCopies) {
  expectNeeded(kBulk + "AGAIN: mbarrier.try_wait.parity.shared.b64 %p2, [smem+2048], 0; @!%p2 bra AGAIN; // -\n"
                       "mul.lo.u32 %r1, %t, 4; ld.shared.b32 %r2, [%r1]; st.global.b32 [%at], %r2;",
               64, Fault::Kind::Race, 16, "a bulk copy at line 13");
  // A wait that may give up is no wait.
  expectNeeded(kBulk + "AGAIN: mbarrier.try_wait.parity.shared.b64 %p2, [smem+2048], 0;\n@!%p2 bra AGAIN; // -\n"
                       "mul.lo.u32 %r1, %t, 4; ld.shared.b32 %r2, [%r1]; st.global.b32 [%at], %r2;",
               512 / 8, Fault::Kind::Race);
  // test_wait by state, asked again and again.
  runRight<uint32_t>(
      kernelOf("mbarrier.init.shared.b64 [smem+2048], 2; fence.mbarrier_init.release.cluster; "
               "mbarrier.expect_tx.shared.b64 [smem+2048], 16;"
               "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [smem], [%in], 16, [smem+2048];"
               "mbarrier.arrive.shared.b64 %d1, [smem+2048], 2;\nL: mbarrier.test_wait.shared.b64 %p1, [smem+2048], "
               "%d1; @!%p1 bra L;"
               "ld.shared.b32 %r1, [smem]; st.global.b32 [%at], %r1; mbarrier.inval.shared.b64 [smem+2048];",
               1, kShared),
      {1, 2, 3, 4}, 4);
}

TEST(PtxOrder, CopiesEndWhileAFlagIsAsked) {
  // One warp asks a flag again and again, which the other sets once the copy has ended.
  std::string body = "setp.eq.u32 %p3, %t, 0; @%p3 st.shared.b32 [smem+1024], 0;\n" + kBulk +
                     "setp.ge.u32 %p4, %t, 32; @%p4 bra ASK;\n"
                     "AGAIN: mbarrier.try_wait.parity.shared.b64 %p2, [smem+2048], 0; @!%p2 bra AGAIN; // -\n"
                     "@%p3 st.release.cta.shared.b32 [smem+1024], 1;\n"
                     "ASK: ld.acquire.cta.shared.b32 %r4, [smem+1024]; setp.eq.u32 %p2, %r4, 0; @%p2 bra ASK;\n"
                     "mul.lo.u32 %r1, %t, 4; ld.shared.b32 %r2, [%r1]; st.global.b32 [%at], %r2;";
  Launch launch;
  launch.mostInstructions = 1 << 18;
  expectNeeded(body, 64, Fault::Kind::Race, 0, "a bulk copy", kShared, launch);
}

TEST(PtxOrder, ReuseOfASlot) {
  // The slot is filled again once all have read it, which they say at a second mbarrier.
  std::string body =
      "setp.ne.u32 %p1, %t, 0; @%p1 bra READY; mbarrier.init.shared.b64 [smem+2048], 1; mbarrier.init.shared.b64 "
      "[smem+2056], 64;\n"
      "fence.mbarrier_init.release.cluster;\nREADY: bar.sync 0; mov.b32 %r5, 0;\nROUND: @%p1 bra WAIT; setp.eq.b32 "
      "%p3, %r5, 0; @%p3 bra FILL;\n"
      "E: mbarrier.try_wait.parity.shared.b64 %p2, [smem+2056], 0; @!%p2 bra E; // -\n"
      "FILL: mbarrier.arrive.expect_tx.shared.b64 _, [smem+2048], 256;\n"
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [smem], [%in], 256, [smem+2048];\nWAIT:\n"
      "F: mbarrier.try_wait.parity.shared.b64 %p2, [smem+2048], %r5; @!%p2 bra F;\n"
      "mul.lo.u32 %r1, %t, 4; ld.shared.b32 %r2, [%r1]; mbarrier.arrive.shared.b64 _, [smem+2056];\n"
      "add.u32 %r5, %r5, 1; setp.lt.u32 %p3, %r5, 2; @%p3 bra ROUND; st.global.b32 [%at], %r2;";
  expectNeeded(body, 64, Fault::Kind::Race);
}

TEST(PtxOrder, MisuseOfMbarriers) {
  using Kind = Fault::Kind;
  auto only = [](const std::string &body, Kind kind, const std::string &words, unsigned threads = 1) {
    std::vector<Fault> faults;
    run<uint32_t>(kernelOf(body, threads, kShared), std::vector<uint32_t>(64, 7), 4, faults);
    ASSERT_FALSE(faults.empty()) << body;
    EXPECT_EQ(faults[0].kind, kind) << faults[0].text;
    EXPECT_NE(faults[0].text.find(words), std::string::npos) << faults[0].text;
  };
  only("mbarrier.arrive.shared.b64 _, [smem];", Kind::Mbarrier, "none initialised at shared address 0");
  only("mbarrier.init.shared.b64 [smem], 0;", Kind::Mbarrier, "1 to 1048575 arrivals");
  only("mbarrier.init.shared.b64 [smem], 1; mbarrier.init.shared.b64 [smem], 1;", Kind::Mbarrier, "no mbarrier");
  only("mbarrier.init.shared.b64 [smem], 2; mbarrier.arrive.shared.b64 _, [smem], 3;", Kind::Mbarrier,
       "at most 2 more arrivals");
  only("mbarrier.init.shared.b64 [smem], 2; ld.shared.b32 %r1, [smem];", Kind::Mbarrier,
       "only operations of mbarriers");
  only("mbarrier.init.shared.b64 [smem+4], 2;", Kind::Alignment, "multiple of 8");
  only("mbarrier.init.shared.b64 [smem], 1;\nL: mbarrier.try_wait.parity.shared.b64 %p1, [smem], 0; @!%p1 bra L;",
       Kind::Barrier, "at the mbarrier at 0, phase 0, which lacks 1 arrivals and 0 bytes");
  only("setp.eq.u32 %p1, %t, 0; @%p1 mbarrier.init.shared.b64 [smem], 64; @%p1 bra L; L: mbarrier.arrive.shared.b64 _, "
       "[smem];",
       Kind::Race, "initialised by warp 0 lane 0", 32);
  only("mbarrier.init.shared.b64 [smem+128], 1; mbarrier.arrive.expect_tx.shared.b64 _, [smem+128], 16;"
       "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [smem], [%in], 16, [smem+128];",
       Kind::Proxy, "fence.mbarrier_init or fence.proxy.async");
  only("mbarrier.init.shared.b64 [smem+128], 1; fence.mbarrier_init.release.cluster;"
       "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [smem], [%in], 24, [smem+128];",
       Kind::Undefined, "a multiple of 16 bytes");
  only("mbarrier.init.shared.b64 [smem], 1; mbarrier.expect_tx.shared.b64 [smem], 1048575;\n"
       "mbarrier.expect_tx.shared.b64 [smem], 1;",
       Kind::Mbarrier, "less than 1048576 bytes in a phase of the mbarrier, but found 1048576");
}

TEST(PtxOrder, ProxiesAndBulkStores) {
  std::string store =
      "mul.lo.u32 %r1, %t, 4; st.shared.b32 [%r1], %t;\nfence.proxy.async.shared::cta; // -\nbar.sync 0;\n"
      "setp.ne.u32 %p1, %t, 0; @%p1 bra END;\ncp.async.bulk.global.shared::cta.bulk_group [%out], [smem], 256;\n"
      "cp.async.bulk.commit_group; cp.async.bulk.wait_group 0;\nEND:";
  expectNeeded(store, 64, Fault::Kind::Proxy, 14, "written by warp");
  std::vector<uint32_t> out = runRight<uint32_t>(kernelOf(bodyOf(store, false), 64, kShared), {0}, 64);
  for (uint32_t i = 0; i < 64; ++i)
    EXPECT_EQ(out[i], i);
  // Shared memory may be written again once it is read.
  std::string again = "st.shared.v4.b32 [smem], {%t, %t, %t, %t}; fence.proxy.async;\n"
                      "cp.async.bulk.global.shared::cta.bulk_group [%out], [smem], 16; cp.async.bulk.commit_group;\n"
                      "cp.async.bulk.wait_group.read 0; // -\nst.shared.b32 [smem], 1;\ncp.async.bulk.wait_group 0;";
  expectNeeded(again, 1, Fault::Kind::Race, 13, "which may still be read by bulk store of warp 0 lane 0");
  // What was stored is read back only after a full wait.
  std::string back = "st.shared.v4.b32 [smem], {%t, %t, %t, %t}; fence.proxy.async;\n"
                     "cp.async.bulk.global.shared::cta.bulk_group [%out], [smem], 16; cp.async.bulk.commit_group;\n"
                     "cp.async.bulk.wait_group.read 0;\ncp.async.bulk.wait_group 0; // -\nld.global.b32 %r1, [%out];";
  expectNeeded(back, 1, Fault::Kind::Race, 14, "written by bulk store");
}

TEST(PtxOrder, ProxyFencesOfOneSpace) {
  const std::string begin = "mbarrier.init.shared.b64 [smem+2048], 1; fence.mbarrier_init.release.cluster;\n"
                            "mbarrier.arrive.expect_tx.shared.b64 _, [smem+2048], 16;\n";
  const std::string end =
      "W: mbarrier.try_wait.parity.shared.b64 %p2, [smem+2048], 0; @!%p2 bra W; cp.async.bulk.wait_group 0;";
  struct {
    std::string write, copy;
    bool shared;
  } cases[] = {
      {"st.global.v4.b32 [%out], {%t, %t, %t, %t};",
       "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [smem], [%out], 16, [smem+2048];\n", false},
      {"st.shared.v4.b32 [smem], {%t, %t, %t, %t};",
       "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [smem], [%in], 16, [smem+2048];\n", true},
      {"st.shared.v4.b32 [smem+64], {%t, %t, %t, %t};",
       "cp.async.bulk.global.shared::cta.bulk_group [%out], [smem+64], 16; cp.async.bulk.commit_group;\n"
       "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [smem], [%in], 16, [smem+2048];\n",
       true}};
  for (const auto &each : cases)
    for (const char *space : {"", ".shared::cta", ".shared::cluster", ".global"}) {
      bool right = !*space || each.shared == (space != std::string(".global"));
      std::vector<Fault> faults;
      run<uint32_t>(kernelOf(begin + each.write + "\nfence.proxy.async" + space + ";\n" + each.copy + end, 1, kShared),
                    {1, 2, 3, 4}, 4, faults);
      EXPECT_EQ(faults.size(), right ? 0u : 1u) << each.write << space << (faults.empty() ? "" : faults[0].text);
      for (const Fault &found : faults)
        EXPECT_EQ(found.kind, Fault::Kind::Proxy) << found.text;
    }
}

Launch clusterOfTwo() {
  Launch launch;
  launch.grid = {2, 1, 1};
  launch.clusterBlocks = 2;
  return launch;
}

TEST(PtxOrder, Clusters) {
  // Each block reads what its neighbour wrote, and stays until its own was read.
  std::string body =
      "mul.lo.u32 %r1, %t, 4; mov.u32 %r2, %cluster_ctarank; mad.lo.u32 %r3, %r2, 100, %t; st.shared.b32 [%r1], %r3;\n"
      "barrier.cluster.arrive.release.aligned; barrier.cluster.wait.acquire.aligned; // -\n"
      "xor.b32 %r4, %r2, 1; mapa.shared::cluster.u32 %r5, %r1, %r4;\nld.shared::cluster.b32 %r6, [%r5];\n"
      "shl.b32 %r7, %r2, 9; cvt.u64.u32 %d1, %r7; add.s64 %d1, %d1, %at; st.global.b32 [%d1], %r6;\n"
      "barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;";
  Launch launch = clusterOfTwo();
  expectNeeded(body, 32, Fault::Kind::Race, 13, "of the cluster", kShared, launch);
  std::vector<uint32_t> out = runRight<uint32_t>(kernelOf(bodyOf(body, false), 32, kShared), {0}, 256, launch);
  EXPECT_EQ(out[4 * 5], 105u);
  EXPECT_EQ(out[128 + 4 * 5], 5u);
}

TEST(PtxOrder, ArrivalsInOtherBlocks) {
  // Block 0 writes into block 1's shared memory and arrives at its mbarrier; block 1 waits there.
  std::string body =
      "mov.u32 %r2, %cluster_ctarank; mov.b32 %r1, 2048; setp.ne.u32 %p1, %t, 0;\n"
      "@%p1 bra READY; mbarrier.init.shared.b64 [smem+2048], 32; fence.mbarrier_init.release.cluster;\n"
      "READY: barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;\nsetp.eq.u32 %p2, %r2, 1; @%p2 bra WAIT;\n"
      "mapa.shared::cluster.u32 %r3, %r1, 1; shl.b32 %r4, %t, 2; mapa.shared::cluster.u32 %r5, %r4, 1; "
      "st.shared::cluster.b32 [%r5], %t;\n"
      "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%r3]; bra END;\nWAIT:\n"
      "AGAIN: mbarrier.try_wait.parity.acquire.cluster.shared.b64 %p3, [smem+2048], 0; @!%p3 bra AGAIN; // -\n"
      "shl.b32 %r4, %t, 2; xor.b32 %r4, %r4, 4; ld.shared.b32 %r6, [%r4]; st.global.b32 [%at], %r6;\n"
      "END: barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;";
  Launch launch = clusterOfTwo();
  // Without the wait it reads before or after the write, which nothing orders.
  expectNeeded(body, 32, Fault::Kind::Race, 0, "shared byte", kShared, launch);
  std::vector<uint32_t> out = runRight<uint32_t>(kernelOf(bodyOf(body, false), 32, kShared), {0}, 128, launch);
  EXPECT_EQ(out[4 * 6], 7u);
  // Without the cluster's scope on both sides the arrival orders nothing.
  for (const char *scope : {".release.cluster", ".acquire.cluster"}) {
    std::string narrow = bodyOf(body, false);
    narrow.erase(narrow.find(scope, narrow.find("mbarrier.arrive")), std::strlen(scope));
    for (Timing timing : kTimings) {
      launch.timing = timing;
      std::vector<Fault> missing;
      run<uint32_t>(kernelOf(narrow, 32, kShared), {0}, 128, missing, launch);
      ASSERT_EQ(missing.size(), 1u) << scope;
      EXPECT_EQ(missing[0].kind, Fault::Kind::Race);
      EXPECT_NE(missing[0].text.find("written by block 0 of the cluster"), std::string::npos) << missing[0].text;
    }
  }
  std::vector<Fault> faults;
  run<uint32_t>(kernelOf("mov.b32 %r1, 0; mapa.shared::cluster.u32 %r2, %r1, 2;", 32, kShared), {0}, 1, faults, launch);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].kind, Fault::Kind::Bounds);
}

TEST(PtxOrder, LaunchesThatOverlap) {
  // Weights may be read at once, what the launch before computes only after the wait, and by all after a barrier.
  auto faultsOf = [](const std::string &body) {
    Module module = read(kernelOf(body, 64));
    Machine machine(module);
    uint64_t in = machine.upload(std::vector<uint32_t>(64, 7)), out = machine.allocate(4096);
    Launch launch;
    launch.kernel = "k";
    launch.grid = {1, 1, 1};
    launch.arguments = {argument(in), argument(out)};
    launch.earlier = {{in, 128, true}, {out, 16, false}};
    machine.launch(launch);
    return machine.faults();
  };
  EXPECT_TRUE(
      faultsOf("ld.global.b32 %r1, [%in+128]; griddepcontrol.wait; ld.global.b32 %r2, [%in]; st.global.b32 [%at], %r2;")
          .empty());
  EXPECT_TRUE(
      faultsOf("setp.lt.u32 %p1, %t, 32; @%p1 griddepcontrol.wait; bar.sync 0; ld.global.b32 %r2, [%in];").empty());
  for (const char *body :
       {"ld.global.b32 %r2, [%in]; griddepcontrol.wait;", "st.global.b32 [%at], %t; griddepcontrol.wait;",
        "setp.lt.u32 %p1, %t, 32; @%p1 griddepcontrol.wait; ld.global.b32 %r2, [%in];"}) {
    std::vector<Fault> faults = faultsOf(body);
    ASSERT_EQ(faults.size(), 1u) << body;
    EXPECT_EQ(faults[0].kind, Fault::Kind::Race);
    EXPECT_NE(faults[0].text.find("the launch before"), std::string::npos) << faults[0].text;
  }
}

TEST(PtxOrder, BlocksThroughGlobalMemory) {
  // Blocks run together at best: what one wrote another cannot rely on.
  std::vector<Fault> faults;
  Launch launch;
  launch.grid = {2, 1, 1};
  run<uint32_t>(kernelOf("mov.u32 %r1, %ctaid.x; st.global.b32 [%at], %r1;"), {0}, 128, faults, launch);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].kind, Fault::Kind::Race);
  EXPECT_NE(faults[0].text.find("another block at line 10"), std::string::npos) << faults[0].text;
  // Atomic operations reach all.
  Module module = read(kernelOf("red.global.add.u32 [%in], 1;"));
  Machine machine(module);
  uint64_t in = machine.upload(std::vector<uint32_t>{0});
  launch.kernel = "k";
  launch.arguments = {argument(in), argument(in)};
  EXPECT_TRUE(machine.launch(launch));
  EXPECT_EQ(machine.download<uint32_t>(in, 1), std::vector<uint32_t>{64});
}

} // namespace quoin::ptx::test::order
