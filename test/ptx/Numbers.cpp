//===- Numbers.cpp - PTX's number formats and exact rounding -----------------===//

#include "test/ptx/Numbers.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace quoin::ptx {

Format formatOf(Type type) {
  switch (type) {
  case Type::F16:
  case Type::F16x2:
    return kHalf;
  case Type::BF16:
  case Type::BF16x2:
    return kBrain;
  case Type::TF32:
    return kTensor;
  case Type::E4M3x2:
    return kE4M3;
  case Type::E5M2x2:
    return kE5M2;
  default:
    return kSingle;
  }
}

static int bias(Format format) { return (1 << (format.exponentBits - 1)) - 1; }

/// tf32 lies in the upper bits of 32; the lower ones are there and ignored.
static unsigned shiftOf(Format format) { return format.exponentBits == 8 && format.mantissaBits == 10 ? 13 : 0; }

double decode(Format format, uint64_t bits) {
  bits >>= shiftOf(format);
  uint64_t mantissa = bits & ((1u << format.mantissaBits) - 1), ones = (1u << format.exponentBits) - 1;
  uint64_t exponent = bits >> format.mantissaBits & ones;
  double sign = bits >> (format.mantissaBits + format.exponentBits) & 1 ? -1 : 1;
  if (exponent == ones) {
    if (!format.infinities && mantissa != (1u << format.mantissaBits) - 1)
      return sign * std::ldexp(double(mantissa + (1u << format.mantissaBits)),
                               int(exponent) - bias(format) - int(format.mantissaBits));
    if (!format.infinities || mantissa)
      return std::numeric_limits<double>::quiet_NaN();
    return sign * std::numeric_limits<double>::infinity();
  }
  if (exponent == 0)
    return sign * std::ldexp(double(mantissa), 1 - bias(format) - int(format.mantissaBits));
  return sign * std::ldexp(double(mantissa + (1u << format.mantissaBits)),
                           int(exponent) - bias(format) - int(format.mantissaBits));
}

double largest(Format format) {
  int exponent = (1 << format.exponentBits) - (format.infinities ? 2 : 1) - bias(format);
  double mantissa = double((2u << format.mantissaBits) - (format.infinities ? 1 : 2));
  return std::ldexp(mantissa, exponent - int(format.mantissaBits));
}

bool isSubnormal(Format format, uint64_t bits) {
  bits >>= shiftOf(format);
  uint64_t ones = (1u << format.exponentBits) - 1;
  return !(bits >> format.mantissaBits & ones) && (bits & ((1u << format.mantissaBits) - 1));
}

/// Whether the magnitude, of which `rest` beyond the last kept bit is cut (`half` is half of that bit), grows by one.
static bool roundsUp(bool negative, bool odd, uint64_t rest, uint64_t half, Rounding rounding) {
  switch (rounding) {
  case Rounding::Nearest:
    return rest > half || (rest == half && odd);
  case Rounding::NearestAway:
    return rest >= half;
  case Rounding::Zero:
    return false;
  case Rounding::Down:
    return negative && rest;
  case Rounding::Up:
    return !negative && rest;
  }
  return false;
}

uint64_t encode(Format format, double value, Rounding rounding) {
  const unsigned width = format.mantissaBits + format.exponentBits, shift = shiftOf(format);
  const uint64_t ones = (1u << format.exponentBits) - 1;
  // The canonical NaN has all bits but the sign.
  if (std::isnan(value))
    return ((uint64_t(1) << width) - 1) << shift | (shift ? 0x1fff : 0);
  const bool negative = std::signbit(value);
  const uint64_t sign = uint64_t(negative) << width;
  auto overflow = [&] {
    bool toLargest = rounding == Rounding::Zero || (rounding == Rounding::Down && !negative) ||
                     (rounding == Rounding::Up && negative);
    if (!format.infinities)
      return ((uint64_t(1) << width) - 1 - (toLargest ? 1 : 0)) | sign;
    return (ones << format.mantissaBits) - (toLargest ? 1 : 0) + sign;
  };
  if (std::isinf(value)) {
    uint64_t infinite = format.infinities ? ones << format.mantissaBits : (uint64_t(1) << width) - 1;
    return (infinite | sign) << shift;
  }
  double magnitude = std::fabs(value);
  if (magnitude == 0)
    return sign << shift;
  int exponent;
  uint64_t mantissa =
      uint64_t(std::ldexp(std::frexp(magnitude, &exponent), 53)); // magnitude = mantissa 2^(exponent-53)
  int least = 1 - bias(format);
  int kept = std::max(exponent - 1, least) - int(format.mantissaBits); // the exponent of the last bit that stays
  int cut = kept - (exponent - 53);
  uint64_t whole = 0, rest = 1, half = 2; // far below the last bit
  if (cut <= 54) {
    whole = cut > 53 ? 0 : mantissa >> cut;
    rest = cut > 53 ? mantissa : mantissa & ((uint64_t(1) << cut) - 1);
    half = uint64_t(1) << (cut - 1);
  }
  whole += roundsUp(negative, whole & 1, rest, half, rounding);
  // A carry moves into the exponent by itself; `whole` has its leading bit from the least normal number on.
  uint64_t field = whole;
  if (exponent - 1 >= least)
    field += uint64_t(exponent - 1 - least) << format.mantissaBits;
  uint64_t limit = format.infinities ? ones << format.mantissaBits : (uint64_t(1) << width) - 1;
  return (field >= limit ? overflow() : field | sign) << shift;
}

/// Sets the last bit of `rounded` where `error`, what is missing to the exact value, is not zero.
static double toOdd(double rounded, double error) {
  if (error == 0 || !std::isfinite(rounded) || (bitsOfDouble(rounded) & 1))
    return rounded;
  return std::nextafter(rounded,
                        error > 0 ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity());
}

/// A sum that is exactly zero is negative if both terms are, or if it is rounded down and one is.
static double zeroSum(double a, double b, Rounding rounding) {
  if (std::signbit(a) == std::signbit(b))
    return std::signbit(a) ? -0.0 : 0.0;
  return rounding == Rounding::Down ? -0.0 : 0.0;
}

double addOdd(double a, double b, Rounding rounding) {
  volatile double sum = a + b;
  if (!std::isfinite(sum))
    return sum;
  if (sum == 0)
    return zeroSum(a, b, rounding);
  double other = sum - a, error = (a - (sum - other)) + (b - other);
  return toOdd(sum, error);
}

double fmaOdd(double a, double b, double c, Rounding rounding) { return addOdd(a * b, c, rounding); }

double divideOdd(double a, double b) {
  double quotient = a / b;
  if (!std::isfinite(quotient) || quotient == 0 || std::isinf(b))
    return quotient;
  double rest = std::fma(-quotient, b, a);
  return toOdd(quotient, std::signbit(b) ? -rest : rest);
}

double sqrtOdd(double a) {
  double root = std::sqrt(a);
  if (!std::isfinite(root) || root == 0)
    return root;
  return toOdd(root, std::fma(-root, root, a));
}

double roundIntegral(double value, Rounding rounding) {
  switch (rounding) {
  case Rounding::Nearest:
    return std::nearbyint(value);
  case Rounding::Zero:
    return std::trunc(value);
  case Rounding::Down:
    return std::floor(value);
  case Rounding::Up:
    return std::ceil(value);
  case Rounding::NearestAway:
    return std::round(value);
  }
  return value;
}

} // namespace quoin::ptx
