//===- PtxScalarTest.cpp - each form of arithmetic on one thread -------------===//

#include "test/ptx/Numbers.h"
#include "test/ptx/PtxFixture.h"
#include <cmath>
#include <random>

namespace quoin::ptx::test::scalar {

namespace {
/// An instruction on inputs, which are %h0.., %r0.., %d0.., %p0.. as one reads them; what is in %h9, %r9, %d9 or %p9
/// after it.
struct Case {
  const char *text;
  std::vector<uint64_t> inputs;
  uint64_t expected;
};
} // namespace

static std::string bodyOf(const std::vector<Case> &cases) {
  std::string body;
  for (size_t i = 0; i < cases.size(); ++i) {
    std::string text = cases[i].text, at = std::to_string(i * 8);
    for (size_t k = 0; k < cases[i].inputs.size(); ++k) {
      std::string n = std::to_string(k);
      body += "mov.b64 %d" + n + ", " + std::to_string(cases[i].inputs[k]) + ";cvt.u32.u64 %r" + n + ", %d" + n +
              ";cvt.u16.u64 %h" + n + ", %d" + n + ";and.b64 %d8, %d" + n + ", 1;setp.ne.b64 %p" + n + ", %d8, 0;";
    }
    body += text;
    if (text.find("%h9") != std::string::npos)
      body += "cvt.u64.u16 %d9, %h9;";
    else if (text.find("%r9") != std::string::npos)
      body += "cvt.u64.u32 %d9, %r9;";
    else if (text.find("%p9") != std::string::npos)
      body += "selp.b64 %d9, 1, 0, %p9;";
    body += "st.global.b64 [%out+" + at + "], %d9;\n";
  }
  return body;
}

static void expectAll(const std::vector<Case> &cases) {
  std::vector<uint64_t> out = runRight<uint64_t>(kernelOf(bodyOf(cases), 1), {0}, cases.size());
  for (size_t i = 0; i < cases.size(); ++i)
    EXPECT_EQ(out[i], cases[i].expected) << cases[i].text << std::hex << " gave " << out[i];
}

// f32
static constexpr uint64_t One = 0x3f800000, Two = 0x40000000, Third = 0x3eaaaaab, NaN = 0x7fc00001,
                          Canonical = 0x7fffffff, Infinite = 0x7f800000, Negative = 0x80000000, Tiny = 1,
                          Ulp = 0x33800000; // 2^-24

TEST(PtxScalar, AddsAndSubtractsIntegers) {
  expectAll({{"add.s32 %r9, %r0, %r1;", {0xffffffff, 2}, 1},
             {"add.u16 %h9, %h0, %h1;", {0xffff, 2}, 1},
             {"add.s64 %d9, %d0, -5;", {3}, uint64_t(-2)},
             {"add.sat.s32 %r9, %r0, %r1;", {0x7fffffff, 1}, 0x7fffffff},
             {"sub.sat.s32 %r9, %r0, %r1;", {0x80000000, 1}, 0x80000000},
             {"sub.u32 %r9, %r0, %r1;", {1, 2}, 0xffffffff}});
}

TEST(PtxScalar, MultipliesIntegers) {
  expectAll({{"mul.lo.s32 %r9, %r0, %r1;", {0x10001, 0x10001}, 0x20001},
             {"mul.hi.u32 %r9, %r0, %r1;", {0xffffffff, 0xffffffff}, 0xfffffffe},
             {"mul.hi.s32 %r9, %r0, %r1;", {0xffffffff, 2}, 0xffffffff},
             {"mul.hi.u64 %d9, %d0, %d1;", {~0ull, ~0ull}, ~0ull - 1},
             {"mul.hi.s64 %d9, %d0, %d1;", {~0ull, ~0ull}, 0},
             {"mul.wide.u32 %d9, %r0, %r1;", {0xffffffff, 2}, 0x1fffffffe},
             {"mul.wide.s32 %d9, %r0, %r1;", {0xffffffff, 2}, uint64_t(-2)},
             {"mul.wide.u16 %r9, %h0, %h1;", {0xffff, 0xffff}, 0xfffe0001},
             {"mul.wide.s16 %r9, %h0, %h1;", {0xffff, 3}, 0xfffffffd},
             {"mad.lo.s32 %r9, %r0, %r1, %r2;", {3, 4, 5}, 17},
             {"mad.hi.u32 %r9, %r0, %r1, %r2;", {0x80000000, 4, 5}, 7},
             {"mad.wide.u32 %d9, %r0, %r1, %d2;", {0xffffffff, 2, 2}, 0x200000000},
             {"dp4a.s32.s32 %r9, %r0, %r1, %r2;", {0xff020304, 0x01010101, 10}, 18},
             {"dp4a.u32.s32 %r9, %r0, %r1, %r2;", {0x000000ff, 0x000000ff, 0}, uint64_t(uint32_t(-255))}});
}

TEST(PtxScalar, DividesIntegers) {
  expectAll({{"div.s32 %r9, %r0, %r1;", {uint64_t(-7), 2}, uint32_t(-3)},
             {"rem.s32 %r9, %r0, %r1;", {uint64_t(-7), 2}, uint32_t(-1)},
             {"div.u32 %r9, %r0, %r1;", {0xfffffff9, 2}, 0x7ffffffc},
             {"rem.u64 %d9, %d0, %d1;", {~0ull, 10}, 5},
             {"div.s16 %h9, %h0, %h1;", {0xfff9, 2}, 0xfffd}});
}

TEST(PtxScalar, ComparesAndSelects) {
  expectAll({{"min.s32 %r9, %r0, %r1;", {0xffffffff, 1}, 0xffffffff},
             {"min.u32 %r9, %r0, %r1;", {0xffffffff, 1}, 1},
             {"max.s64 %d9, %d0, %d1;", {~0ull, 1}, 1},
             {"max.u16 %h9, %h0, %h1;", {0xffff, 1}, 0xffff},
             {"abs.s32 %r9, %r0;", {0xfffffffe}, 2},
             {"neg.s32 %r9, %r0;", {1}, 0xffffffff},
             {"setp.lt.s32 %p9, %r0, %r1;", {0xffffffff, 0}, 1},
             {"setp.lo.u32 %p9, %r0, %r1;", {0xffffffff, 0}, 0},
             {"setp.ge.and.u32 %p9, %r0, %r1, %p2;", {2, 1, 0}, 0},
             {"setp.ge.or.u32 %p9, %r0, %r1, !%p2;", {0, 1, 0}, 1},
             {"setp.eq.xor.b64 %p9, %d0, %d1, %p2;", {1, 1, 1}, 0},
             {"setp.eq.s16 %p8|%p9, %h0, %h1;", {1, 1}, 0},
             {"setp.lt.f32 %p9, %r0, %r1;", {NaN, One}, 0},
             {"setp.ltu.f32 %p9, %r0, %r1;", {NaN, One}, 1},
             {"setp.ne.f32 %p9, %r0, %r1;", {NaN, One}, 0},
             {"setp.neu.f32 %p9, %r0, %r1;", {NaN, One}, 1},
             {"setp.eq.f32 %p9, %r0, %r1;", {Negative, 0}, 1},
             {"setp.eq.ftz.f32 %p9, %r0, %r1;", {Tiny, 0}, 1},
             {"setp.num.f32 %p9, %r0, %r1;", {NaN, One}, 0},
             {"setp.nan.f32 %p9, %r0, %r1;", {NaN, One}, 1},
             {"setp.gt.bf16 %p9, %h0, %h1;", {0x3f80, 0xbf80}, 1},
             {"selp.b32 %r9, %r0, %r1, %p2;", {5, 6, 0}, 6},
             {"selp.f64 %d9, %d0, 0d3FF0000000000000, %p1;", {5, 0}, 0x3ff0000000000000},
             {"testp.subnormal.f32 %p9, %r0;", {Tiny}, 1},
             {"testp.normal.f32 %p9, %r0;", {Tiny}, 0},
             {"testp.infinite.f32 %p9, %r0;", {Infinite | Negative}, 1},
             {"testp.notanumber.f32 %p9, %r0;", {NaN}, 1}});
}

TEST(PtxScalar, MovesBits) {
  expectAll({{"and.b32 %r9, %r0, 0xff;", {0x1234}, 0x34},
             {"or.b64 %d9, %d0, %d1;", {1, 2}, 3},
             {"xor.b16 %h9, %h0, %h1;", {0xffff, 1}, 0xfffe},
             {"not.b32 %r9, %r0;", {1}, 0xfffffffe},
             {"not.pred %p9, %p0;", {1}, 0},
             {"and.pred %p9, %p0, %p1;", {1, 0}, 0},
             {"shl.b32 %r9, %r0, 31;", {3}, 0x80000000},
             {"shl.b32 %r9, %r0, 32;", {3}, 0},
             {"shl.b64 %d9, %d0, 0x100000004;", {3}, 48},
             {"shl.b16 %h9, %h0, 15;", {3}, 0x8000},
             {"shr.u32 %r9, %r0, 40;", {~0ull}, 0},
             {"shr.s32 %r9, %r0, 40;", {0x80000000}, 0xffffffff},
             {"shr.s64 %d9, %d0, %r1;", {1ull << 63, 62}, uint64_t(-2)},
             {"shr.b16 %h9, %h0, 4;", {0xff00}, 0x0ff0},
             {"shf.l.wrap.b32 %r9, %r0, %r1, 36;", {0x12345678, 0x9abcdef0}, 0xabcdef01},
             {"shf.l.clamp.b32 %r9, %r0, %r1, 36;", {0x12345678, 0x9abcdef0}, 0x12345678},
             {"shf.r.clamp.b32 %r9, %r0, %r1, 8;", {0x12345678, 0x9abcdef0}, 0xf0123456},
             {"shf.r.wrap.b32 %r9, %r0, %r1, 32;", {0x12345678, 0x9abcdef0}, 0x12345678},
             {"bfe.u32 %r9, %r0, 8, 8;", {0x12345678}, 0x56},
             {"bfe.s32 %r9, %r0, 4, 4;", {0x80}, 0xfffffff8},
             {"bfe.s32 %r9, %r0, 28, 8;", {0x80000000}, 0xfffffff8},
             {"bfe.u64 %d9, %d0, 60, 8;", {~0ull}, 15},
             {"bfe.u32 %r9, %r0, 0, 0;", {~0ull}, 0},
             {"bfi.b32 %r9, %r0, %r1, 8, 4;", {0xff, 0x11111111}, 0x11111f11},
             {"popc.b64 %r9, %d0;", {~0ull}, 64},
             {"clz.b32 %r9, %r0;", {1}, 31},
             {"clz.b64 %r9, %d0;", {0}, 64},
             {"brev.b32 %r9, %r0;", {1}, 0x80000000},
             {"lop3.b32 %r9, %r0, %r1, %r2, 0xca;", {0xff00ff00, 0xaaaaaaaa, 0x55555555}, 0xaa55aa55},
             {"prmt.b32 %r9, %r0, %r1, 0x7054;", {0x33221100, 0x77665544}, 0x77005544},
             {"prmt.b32 %r9, %r0, %r1, 0x000b;", {0x80221100, 0}, 0x000000ff},
             {"mov.b64 %d9, {%r0, %r1};", {1, 2}, 0x200000001},
             {"mov.b64 {%r8, %r9}, %d0;", {0x200000001}, 2},
             {"mov.b32 {%h9, %h8}, %r0;", {0x56781234}, 0x1234},
             {"mov.b32 %r9, 0f3F800000;", {}, One},
             {"mov.b64 {_, %r9}, %d0;", {0x700000001}, 7}});
}

TEST(PtxScalar, RoundsFloats) {
  expectAll({{"add.rn.f32 %r9, %r0, %r1;", {One, Ulp}, One},
             {"add.rp.f32 %r9, %r0, %r1;", {One, Ulp}, One + 1},
             {"add.rz.f32 %r9, %r0, %r1;", {One, Ulp}, One},
             {"add.rm.f32 %r9, %r0, %r1;", {One, Ulp | Negative}, One - 1},
             {"add.rp.f32 %r9, %r0, %r1;", {One, Tiny}, One + 1},
             {"add.rm.f32 %r9, %r0, %r1;", {One, One | Negative}, Negative},
             {"add.f32 %r9, %r0, %r1;", {One, One | Negative}, 0},
             {"add.f32 %r9, %r0, %r1;", {NaN, One}, Canonical},
             {"sub.f32 %r9, %r0, %r1;", {Infinite, Infinite}, Canonical},
             {"add.ftz.f32 %r9, %r0, %r1;", {Tiny, 0}, 0},
             {"add.sat.f32 %r9, %r0, %r1;", {One, One}, One},
             {"add.sat.f32 %r9, %r0, %r1;", {NaN, One}, 0},
             {"mul.rz.f32 %r9, %r0, %r1;", {0x7f7fffff, Two}, 0x7f7fffff},
             {"mul.rn.f32 %r9, %r0, %r1;", {0x7f7fffff, Two}, Infinite},
             {"mul.rp.f32 %r9, %r0, %r1;", {Tiny, 0x3e800000}, 1},
             {"mul.ftz.f32 %r9, %r0, %r1;", {0x00800000, 0xbf000000}, Negative},
             {"fma.rn.f32 %r9, %r0, %r1, %r2;", {One + 1, One + 1, (One + 2) | Negative}, 0x28800000},
             {"fma.rz.f32 %r9, %r0, %r1, %r2;", {One, One, Tiny | Negative}, One - 1},
             {"mad.rn.f32 %r9, %r0, %r1, %r2;", {Two, Two, One}, 0x40a00000},
             {"div.rn.f32 %r9, %r0, %r1;", {One, 0x40400000}, Third},
             {"div.rz.f32 %r9, %r0, %r1;", {One, 0x40400000}, Third - 1},
             {"div.rp.f32 %r9, %r0, %r1;", {Tiny, Two}, 1},
             {"rcp.rn.f32 %r9, %r0;", {0x40400000}, Third},
             {"rcp.rm.f32 %r9, %r0;", {0x40400000}, Third - 1},
             {"sqrt.rn.f32 %r9, %r0;", {Two}, 0x3fb504f3},
             {"sqrt.rp.f32 %r9, %r0;", {Two}, 0x3fb504f4},
             {"sqrt.rn.f32 %r9, %r0;", {One | Negative}, Canonical},
             {"div.full.f32 %r9, %r0, %r1;", {One, Two}, 0x3f000000},
             {"add.f64 %d9, %d0, %d1;", {0x3ff0000000000000, 0x3ff0000000000000}, 0x4000000000000000},
             {"fma.rn.f64 %d9, %d0, %d0, %d0;", {0x4000000000000000}, 0x4018000000000000},
             {"abs.f32 %r9, %r0;", {One | Negative}, One},
             {"neg.ftz.f32 %r9, %r0;", {Tiny}, Negative},
             {"copysign.f32 %r9, %r0, %r1;", {Negative, One}, One | Negative},
             {"min.f32 %r9, %r0, %r1;", {NaN, One}, One},
             {"min.NaN.f32 %r9, %r0, %r1;", {NaN, One}, Canonical},
             {"min.f32 %r9, %r0, %r1;", {0, Negative}, Negative},
             {"max.f32 %r9, %r0, %r1;", {Negative, 0}, 0},
             {"max.ftz.f32 %r9, %r0, %r1;", {Tiny | Negative, Two | Negative}, Negative},
             {"max.f32 %r9, %r0, %r1;", {NaN, NaN}, Canonical}});
}

TEST(PtxScalar, ApproximatesFunctions) {
  expectAll({{"ex2.approx.f32 %r9, %r0;", {0x40400000}, 0x41000000},
             {"ex2.approx.ftz.f32 %r9, %r0;", {0xc3000000}, 0},
             {"ex2.approx.f32 %r9, %r0;", {0xc3000000}, 0x00200000},
             {"lg2.approx.f32 %r9, %r0;", {0x41000000}, 0x40400000},
             {"rcp.approx.ftz.f32 %r9, %r0;", {Two}, 0x3f000000},
             {"rsqrt.approx.f32 %r9, %r0;", {0x40800000}, 0x3f000000},
             {"sqrt.approx.f32 %r9, %r0;", {0x40800000}, Two},
             {"rcp.approx.f32 %r9, %r0;", {0}, Infinite},
             {"sin.approx.f32 %r9, %r0;", {0}, 0},
             {"cos.approx.f32 %r9, %r0;", {0}, One},
             {"tanh.approx.f32 %r9, %r0;", {Infinite}, One}});
}

TEST(PtxScalar, ComputesInSixteenBits) {
  expectAll({{"add.f16 %h9, %h0, %h1;", {0x3c00, 0x3c00}, 0x4000},
             {"add.rn.bf16 %h9, %h0, %h1;", {0x3f80, 0x3b80}, 0x3f80},
             {"mul.bf16x2 %r9, %r0, %r1;", {0x40003f80, 0x40004040}, 0x40804040},
             {"fma.rn.f16x2 %r9, %r0, %r1, %r2;", {0x3c004000, 0x3c004000, 0x3c003c00}, 0x40004500},
             {"fma.rn.relu.bf16 %h9, %h0, %h1, %h2;", {0xbf80, 0x3f80, 0x0000}, 0},
             {"max.bf16x2 %r9, %r0, %r1;", {0x7fc03f80, 0x3f80bf80}, 0x3f803f80},
             {"min.NaN.f16 %h9, %h0, %h1;", {0x7e00, 0x3c00}, 0x7fff},
             {"neg.bf16x2 %r9, %r0;", {0x3f80bf80}, 0xbf803f80},
             {"abs.f16x2 %r9, %r0;", {0xbc003c00}, 0x3c003c00}});
}

TEST(PtxScalar, Converts) {
  expectAll({{"cvt.u64.u32 %d9, %r0;", {0xffffffff}, 0xffffffff},
             {"cvt.s64.s32 %d9, %r0;", {0xffffffff}, ~0ull},
             {"cvt.u32.u64 %r9, %d0;", {0x123456789}, 0x23456789},
             {"cvt.s32.s8 %r9, %r0;", {0x80}, 0xffffff80},
             {"cvt.u16.u8 %h9, %h0;", {0x1ff}, 0xff},
             {"cvt.sat.u8.s32 %r9, %r0;", {uint64_t(-3)}, 0},
             {"cvt.sat.s8.s32 %r9, %r0;", {uint64_t(-300)}, 0xffffff80},
             {"cvt.sat.s32.u64 %r9, %d0;", {~0ull}, 0x7fffffff},
             {"cvt.sat.u64.s32 %d9, %r0;", {uint64_t(-1)}, 0},
             {"cvt.rni.s32.f32 %r9, %r0;", {0x40200000}, 2},
             {"cvt.rzi.s32.f32 %r9, %r0;", {0xc0200000}, uint32_t(-2)},
             {"cvt.rmi.s32.f32 %r9, %r0;", {0xc0200000}, uint32_t(-3)},
             {"cvt.rpi.u32.f32 %r9, %r0;", {0x40200000}, 3},
             {"cvt.rzi.s32.f32 %r9, %r0;", {NaN}, 0},
             {"cvt.rzi.s64.f32 %d9, %r0;", {NaN}, 1ull << 63},
             {"cvt.rzi.u32.f32 %r9, %r0;", {One | Negative}, 0},
             {"cvt.rzi.s32.f32 %r9, %r0;", {Infinite}, 0x7fffffff},
             {"cvt.rzi.u8.f32 %r9, %r0;", {0x43960000}, 255},
             {"cvt.rn.f32.s32 %r9, %r0;", {0x01000001}, 0x4b800000},
             {"cvt.rp.f32.s32 %r9, %r0;", {0x01000001}, 0x4b800001},
             {"cvt.rn.f32.u64 %r9, %d0;", {0x8000008000000001}, 0x5f000001},
             {"cvt.rz.f32.u64 %r9, %d0;", {~0ull}, 0x5f7fffff},
             {"cvt.rn.f64.s64 %d9, %d0;", {0x20000000000001}, 0x4340000000000000},
             {"cvt.rp.f64.s64 %d9, %d0;", {0x20000000000001}, 0x4340000000000001},
             {"cvt.f64.f32 %d9, %r0;", {One}, 0x3ff0000000000000},
             {"cvt.rn.f32.f64 %r9, %d0;", {0x3ff0000010000000}, One},
             {"cvt.rp.f32.f64 %r9, %d0;", {0x3ff0000010000000}, One + 1},
             {"cvt.rni.f32.f32 %r9, %r0;", {0x40200000}, Two},
             {"cvt.sat.f32.f32 %r9, %r0;", {Two}, One},
             {"cvt.ftz.f32.f32 %r9, %r0;", {Tiny}, 0},
             {"cvt.rn.f16.f32 %h9, %r0;", {0x477ff000}, 0x7c00},
             {"cvt.rz.f16.f32 %h9, %r0;", {0x477ff000}, 0x7bff},
             {"cvt.rn.f16.f32 %h9, %r0;", {0x33000000}, 0},
             {"cvt.rn.f16.f32 %h9, %r0;", {0x33000001}, 1},
             {"cvt.f32.f16 %r9, %h0;", {0x0001}, 0x33800000},
             {"cvt.rn.bf16.f32 %h9, %r0;", {0x3f808000}, 0x3f80},
             {"cvt.rn.bf16.f32 %h9, %r0;", {0x3f818000}, 0x3f82},
             {"cvt.rn.relu.bf16.f32 %h9, %r0;", {One | Negative}, 0},
             {"cvt.rn.bf16.f32 %h9, %r0;", {NaN}, 0x7fff},
             {"cvt.f32.bf16 %r9, %h0;", {0x3f80}, One},
             {"cvt.rn.bf16x2.f32 %r9, %r0, %r1;", {One, Two}, 0x3f804000},
             {"cvt.rn.f16x2.f32 %r9, %r0, %r1;", {One, Two}, 0x3c004000},
             {"cvt.rna.tf32.f32 %r9, %r0;", {0x3f801000}, 0x3f802000},
             {"cvt.rn.satfinite.e4m3x2.f32 %h9, %r0, %r1;", {0x447a0000, One}, 0x7e38},
             {"cvt.rn.satfinite.e5m2x2.f32 %h9, %r0, %r1;", {One | Negative, Two}, 0xbc40},
             {"cvt.rn.f16x2.e4m3x2 %r9, %h0;", {0x7e38}, 0x5f003c00}});
}

/// Every direction against the exact result, which a wider float has.
TEST(PtxScalar, RoundsLikeExactArithmetic) {
  std::mt19937_64 random(7);
  auto any = [&] {
    uint32_t bits = uint32_t(random());
    if (random() % 4 == 0)
      bits &= 0x80ffffff; // small
    return bits;
  };
  for (int i = 0; i < 20000; ++i) {
    float a = single(any()), b = single(any()), c = single(any());
    if (!std::isfinite(a) || !std::isfinite(b) || !std::isfinite(c))
      continue;
    EXPECT_EQ(encode(kSingle, addOdd(a, b, Rounding::Nearest)), bitsOfSingle(a + b));
    EXPECT_EQ(encode(kSingle, fmaOdd(a, b, c, Rounding::Nearest)), bitsOfSingle(std::fma(a, b, c)));
    EXPECT_EQ(encode(kSingle, double(a) * b), bitsOfSingle(a * b));
    if (b != 0)
      EXPECT_EQ(encode(kSingle, divideOdd(a, b)), bitsOfSingle(a / b));
    EXPECT_EQ(encode(kSingle, sqrtOdd(std::fabs(a))), bitsOfSingle(std::sqrt(std::fabs(a))));
    // Down and up are what is exact, or neighbours that enclose it; the nearest is one of them.
    auto expectNeighbours = [](double odd, float nearest) {
      float down = single(encode(kSingle, odd, Rounding::Down)), up = single(encode(kSingle, odd, Rounding::Up));
      EXPECT_LE(double(down), odd);
      EXPECT_GE(double(up), odd);
      EXPECT_EQ(double(down) == odd ? down : std::nextafter(down, INFINITY), up);
      EXPECT_TRUE(nearest == down || nearest == up);
      EXPECT_EQ(single(encode(kSingle, odd, Rounding::Zero)), odd < 0 ? up : down);
    };
    expectNeighbours(addOdd(a, b, Rounding::Nearest), a + b);
    expectNeighbours(fmaOdd(a, b, c, Rounding::Nearest), std::fma(a, b, c));
    expectNeighbours(double(a) * b, a * b);
    if (b != 0)
      expectNeighbours(divideOdd(a, b), a / b);
    expectNeighbours(sqrtOdd(std::fabs(a)), std::sqrt(std::fabs(a)));
  }
  for (uint32_t bits = 0; bits < 0x10000; bits += 3)
    for (Format format : {kHalf, kBrain})
      if (double value = decode(format, bits); !std::isnan(value))
        EXPECT_EQ(encode(format, value), bits);
}

TEST(PtxScalar, TakesOddDivisionsForUndefined) {
  for (const char *text :
       {"div.s32 %r1, %t, 0;", "rem.u32 %r1, %t, 0;", "mov.b32 %r2, 0x80000000;div.s32 %r1, %r2, -1;"}) {
    std::vector<Fault> faults;
    run<uint32_t>(kernelOf(std::string(text) + "\nst.global.b32 [%at], %r1;"), {0}, 128, faults);
    ASSERT_EQ(faults.size(), 1u) << text;
    EXPECT_EQ(faults[0].kind, Fault::Kind::Unwritten);
    EXPECT_EQ(faults[0].line, 11u);
  }
}

} // namespace quoin::ptx::test::scalar
