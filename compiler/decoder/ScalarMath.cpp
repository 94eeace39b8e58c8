//===- ScalarMath.cpp - functions without a library -------------------------===//
//
// A program may not call libm, and a decision of a decoder must not depend on one. exp and log are computed in f64 to a
// few units of its last place, so that the f32 they are rounded to is nearly always the nearest one, as with any good
// library:
//
//   exp x = 2^k exp r    k = round(x / ln 2), |r| <= ln 2 / 2, Taylor series of degree 13 (remainder below 1e-17)
//   log x = e ln 2 + 2 artanh f    x = 2^e m, sqrt 1/2 <= m < sqrt 2, f = (m - 1) / (m + 1), series up to f^21
//
//   x^y = +-exp(y log |x|)   beside the values that C names for zeros, infinities and negative bases
//   sin x, cos x             series on r = x - k pi/2, |r| <= pi/4, by the quadrant k mod 4
//
// ln 2 comes in two parts, the first with trailing zeros, so that k times it is exact. pi/2 comes in three, which holds
// for |x| < 2^24. Beyond, x = m 2^e with integers m < 2^24 and e <= 104, and the quadrant and its fraction are the bits
// around the point of m 2^e * 2/pi (Payne and Hanek): 254 bits of 2/pi times 2^254, shifted up by e in an integer of
// 256 bits, lose at its upper end just what is a multiple of 4.
//
//===----------------------------------------------------------------------===//

#include "compiler/decoder/Emitter.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace quoin::decoder;

static constexpr double ln2High = 0x1.62e42fee00000p-1, ln2Low = 0x1.a39ef35793c76p-33;
static constexpr double halfPi[] = {0x1.921fb54000000p+0, 0x1.10b4611000000p-30, 0x1.4c4c6628b80dcp-59};
static constexpr double twoOverPi = 0x1.45f306dc9c883p-1;
/// 2/pi * 2^254, rounded down.
static constexpr const char *twoOverPiBits = "28be60db9391054a7f09d5f47d4d377036d8a5664f10e4107f9458eaf7aef158";

namespace {

/// Arithmetic on f64 and its bits.
class Double {
public:
  explicit Double(Emitter &e) : emitter(e), b(e.b), f64(b.getF64Type()), i64(b.getI64Type()) {}

  Value exp(Value x) {
    x = within(x, 800);
    return scaled(x, mul(x, constant(0x1.71547652b82fep0)), /*binary=*/false);
  }
  Value exp2(Value x) {
    x = within(x, 1200);
    return scaled(x, x, /*binary=*/true);
  }
  Value log(Value x);
  Value pow(Value x, Value y);
  Value sine(Value x, bool cosine);

  Value mul(Value l, Value r) { return LLVM::FMulOp::create(b, l, r); }
  Value constant(double v) { return LLVM::ConstantOp::create(b, f64, b.getF64FloatAttr(v)); }

private:
  /// Beyond the bound an exponential is 0 or infinite anyway. NaN passes: both comparisons are false.
  Value within(Value x, double bound) {
    x = select(compare(LLVM::FCmpPredicate::ogt, x, constant(bound)), constant(bound), x);
    return select(compare(LLVM::FCmpPredicate::olt, x, constant(-bound)), constant(-bound), x);
  }
  Value scaled(Value x, Value k, bool binary);
  Value add(Value l, Value r) { return LLVM::FAddOp::create(b, l, r); }
  Value sub(Value l, Value r) { return LLVM::FSubOp::create(b, l, r); }
  Value integer(int64_t v) { return LLVM::ConstantOp::create(b, i64, b.getI64IntegerAttr(v)); }
  Value bits(Value v) { return LLVM::BitcastOp::create(b, i64, v); }
  Value real(Value v) { return LLVM::BitcastOp::create(b, f64, v); }
  Value compare(LLVM::FCmpPredicate p, Value l, Value r) { return LLVM::FCmpOp::create(b, p, l, r); }
  Value select(Value flag, Value yes, Value no) { return LLVM::SelectOp::create(b, flag, yes, no); }
  /// 2^n, for n from -1022 to 1023.
  Value power(Value n) {
    Value biased = LLVM::AddOp::create(b, n, integer(1023));
    return real(LLVM::ShlOp::create(b, biased, integer(52)));
  }

