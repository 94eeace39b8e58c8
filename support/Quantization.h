//===- Quantization.h - numbers as whole ones of few bits and a scale --------===//
//
// Neighbours in a row of a weight share a scale: they are a group. A number stands for its whole number times the
// scale. Who packs weights and who interprets a program ask the same functions, so that both mean the same numbers.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_SUPPORT_QUANTIZATION_H
#define QUOIN_SUPPORT_QUANTIZATION_H

#include <cmath>
#include <cstdint>

namespace quoin {

/// Rounds `count` finite numbers of a group to whole ones of 8 bits (-127 to 127) or 4 bits (-8 to 7), and returns
/// their scale. A group whose scale would be 0 in f32 becomes zeros.
///
/// 8 bits: the scale is the largest magnitude / 127. 4 bits: of e / -8, e / -8.5, e / -9 and e / -7.5, where e is the
/// first number of the largest magnitude, the first of those that leave the least sum of squared errors: the scale may
/// be negative. Scales are rounded to f32; a whole number is the quotient by that scale, in float64, to the nearest,
/// ties to even, and within its range.
float quantizeGroup(const float *numbers, int64_t count, int bits, int8_t *whole);

/// How far numbers are from those that stand for them, over any number of groups.
struct QuantizationError {
  double squares = 0; ///< sum of squared differences
  double of = 0;      ///< sum of squared numbers

  void add(const float *numbers, int64_t count, const int8_t *whole, float scale);
  void add(const QuantizationError &more) {
    squares += more.squares;
    of += more.of;
  }
  /// The root of the mean square of the differences, relative to that of the numbers; 0 where all are 0.
  double relative() const { return of > 0 ? std::sqrt(squares / of) : 0; }
};

} // namespace quoin

#endif
