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

/// How numbers are stored: matrices in any of these ways, rows as F32 or BF16.
enum class Storage { F32, BF16, F16 };
inline int64_t storageBytes(Storage s) { return s == Storage::F32 ? 4 : 2; }

/// Bytes between the starts of two rows: whole vectors, and never a multiple of 4096 bytes, which would put all rows of
/// a register tile into one set of the first-level cache. In a row of BF16 that is odd, the other half of the last pair
/// is zero.
inline int64_t rowBytes(int64_t width, Storage storage = Storage::F32) {
  int64_t bytes = roundUp(width * storageBytes(storage), 64);
  return bytes % 4096 == 0 ? bytes + 64 : bytes;
}
/// The same in floats.
inline int64_t rowStride(int64_t width) { return rowBytes(width) / 4; }

/// A state of so many numbers, on a worker's stack or kept: whole vectors behind it may be touched.
inline int64_t stateBytes(int64_t numbers) { return roundUp(numbers * 4, 64) + 64; }

/// Columns of a packed tile, and keys of an attention tile.
inline constexpr int64_t tileColumns = 64;

/// A product runs down k in steps, each of them one line of 64 columns of the packed matrix: of single elements, or of
/// pairs of BF16.
inline int64_t productSteps(int64_t k, Storage s) { return s == Storage::BF16 ? (k + 1) / 2 : k; }
inline int64_t lineBytes(Storage s) { return s == Storage::F16 ? tileColumns * 2 : tileColumns * 4; }

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