  Value abs(Value x) { return real(LLVM::AndOp::create(b, bits(x), integer(INT64_MAX))); }
  Value floor(Value x) { return LLVM::FFloorOp::create(b, x); }
  Value both(Value l, Value r) { return LLVM::AndOp::create(b, l, r); }
  /// The quadrant's number in the two lowest bits, and what is left of x.
  std::pair<Value, Value> reduce(Value x);
  std::pair<Value, Value> reduceLarge(Value x);
  /// c[0] + c[1] square + ...
  Value polynomial(Value square, ArrayRef<double> c) {
    Value sum = constant(c.back());
    for (double next : llvm::reverse(c.drop_back()))
      sum = add(mul(sum, square), constant(next));
    return sum;
  }

  Emitter &emitter;
  ImplicitLocOpBuilder &b;
  Type f64, i64;
};

} // namespace

/// exp x, or 2^x if `binary`; `k` before rounding.
Value Double::scaled(Value x, Value k, bool binary) {
  // Adding 1.5 * 2^52 rounds to an integer, which is then in the low bits too.
  Value magic = constant(0x1.8p52);
  Value shifted = add(k, magic);
  Value whole = sub(shifted, magic);
  Value n = LLVM::SubOp::create(b, bits(shifted), bits(magic));
  Value r = binary ? mul(sub(x, whole), constant(0x1.62e42fefa39efp-1))
                   : sub(sub(x, mul(whole, constant(ln2High))), mul(whole, constant(ln2Low)));
  double factorial = 1;
  SmallVector<double> series = {1};
  for (int i = 1; i <= 13; ++i)
    series.push_back(1 / (factorial *= i));
  Value sum = constant(series.back());
  for (double c : llvm::reverse(ArrayRef<double>(series).drop_back()))
    sum = add(mul(sum, r), constant(c));
  // In two factors: 2^n alone may leave the range though the product does not.
  Value half = LLVM::AShrOp::create(b, n, integer(1));
  Value rest = LLVM::SubOp::create(b, n, half);
  return mul(mul(sum, power(half)), power(rest));
}

Value Double::log(Value x) {
  Value tiny = compare(LLVM::FCmpPredicate::olt, x, constant(0x1p-1022));
  Value normal = select(tiny, mul(x, constant(0x1p54)), x);
  Value raw = bits(normal);
  Value exponent = LLVM::SubOp::create(b, LLVM::LShrOp::create(b, raw, integer(52)), integer(1023));
  Value mantissa = LLVM::AndOp::create(b, raw, integer(0xfffffffffffff));
  Value m = real(LLVM::OrOp::create(b, mantissa, bits(constant(1))));
  Value high = compare(LLVM::FCmpPredicate::ogt, m, constant(0x1.6a09e667f3bcdp0));
  m = select(high, mul(m, constant(0.5)), m);
  Value e = LLVM::SIToFPOp::create(b, f64, exponent);
  e = add(e, select(high, constant(1), constant(0)));
  e = sub(e, select(tiny, constant(54), constant(0)));

  Value f = LLVM::FDivOp::create(b, sub(m, constant(1)), add(m, constant(1)));
  Value square = mul(f, f);
  Value sum = constant(2.0 / 21);
  for (int i = 19; i >= 1; i -= 2)
    sum = add(mul(sum, square), constant(2.0 / i));
  Value result = add(mul(e, constant(ln2High)), add(mul(f, sum), mul(e, constant(ln2Low))));

  double infinity = std::numeric_limits<double>::infinity();
  result = select(compare(LLVM::FCmpPredicate::oeq, x, constant(infinity)), x, result);
  result = select(compare(LLVM::FCmpPredicate::oeq, x, constant(0)), constant(-infinity), result);
  // Negative, or not a number.
  Value nan = constant(std::numeric_limits<double>::quiet_NaN());
  return select(compare(LLVM::FCmpPredicate::oge, x, constant(0)), result, nan);
}

Value Double::pow(Value x, Value y) {
  auto equal = [&](Value l, Value r) { return compare(LLVM::FCmpPredicate::oeq, l, r); };
  double infinity = std::numeric_limits<double>::infinity();
  Value size = abs(x), one = constant(1), zero = constant(0);
  // 1 to an infinite power is 1, though 0 times infinity is no number.
  Value result = select(equal(size, one), one, exp(mul(y, log(size))));
  // Infinite exponents are even.
  Value half = mul(y, constant(0.5)), whole = equal(floor(y), y);
  Value even = equal(floor(half), half),
        isNegative = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::slt, bits(x), integer(0));
  Value odd =
      both(whole, LLVM::XOrOp::create(b, even, LLVM::ConstantOp::create(b, b.getI1Type(), b.getBoolAttr(true))));
  result = select(both(odd, isNegative), LLVM::FNegOp::create(b, result), result);
  Value finite =
      both(compare(LLVM::FCmpPredicate::olt, x, zero), compare(LLVM::FCmpPredicate::ogt, x, constant(-infinity)));
  Value nan = constant(std::numeric_limits<double>::quiet_NaN());
  result = select(finite, select(whole, result, nan), result);
  return select(equal(y, zero), one, select(equal(x, one), one, result));
}

