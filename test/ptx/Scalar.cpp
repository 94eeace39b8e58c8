//===- Scalar.cpp - arithmetic of one thread ---------------------------------===//
//
// Each operation is a function of the bits of its operands; the fast forms of f32 are those of the CPU, which rounds to
// nearest as PTX does; all others go through `Numbers.h`.
//
//===----------------------------------------------------------------------===//

#include "test/ptx/Execution.h"
#include "test/ptx/Numbers.h"
#include <algorithm>
#include <cmath>

namespace quoin::ptx {

using enum Type;

static int64_t extended(Type type, uint64_t value) {
  unsigned unused = 64 - bitsOf(type);
  return isSigned(type) ? int64_t(value << unused) >> unused : int64_t(value << unused >> unused);
}
static uint64_t cut(Type type, uint64_t value) {
  unsigned unused = 64 - bitsOf(type);
  return value << unused >> unused;
}
static bool less(Type type, uint64_t a, uint64_t b) {
  return isSigned(type) ? extended(type, a) < extended(type, b) : cut(type, a) < cut(type, b);
}

// ---- Floats
// ----------------------------------------------------------------------------------------------------------

/// An operand of a float instruction of at most 32 bits, subnormals flushed where it says so.
static double operandOf(const Instruction &in, Format format, uint64_t bits) {
  if (in.ftz && isSubnormal(format, bits))
    return std::copysign(0.0, decode(format, bits));
  return decode(format, bits);
}

static uint64_t resultOf(const Instruction &in, Format format, double odd) {
  if (in.saturate)
    odd = std::isnan(odd) ? 0 : odd <= 0 ? 0 : std::min(odd, 1.0);
  if (in.relu && odd <= 0)
    odd = 0;
  uint64_t bits = encode(format, odd, in.rounding);
  if (in.ftz && isSubnormal(format, bits))
    bits = encode(format, std::copysign(0.0, odd));
  return bits;
}

static double extremumOf(bool smaller, bool nanWins, double a, double b) {
  if (std::isnan(a) || std::isnan(b))
    return nanWins || (std::isnan(a) && std::isnan(b)) ? std::nan("") : std::isnan(a) ? b : a;
  if (a == 0 && b == 0)
    return std::signbit(a) == smaller ? a : b; // -0 is less than +0
  return smaller ? std::min(a, b) : std::max(a, b);
}

/// What an approximate function gives here: the value rounded to nearest, which its bounds allow.
static double approximated(Opcode op, double a) {
  switch (op) {
  case Opcode::Rcp:
    return 1 / a;
  case Opcode::Sqrt:
    return std::sqrt(a);
  case Opcode::Rsqrt:
    return 1 / std::sqrt(a);
  case Opcode::Ex2:
    return std::exp2(a);
  case Opcode::Lg2:
    return std::log2(a);
  case Opcode::Sin:
    return std::sin(a);
  case Opcode::Cos:
    return std::cos(a);
  default:
    return std::tanh(a);
  }
}

/// An operation on floats of at most 32 bits. `c` is the third operand of fma.
static uint64_t floatElement(const Instruction &in, Format format, uint64_t bitsA, uint64_t bitsB, uint64_t bitsC) {
  double a = operandOf(in, format, bitsA), b = operandOf(in, format, bitsB);
  uint64_t sign = uint64_t(1) << (format.exponentBits + format.mantissaBits);
  switch (in.op) {
  case Opcode::Add:
    return resultOf(in, format, addOdd(a, b, in.rounding));
  case Opcode::Sub:
    return resultOf(in, format, addOdd(a, -b, in.rounding));
  case Opcode::Mul:
    return resultOf(in, format, a * b);
  case Opcode::Fma:
    return resultOf(in, format, fmaOdd(a, b, operandOf(in, format, bitsC), in.rounding));
  case Opcode::Div:
    return resultOf(in, format, divideOdd(a, b));
  case Opcode::Min:
    return resultOf(in, format, extremumOf(true, in.nanWins, a, b));
  case Opcode::Max:
    return resultOf(in, format, extremumOf(false, in.nanWins, a, b));
  case Opcode::Abs:
    return (in.ftz ? encode(format, a) : bitsA) & ~sign;
  case Opcode::Neg:
    return (in.ftz ? encode(format, a) : bitsA) ^ sign;
  case Opcode::CopySign:
    return (bitsB & ~sign) | (bitsA & sign);
  case Opcode::Rcp:
    if (!in.approximate)
      return resultOf(in, format, divideOdd(1, a));
    break;
  case Opcode::Sqrt:
    if (!in.approximate)
      return resultOf(in, format, sqrtOdd(a));
    break;
  default:
    break;
  }
  return resultOf(in, format, approximated(in.op, a));
}

/// f64, which the CPU computes as PTX does.
static uint64_t doubleElement(const Instruction &in, uint64_t bitsA, uint64_t bitsB, uint64_t bitsC) {
  double a = asDouble(bitsA), b = asDouble(bitsB);
  uint64_t sign = uint64_t(1) << 63;
  switch (in.op) {
  case Opcode::Add:
    return bitsOfDouble(a + b);
  case Opcode::Sub:
    return bitsOfDouble(a - b);
  case Opcode::Mul:
    return bitsOfDouble(a * b);
  case Opcode::Fma:
    return bitsOfDouble(std::fma(a, b, asDouble(bitsC)));
  case Opcode::Div:
    return bitsOfDouble(a / b);
  case Opcode::Rcp:
    return bitsOfDouble(1 / a);
  case Opcode::Sqrt:
    return bitsOfDouble(std::sqrt(a));
  case Opcode::Min:
    return bitsOfDouble(extremumOf(true, false, a, b));
  case Opcode::Max:
    return bitsOfDouble(extremumOf(false, false, a, b));
  case Opcode::Abs:
    return bitsA & ~sign;
  case Opcode::Neg:
    return bitsA ^ sign;
  default:
    return (bitsB & ~sign) | (bitsA & sign); // copysign
  }
}

static uint64_t floatResult(const Instruction &in, uint64_t a, uint64_t b, uint64_t c) {
  if (in.type == F32 && in.rounding == Rounding::Nearest && !in.ftz && !in.saturate) {
    float value;
    switch (in.op) {
    case Opcode::Add:
      value = single(a) + single(b);
      break;
    case Opcode::Sub:
      value = single(a) - single(b);
      break;
    case Opcode::Mul:
      value = single(a) * single(b);
      break;
    case Opcode::Fma:
      value = std::fma(single(a), single(b), single(c));
      break;
    default:
      return floatElement(in, kSingle, a, b, c);
    }
    return value != value ? 0x7fffffff : bitsOfSingle(value);
  }
  if (in.type == F64)
    return doubleElement(in, a, b, c);
  Format format = formatOf(in.type);
  if (in.type != F16x2 && in.type != BF16x2)
    return floatElement(in, format, a, b, c);
  uint64_t low = floatElement(in, format, a & 0xffff, b & 0xffff, c & 0xffff);
  return low | floatElement(in, format, a >> 16, b >> 16, c >> 16) << 16;
}

// ---- Integers
// --------------------------------------------------------------------------------------------------------

/// The product's lower or upper half, or all of it.
static uint64_t productOf(const Instruction &in, uint64_t a, uint64_t b) {
  unsigned bits = bitsOf(in.type);
  __extension__ using Wide = __int128;
  Wide whole = isSigned(in.type) ? Wide(extended(in.type, a)) * extended(in.type, b)
                                 : Wide(static_cast<unsigned __int128>(cut(in.type, a)) * cut(in.type, b));
  return uint64_t(in.part == Part::Hi ? whole >> bits : whole);
}

static uint64_t shiftRight(Type type, uint64_t a, uint64_t amount) {
  uint64_t bits = bitsOf(type);
  if (isSigned(type))
    return uint64_t(extended(type, a) >> std::min(amount, bits - 1));
  return amount >= bits ? 0 : cut(type, a) >> amount;
}

static uint64_t extract(Type type, uint64_t a, uint64_t at, uint64_t length) {
  uint64_t bits = bitsOf(type), sign = 0;
  at &= 0xff;
  length &= 0xff;
  if (isSigned(type) && length)
    sign = a >> std::min(at + length - 1, bits - 1) & 1;
  uint64_t value = 0;
  for (uint64_t i = 0; i < bits; ++i)
    value |= (i < length && at + i < bits ? a >> (at + i) & 1 : sign) << i;
  return value;
}

static uint64_t insert(Type type, uint64_t from, uint64_t into, uint64_t at, uint64_t length) {
  uint64_t bits = bitsOf(type);
  at &= 0xff;
  length &= 0xff;
  for (uint64_t i = 0; i < length && at + i < bits; ++i)
    into = (into & ~(uint64_t(1) << (at + i))) | (from >> i & 1) << (at + i);
  return into;
}

static uint64_t permute(uint64_t a, uint64_t b, uint64_t selector) {
  uint64_t bytes = (a & 0xffffffff) | b << 32, result = 0;
  for (unsigned i = 0; i < 4; ++i) {
    uint64_t choice = selector >> (4 * i) & 15, byte = bytes >> (8 * (choice & 7)) & 0xff;
    if (choice & 8)
      byte = byte & 0x80 ? 0xff : 0;
    result |= byte << (8 * i);
  }
  return result;
}

static uint64_t funnel(const Instruction &in, uint64_t a, uint64_t b, uint64_t amount) {
  amount = in.wrap ? amount & 31 : std::min<uint64_t>(amount, 32);
  uint64_t both = (a & 0xffffffff) | b << 32;
  return in.mode == Mode::Up ? (amount ? both << amount >> 32 : both >> 32) : both >> amount;
}

static uint64_t logic3(uint64_t a, uint64_t b, uint64_t c, uint64_t table) {
  uint64_t result = 0;
  for (unsigned i = 0; i < 8; ++i)
    if (table >> i & 1)
      result |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
  return result;
}

static uint64_t dotOfBytes(const Instruction &in, uint64_t a, uint64_t b, uint64_t c) {
  int64_t sum = 0;
  for (unsigned i = 0; i < 32; i += 8) {
    int64_t x = in.type == S32 ? int8_t(a >> i) : uint8_t(a >> i),
            y = in.from == S32 ? int8_t(b >> i) : uint8_t(b >> i);
    sum += x * y;
  }
  return c + uint64_t(sum);
}

static uint64_t saturated(int64_t value) { return uint64_t(std::clamp<int64_t>(value, INT32_MIN, INT32_MAX)); }

/// Division by zero, or of the least number by -1, gives what PTX does not say: `undefined`.
static uint64_t divided(const Instruction &in, uint64_t a, uint64_t b, bool &undefined) {
  if (!cut(in.type, b) ||
      (isSigned(in.type) && extended(in.type, b) == -1 && cut(in.type, a) == uint64_t(1) << (bitsOf(in.type) - 1))) {
    undefined = true;
    return 0;
  }
  bool rest = in.op == Opcode::Rem;
  if (isSigned(in.type)) {
    int64_t x = extended(in.type, a), y = extended(in.type, b);
    return uint64_t(rest ? x % y : x / y);
  }
  uint64_t x = cut(in.type, a), y = cut(in.type, b);
  return rest ? x % y : x / y;
}

static uint64_t integerResult(const Instruction &in, const uint64_t (&v)[4], bool &undefined) {
  uint64_t a = v[0], b = v[1], c = v[2];
  switch (in.op) {
  case Opcode::Add:
    return in.saturate ? saturated(extended(S32, a) + extended(S32, b)) : a + b;
  case Opcode::Sub:
    return in.saturate ? saturated(extended(S32, a) - extended(S32, b)) : a - b;
  case Opcode::Mul:
    return productOf(in, a, b);
  case Opcode::Mad:
    return productOf(in, a, b) + c;
  case Opcode::Div:
  case Opcode::Rem:
    return divided(in, a, b, undefined);
  case Opcode::Min:
    return less(in.type, a, b) ? a : b;
  case Opcode::Max:
    return less(in.type, a, b) ? b : a;
  case Opcode::Abs:
    return extended(in.type, a) < 0 ? -a : a;
  case Opcode::Neg:
    return -a;
  case Opcode::And:
    return a & b;
  case Opcode::Or:
    return a | b;
  case Opcode::Xor:
    return a ^ b;
  case Opcode::Not:
    return ~a;
  case Opcode::Shl:
    return (b & 0xffffffff) >= bitsOf(in.type) ? 0 : a << (b & 0xffffffff);
  case Opcode::Shr:
    return shiftRight(in.type, a, b & 0xffffffff);
  case Opcode::Bfe:
    return extract(in.type, a, b, c);
  case Opcode::Bfi:
    return insert(in.type, a, b, c, v[3]);
  case Opcode::Popc:
    return uint64_t(__builtin_popcountll(cut(in.type, a)));
  case Opcode::Clz:
    return uint64_t(cut(in.type, a) ? __builtin_clzll(cut(in.type, a)) : 64) - (64 - bitsOf(in.type));
  case Opcode::Brev:
    return __builtin_bitreverse64(a) >> (64 - bitsOf(in.type));
  case Opcode::Lop3:
    return logic3(a, b, c, v[3]);
  case Opcode::Prmt:
    return permute(a, b, c);
  case Opcode::Shf:
    return funnel(in, a, b, c & 0xffffffff);
  case Opcode::Dp4a:
    return dotOfBytes(in, a, b, c);
  default:
    return 0;
  }
}

// ---- Predicates
// ------------------------------------------------------------------------------------------------------

static bool holds(const Instruction &in, uint64_t a, uint64_t b) {
  int order; // -1, 0, 1, or 2 where one is NaN
  if (isFloat(in.type)) {
    double x = in.type == F64 ? asDouble(a) : operandOf(in, formatOf(in.type), a);
    double y = in.type == F64 ? asDouble(b) : operandOf(in, formatOf(in.type), b);
    order = x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;
  } else {
    order = less(in.type, a, b) ? -1 : less(in.type, b, a) ? 1 : 0;
  }
  bool nan = order == 2;
  switch (in.compare) {
  case Compare::Eq:
    return order == 0;
  case Compare::Ne:
    return order != 0 && !nan;
  case Compare::Lt:
    return order == -1;
  case Compare::Le:
    return order <= 0;
  case Compare::Gt:
    return order == 1;
  case Compare::Ge:
    return order == 0 || order == 1;
  case Compare::Equ:
    return order == 0 || nan;
  case Compare::Neu:
    return order != 0;
  case Compare::Ltu:
    return order == -1 || nan;
  case Compare::Leu:
    return order <= 0 || nan;
  case Compare::Gtu:
    return order >= 1;
  case Compare::Geu:
    return order >= 0;
  case Compare::Num:
    return !nan;
  case Compare::Nan:
    return nan;
  }
  return false;
}

static Outcome compare(Step &step) {
  const Instruction &in = step.in;
  uint32_t poison = 0;
  Lanes a = step.read(1, poison), b = step.read(2, poison), c = {}, yes = {}, no = {};
  if (in.combine != Combine::None)
    c = step.read(3, poison);
  for (unsigned l = 0; l < 32; ++l) {
    bool result = holds(in, a[l], b[l]), other = c[l] & 1;
    auto combined = [&](bool value) {
      return in.combine == Combine::And   ? value && other
             : in.combine == Combine::Or  ? value || other
             : in.combine == Combine::Xor ? value != other
                                          : value;
    };
    yes[l] = combined(result);
    no[l] = combined(!result);
  }
  const Operand &to = in.operands[0];
  if (to.kind != Operand::Kind::Pair) {
    step.write(to, yes, poison);
    return Outcome::Next;
  }
  step.write(to.parts[0], yes, poison);
  step.write(to.parts[1], no, poison);
  return Outcome::Next;
}

static Outcome testProperty(Step &step) {
  uint32_t poison = 0;
  Lanes a = step.read(1, poison);
  for (uint64_t &each : a) {
    double value = step.in.type == F64 ? asDouble(each) : decode(kSingle, each);
    bool subnormal = step.in.type == F64 ? std::fpclassify(value) == FP_SUBNORMAL : isSubnormal(kSingle, each);
    bool normal = std::isfinite(value) && !subnormal && value != 0;
    bool answers[] = {bool(std::isfinite(value)),
                      bool(std::isinf(value)),
                      !std::isnan(value),
                      bool(std::isnan(value)),
                      normal,
                      subnormal};
    each = answers[step.in.count];
  }
  step.write(0, a, poison);
  return Outcome::Next;
}

static Outcome select(Step &step) {
  uint32_t poisonA = 0, poisonB = 0, poison = 0, chosen = 0;
  Lanes a = step.read(1, poisonA), b = step.read(2, poisonB), p = step.read(3, poison);
  for (unsigned l = 0; l < 32; ++l) {
    chosen |= uint32_t(p[l] & 1) << l;
    a[l] = p[l] & 1 ? a[l] : b[l];
  }
  step.write(0, a, poison | (poisonA & chosen) | (poisonB & ~chosen));
  return Outcome::Next;
}

Outcome runScalar(Step &step) {
  const Instruction &in = step.in;
  if (in.op == Opcode::Setp)
    return compare(step);
  if (in.op == Opcode::Selp)
    return select(step);
  if (in.op == Opcode::TestP)
    return testProperty(step);
  uint32_t poison = 0;
  std::array<Lanes, 4> operands;
  size_t count = in.operands.size() - 1;
  for (size_t i = 0; i < count; ++i)
    operands[i] = step.read(i + 1, poison);
  Lanes result;
  bool floats = isFloat(in.type) || in.type == F16x2 || in.type == BF16x2;
  forLanes(step.mask, [&](unsigned l) {
    uint64_t v[4] = {};
    for (size_t i = 0; i < count; ++i)
      v[i] = operands[i][l];
    bool undefined = false;
    result[l] = floats ? floatResult(in, v[0], v[1], v[2]) : integerResult(in, v, undefined);
    poison |= uint32_t(undefined) << l;
  });
  step.write(0, result, poison);
  return Outcome::Next;
}

} // namespace quoin::ptx
