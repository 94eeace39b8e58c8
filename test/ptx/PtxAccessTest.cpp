//===- PtxAccessTest.cpp - loads, stores, atomics, and what they must not do --===//

#include "test/ptx/PtxFixture.h"

namespace quoin::ptx::test::access {

static std::vector<Fault> faultsOf(const std::string &body, unsigned threads = 32,
                                   const std::string &declarations = "") {
  std::vector<Fault> faults;
  run<uint32_t>(kernelOf(body, threads, declarations), {1, 2, 3, 4}, 4096, faults);
  return faults;
}

/// The one fault of a body, its kind and its line.
static void expectFault(const std::string &body, Fault::Kind kind, uint32_t line, const std::string &words,
                        unsigned threads = 32, const std::string &declarations = "") {
  std::vector<Fault> faults = faultsOf(body, threads, declarations);
  ASSERT_EQ(faults.size(), 1u) << body;
  EXPECT_EQ(faults[0].kind, kind) << faults[0].text;
  EXPECT_EQ(faults[0].line, line) << faults[0].text;
  EXPECT_NE(faults[0].text.find(words), std::string::npos) << faults[0].text;
}

TEST(PtxAccess, WidthsSignsAndVectors) {
  std::vector<uint32_t> in = {0x818283f4, 2, 3, 4, 5, 6, 7, 8};
  std::vector<uint32_t> out = runRight<uint32_t>(
      kernelOf("ld.global.u8 %r1, [%in]; ld.global.s8 %r2, [%in]; ld.global.nc.L1::no_allocate.u16 %h1, [%in+2]; "
               "cvt.u32.u16 %r3, %h1;"
               "ld.global.s16 %r4, [%in+2]; st.global.v4.b32 [%out], {%r1, %r2, %r3, %r4};"
               "ld.global.v2.b64 {%d1, %d2}, [%in]; st.global.b64 [%out+16], %d2; st.global.b64 [%out+24], %d1;"
               "ld.global.v4.b16 {%h1, %h2, %h3, %h4}, [%in]; st.global.v2.b16 [%out+32], {%h2, %h1};"
               "mov.b32 %r5, 0x1234; st.global.b8 [%out+36], %r5; st.volatile.global.b8 [%out+37], 7; st.global.b16 "
               "[%out+38], 9;"
               "ld.s8 %d3, [%in]; st.b64 [%out+40], %d3; ld.param.b64 %d4, [in]; sub.s64 %d4, %d4, %in; st.global.b64 "
               "[%out+48], %d4;"
               "mov.b64 %d5, in; ld.param.b64 %d6, [%d5]; sub.s64 %d6, %d6, %in; st.global.b64 [%out+56], %d6;",
               1),
      in, 16);
  EXPECT_EQ(out, (std::vector<uint32_t>{0xf4, 0xfffffff4, 0x8182, 0xffff8182, 3, 4, 0x818283f4, 2, 0x83f48182,
                                        0x00090734, 0xfffffff4, 0xffffffff, 0, 0, 0, 0}));
}

TEST(PtxAccess, SpacesAndGenericAddresses) {
  std::vector<uint32_t> out = runRight<uint32_t>(
      kernelOf("mov.b64 %d1, smem; cvta.shared.u64 %d2, %d1; st.b32 [%d2+4], 7; ld.shared.b32 %r1, [smem+4];"
               "cvta.to.shared.u64 %d3, %d2; mov.b32 %r3, smem; ld.shared.b32 %r2, [%r3+4];"
               "mov.b64 %d4, table; cvta.global.u64 %d4, %d4; ld.u32 %r4, [%d4+4]; ld.const.u32 %r5, [fixed];"
               "st.global.v4.b32 [%out], {%r1, %r2, %r4, %r5}; sub.s64 %d3, %d3, %d1; st.global.b64 [%out+16], %d3;",
               1, ".shared .align 8 .b8 smem[8]; .global .u32 table[2] = {5, 6}; .const .u32 fixed = 9;\n"),
      {0}, 6);
  EXPECT_EQ(out, (std::vector<uint32_t>{7, 7, 6, 9, 0, 0}));
}

TEST(PtxAccess, Atomics) {
  std::string body =
      "atom.global.add.u32 %r1, [%in], 2; red.global.max.s32 [%in+4], %t; atom.global.and.b32 _, [%in+8], -2;"
      "atom.global.add.f32 %r2, [%in+12], 0f3F800000; atom.global.inc.u32 %r3, [%in+16], 3;"
      "atom.global.cas.b32 %r4, [%in+20], 5, 50; atom.global.exch.b32 %r5, [%in+24], 8;"
      "atom.global.min.u64 %d1, [%in+32], 17; red.global.add.u64 [%in+40], 1; red.global.xor.b32 [%in+28], 1;"
      "st.global.v4.b32 [%at], {%r1, %r3, %r4, %r5};";
  Module module = read(kernelOf(body));
  for (uint64_t seed = 1; seed < 4; ++seed) {
    Machine machine(module);
    uint64_t in = machine.upload(std::vector<uint32_t>{10, uint32_t(-9), 0xff, 0, 0, 5, 1, 0, 99, 0, 0xffffffff, 0}),
             out = machine.allocate(512);
    Launch launch;
    launch.kernel = "k";
    launch.seed = seed;
    launch.arguments = {argument(in), argument(out)};
    ASSERT_TRUE(machine.launch(launch)) << machine.faults()[0].text;
    EXPECT_EQ(machine.download<uint32_t>(in, 12),
              (std::vector<uint32_t>{74, 31, 0xfe, 0x42000000, 0, 50, 8, 0, 17, 0, 31, 1}));
    std::vector<uint32_t> old = *machine.download<uint32_t>(out, 128);
    uint64_t sum = 0, fives = 0;
    for (size_t l = 0; l < 32; ++l) {
      sum += old[l * 4];
      fives += old[l * 4 + 2] == 5;
    }
    EXPECT_EQ(sum, 32u * 10 + 2 * 496); // each sees another value
    EXPECT_EQ(fives, 1u);               // one exchanges
  }
}

TEST(PtxAccess, BoundsAndAlignment) {
  using Kind = Fault::Kind;
  expectFault("ld.global.b32 %r1, [%in+16];", Kind::Bounds, 10, "within an allocation of global memory");
  expectFault("\nst.global.b32 [%in+-4], %t;", Kind::Bounds, 11, "within an allocation of global memory");
  expectFault("ld.global.v2.b32 {%r1, %r2}, [%in+4];", Kind::Alignment, 10, "a multiple of 8");
  expectFault("st.shared.b32 [smem+16], %t;", Kind::Bounds, 10,
              "within 16 bytes of shared memory, but found 16 with 4 bytes", 1, ".shared .align 4 .b8 smem[16];\n");
  expectFault("mov.b32 %r1, 6; st.shared.b32 [%r1], %t;", Kind::Alignment, 10, "a multiple of 4, but found 6", 1,
              ".shared .align 4 .b8 smem[16];\n");
  expectFault("mov.b64 %d1, 0; ld.b32 %r1, [%d1];", Kind::Bounds, 10, "within an allocation");
  expectFault("mov.b32 %r1, 12; ld.param.b64 %d1, [%r1];", Kind::Alignment, 10, "a multiple of 8");
  expectFault("mov.b32 %r1, 16; ld.param.b64 %d1, [%r1];", Kind::Bounds, 10, "within 16 bytes of parameters");
}

TEST(PtxAccess, WhatNobodyWrote) {
  using Kind = Fault::Kind;
  expectFault("ld.shared.b32 %r1, [smem];", Kind::Unwritten, 10, "shared byte 0 that nobody wrote", 1,
              ".shared .b32 smem;\n");
  expectFault("ld.global.b32 %r1, [%out];", Kind::Unwritten, 10, "global byte 0 that nobody wrote");
  expectFault("st.global.b32 [%at], %r1;", Kind::Unwritten, 10, "a number to store");
  expectFault("ld.global.b32 %r2, [%d1];", Kind::Unwritten, 10, "an address that was written");
  expectFault("mov.b32 %r2, %r1; add.u32 %r2, %r2, 1;\nst.global.b32 [%at], %r2;", Kind::Unwritten, 11,
              "a number to store");
  expectFault("atom.global.add.u32 %r2, [%in], %r1;", Kind::Unwritten, 10, "an operand of an atomic operation");
  // What is not chosen does not matter.
  EXPECT_TRUE(faultsOf("setp.lt.u32 %p1, %t, 64; selp.b32 %r2, 5, %r1, %p1; st.global.b32 [%at], %r2;").empty());
}

TEST(PtxAccess, CountsSectorsAndBankConflicts) {
  auto countersOf = [](const std::string &body) {
    Module module = read(kernelOf(body, 32, ".shared .align 16 .b8 smem[8192];\n"));
    Machine machine(module);
    uint64_t in = machine.upload(std::vector<uint32_t>(4096, 1)), out = machine.allocate(512);
    Launch launch;
    launch.kernel = "k";
    launch.arguments = {argument(in), argument(out)};
    EXPECT_TRUE(machine.launch(launch));
    return machine.counters();
  };
  Counters close = countersOf(
      "mad.wide.u32 %d1, %t, 4, %in; ld.global.b32 %r1, [%d1]; mul.lo.u32 %r2, %t, 4; st.shared.b32 [%r2], 0;");
  EXPECT_EQ(close.sectors, 4u);
  EXPECT_EQ(close.leastSectors, 4u);
  EXPECT_EQ(close.sharedPasses, 1u);
  Counters far = countersOf(
      "mad.wide.u32 %d1, %t, 64, %in; ld.global.b32 %r1, [%d1]; mul.lo.u32 %r2, %t, 128; st.shared.b32 [%r2], 0;");
  EXPECT_EQ(far.sectors, 32u);
  EXPECT_EQ(far.leastSectors, 4u);
  EXPECT_EQ(far.sharedPasses, 32u);
  EXPECT_EQ(far.leastSharedPasses, 1u);
}

} // namespace quoin::ptx::test::access
