//===- KernelMath.cpp - arithmetic and elementary functions of kernels -----===//
//
// exp and log are polynomials fitted for f32 (interpolation at Chebyshev nodes; errors below 2e-8 before rounding),
// with the power of two moved in and out by integer arithmetic. exp2(0) is exactly 1 and log(1) exactly 0: attention
// relies on the former, for a tile that a row does not see must leave its sums as they were. NaN goes through all of
// them; exponentials are 0 where f32 has no normal number left, so that minus infinity weighs nothing.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/KernelBuilder.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

using namespace mlir;
using namespace quoin::cpu;

static bool isFloat(Val v) { return isa<FloatType>(getElementTypeOrSelf(v.type())); }

static Type integersLike(KernelBuilder &kb, Type type) {
  if (auto v = dyn_cast<VectorType>(type))
    return kb.vec(kb.i32, v.getDimSize(0));
  return kb.i32;
}

void quoin::cpu::unify(Val &a, Val &b) {
  auto va = dyn_cast<VectorType>(a.type()), vb = dyn_cast<VectorType>(b.type());
  if (va && !vb)
    b = b.kb->splat(b, va.getDimSize(0));
  else if (vb && !va)
    a = a.kb->splat(a, vb.getDimSize(0));
}

template <typename IntOp, typename FloatOp> static Val binary(Val a, Val b) {
  unify(a, b);
  KernelBuilder &kb = *a.kb;
  if (isFloat(a))
    return kb.wrap(FloatOp::create(kb.b, kb.loc, a, b));
  return kb.wrap(IntOp::create(kb.b, kb.loc, a, b));
}

Val quoin::cpu::operator+(Val a, Val b) { return binary<arith::AddIOp, arith::AddFOp>(a, b); }
Val quoin::cpu::operator-(Val a, Val b) { return binary<arith::SubIOp, arith::SubFOp>(a, b); }
Val quoin::cpu::operator*(Val a, Val b) { return binary<arith::MulIOp, arith::MulFOp>(a, b); }
Val quoin::cpu::operator/(Val a, Val b) { return binary<arith::DivSIOp, arith::DivFOp>(a, b); }

Val KernelBuilder::splat(Val scalar, int64_t count) {
  return wrap(vector::BroadcastOp::create(b, loc, vec(scalar.type(), count), scalar));
}

Val KernelBuilder::fma(Val x, Val y, Val z) {
  unify(x, y);
  unify(y, z);
  unify(x, z);
  return wrap(LLVM::FMulAddOp::create(b, loc, x.type(), x, y, z));
}

// Comparisons and a select rather than minnum: they are one instruction on x86, which gives the second operand where
// either is NaN.
Val KernelBuilder::min(Val x, Val y) {
  unify(x, y);
  return select(compare(Compare::slt, x, y), x, y);
}

Val KernelBuilder::max(Val x, Val y) {
  unify(x, y);
  return select(compare(Compare::sgt, x, y), x, y);
}

Val KernelBuilder::select(Val condition, Val x, Val y) {
  unify(x, y);
  if (isa<VectorType>(condition.type()))
    unify(x, condition);
  if (isa<VectorType>(condition.type()) && !isa<VectorType>(y.type()))
    unify(y, condition);
  return wrap(arith::SelectOp::create(b, loc, condition, x, y));
}

Val KernelBuilder::compare(Compare predicate, Val x, Val y) {
  unify(x, y);
  if (!isFloat(x))
    return wrap(arith::CmpIOp::create(b, loc, predicate, x, y));
  arith::CmpFPredicate p = predicate == Compare::slt   ? arith::CmpFPredicate::OLT
                           : predicate == Compare::sle ? arith::CmpFPredicate::OLE
                           : predicate == Compare::sgt ? arith::CmpFPredicate::OGT
                           : predicate == Compare::sge ? arith::CmpFPredicate::OGE
                           : predicate == Compare::eq  ? arith::CmpFPredicate::OEQ
                                                       : arith::CmpFPredicate::UNE;
  return wrap(arith::CmpFOp::create(b, loc, p, x, y));
}

Val KernelBuilder::ceilDiv(Val a, Val d) { return quotient(a + d - 1, d); }
Val KernelBuilder::ceilDiv(Val a, int64_t d) { return quotient(a + (d - 1), integer(a.type(), d)); }

Val KernelBuilder::zerosBelow(Val x) { return wrap(LLVM::CountTrailingZerosOp::create(b, loc, x.type(), x, false)); }
Val KernelBuilder::zerosAbove(Val x) { return wrap(LLVM::CountLeadingZerosOp::create(b, loc, x.type(), x, false)); }