std::pair<Value, Value> Double::reduce(Value x) {
  Value magic = constant(0x1.8p52);
  Value shifted = add(mul(x, constant(twoOverPi)), magic), k = sub(shifted, magic), r = x;
  for (double part : halfPi)
    r = sub(r, mul(k, constant(part)));
  return {bits(shifted), r};
}

std::pair<Value, Value> Double::reduceLarge(Value x) {
  // The f32 has 24 of the 53 bits of the mantissa; numbers below 2^24, infinity and NaN are not asked for.
  Value raw = bits(x);
  Value mantissa =
      LLVM::OrOp::create(b, LLVM::AndOp::create(b, raw, integer(0xfffffffffffff)), integer(int64_t(1) << 52));
  Value m = LLVM::LShrOp::create(b, mantissa, integer(29));
  Value exponent = LLVM::AndOp::create(b, LLVM::LShrOp::create(b, raw, integer(52)), integer(0x7ff));
  Value e = LLVM::AndOp::create(b, LLVM::SubOp::create(b, exponent, integer(1023 + 23)), integer(127));
  Type wide = b.getIntegerType(256), product = b.getIntegerType(128);
  Value table = LLVM::ConstantOp::create(b, wide, b.getIntegerAttr(wide, APInt(256, twoOverPiBits, 16)));
  Value moved = LLVM::ShlOp::create(b, table, LLVM::ZExtOp::create(b, wide, e));
  auto upper = [&](Value v, Type half, unsigned by) -> Value {
    Value amount = LLVM::ConstantOp::create(b, v.getType(), b.getIntegerAttr(v.getType(), by));
    return LLVM::TruncOp::create(b, half, LLVM::LShrOp::create(b, v, amount));
  };
  // Quadrants as a number of 64 bits with 62 behind the point: bits below 2^-126 add less than 2^-102.
  Value quadrants =
      upper(LLVM::MulOp::create(b, upper(moved, product, 128), LLVM::ZExtOp::create(b, product, m)), i64, 64);
  // To the nearest: half of one more, and what is left is signed.
  Value rounded = LLVM::AddOp::create(b, quadrants, integer(int64_t(1) << 61));
  Value number = LLVM::LShrOp::create(b, rounded, integer(62));
  Value left = LLVM::SubOp::create(b, quadrants, LLVM::ShlOp::create(b, number, integer(62)));
  Value r = mul(LLVM::SIToFPOp::create(b, f64, left), constant(0x1.921fb54442d18p0 * 0x1p-62));
  Value isNegative = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::slt, raw, integer(0));
  return {select(isNegative, LLVM::SubOp::create(b, integer(0), number), number),
          select(isNegative, LLVM::FNegOp::create(b, r), r)};
}

Value Double::sine(Value x, bool cosine) {
  // Large angles are rare: their way is not taken along.
  auto [near, nearLeft] = reduce(x);
  Block *far = emitter.newBlock(), *reduced = emitter.newBlock({i64, f64});
  LLVM::CondBrOp::create(b, compare(LLVM::FCmpPredicate::oge, abs(x), constant(0x1p24)), far, ValueRange(), reduced,
                         ValueRange{near, nearLeft});
  b.setInsertionPointToStart(far);
  auto [number, left] = reduceLarge(x);
  LLVM::BrOp::create(b, ValueRange{number, left}, reduced);
  b.setInsertionPointToStart(reduced);
  Value quadrant = reduced->getArgument(0), r = reduced->getArgument(1);
  if (cosine)
    quadrant = LLVM::AddOp::create(b, quadrant, integer(1));
  Value square = mul(r, r);
  // The factor of r comes last, so that the sine of -0 is -0.
  SmallVector<double> odd, even;
  double factorial = 1;
  for (int i = 0; i <= 14; ++i) {
    factorial *= i > 0 ? i : 1;
    (i % 2 ? odd : even).push_back((i / 2 % 2 ? -1 : 1) / factorial);
  }
  auto isSet = [&](int64_t bit) -> Value {
    return LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, LLVM::AndOp::create(b, quadrant, integer(bit)), integer(0));
  };
  Value result = select(isSet(1), polynomial(square, even), mul(r, polynomial(square, odd)));
  result = select(isSet(2), LLVM::FNegOp::create(b, result), result);
  // Not of infinities.
  Value finite = compare(LLVM::FCmpPredicate::olt, abs(x), constant(std::numeric_limits<double>::infinity()));
  return select(finite, result, sub(x, x));
}

