//===- Numbers.h - PTX's number formats and exact rounding -------------------===//
//
// Every result of an operation that PTX rounds is first brought to a double that is *rounded to odd*: exact, or with
// its last bit set. A double has more than twice the bits of the widest format rounded to here and two more, so
// rounding that once again, in any direction, gives what rounding the exact result would have.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_TEST_PTX_NUMBERS_H
#define QUOIN_TEST_PTX_NUMBERS_H

#include "test/ptx/Module.h"

namespace quoin::ptx {

struct Format {
  unsigned exponentBits, mantissaBits;
  /// Without it all ones in the exponent are numbers, but for one NaN (e4m3).
  bool infinities = true;
};

inline constexpr Format kSingle = {8, 23}, kHalf = {5, 10}, kBrain = {8, 7}, kTensor = {8, 10};
inline constexpr Format kE4M3 = {4, 3, false}, kE5M2 = {5, 2};

/// The format of the elements of a float type of at most 32 bits.
Format formatOf(Type type);

/// The value of a number's bits.
double decode(Format format, uint64_t bits);

/// The bits of `odd`, a double that is exact or rounded to odd, in a format. Too large ones become infinite or, as the
/// direction says, the largest number; NaN becomes the canonical one.
uint64_t encode(Format format, double odd, Rounding rounding = Rounding::Nearest);

/// The largest finite number.
double largest(Format format);
/// Whether the bits are a number below the least normal one, and not zero.
bool isSubnormal(Format format, uint64_t bits);

double addOdd(double a, double b, Rounding rounding);
/// a * b + c where a * b is exact in a double.
double fmaOdd(double a, double b, double c, Rounding rounding);
double divideOdd(double a, double b);
double sqrtOdd(double a);

/// To an integral value.
double roundIntegral(double value, Rounding rounding);

inline uint64_t bitsOfSingle(float value) { return __builtin_bit_cast(uint32_t, value); }
inline float single(uint64_t bits) { return __builtin_bit_cast(float, uint32_t(bits)); }
inline uint64_t bitsOfDouble(double value) { return __builtin_bit_cast(uint64_t, value); }
inline double asDouble(uint64_t bits) { return __builtin_bit_cast(double, bits); }

} // namespace quoin::ptx

#endif
