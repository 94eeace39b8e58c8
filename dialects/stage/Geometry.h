//===- Geometry.h - how rows, weights and pages lie in memory --------------------===//
//
// The numbers that the stage dialect, its passes and the kernels agree on. Nothing here knows MLIR.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_STAGE_GEOMETRY_H
#define QUOIN_DIALECTS_STAGE_GEOMETRY_H

#include <cstdint>

namespace quoin::stage {

inline int64_t roundUp(int64_t value, int64_t to) { return (value + to - 1) / to * to; }

/// How numbers are stored: matrices in any of these ways, rows as F32, BF16 or I8. I8 and I4 are whole numbers times a
/// scale.
enum class Storage { F32, BF16, F16, I8, I4 };
/// Of a number; not of I4, of which two share a byte.
inline int64_t storageBytes(Storage s) { return s == Storage::F32 ? 4 : s == Storage::I8 ? 1 : 2; }
inline bool isWhole(Storage s) { return s == Storage::I8 || s == Storage::I4; }

/// A matrix: of whole numbers, `group` of them down the depth share a scale, all where it is 0.
struct Stored {
  Storage storage = Storage::F32;
  int64_t group = 0;
};

/// A row of I8 has whole numbers, of a multiple of 64, and then its scale, their sum, and the sum of each `sumsOf` of
/// them.
inline constexpr int64_t sumsOf = 32;
inline int64_t wholeRowTail(int64_t width) { return roundUp(width, 64); }
inline int64_t wholeRowSums(int64_t width) { return wholeRowTail(width) + 8; }

/// Bytes between the starts of two rows: whole vectors, and never a multiple of 4096 bytes, which would put all rows of
/// a register tile into one set of the first-level cache. In a row of BF16 that is odd, the other half of the last pair
/// is zero.
inline int64_t rowBytes(int64_t width, Storage storage = Storage::F32) {
  int64_t bytes = storage == Storage::I8 ? roundUp(wholeRowSums(width) + roundUp(width, sumsOf) / sumsOf * 4, 64)
                                         : roundUp(width * storageBytes(storage), 64);
  return bytes % 4096 == 0 ? bytes + 64 : bytes;
}
/// The same in floats.
inline int64_t rowStride(int64_t width) { return rowBytes(width) / 4; }

/// A state of so many numbers, on a worker's stack or kept: whole vectors behind it may be touched.
inline int64_t stateBytes(int64_t numbers) { return roundUp(numbers * 4, 64) + 64; }

/// Columns of a packed tile, and keys of an attention tile.
inline constexpr int64_t tileColumns = 64;

/// A product runs down k in steps, each of them one line of 64 columns of the packed matrix: of single elements, or of
/// pairs of BF16, fours of I8, eights of I4.
inline int64_t lineElements(Storage s) {
  return s == Storage::BF16 ? 2 : s == Storage::I8 ? 4 : s == Storage::I4 ? 8 : 1;
}
inline int64_t productSteps(int64_t k, Storage s) { return (k + lineElements(s) - 1) / lineElements(s); }
inline int64_t lineBytes(Storage s) { return s == Storage::F16 ? tileColumns * 2 : tileColumns * 4; }

/// Scales of a column of whole numbers.
inline int64_t groupsOf(int64_t k, Stored s) { return !isWhole(s.storage) ? 0 : s.group ? k / s.group : 1; }
/// A packed tile: lines, and behind those of each group its 64 scales.
inline int64_t tileBytes(int64_t k, Stored s) {
  return productSteps(k, s.storage) * lineBytes(s.storage) + groupsOf(k, s) * tileColumns * 4;
}

/// Keys and values in a page: [layer][kv head]{ K[head_dim][64], V[64][value width] } floats; or, in pairs of features
/// and of keys, { K[head_dim / 2][64][2], V[32][value width][2] } in BF16.
struct PageLayout {
  int64_t kvHeads = 0, headDim = 0;
  Storage storage = Storage::F32;
  int64_t valueWidth() const { return roundUp(headDim, 16); }
  int64_t valueLineBytes() const { return valueWidth() * 4; }
  int64_t valueOffset() const { return productSteps(headDim, storage) * lineBytes(storage); }
  int64_t headBytes() const { return valueOffset() + productSteps(tileColumns, storage) * valueLineBytes(); }
  int64_t layerBytes() const { return kvHeads * headBytes(); }
};

} // namespace quoin::stage

#endif
