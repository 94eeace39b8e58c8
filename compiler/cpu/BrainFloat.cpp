//===- BrainFloat.cpp - bf16 in pairs --------------------------------------------===//
//
// Products of bf16 take two elements at a time: a 32-bit lane holds an even element in its low half and the odd one
// after it in its high half. AVX512-BF16 has an instruction that multiplies and adds a pair, at the rate of a fused
// multiply-add on some machines and at a quarter of it on others. Where it is absent or slow both halves are widened,
// which is exact, and two fused multiply-adds do the same in f32.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/KernelBuilder.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"

using namespace mlir;
using namespace quoin::cpu;

Val KernelBuilder::narrow(Val v) {
  if (options.narrow)
    return cast(vec(i16), wrap(x86vector::CvtPackedF32ToBF16Op::create(b, loc, vec(b.getBF16Type()), v)));
  Val bits = cast(v16i, v), odd = bitAnd(shiftRight(bits, integer(v16i, 16)), integer(v16i, 1));
  Val rounded = bits + odd + int64_t(0x7fff);
  // Rounding could carry the payload of a NaN into its exponent.
  Val isNaN = compare(Compare::sgt, bitAnd(bits, integer(v16i, 0x7fffffff)), integer(v16i, 0x7f800000));
  Val quiet = bitOr(bits, integer(v16i, 1 << 22));
  return truncate(vec(i16), shiftRight(select(isNaN, quiet, rounded), integer(v16i, 16)));
}

Val KernelBuilder::narrowPairs(Val low, Val high) {
  return bitOr(extend(v16i, narrow(low), false), shiftLeft(extend(v16i, narrow(high), false), integer(v16i, 16)));
}

Val KernelBuilder::widenLow(Val pairs) { return cast(v16f, shiftLeft(pairs, integer(v16i, 16))); }

Val KernelBuilder::widenHigh(Val pairs) { return cast(v16f, bitAnd(pairs, integer(v16i, int32_t(0xffff0000)))); }

Val KernelBuilder::dotPairs(Val sum, Val x, Val y) {
  if (!options.narrow)
    return fma(widenHigh(x), widenHigh(y), fma(widenLow(x), widenLow(y), sum));
  Type halves = vec(b.getBF16Type(), 2 * lanes);
  return wrap(x86vector::DotBF16Op::create(b, loc, v16f, sum, cast(halves, x), cast(halves, y)));
}
