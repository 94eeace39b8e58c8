//===- Elementary.cpp - more functions of f32, for row programs ------------===//
//
// Built on the exponential and the logarithm of KernelMath.cpp; relative errors of a few units in the last place, NaN
// of NaN. Sines and cosines turn their argument back in f64, in which pi/2 comes in two parts: right to f32's last
// place up to arguments of 2^30, beyond which a turn is less than what an f32 can tell apart.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/KernelBuilder.h"
#include <limits>

using namespace mlir;
using namespace quoin::cpu;
using Compare = KernelBuilder::Compare;

static Type integersLike(Val x) {
  auto vector = dyn_cast<VectorType>(x.type());
  return vector ? Type(x.kb->vec(x.kb->i32, vector.getDimSize(0))) : x.kb->i32;
}

static Val magnitude(Val x) {
  KernelBuilder &kb = *x.kb;
  Type ints = integersLike(x);
  return kb.cast(x.type(), kb.bitAnd(kb.cast(ints, x), kb.integer(ints, INT32_MAX)));
}

Val KernelBuilder::copySign(Val x, Val sign) {
  Type ints = integersLike(x);
  Val bit = bitAnd(cast(ints, sign), integer(ints, INT32_MIN));
  return cast(x.type(), bitOr(cast(ints, magnitude(x)), bit));
}

/// A polynomial, from the highest coefficient down.
static Val polynomial(Val x, ArrayRef<double> c) {
  Val p = literal(x, c.front());
  for (double next : c.drop_front())
    p = x.kb->fma(p, x, literal(x, next));
  return p;
}

Val KernelBuilder::tanh(Val x) {
  Val t = magnitude(x), square = x * x;
  Val large = copySign(literal(x, 1.0) - literal(x, 2.0) / (exp(t * 2.0) + 1.0), x);
  Val p = polynomial(square, {-5.70498872e-3, 2.06390887e-2, -5.37397155e-2, 1.33314422e-1, -3.33332819e-1});
  return select(compare(Compare::sgt, t, literal(x, 0.625)), large, fma(p * square, x, x));
}

Val KernelBuilder::erf(Val x) {
  Val t = magnitude(x), square = x * x;
  // 1 - exp of a polynomial of |x|, by halves.
  Val r = fma(literal(x, -1.72853470e-5), t, literal(x, 3.83197126e-4));
  Val u = fma(literal(x, -3.88396438e-3), t, literal(x, 2.42546219e-2));
  r = fma(r, square, u);
  for (double c : {-1.06777877e-1, -6.34846687e-1, -1.28717512e-1})
    r = fma(r, t, literal(x, c));
  r = fma(r, t, literal(x, 0.0) - t);
  // Far out the polynomial turns back.
  r = select(compare(Compare::sgt, t, literal(x, 4.0)), literal(x, -100.0), r);
  Val large = copySign(literal(x, 1.0) - exp(r), x);
  Val p =
      polynomial(square, {-5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1});
  return select(compare(Compare::sgt, t, literal(x, 0.927734375)), large, fma(p, x, x));
}

Val KernelBuilder::exp2OfAny(Val x) {
  // The largest powers in two factors.
  Val far = compare(Compare::sgt, x, literal(x, 126.0));
  Val near = exp2(min(literal(x, 127.0), select(far, x - 1.0, x)));
  Val result = near * select(far, literal(x, 2.0), literal(x, 1.0));
  return select(compare(Compare::sge, x, literal(x, 128.0)), literal(x, std::numeric_limits<double>::infinity()),
                result);
}

Val KernelBuilder::expm1(Val x) {
  // Near 0 by its series, elsewhere nothing is lost to the 1.
  Val p = polynomial(x, {1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5});
  return select(compare(Compare::sgt, magnitude(x), literal(x, 0.35)), exp(x) - 1.0, fma(p * x, x, x));
}

/// A logarithm made of `normal` where x is positive and finite.
static Val ofAny(Val x, Val normal) {
  KernelBuilder &kb = *x.kb;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Val result = kb.select(kb.compare(Compare::eq, x, literal(x, infinity)), x, normal);
  result = kb.select(kb.compare(Compare::eq, x, literal(x, 0.0)), literal(x, -infinity), result);
  return kb.select(kb.compare(Compare::sge, x, literal(x, 0.0)), result,
                   literal(x, std::numeric_limits<double>::quiet_NaN()));
}

Val KernelBuilder::log2(Val x) {
  Val f, e;
  logSplit(x, f, e);
  // A power of two comes out whole.
  return ofAny(x, fma(logParts(f, literal(x, 0.0)), literal(x, 1.4426950408889634), e));
}

Val KernelBuilder::log1p(Val x) {
  Val sum = x + 1.0, f, e;
  logSplit(sum, f, e);
  // What rounding took from the sum, at the scale of f: 2^-e.
  Type ints = integersLike(x);
  Val whole = sum - 1.0, lost = x - whole;
  Val scale =
      cast(x.type(), shiftLeft(max(integer(ints, 127) - logExponent(sum), integer(ints, 0)), integer(ints, 23)));
  Val result = ofAny(sum, logParts(f + lost * scale, e));
  // Of infinity nothing is lost, and of what is small next to 1 all of it is kept.
  return select(compare(Compare::sgt, magnitude(x), literal(x, 0x1p-26)), result, x);
}

/// sin(x) if `quarters` is 0, cos(x) if it is 1.
Val KernelBuilder::sineAfter(Val x, int64_t quarters) {
  auto vector = dyn_cast<VectorType>(x.type());
  auto like = [&](Type element) { return vector ? Type(vec(element, vector.getDimSize(0))) : element; };
  Type real = like(b.getF64Type()), ints = like(i64);
  auto value = [&](double v) { return constant(real, v); };
  Val wide = wrap(LLVM::FPExtOp::create(b, loc, real, x));
  // Adding 1.5 * 2^52 rounds to an integer, which is then in the low bits too.
  Val shifted = fma(wide, value(0x1.45f306dc9c883p-1), value(0x1.8p52)), turns = shifted - value(0x1.8p52);
  Val r = fma(turns, value(-0x1.921fb54442d18p0), wide);
  r = fma(turns, value(-0x1.1a62633145c07p-54), r);
  Val quarter = bitAnd(cast(ints, shifted) + quarters, integer(ints, 3));
  Val square = r * r;
  auto series = [&](ArrayRef<double> c) {
    Val p = value(c.front());
    for (double next : c.drop_front())
      p = fma(p, square, value(next));
    return p;
  };
  Val sine =
      fma(series({2.7557319223985893e-6, -1.984126984126984e-4, 8.333333333333333e-3, -0.16666666666666666}) * square,
          r, r);
  Val cosine =
      fma(series({-2.7557319223985888e-7, 2.48015873015873e-5, -1.388888888888889e-3, 4.1666666666666664e-2, -0.5}),
          square, value(1));
  Val odd = compare(Compare::ne, bitAnd(quarter, integer(ints, 1)), integer(ints, 0));
  Val turned = compare(Compare::ne, bitAnd(quarter, integer(ints, 2)), integer(ints, 0));
  Val result = select(odd, cosine, sine);
  result = select(turned, value(0) - result, result);
  return wrap(LLVM::FPTruncOp::create(b, loc, x.type(), result));
}