/// Computed here, of f32 and f64.
static bool isExponential(Operation *op) {
  return isa<math::ExpOp, math::Exp2Op, math::LogOp, math::Log2Op, math::Log10Op, math::PowFOp>(op);
}
static bool isSine(Operation *op) { return isa<math::SinOp, math::CosOp>(op); }

/// Angles of f64 have a bound, as 24 bits of the large ones are looked at.
static void checkAngle(Emitter &e, Operation *op, Value x) {
  auto number = [&](double n) -> Value { return LLVM::ConstantOp::create(e.b, e.f64, e.b.getF64FloatAttr(n)); };
  Value size = LLVM::FAbsOp::create(e.b, x);
  Value near = LLVM::FCmpOp::create(e.b, LLVM::FCmpPredicate::ult, size, number(0x1p24));
  Value infinite =
      LLVM::FCmpOp::create(e.b, LLVM::FCmpPredicate::oeq, size, number(std::numeric_limits<double>::infinity()));
  Value shown = LLVM::BitcastOp::create(e.b, e.i64, x);
  e.require(LLVM::OrOp::create(e.b, near, infinite),
            op->getName().getStringRef().str() + " expects an angle of f64 below 2^24 in size, but found {0f}", shown,
            shown);
}

Value quoin::decoder::emitFunction(Emitter &e, Operation *op, ValueRange operands) {
  if (!isExponential(op) && !isSine(op))
    return {};
  ImplicitLocOpBuilder &b = e.b;
  Type type = operands.front().getType();
  SmallVector<Value, 2> x(operands.begin(), operands.end());
  if (type.isF32())
    for (Value &v : x)
      v = LLVM::FPExtOp::create(b, b.getF64Type(), v);
  else if (isSine(op))
    checkAngle(e, op, x[0]);
  Double d(e);
  Value y;
  if (isa<math::ExpOp>(op))
    y = d.exp(x[0]);
  else if (isa<math::Exp2Op>(op))
    y = d.exp2(x[0]);
  else if (isa<math::PowFOp>(op))
    y = d.pow(x[0], x[1]);
  else if (isSine(op))
    y = d.sine(x[0], isa<math::CosOp>(op));
  else
    y = d.log(x[0]);
  if (isa<math::Log2Op>(op))
    y = d.mul(y, d.constant(0x1.71547652b82fep0));
  if (isa<math::Log10Op>(op))
    y = d.mul(y, d.constant(0x1.bcb7b1526e50ep-2));
  return type.isF32() ? Value(LLVM::FPTruncOp::create(b, type, y)) : y;
}

/// Left to upstream's polynomials, of f32 only.
static bool isExpanded(Operation *op) { return isa<math::Log1pOp, math::ExpM1Op, math::TanhOp, math::RsqrtOp>(op); }
/// Machine instructions.
static bool isNative(Operation *op) {
  return isa<math::AbsFOp, math::AbsIOp, math::SqrtOp, math::FloorOp, math::CeilOp, math::TruncOp, math::RoundEvenOp,
             math::CopySignOp>(op);
}

bool quoin::decoder::isSupportedMath(Operation *op) {
  Type type = getElementTypeOrSelf(op->getResult(0).getType());
  if (isExponential(op) || isSine(op))
    return type.isF32() || type.isF64();
  return isNative(op) || (isExpanded(op) && type.isF32());
}

LogicalResult quoin::decoder::finishScalars(LLVM::LLVMFuncOp function) {
  MLIRContext *context = function.getContext();
  RewritePatternSet expansions(context);
  arith::populateCeilFloorDivExpandOpsPatterns(expansions);
  math::populateExpansionPatterns(expansions, {"rsqrt"});
  populateMathPolynomialApproximationPatterns(expansions, [](StringRef) { return true; });
  if (failed(applyPatternsGreedily(
          function, std::move(expansions),
          GreedyRewriteConfig().setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled))))
    return function.emitError("expects scalar operations that can be expanded");

  LLVMTypeConverter converter(context);
  RewritePatternSet patterns(context);
  arith::populateArithToLLVMConversionPatterns(converter, patterns);
  populateMathToLLVMConversionPatterns(converter, patterns);
  ConversionTarget target(*context);
  target.addLegalDialect<LLVM::LLVMDialect>();
  target.addIllegalDialect<arith::ArithDialect, math::MathDialect>();
  return applyPartialConversion(function, target, std::move(patterns));
}
