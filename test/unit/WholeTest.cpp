//===- WholeTest.cpp - whole numbers with scales: rounding, packing, kernels ----===//
//
// The arithmetic of whole numbers is said to the last bit (docs/Spec.md), so results are compared bit by bit with
// plain loops, for every way in which machines multiply bytes. Numbers are hostile: the ends of ranges, groups of
// zeros, rows of what is no number.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Math/IR/Math.h"
#include "support/Quantization.h"
#include "test/unit/CpuFixture.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;
using namespace quoin::cpu::test;

// A product and a sum are two operations.
#pragma clang fp contract(off)

namespace {
//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

TEST(Quantization, OfEightBitsDividesByTheLargest) {
  std::vector<float> numbers = {254, -254, 1, 3, -1, 0, 253, 127};
  std::vector<int8_t> whole(numbers.size());
  EXPECT_EQ(quantizeGroup(numbers.data(), 8, 8, whole.data()), 2);
  // Ties go to even.
  EXPECT_EQ(whole, (std::vector<int8_t>{127, -127, 0, 2, 0, 0, 126, 64}));
}

TEST(Quantization, OfFourBitsTakesTheScaleOfLeastError) {
  // The first number of the largest magnitude gets -8; all others are whole multiples.
  std::vector<float> numbers = {3.5, -1, 4, -4, 0.5, 0, -3.5, 2};
  std::vector<int8_t> whole(numbers.size());
  EXPECT_EQ(quantizeGroup(numbers.data(), 8, 4, whole.data()), -0.5f);
  EXPECT_EQ(whole, (std::vector<int8_t>{-7, 2, -8, 7, -1, 0, 7, -4}));
  // With 15 steps of both signs the scale of -7.5 is better than that of -8.
  numbers = {7.5, -7.5, 7.5, -7.5, 7.5, -7.5, 7.5, -7.5};
  float scale = quantizeGroup(numbers.data(), 8, 4, whole.data());
  double least = INFINITY;
  for (double by : {-8.0, -8.5, -9.0, -7.5}) {
    double squares = 0;
    for (float x : numbers) {
      double s = float(7.5 / by), off = x - std::clamp(std::nearbyint(x / s), -8.0, 7.0) * s;
      squares += off * off;
    }
    least = std::min(least, squares);
  }
  QuantizationError error;
  error.add(numbers.data(), 8, whole.data(), scale);
  EXPECT_EQ(error.squares, least);
}

TEST(Quantization, OfHostileGroups) {
  for (int bits : {8, 4}) {
    std::vector<int8_t> whole(32, 1);
    std::vector<float> zeros(32), tiny(32, 1e-45f), huge(32, 3.4e38f);
    EXPECT_EQ(quantizeGroup(zeros.data(), 32, bits, whole.data()), 0);
    EXPECT_EQ(whole, std::vector<int8_t>(32));
    // Its scale is 0 in f32.
    EXPECT_EQ(quantizeGroup(tiny.data(), 32, bits, whole.data()), 0);
    EXPECT_EQ(whole, std::vector<int8_t>(32));
    float scale = quantizeGroup(huge.data(), 32, bits, whole.data());
    EXPECT_TRUE(std::isfinite(scale) && scale != 0);
    QuantizationError error;
    error.add(huge.data(), 32, whole.data(), scale);
    EXPECT_LE(error.relative(), bits == 8 ? 1e-6 : 0.07);
  }
  EXPECT_EQ(QuantizationError().relative(), 0);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

struct WholeRow {
  float scale = 0;
  std::vector<int8_t> numbers;
};

/// As the specification has it.
WholeRow roundRow(const float *row, int64_t width) {
  WholeRow made{0, std::vector<int8_t>(width)};
  float largest = 0;
  for (int64_t i = 0; i < width; ++i) {
    if (!std::isfinite(row[i])) {
      made.scale = NAN;
      return made;
    }
    largest = std::max(largest, std::fabs(row[i]));
  }
  if (largest < 0x1p-100f)
    return made;
  float times = 127 / largest;
  made.scale = largest / 127;
  for (int64_t i = 0; i < width; ++i)
    made.numbers[i] = static_cast<int8_t>(std::nearbyint(row[i] * times));
  return made;
}

/// Rows of all kinds, over and over.
void fillHostile(Rows &rows) {
  for (int64_t r = 0; r < rows.count; ++r)
    for (int64_t i = 0; i < rows.width; ++i) {
      float x = uniform();
      switch (r % 8) {
      case 1: // only the ends
        x = x < 0 ? -3.0f : 3.0f;
        break;
      case 2: // all at one end
        x = 127;
        break;
      case 3:
        x = 0;
        break;
      case 4: // ties
        x = i == 0 ? 127.0f : static_cast<float>(engine() % 64) + 0.5f;
        break;
      case 5: // too small for a scale
        x *= 0x1p-101f;
        break;
      case 6:
        x *= 1e38f;
        break;
      case 7:
        x *= 1e-25f;
        break;
      }
      rows.put(r, i, x);
    }
}

class WholeRows : public testing::TestWithParam<std::pair<const char *, int64_t>> {};

TEST_P(WholeRows, AreRoundedOnceWithTheirSums) {
  auto [cpu, width] = GetParam();
  Program p(cpu);
  QUOIN_SKIP_UNLESS_IT_RUNS(p);
  std::string name = quantizeKernel(p.kernels, width).getName().str();
  p.link();
  Rows x(11, width), whole(11, width, Storage::I8);
  fillHostile(x);
  x.put(9, width / 2, NAN);
  x.put(10, width - 1, -INFINITY);
  p.call(name, x.row(0), whole.row(0), 0, 11);
  for (int64_t r = 0; r < 11; ++r) {
    WholeRow expected = roundRow(reinterpret_cast<float *>(x.row(r)), width);
    auto *tail = whole.row(r) + stage::wholeRowTail(width);
    float scale;
    std::memcpy(&scale, tail, 4);
    if (r > 8) {
      EXPECT_TRUE(std::isnan(scale)) << r;
      continue;
    }
    EXPECT_EQ(scale, expected.scale) << r;
    std::vector<int32_t> sums(1 + (width + 31) / 32);
    std::memcpy(sums.data(), tail + 4, sums.size() * 4);
    std::vector<int32_t> wanted(sums.size());
    for (int64_t i = 0; i < width; ++i) {
      EXPECT_EQ(reinterpret_cast<int8_t *>(whole.row(r))[i], expected.numbers[i]) << r << " " << i;
      wanted[0] += expected.numbers[i];
      wanted[1 + i / 32] += expected.numbers[i];
    }
    for (int64_t i = width; i < roundUp(width, 4); ++i)
      EXPECT_EQ(whole.row(r)[i], 0) << r;
    EXPECT_EQ(sums, wanted) << r;
  }
}

INSTANTIATE_TEST_SUITE_P(Cpus, WholeRows,
                         testing::Values(std::pair("native", 128), std::pair("native", 64), std::pair("native", 1),
                                         std::pair("native", 171), std::pair("native", 40), std::pair("wide", 50),
                                         std::pair("x86-64", 100)));

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

struct WholeShape {
  int64_t k, n;
  bool gate = false; ///< two matrices, whose sums are multiplied
};

/// Shapes of one format, which share most of their code.
struct WholeCase {
  const char *cpu;
  int bits;
  int64_t group;
  std::vector<WholeShape> shapes;
};

Block *productOfTwo() {
  static Block *made = [] {
    Program::context()->loadDialect<arith::ArithDialect>();
    OpBuilder b(Program::context());
    Location loc = b.getUnknownLoc();
    auto *block = new Block;
    Value x = block->addArgument(b.getF32Type(), loc), y = block->addArgument(b.getF32Type(), loc);
    b.setInsertionPointToEnd(block);
    NumberOp::create(b, loc, arith::MulFOp::create(b, loc, x, y));
    return block;
  }();
  return made;
}

/// A sum as the specification has it: of each group exact, times its scale, in the order of groups.
float sumOf(const WholeRow &row, const float *weights, const WholeCase &c, int64_t k) {
  int64_t each = c.group ? c.group : k;
  std::vector<int8_t> whole(each);
  float sum = 0;
  for (int64_t g = 0; g < k / each; ++g) {
    float scale = quantizeGroup(weights + g * each, each, c.bits, whole.data());
    int64_t exact = 0;
    for (int64_t i = 0; i < each; ++i)
      exact += int64_t(whole[i]) * row.numbers[g * each + i];
    EXPECT_EQ(exact, static_cast<int32_t>(exact));
    float product = static_cast<float>(exact) * scale;
    sum = g == 0 ? product : sum + product;
  }
  return sum * row.scale;
}

class WholeProducts : public testing::TestWithParam<WholeCase> {};

/// Columns of one sign at the range's end, of both ends, and of zeros, whole or a group; all else is random.
Matrix hostileMatrix(int64_t n, int64_t k) {
  Matrix a(n, k);
  for (int64_t i = 0; i < k; ++i) {
    a.values[i] = -1;
    a.values[k + i] = i % 2 ? 1.0f : -1.0f;
    a.values[2 * k + i] = 0;
    a.values[3 * k + i] *= i < 32 ? 0.0f : 1e30f;
    a.values[4 * k + i] = 7;
  }
  return a;
}

/// A product with its weights.
struct WholeProduct {
  WholeProduct(Program &p, const WholeCase &format, const WholeShape &s)
      : c(format), own(s), a(hostileMatrix(s.n, s.k)), b(s.n, s.k) {
    shape.k = s.k;
    shape.n = s.n;
    shape.arithmetic = c.bits == 8 ? Arithmetic::Bytes : Arithmetic::Nibbles;
    shape.group = c.group;
    shape.sources = s.gate ? 2 : 1;
    shape.end = s.gate ? productOfTwo() : nullptr;
    WeightPiece piece{
        s.gate ? WeightPiece::Kind::GateUp : WeightPiece::Kind::Packed, {"a"}, s.n, s.k, 1, shape.storage()};
    piece.group = c.group;
    if (s.gate)
      piece.sources.push_back("b");
    WeightPlan plan;
    plan.add(piece);
    std::vector<uint8_t> file = pack(plan, {{"a", &a}, {"b", &b}});
    weights = std::make_unique<Aligned<uint8_t>>(file.size());
    std::copy(file.begin(), file.end(), weights->data());
    kernel = linearKernel(p.kernels, shape).getName().str();
    rounding = quantizeKernel(p.kernels, s.k).getName().str();
  }

  void expectExact(Program &p) {
    constexpr int64_t count = 17;
    const int64_t k = own.k, n = own.n;
    Rows x(count, k), whole(count, k, Storage::I8), all(count, n);
    fillHostile(x);
    x.put(16, 0, NAN);
    p.call(rounding, x.row(0), whole.row(0), 0, count);
    auto run = [&](int64_t row, int64_t rows, Rows &out, int64_t from, int64_t to) {
      p.call(kernel, whole.row(row), weights->data(), nullptr, out.row(0), rows, from, to);
    };
    run(0, count, all, 0, shape.tiles());
    for (int64_t r = 0; r < count; ++r) {
      WholeRow row = roundRow(reinterpret_cast<float *>(x.row(r)), k);
      for (int64_t j = 0; j < n; ++j) {
        float sum = sumOf(row, &a.values[j * k], c, k);
        if (own.gate)
          sum *= sumOf(row, &b.values[j * k], c, k);
        if (std::isnan(sum))
          EXPECT_TRUE(std::isnan(all.at(r, j))) << k << " " << r << " " << j;
        else
          EXPECT_EQ(all.at(r, j), sum) << k << " " << r << " " << j;
      }
    }
    // Any number of rows, any split of the tiles: the same bits.
    for (int64_t rows = 1; rows <= 9; ++rows) {
      Rows part(count, n);
      int64_t cut = shape.tiles() / 2, row = count - rows;
      run(row, rows, part, 0, cut);
      run(row, rows, part, cut, shape.tiles());
      for (int64_t r = 0; r < rows; ++r)
        EXPECT_EQ(0, std::memcmp(part.row(r), all.row(row + r), n * 4)) << k << " " << rows;
    }
  }

  const WholeCase &c;
  const WholeShape &own;
  LinearShape shape;
  Matrix a, b;
  std::unique_ptr<Aligned<uint8_t>> weights;
  std::string kernel, rounding;
};

TEST_P(WholeProducts, AreExactForAnyRows) {
  Program p(GetParam().cpu);
  QUOIN_SKIP_UNLESS_IT_RUNS(p);
  std::vector<std::unique_ptr<WholeProduct>> all;
  for (const WholeShape &shape : GetParam().shapes)
    all.push_back(std::make_unique<WholeProduct>(p, GetParam(), shape));
  p.link();
  for (auto &product : all)
    product->expectExact(p);
}

/// Each way in which machines multiply bytes; "wide" has the tiles of AVX-512.
INSTANTIATE_TEST_SUITE_P(
    Formats, WholeProducts,
    testing::Values(WholeCase{"native", 8, 0, {{128, 64}, {171, 70}, {40, 200}, {4100, 65}, {70, 41, true}}},
                    WholeCase{"native", 8, 64, {{256, 100}, {64, 41, true}}},
                    WholeCase{"native", 4, 128, {{384, 64}, {128, 41, true}}},
                    WholeCase{"native", 4, 32, {{96, 70}, {2048, 66}}}, WholeCase{"nehalem", 8, 0, {{75, 70}}},
                    WholeCase{"x86-64", 4, 32, {{64, 70}}}, WholeCase{"wide", 8, 64, {{192, 70}}}));

/// What this machine may not have is compiled all the same, and has the instruction in it.
class WholeTargets : public testing::TestWithParam<std::tuple<const char *, const char *, const char *>> {};

TEST_P(WholeTargets, UseWhatMultipliesBytes) {
  auto [cpu, intrinsic, feature] = GetParam();
  std::string error;
  std::optional<Target> target = makeTarget(cpu, error, true);
  ASSERT_TRUE(target) << error;
  SmallVector<StringRef> required = llvm::to_vector(llvm::split(target->required, ','));
  EXPECT_EQ(llvm::is_contained(required, feature), bool(*feature)) << target->required;
  for (Arithmetic arithmetic : {Arithmetic::Bytes, Arithmetic::Nibbles}) {
    OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(Program::context()));
    KernelBuilder kb(*module, target->kernels);
    // (row, weight, sums)
    LLVM::LLVMFuncOp kernel = kb.function("tile", {kb.ptr, kb.ptr, kb.ptr}, [&](ArrayRef<Val> a) {
      WholeFormat format{arithmetic == Arithmetic::Nibbles, 64};
      Vals sums = wholeTile(kb, {a[0]}, a[1], kb.index(256), 1, format, {a[1], kb.index(8), {}})[0];
      kb.store(sums[0], a[2]);
    });
    kernel.setLinkage(LLVM::Linkage::External);
    std::string name = kernel.getName().str(), text;
    llvm::raw_string_ostream(text) << *module;
    EXPECT_NE(text.find(intrinsic), std::string::npos) << cpu;
    ASSERT_TRUE(succeeded(lowerToLLVM(*module)));
    EXPECT_TRUE(emitObject(*module, *target, {name}, error)) << error;
  }
}

INSTANTIATE_TEST_SUITE_P(Cpus, WholeTargets,
                         testing::Values(std::tuple("sapphirerapids", "llvm.x86.avx512.vpdpbusd.512", "avx512vnni"),
                                         std::tuple("znver4", "llvm.x86.avx512.vpdpbusd.512", "avx512vnni"),
                                         std::tuple("alderlake", "llvm.x86.avx512.vpdpbusd.256", "avxvnni"),
                                         std::tuple("skylake-avx512", "llvm.x86.avx512.pmaddubs.w.512", ""),
                                         std::tuple("haswell", "llvm.x86.avx2.pmadd.ub.sw", ""),
                                         std::tuple("nehalem", "llvm.x86.ssse3.pmadd.ub.sw.128", "")));
} // namespace
