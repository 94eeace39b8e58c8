//===- ScalarMath.cpp - functions without a library -------------------------===//
//
// A program may not call libm, and a decision of a decoder must not depend on one. exp and log are computed in f64 to a
// few units of its last place, so that the f32 they are rounded to is nearly always the nearest one, as with any good
// library:
//
//   exp x = 2^k exp r    k = round(x / ln 2), |r| <= ln 2 / 2, Taylor series of degree 13 (remainder below 1e-17)
//   log x = e ln 2 + 2 artanh f    x = 2^e m, sqrt 1/2 <= m < sqrt 2, f = (m - 1) / (m + 1), series up to f^21
//
// ln 2 comes in two parts, the first with trailing zeros, so that k times it is exact.
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

namespace {

/// Arithmetic on f64 and its bits.
class Double {
public:
  explicit Double(ImplicitLocOpBuilder &b) : b(b), f64(b.getF64Type()), i64(b.getI64Type()) {}

  Value exp(Value x) {
    x = within(x, 800);
    return scaled(x, mul(x, constant(0x1.71547652b82fep0)), /*binary=*/false);
  }
  Value exp2(Value x) {
    x = within(x, 1200);
    return scaled(x, x, /*binary=*/true);
  }
  Value log(Value x);

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

Value quoin::decoder::emitFunction(ImplicitLocOpBuilder &b, Operation *op, Value x) {
  if (!isa<math::ExpOp, math::Exp2Op, math::LogOp, math::Log2Op, math::Log10Op>(op))
    return {};
  Type type = x.getType();
  if (type.isF32())
    x = LLVM::FPExtOp::create(b, b.getF64Type(), x);
  Double d(b);
  Value y;
  if (isa<math::ExpOp>(op))
    y = d.exp(x);
  else if (isa<math::Exp2Op>(op))
    y = d.exp2(x);
  else
    y = d.log(x);
  if (isa<math::Log2Op>(op))
    y = d.mul(y, d.constant(0x1.71547652b82fep0));
  if (isa<math::Log10Op>(op))
    y = d.mul(y, d.constant(0x1.bcb7b1526e50ep-2));
  return type.isF32() ? Value(LLVM::FPTruncOp::create(b, type, y)) : y;
}

/// Left to upstream's polynomials, of f32 only.
static bool isExpanded(Operation *op) {
  return isa<math::Log1pOp, math::ExpM1Op, math::TanhOp, math::SinOp, math::CosOp, math::PowFOp, math::RsqrtOp>(op);
}
/// Machine instructions.
static bool isNative(Operation *op) {
  return isa<math::AbsFOp, math::AbsIOp, math::SqrtOp, math::FloorOp, math::CeilOp, math::TruncOp, math::RoundEvenOp,
             math::CopySignOp>(op);
}

bool quoin::decoder::isSupportedMath(Operation *op) {
  Type type = getElementTypeOrSelf(op->getResult(0).getType());
  if (isa<math::ExpOp, math::Exp2Op, math::LogOp, math::Log2Op, math::Log10Op>(op))
    return type.isF32() || type.isF64();
  return isNative(op) || (isExpanded(op) && type.isF32());
}

LogicalResult quoin::decoder::finishScalars(LLVM::LLVMFuncOp function) {
  MLIRContext *context = function.getContext();
  RewritePatternSet expansions(context);
  arith::populateCeilFloorDivExpandOpsPatterns(expansions);
  math::populateExpansionPatterns(expansions, {"powf", "rsqrt"});
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
