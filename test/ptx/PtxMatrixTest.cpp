//===- PtxMatrixTest.cpp - matrices of a warp and of a warpgroup -------------===//

#include "test/ptx/Numbers.h"
#include "test/ptx/PtxFixture.h"
#include <random>

namespace quoin::ptx::test::matrix {

static uint32_t pair(Format format, double low, double high) {
  return uint32_t(encode(format, low) | encode(format, high) << 16);
}

static std::string list(const std::string &prefix, unsigned from, unsigned count) {
  std::string text = "{";
  for (unsigned i = 0; i < count; ++i)
    text += (i ? ", " : "") + prefix + std::to_string(from + i);
  return text + "}";
}

TEST(PtxMatrix, LoadsAndStoresFragments) {
  // Row r of matrix m holds 64 m + 8 r + column, as halves of words.
  std::vector<uint32_t> in;
  for (uint32_t i = 0; i < 128; ++i)
    in.push_back(2 * i | (2 * i + 1) << 16);
  const std::string fill =
      "mul.lo.u32 %r1, %t, 16; mad.wide.u32 %d1, %t, 16, %in; ld.global.v4.b32 {%r2, %r3, %r4, %r5}, [%d1];"
      "st.shared.v4.b32 [%r1], {%r2, %r3, %r4, %r5}; bar.warp.sync -1;\n";
  const char *declared = ".shared .align 16 .b8 smem[1024];\n";
  std::vector<uint32_t> out =
      runRight<uint32_t>(kernelOf(fill + "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r2, %r3, %r4, %r5}, [%r1]; "
                                         "st.global.v4.b32 [%at], {%r2, %r3, %r4, %r5};",
                                  32, declared),
                         in, 128);
  for (uint32_t l = 0; l < 32; ++l)
    for (uint32_t m = 0; m < 4; ++m) {
      uint32_t low = 64 * m + 8 * (l / 4) + 2 * (l % 4);
      EXPECT_EQ(out[l * 4 + m], low | (low + 1) << 16);
    }
  out = runRight<uint32_t>(
      kernelOf(
          fill +
              "ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%r2, %r3}, [%r1]; st.global.v2.b32 [%at], {%r2, %r3};",
          32, declared),
      in, 128);
  for (uint32_t l = 0; l < 32; ++l) {
    uint32_t low = 8 * 2 * (l % 4) + l / 4; // row 2 (l % 4), column l / 4
    EXPECT_EQ(out[l * 4], low | (low + 8) << 16);
  }
  // Stored and loaded again, it is the same.
  for (const char *transposed : {"", ".trans"}) {
    std::string move =
        std::string("ldmatrix.sync.aligned.m8n8.x4") + transposed + ".shared.b16 {%r2, %r3, %r4, %r5}, [%r1];" +
        "stmatrix.sync.aligned.m8n8.x4" + transposed +
        ".shared.b16 [%r1+512], {%r2, %r3, %r4, %r5}; bar.warp.sync -1;" +
        "ld.shared.v4.b32 {%r2, %r3, %r4, %r5}, [%r1+512]; st.global.v4.b32 [%at], {%r2, %r3, %r4, %r5};";
    EXPECT_EQ(runRight<uint32_t>(kernelOf(fill + move, 32, declared), in, 128), in);
  }
}

/// D = A B + C by fragments as PTX lays them out, against sums in doubles.
static void expectProduct(const std::string &type, Format format, unsigned depth, unsigned registersOfA) {
  std::mt19937 random(3);
  auto draw = [&] { return double(int(random() % 17) - 8) / 4; };
  double a[16][16], b[16][8], c[16][8];
  for (auto &row : a)
    for (double &each : row)
      each = draw();
  for (auto &row : b)
    for (double &each : row)
      each = draw();
  for (auto &row : c)
    for (double &each : row)
      each = draw();
  bool single = type == "tf32";
  unsigned registersOfB = registersOfA / 2;
  std::vector<uint32_t> in;
  for (unsigned l = 0; l < 32; ++l) {
    for (unsigned q = 0; q < registersOfA; ++q) {
      unsigned row = l / 4 + 8 * (q % 2), k = single ? l % 4 + 4 * (q / 2) : l % 4 * 2 + 8 * (q / 2);
      in.push_back(single ? uint32_t(encode(kSingle, a[row][k])) : pair(format, a[row][k], a[row][k + 1]));
    }
    for (unsigned q = 0; q < registersOfB; ++q) {
      unsigned k = single ? l % 4 + 4 * q : l % 4 * 2 + 8 * q, column = l / 4;
      in.push_back(single ? uint32_t(encode(kSingle, b[k][column])) : pair(format, b[k][column], b[k + 1][column]));
    }
    for (unsigned q = 0; q < 4; ++q)
      in.push_back(uint32_t(encode(kSingle, c[l / 4 + 8 * (q / 2)][l % 4 * 2 + q % 2])));
  }
  unsigned each = registersOfA + registersOfB + 4;
  std::string body = "mad.wide.u32 %d1, %t, " + std::to_string(each * 4) + ", %in;\n";
  for (unsigned i = 0; i < each; ++i)
    body += "ld.global.b32 %r" + std::to_string(i) + ", [%d1+" + std::to_string(4 * i) + "];";
  body += "mma.sync.aligned.m16n8k" + std::to_string(depth) + ".row.col.f32." + type + "." + type +
          ".f32 {%r20, %r21, %r22, %r23}, " + list("%r", 0, registersOfA) + ", " +
          list("%r", registersOfA, registersOfB) + ", " + list("%r", registersOfA + registersOfB, 4) +
          "; st.global.v4.b32 [%at], {%r20, %r21, %r22, %r23};";
  std::vector<uint32_t> out = runRight<uint32_t>(kernelOf(body), in, 128);
  for (unsigned l = 0; l < 32; ++l)
    for (unsigned q = 0; q < 4; ++q) {
      unsigned i = l / 4 + 8 * (q / 2), j = l % 4 * 2 + q % 2;
      double sum = c[i][j];
      for (unsigned k = 0; k < depth; ++k)
        sum += a[i][k] * b[k][j];
      EXPECT_EQ(decode(kSingle, out[l * 4 + q]), sum);
    }
}

TEST(PtxMatrix, MultipliesInAWarp) {
  expectProduct("bf16", kBrain, 16, 4);
  expectProduct("f16", kHalf, 16, 4);
  expectProduct("bf16", kBrain, 8, 2);
  expectProduct("tf32", kTensor, 8, 4);
}

/// D = A B^T of 64 x n over 16, both factors in shared memory as the descriptor's swizzle says, or A in registers.
static void expectWarpgroup(unsigned n, unsigned layout, bool registers, int sign) {
  std::mt19937 random(n + layout);
  unsigned span = layout == 0 ? 16 : layout == 1 ? 128 : layout == 2 ? 64 : 32;
  // Without swizzle: 8 rows of 16 bytes together, the second half of k behind all rows.
  auto place = [&](unsigned row, unsigned k, unsigned rows) {
    if (layout == 0)
      return row / 8 * 128 + k / 8 * rows * 16 + row % 8 * 16 + k % 8 * 2;
    unsigned at = row * span + k * 2;
    return at ^ ((at >> 7 & (span / 16 - 1)) << 4);
  };
  std::vector<double> a(64 * 16), b(n * 16);
  std::vector<uint16_t> bytes(16384, 0);
  for (double &each : a)
    each = double(int(random() % 17) - 8) / 4;
  for (double &each : b)
    each = double(int(random() % 17) - 8) / 4;
  for (unsigned k = 0; k < 16; ++k) {
    for (unsigned row = 0; row < 64; ++row)
      bytes[place(row, k, 64) / 2] = uint16_t(encode(kBrain, a[row * 16 + k]));
    for (unsigned row = 0; row < n; ++row)
      bytes[(8192 + place(row, k, n)) / 2] = uint16_t(encode(kBrain, b[row * 16 + k]));
  }
  uint64_t stride = layout == 0 ? 128 : span * 8;
  auto descriptor = [&](uint64_t start, unsigned rows) {
    return start >> 4 | uint64_t(layout == 0 ? rows * 16 / 16 : 1) << 16 | (stride >> 4) << 32 | uint64_t(layout) << 62;
  };
  std::string body = "mul.lo.u32 %r1, %t, 4; mad.wide.u32 %d1, %t, 4, %in; mov.b32 %r2, 0;\nCOPY: ld.global.b32 %r3, "
                     "[%d1]; st.shared.b32 [%r1], %r3;"
                     "add.u32 %r1, %r1, 512; add.s64 %d1, %d1, 512; setp.lt.u32 %p1, %r1, 32768; @%p1 bra COPY;\n"
                     "fence.proxy.async.shared::cta; bar.sync 0;\n";
  std::string left = std::to_string(descriptor(0, 64));
  if (registers) { // row g, then g + 8; k of t, then t + 8
    body += "shr.u32 %r4, %t, 5; bfe.u32 %r5, %t, 2, 3; mad.lo.u32 %r5, %r4, 16, %r5; and.b32 %r6, %t, 3;\n";
    for (unsigned q = 0; q < 4; ++q) // from the unswizzled copy behind it
      body += "mad.lo.u32 %r7, %r5, 32, " + std::to_string(16384 + q % 2 * 256 + q / 2 * 16) +
              "; mad.lo.u32 %r7, %r6, 4, %r7; ld.shared.b32 %r" + std::to_string(10 + q) + ", [%r7];";
    for (unsigned row = 0; row < 64; ++row)
      for (unsigned k = 0; k < 16; ++k)
        bytes[(16384 + row * 32 + k * 2) / 2] = uint16_t(encode(kBrain, a[row * 16 + k]));
    left = "{%r10, %r11, %r12, %r13}";
  }
  for (unsigned i = 0; i < n / 2; ++i)
    body += "mov.b32 %c" + std::to_string(i) + ", 0f40000000;";
  std::string accumulators = list("%c", 0, n / 2);
  body += "\nwgmma.fence.sync.aligned;\nsetp.eq.u32 %p2, %t, %t; wgmma.mma_async.sync.aligned.m64n" +
          std::to_string(n) + "k16.f32.bf16.bf16 " + accumulators + ", " + left + ", " +
          std::to_string(descriptor(8192, n)) + ", %p2, " + std::to_string(sign) + ", 1, 0" +
          (registers ? ";" : ", 0;") +
          "wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0;\nmad.wide.u32 %d2, %t, " +
          std::to_string(n * 2) + ", %out;";
  for (unsigned i = 0; i < n / 2; ++i)
    body += "st.global.b32 [%d2+" + std::to_string(4 * i) + "], %c" + std::to_string(i) + ";";
  std::string text = kernelOf(body, 128, ".shared .align 1024 .b8 smem[32768];\n");
  text.replace(text.find(".reg .b32 %t;"), 13, ".reg .b32 %t; .reg .b32 %c<128>;");
  Module module = read(text);
  for (Timing timing : kTimings) {
    Machine machine(module);
    uint64_t in = machine.upload(bytes), out = machine.allocate(128 * n * 2);
    Launch launch;
    launch.kernel = "k";
    launch.timing = timing;
    launch.arguments = {argument(in), argument(out)};
    ASSERT_TRUE(machine.launch(launch)) << machine.faults()[0].text;
    std::vector<float> values = *machine.download<float>(out, 128 * n / 2);
    for (unsigned t = 0; t < 128; ++t)
      for (unsigned q = 0; q < n / 2; ++q) {
        unsigned i = t / 32 * 16 + t % 32 / 4 + 8 * (q / 2 % 2), j = q / 4 * 8 + t % 4 * 2 + q % 2;
        double sum = 2;
        for (unsigned k = 0; k < 16; ++k)
          sum += sign * a[i * 16 + k] * b[j * 16 + k];
        ASSERT_EQ(values[t * n / 2 + q], sum) << i << " " << j;
      }
  }
}

TEST(PtxMatrix, MultipliesInAWarpgroup) {
  for (unsigned layout = 0; layout < 4; ++layout)
    expectWarpgroup(16, layout, false, 1);
  expectWarpgroup(8, 1, false, -1);
  expectWarpgroup(64, 1, false, 1);
  expectWarpgroup(16, 1, true, 1);
}

TEST(PtxMatrix, MisuseOfProductsIsFound) {
  const std::string head =
      "mul.lo.u32 %r1, %t, 64; st.shared.v4.b32 [%r1], {%t, %t, %t, %t}; st.shared.v4.b32 [%r1+16], {%t, %t, %t, %t};"
      "st.shared.v4.b32 [%r1+32], {%t, %t, %t, %t}; st.shared.v4.b32 [%r1+48], {%t, %t, %t, %t};\n"
      "fence.proxy.async; bar.sync 0; mov.b32 %r2, 0; mov.b32 %r3, 0; mov.b32 %r4, 0; mov.b32 %r5, 0;\n"
      "mov.b32 %r6, 0; mov.b32 %r7, 0; mov.b32 %r8, 0; mov.b32 %r9, 0; mov.b32 %r10, 0; mov.b32 %r11, 0;"
      "mov.b32 %r12, 0; mov.b32 %r13, 0;\n";
  const std::string fence = "wgmma.fence.sync.aligned;\n",
                    multiply = "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%r2, %r3, %r4, %r5}, "
                               "0x4000004000010000, 0x4000004000010000, 1, 1, 1, 0, 0;\n",
                    byRegisters = "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%r6, %r7, %r8, %r9}, "
                                  "{%r10, %r11, %r12, %r13}, 0x4000004000010000, 1, 1, 1, 0;\n",
                    ofResults = "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%r6, %r7, %r8, %r9}, "
                                "{%r2, %r3, %r4, %r5}, 0x4000004000010000, 1, 1, 1, 0;\n",
                    intoFactors = "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%r10, %r11, %r12, %r13}, "
                                  "0x4000004000010000, 0x4000004000010000, 1, 1, 1, 0, 0;\n",
                    commit = "wgmma.commit_group.sync.aligned;\n", wait = "wgmma.wait_group.sync.aligned 0;\n",
                    store = "st.global.v4.b32 [%at], {%r2, %r3, %r4, %r5};\n";
  auto faultsOf = [&](const std::string &body, unsigned threads = 128) {
    std::vector<Fault> all;
    for (Timing timing : kTimings) {
      std::vector<Fault> faults;
      Launch launch;
      launch.timing = timing;
      run<uint32_t>(kernelOf(head + body, threads, ".shared .align 1024 .b8 smem[8192];\n"), {0}, 512, faults, launch);
      if (faults.empty())
        return std::vector<Fault>();
      all = faults;
    }
    return all;
  };
  EXPECT_TRUE(faultsOf(fence + multiply + multiply + commit + wait + store).empty());
  EXPECT_TRUE(faultsOf(fence + multiply + byRegisters + byRegisters + commit + wait + store).empty());
  EXPECT_TRUE(faultsOf(fence + multiply + commit + wait + fence + ofResults + commit + wait).empty());
  EXPECT_TRUE(faultsOf(fence + byRegisters + commit + wait + fence + intoFactors + commit + wait).empty());
  std::vector<Fault> lacking = faultsOf(fence + multiply + commit + wait, 96);
  ASSERT_FALSE(lacking.empty());
  EXPECT_NE(lacking[0].text.find("expects the four warps of a group, but found 3"), std::string::npos)
      << lacking[0].text;
  const std::pair<std::string, Fault::Kind> wrong[] = {
      {multiply + commit + wait + store, Fault::Kind::Product},
      {fence + "mov.b32 %r2, 1;\n" + multiply + commit + wait + store, Fault::Kind::Product},
      {fence + multiply + commit + store + wait, Fault::Kind::Product},
      {fence + multiply + commit + "mov.b32 %r3, 0;\n" + wait, Fault::Kind::Product},
      {fence + multiply + commit + "wgmma.wait_group.sync.aligned 1;\n" + store + wait, Fault::Kind::Product},
      {fence + multiply + wait + store, Fault::Kind::Product}, // not committed
      {fence + multiply + ofResults + commit + wait, Fault::Kind::Product},
      {fence + multiply + commit + fence + ofResults + commit + wait, Fault::Kind::Product},
      {fence + byRegisters + intoFactors + commit + wait, Fault::Kind::Product},
      {fence + byRegisters + commit + "wgmma.wait_group.sync.aligned 1;\n" + intoFactors + commit + wait,
       Fault::Kind::Product},
      {"setp.ge.u32 %p1, %t, 96; @%p1 bra L;\n" + fence + multiply + commit + wait + "L:", Fault::Kind::Product},
      {"st.shared.b32 [%r1], 5;\n" + fence + multiply + commit + wait, Fault::Kind::Race},
      {"bar.sync 0; st.shared.b32 [%r1], 5; bar.sync 0;\n" + fence + multiply + commit + wait, Fault::Kind::Proxy},
      {fence + multiply + commit + "st.shared.b32 [%r1], 5;\n" + wait, Fault::Kind::Race},
  };
  for (const auto &[body, kind] : wrong) {
    std::vector<Fault> faults = faultsOf(body);
    bool found = false;
    for (const Fault &each : faults)
      found |= each.kind == kind;
    EXPECT_TRUE(found) << body << (faults.empty() ? "" : faults[0].text);
  }
}

} // namespace quoin::ptx::test::matrix