#define QUOIN_INTEGER_OP(name, op)                                                                                     \
  Val KernelBuilder::name(Val x, Val y) {                                                                              \
    unify(x, y);                                                                                                       \
    return wrap(arith::op::create(b, loc, x, y));                                                                      \
  }
QUOIN_INTEGER_OP(remainder, RemUIOp)
QUOIN_INTEGER_OP(quotient, DivUIOp)
QUOIN_INTEGER_OP(shiftLeft, ShLIOp)
QUOIN_INTEGER_OP(shiftRight, ShRUIOp)
QUOIN_INTEGER_OP(shiftRightSigned, ShRSIOp)
QUOIN_INTEGER_OP(bitAnd, AndIOp)
QUOIN_INTEGER_OP(bitOr, OrIOp)
QUOIN_INTEGER_OP(bitXor, XOrIOp)
#undef QUOIN_INTEGER_OP

Val KernelBuilder::cast(Type type, Val value) { return wrap(LLVM::BitcastOp::create(b, loc, type, value)); }

Val KernelBuilder::extend(Type type, Val value, bool isSigned) {
  if (isSigned)
    return wrap(arith::ExtSIOp::create(b, loc, type, value));
  return wrap(arith::ExtUIOp::create(b, loc, type, value));
}

Val KernelBuilder::truncate(Type type, Val value) { return wrap(arith::TruncIOp::create(b, loc, type, value)); }

Val KernelBuilder::toFloat(Type type, Val value) {
  if (isFloat(value) && !options.half) {
    // Moved to the top of an f32 the exponent is too small by 112: a product sets it right, also for subnormal numbers.
    // Weights are finite.
    Type ints = integersLike(*this, type), narrow = value.type();
    narrow = isa<VectorType>(narrow) ? Type(vec(i16, mlir::cast<VectorType>(narrow).getDimSize(0))) : i16;
    Val bits = extend(ints, cast(narrow, value), true);
    Val sign = bitAnd(bits, integer(ints, INT32_MIN));
    Val magnitude =
        cast(type, shiftLeft(bitAnd(bits, integer(ints, 0x7fff)), integer(ints, 13))) * constant(type, 0x1p112);
    return cast(type, bitOr(cast(ints, magnitude), sign));
  }
  if (isFloat(value))
    return wrap(LLVM::FPExtOp::create(b, loc, type, value));
  return wrap(arith::SIToFPOp::create(b, loc, type, value));
}

Val KernelBuilder::sqrt(Val value) { return wrap(LLVM::SqrtOp::create(b, loc, value.type(), value)); }

Val KernelBuilder::shuffle(Val x, Val y, ArrayRef<int64_t> lanesOf) {
  return wrap(vector::ShuffleOp::create(b, loc, vec(getElementTypeOrSelf(x.type()), lanesOf.size()), x.value, y.value,
                                        lanesOf));
}

Val KernelBuilder::reduceLanes(Val v, function_ref<Val(Val, Val)> combine) {
  for (int64_t half = lanes / 2; half >= 1; half /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < half; ++i) {
      low.push_back(i);
      high.push_back(i + half);
    }
    v = combine(shuffle(v, v, low), shuffle(v, v, high));
  }
  return wrap(vector::ExtractOp::create(b, loc, v.value, ArrayRef<int64_t>{0}));
}

Val KernelBuilder::reduceAdd(Val v) {
  return reduceLanes(v, [](Val x, Val y) { return x + y; });
}
Val KernelBuilder::reduceMax(Val v) {
  return reduceLanes(v, [&](Val x, Val y) { return max(x, y); });
}
Val KernelBuilder::reduceMin(Val v) {
  return reduceLanes(v, [&](Val x, Val y) { return min(x, y); });
}

//===----------------------------------------------------------------------===//
// Elementary functions
//===----------------------------------------------------------------------===//

/// A negation that the fused multiply-add which reads it takes in.
static Val negate(Val x) { return x.kb->wrap(arith::NegFOp::create(x.kb->b, x.kb->loc, x)); }

/// 1.5 * 2^23 + 127: added to a small number, it leaves the nearest integer n as n + 127 in the low bits of the sum,
/// where the exponent of 2^n has it.
static constexpr double roundingShift = 12583039.0;

