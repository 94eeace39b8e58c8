//===- BlockFormat.cpp - from blocks to numbers ----------------------------===//

#include "support/BlockFormat.h"
#include "support/Safetensors.h"
#include <algorithm>
#include <iterator>

using namespace quoin;

static float half(const uint8_t *at) { return widenHalf(static_cast<uint16_t>(at[0] | at[1] << 8)); }

/// A scale, 32 bytes with sign.
static void decodeQ80(const uint8_t *block, float *out) {
  const float scale = half(block);
  for (size_t i = 0; i < 32; ++i)
    out[i] = static_cast<float>(static_cast<int8_t>(block[2 + i])) * scale;
}

/// A scale, 32 numbers of four bits from -8: those of the first half below, of the second above.
static void decodeQ40(const uint8_t *block, float *out) {
  const float scale = half(block);
  for (size_t i = 0; i < 16; ++i) {
    const int byte = block[2 + i];
    out[i] = static_cast<float>((byte & 15) - 8) * scale;
    out[16 + i] = static_cast<float>((byte >> 4) - 8) * scale;
  }
}

/// Two scales, eight pairs of a factor and a minimum of six bits, eight groups of 32 numbers of four bits. The first
/// four pairs lie in the lower bits of bytes 0 to 3 and 4 to 7; the others are four bits each in bytes 8 to 11 and the
/// two bits above those of the first.
static void decodeQ4K(const uint8_t *block, float *out) {
  const float scale = half(block), minimum = half(block + 2);
  const uint8_t *six = block + 4, *four = block + 16;
  for (size_t group = 0; group < 8; ++group) {
    const size_t at = group % 4;
    const int factor = group < 4 ? six[at] & 63 : (six[8 + at] & 15) | (six[at] >> 6) << 4,
              least = group < 4 ? six[4 + at] & 63 : six[8 + at] >> 4 | (six[4 + at] >> 6) << 4;
    const float by = scale * static_cast<float>(factor), below = minimum * static_cast<float>(least);
    for (size_t i = 0; i < 32; ++i) {
      const int byte = four[group / 2 * 32 + i], number = group % 2 ? byte >> 4 : byte & 15;
      out[group * 32 + i] = by * static_cast<float>(number) - below;
    }
  }
}

/// 256 numbers of six bits from -32, lower four first, then upper two; sixteen factors of a byte, a scale. Each half of
/// the numbers is four rows of 32: two share their bytes of lower bits, all four those of upper ones.
static void decodeQ6K(const uint8_t *block, float *out) {
  const float scale = half(block + 208);
  for (size_t i = 0; i < 256; ++i) {
    const size_t part = i / 128, row = i / 32 % 4, column = i % 32;
    const int low = block[part * 64 + row % 2 * 32 + column] >> (row / 2 * 4) & 15,
              high = block[128 + part * 32 + column] >> (row * 2) & 3;
    const float by = scale * static_cast<float>(static_cast<int8_t>(block[192 + i / 16]));
    out[i] = by * static_cast<float>((low | high << 4) - 32);
  }
}

static constexpr BlockFormat blockFormats[] = {
    {"Q8_0", 32, 34, decodeQ80},
    {"Q4_0", 32, 18, decodeQ40},
    {"Q4_K", 256, 144, decodeQ4K},
    {"Q6_K", 256, 210, decodeQ6K},
};

const BlockFormat *BlockFormat::find(std::string_view name) {
  const auto *found = std::find_if(std::begin(blockFormats), std::end(blockFormats),
                                   [&](const BlockFormat &format) { return format.name == name; });
  return found == std::end(blockFormats) ? nullptr : found;
}

void BlockFormat::read(const uint8_t *data, size_t first, size_t count, float *out) const {
  const uint8_t *block = data + first / elements * bytes;
  for (size_t skip = first % elements; count > 0; skip = 0, block += bytes) {
    const size_t taken = std::min(count, elements - skip);
    if (taken == elements) {
      decode(block, out);
    } else {
      float all[most];
      decode(block, all);
      std::copy_n(all + skip, taken, out);
    }
    out += taken;
    count -= taken;
  }
}
