//===- Quantization.cpp - numbers as whole ones of few bits and a scale ------===//

#include "support/Quantization.h"
#include <algorithm>

// A product and a sum are two operations on every machine.
#pragma clang fp contract(off)

/// To the nearest, ties to even, of a number below 2^51: above 2^52 neighbours are 1 apart.
static double nearest(double x) {
  constexpr double shift = 0x1.8p52;
  return (x + shift) - shift;
}

static double wholeOf(float number, float scale, double lowest, double highest) {
  return std::clamp(nearest(std::clamp(double(number) / double(scale), -512.0, 512.0)), lowest, highest);
}

static float scaleOfEight(const float *numbers, int64_t count) {
  float largest = 0;
  for (int64_t i = 0; i < count; ++i)
    largest = std::max(largest, std::fabs(numbers[i]));
  return static_cast<float>(double(largest) / 127);
}

static float scaleOfFour(const float *numbers, int64_t count) {
  float extreme = 0;
  for (int64_t i = 0; i < count; ++i)
    if (std::fabs(numbers[i]) > std::fabs(extreme))
      extreme = numbers[i];
  float best = 0;
  double least = 0;
  for (double by : {-8.0, -8.5, -9.0, -7.5}) {
    auto scale = static_cast<float>(double(extreme) / by);
    if (scale == 0)
      break;
    double squares = 0;
    for (int64_t i = 0; i < count; ++i) {
      double off = double(numbers[i]) - wholeOf(numbers[i], scale, -8, 7) * double(scale);
      squares += off * off;
    }
    if (best == 0 || squares < least) {
      best = scale;
      least = squares;
    }
  }
  return best;
}

float quoin::quantizeGroup(const float *numbers, int64_t count, int bits, int8_t *whole) {
  float scale = bits == 8 ? scaleOfEight(numbers, count) : scaleOfFour(numbers, count);
  if (scale == 0) {
    std::fill_n(whole, count, int8_t(0));
    return 0;
  }
  double highest = bits == 8 ? 127 : 7, lowest = bits == 8 ? -127 : -8;
  for (int64_t i = 0; i < count; ++i)
    whole[i] = static_cast<int8_t>(wholeOf(numbers[i], scale, lowest, highest));
  return scale;
}

void quoin::QuantizationError::add(const float *numbers, int64_t count, const int8_t *whole, float scale) {
  for (int64_t i = 0; i < count; ++i) {
    double off = double(numbers[i]) - double(whole[i]) * double(scale);
    squares += off * off;
    of += double(numbers[i]) * double(numbers[i]);
  }
}
