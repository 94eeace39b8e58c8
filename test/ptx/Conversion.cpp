//===- Conversion.cpp - cvt --------------------------------------------------===//

#include "test/ptx/Execution.h"
#include "test/ptx/Numbers.h"
#include <algorithm>
#include <cmath>

namespace quoin::ptx {

using enum Type;

static int64_t extendedFrom(Type type, uint64_t value) {
  unsigned unused = 64 - bitsOf(type);
  return isSigned(type) ? int64_t(value << unused) >> unused : int64_t(value << unused >> unused);
}

/// To a destination that may be wider than the type: by its sign.
static uint64_t fitted(Type type, uint64_t value) { return uint64_t(extendedFrom(type, value)); }

static uint64_t limitOf(Type type, bool most) {
  unsigned bits = bitsOf(type);
  uint64_t ones = ~uint64_t(0) >> (64 - bits);
  if (!isSigned(type))
    return most ? ones : 0;
  return most ? ones >> 1 : uint64_t(1) << (bits - 1);
}

static uint64_t floatToInteger(const Instruction &in, double value) {
  unsigned bits = bitsOf(in.type);
  if (std::isnan(value)) {
    bool wide = in.from == F64 || bits == 64;
    return wide ? uint64_t(1) << (bits - 1) : 0;
  }
  value = roundIntegral(value, in.rounding);
  double most = std::ldexp(1.0, int(bits) - isSigned(in.type)), least = isSigned(in.type) ? -most : 0;
  if (value >= most)
    return limitOf(in.type, true);
  if (value <= least)
    return limitOf(in.type, false);
  return isSigned(in.type) ? uint64_t(int64_t(value)) : uint64_t(value);
}

static uint64_t integerToInteger(const Instruction &in, uint64_t bits) {
  int64_t value = extendedFrom(in.from, bits);
  if (!in.saturate)
    return uint64_t(value);
  // A u64 above the signed numbers exceeds every type but u64.
  bool huge = in.from == U64 && value < 0;
  if (in.type == U64)
    return isSigned(in.from) && value < 0 ? 0 : uint64_t(value);
  int64_t most = int64_t(limitOf(in.type, true));
  int64_t least = isSigned(in.type) ? -most - 1 : 0;
  return uint64_t(huge ? most : std::clamp(value, least, most));
}

/// An integer in a float format: exact in a double where it has at most 53 bits, else rounded to odd by hand.
static double integerAsOdd(Type type, uint64_t bits) {
  int64_t value = extendedFrom(type, bits);
  bool negative = isSigned(type) && value < 0;
  uint64_t magnitude = negative ? -uint64_t(value) : uint64_t(value);
  if (int excess = 11 - __builtin_clzll(magnitude | 1); excess > 0) {
    uint64_t lost = magnitude & ((uint64_t(1) << excess) - 1);
    magnitude = (magnitude >> excess | (lost != 0)) << excess;
  }
  return negative ? -double(magnitude) : double(magnitude);
}

static uint64_t toDouble(const Instruction &in, uint64_t bits) {
  if (isFloat(in.from)) {
    double value = in.from == F64 ? asDouble(bits) : decode(formatOf(in.from), bits);
    if (in.ftz && in.from == F32 && isSubnormal(kSingle, bits))
      value = std::copysign(0.0, value);
    return bitsOfDouble(in.integral ? roundIntegral(value, in.rounding) : value);
  }
  // 64 bits do not fit: the CPU rounds to nearest, the others go by their neighbours.
  int64_t value = extendedFrom(in.from, bits);
  bool negative = isSigned(in.from) && value < 0;
  uint64_t magnitude = negative ? -uint64_t(value) : uint64_t(value);
  int excess = 11 - __builtin_clzll(magnitude | 1);
  if (excess > 0) {
    uint64_t unit = uint64_t(1) << excess, lost = magnitude & (unit - 1), half = unit / 2;
    bool odd = magnitude & unit;
    bool up = in.rounding == Rounding::Nearest ? lost > half || (lost == half && odd)
              : in.rounding == Rounding::Down  ? negative && lost
              : in.rounding == Rounding::Up    ? !negative && lost
                                               : false;
    double whole = double(magnitude - lost) + (up ? double(unit) : 0);
    return bitsOfDouble(negative ? -whole : whole);
  }
  return bitsOfDouble(negative ? -double(magnitude) : double(magnitude));
}

static uint64_t toFloat(const Instruction &in, uint64_t bits) {
  Format to = formatOf(in.type);
  double odd;
  if (isFloat(in.from)) {
    odd = in.from == F64 ? asDouble(bits) : decode(formatOf(in.from), bits);
    if (in.ftz && in.from == F32 && isSubnormal(kSingle, bits))
      odd = std::copysign(0.0, odd);
    if (in.integral)
      odd = roundIntegral(odd, in.rounding);
  } else {
    odd = integerAsOdd(in.from, bits);
  }
  if (in.saturate)
    odd = std::isnan(odd) || odd <= 0 ? 0 : std::min(odd, 1.0);
  if (in.relu && odd <= 0)
    odd = 0;
  uint64_t result = encode(to, odd, in.rounding);
  if (in.ftz && in.type == F32 && isSubnormal(kSingle, result))
    result = encode(to, std::copysign(0.0, odd));
  return result;
}

static uint64_t converted(const Instruction &in, uint64_t bits) {
  if (in.type == F64)
    return toDouble(in, bits);
  if (isFloat(in.type))
    return toFloat(in, bits);
  if (!isFloat(in.from))
    return fitted(in.type, integerToInteger(in, bits));
  double value = in.from == F64 ? asDouble(bits) : decode(formatOf(in.from), bits);
  if (in.ftz && in.from == F32 && isSubnormal(kSingle, bits))
    value = 0;
  return fitted(in.type, floatToInteger(in, value));
}

/// One half of a pair.
static uint64_t half(const Instruction &in, uint64_t bits) {
  Format to = formatOf(in.type);
  double value = decode(kSingle, bits);
  if (in.saturate && !std::isnan(value))
    value = std::clamp(value, -largest(to), largest(to));
  if (in.relu && value <= 0)
    value = 0;
  return encode(to, value, in.rounding);
}

Outcome runConversion(Step &step) {
  const Instruction &in = step.in;
  uint32_t poison = 0;
  Lanes a = step.read(1, poison), result;
  bool eight = in.type == E4M3x2 || in.type == E5M2x2;
  if (in.operands.size() == 3) { // the first is the upper half
    Lanes b = step.read(2, poison);
    for (unsigned l = 0; l < 32; ++l)
      result[l] = half(in, a[l]) << (eight ? 8 : 16) | half(in, b[l]);
  } else if (in.from == E4M3x2 || in.from == E5M2x2) {
    Format from = formatOf(in.from);
    auto widen = [&](uint64_t bits) {
      double value = decode(from, bits & 0xff);
      return encode(kHalf, in.relu && value <= 0 ? 0 : value);
    };
    for (unsigned l = 0; l < 32; ++l)
      result[l] = widen(a[l]) | widen(a[l] >> 8) << 16;
  } else {
    for (unsigned l = 0; l < 32; ++l)
      result[l] = converted(in, a[l]);
  }
  step.write(0, result, poison);
  return Outcome::Next;
}

} // namespace quoin::ptx