/// 2^f for |f| <= 1/2; the constant term is exactly 1.
Val KernelBuilder::expCore(Val f) {
  static const double c[] = {0.6931471824645996,   0.24022650718688965,  0.05550356209278107,
                             0.009618082083761692, 0.001339132315479219, 0.00015453562082257122};
  Val p = literal(f, c[5]);
  for (int i = 4; i >= 0; --i)
    p = fma(p, f, literal(f, c[i]));
  return fma(p, f, literal(f, 1.0));
}

/// `shifted` is an integer n plus roundingShift, from -127 (which gives 0) to 128 (infinity). A product, not a sum of
/// exponents: NaN may have anything in its low bits.
Val KernelBuilder::scaleByPowerOfTwo(Val mantissa, Val shifted) {
  Type ints = integersLike(*this, mantissa.type());
  return mantissa * cast(mantissa.type(), shiftLeft(cast(ints, shifted), integer(ints, 23)));
}

Val KernelBuilder::exp2(Val x) {
  x = max(literal(x, -127.0), x);
  Val shifted = x + roundingShift;
  Val n = shifted - roundingShift;
  return scaleByPowerOfTwo(expCore(x - n), shifted);
}

Val KernelBuilder::exp2Brief(Val x) {
  x = max(literal(x, -127.0), x);
  Val shifted = x + roundingShift, f = x - (shifted - roundingShift);
  static const double c[] = {1.0, 0.693121045203427, 0.24022349038020335, 0.055921975842256264, 0.009666368515387469};
  Val p = literal(f, c[4]);
  for (int i = 3; i >= 0; --i)
    p = fma(p, f, literal(f, c[i]));
  return scaleByPowerOfTwo(p, shifted);
}

Val KernelBuilder::exp(Val x) {
  // Of a negated argument, as sigmoids have it, constants take the sign: the same bits, and no negation.
  double sign = 1;
  if (auto negated = x.value.getDefiningOp<arith::NegFOp>()) {
    x = wrap(negated.getOperand());
    sign = -1;
  }
  x = min(literal(x, sign > 0 ? 89.0 : 88.0), max(literal(x, sign > 0 ? -88.0 : -89.0), x));
  // The product with log2(e) in two parts, so that large arguments lose nothing.
  Val shifted = fma(x, literal(x, sign * 1.4426950216293335), literal(x, roundingShift));
  Val n = shifted - roundingShift;
  Val f = fma(x, literal(x, sign * 1.4426950216293335), negate(n));
  f = fma(x, literal(x, sign * 1.925963033500011e-08), f);
  return scaleByPowerOfTwo(expCore(f), shifted);
}

Val KernelBuilder::logExponent(Val x) {
  // The mantissa is taken between sqrt(1/2) and sqrt(2), so that f is small on both sides of 1.
  Type ints = integersLike(*this, x.type());
  return shiftRightSigned(cast(ints, x) - int64_t(0x3f3504f3), integer(ints, 23));
}

void KernelBuilder::logSplit(Val x, Val &f, Val &e) {
  Type ints = integersLike(*this, x.type());
  Val bits = cast(ints, x), exponent = logExponent(x);
  f = cast(x.type(), bits - shiftLeft(exponent, integer(ints, 23))) - 1.0;
  e = toFloat(x.type(), exponent);
}

Val KernelBuilder::logParts(Val f, Val e) {
  static const double c[] = {0.3333333134651184,   -0.2499999701976776,  0.20000717043876648,
                             -0.16667808592319489, 0.14249008893966675,  -0.12425486743450165,
                             0.11685719341039658,  -0.11481477320194244, 0.06973070651292801};
  Val p = literal(f, c[8]);
  for (int i = 7; i >= 0; --i)
    p = fma(p, f, literal(f, c[i]));
  Val square = f * f;
  Val r = fma(p * f, square, square * -0.5);
  r = fma(e, literal(f, -2.12194440e-4), r) + f; // ln 2 = 0.693359375 - 0.000212194440, the first part exact times e
  return fma(e, literal(f, 0.693359375), r);
}

Val KernelBuilder::logOfNormal(Val x) {
  Val f, e;
  logSplit(x, f, e);
  return logParts(f, e);
}

Val KernelBuilder::log(Val x) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Val result = select(compare(Compare::eq, x, literal(x, infinity)), x, logOfNormal(x));
  result = select(compare(Compare::eq, x, literal(x, 0.0)), literal(x, -infinity), result);
  // Negative, or not a number.
  return select(compare(Compare::sge, x, literal(x, 0.0)), result,
                literal(x, std::numeric_limits<double>::quiet_NaN()));
}
