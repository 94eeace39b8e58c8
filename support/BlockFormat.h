//===- BlockFormat.h - numbers that are stored in blocks -------------------===//
//
// Quantised tensors of GGUF files are rows of blocks: some whole numbers of a few bits and the scales that they share.
// What such a block stands for are numbers of f32, made here in the order of operations of those who wrote it; nearly
// all are exact, and those of Q4_K are rounded once.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_SUPPORT_BLOCKFORMAT_H
#define QUOIN_SUPPORT_BLOCKFORMAT_H

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace quoin {

struct BlockFormat {
  std::string_view name; ///< "Q8_0"
  size_t elements;       ///< of a block, at most `most`
  size_t bytes;          ///< of a block
  /// Writes all elements of a block.
  void (*decode)(const uint8_t *block, float *out);

  static constexpr size_t most = 256;

  /// The format of this name, or null.
  static const BlockFormat *find(std::string_view name);
  /// Bytes of so many elements, which fill blocks.
  size_t bytesOf(size_t count) const { return count / elements * bytes; }
  /// Elements [first, first + count) of a tensor that begins at `data`; they need not fill blocks.
  void read(const uint8_t *data, size_t first, size_t count, float *out) const;
};

} // namespace quoin

#endif
