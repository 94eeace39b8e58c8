//===- WeightPacking.h - the weight file ----------------------------------------===//
//
// Weights are packed once, at compile time, into the order in which kernels read them; the runtime maps the file and
// touches nothing. The lowering decides what is in it (a list of pieces); the writer makes it from a mapped checkpoint:
//
//   1. every source is found and its shape compared, before anything is written
//   2. pieces are cut into slices of about a megabyte; each reads a range of its sources that no other slice of the
//      piece reads
//   3. threads take slices in turn: test the numbers, pack them into a buffer of their own, write that to its place,
//      and give the source's pages back
//
// So memory is a few buffers, however large the model is, and the file is the same whatever the number of threads.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_CPU_WEIGHTPACKING_H
#define QUOIN_COMPILER_CPU_WEIGHTPACKING_H

#include "compiler/cpu/Kernels.h"
#include "support/BlockFormat.h"
#include "support/Quantization.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace quoin::cpu {

struct WeightPiece {
  enum class Kind {
    Packed, ///< matrices [n, k] as [tile][k][64]; of BF16, [tile][k / 2][64][2]; of I8 and I4 see #stage.tiles
    GateUp, ///< two matrices, each tile 32 columns of the first and 32 of the second
    Vector, ///< n floats, zeros up to the next multiple of 64
    Heads,  ///< [n][k] floats of `outer` x n x k / outer; zeros behind each k, up to a multiple of 16
    Table,  ///< one matrix [n, k] as it is, rows padded to multiples of 16
    Rotary, ///< of each of n positions k cosines, then k sines: k = head_dim / 2
  };
  Kind kind;
  std::vector<std::string> sources; ///< symbols of `quoin.weight`
  int64_t n = 0, k = 0, outer = 1;
  Storage storage = Storage::F32;
  double theta = 0;
  int64_t matrices = 1;          ///< of each source, one behind the other
  int64_t group = 0;             ///< whole numbers that share a scale; 0: all of k
  int64_t offset = 0, bytes = 0; ///< in the file; the offset is a multiple of 64

  int64_t size() const;
  bool sameAs(const WeightPiece &o) const {
    return kind == o.kind && sources == o.sources && n == o.n && k == o.k && outer == o.outer && storage == o.storage &&
           theta == o.theta && matrices == o.matrices && group == o.group;
  }
  Stored stored() const { return {storage, group}; }
};

struct WeightPlan {
  std::vector<WeightPiece> pieces;

  /// The piece's offset; equal pieces are stored once.
  int64_t add(WeightPiece piece);
  /// Pieces of another plan of the same file.
  void merge(const WeightPlan &other);
  /// Of the file, with the checksum in its last 8 bytes.
  int64_t bytes() const;
};

struct SourceChange;

/// A tensor of a checkpoint, row-major and contiguous.
struct SourceTensor {
  const uint8_t *data = nullptr;
  Storage storage = Storage::F32;
  std::vector<int64_t> shape;
  std::string name;                ///< file and tensor, for messages
  bool mapped = false;             ///< from a file, read-only: pages may be dropped and come back
  std::vector<SourceTensor> parts; ///< the matrices, where each is a tensor of its own: then `data` is null
  int64_t first = 0;               ///< element of the tensor that `data` is at, for messages
  std::shared_ptr<const std::vector<uint8_t>> own; ///< where `data` lies if not in a file
  std::shared_ptr<const SourceChange> change;      ///< of a matrix [n, k]: what is added to it, or null
  const BlockFormat *blocks = nullptr; ///< where elements lie in blocks, of `storage` F32 once they are read
  int64_t pairedRows = 0;              ///< rows of a head, where they lie in pairs (TensorView::pairedRows)
  bool turned = false;                 ///< a matrix, at `data` lies its transpose

  /// Bytes of so many elements as they are stored, whole blocks.
  int64_t bytesOf(int64_t elements) const;
  /// One of its matrices, of so many elements.
  SourceTensor matrix(int64_t number, int64_t elements) const;
};

/// `times` times [n, rank] by [rank, k].
struct SourceChange {
  SourceTensor down, up;
  float times = 0;
};

/// What is packed at a time: some tiles of 64 columns, rows of a table, cosines or sines of some positions, or a
/// vector.
struct WeightSlice {
  const WeightPiece *piece = nullptr;
  int64_t matrix = 0;
  int64_t first = 0, count = 0;
  int64_t offset = 0, bytes = 0; ///< in the file
};
/// Of about a megabyte each, in the order of the file; they cover the piece.
std::vector<WeightSlice> slicesOf(const WeightPiece &piece);

/// The elements of each source, of its matrix, that a slice reads.
struct SourceRange {
  int64_t first = 0, count = 0;
};
SourceRange sourceRange(const WeightSlice &slice);

/// Elements of a tensor one after the other, as another type.
void convertElements(const SourceTensor &source, SourceRange range, Storage to, uint8_t *out);

/// Packs a slice into `slice.bytes` bytes, of the sources' matrix. What rounding to whole numbers costs is added to
/// `errors`, one for each source.
void packSlice(const WeightSlice &slice, llvm::ArrayRef<SourceTensor> sources, uint8_t *out,
               llvm::MutableArrayRef<QuantizationError> errors);

/// A weight that was written as whole numbers.
struct QuantizedWeight {
  std::string symbol;
  int64_t bits = 0, group = 0; ///< numbers that share a scale; 0: a column
  double error = 0;            ///< QuantizationError::relative of all of it
};

/// Writes the file. `read` finds a tensor by its `quoin.weight` symbol, of that weight's shape; `progress` (may be
/// empty) hears the bytes written so far, one call at a time but from any thread. Returns false with a text in `error`,
/// also where a number is not finite; on success `checksum` is what program.weights_checksum must hold, so that a file
/// that belongs to another program, or is cut short, is found out. `quantized` lists what was rounded, in the order of
/// the file.
bool writeWeights(const WeightPlan &plan, llvm::StringRef path,
                  llvm::function_ref<bool(llvm::StringRef symbol, SourceTensor &out, std::string &error)> read,
                  const std::function<void(int64_t done, int64_t total)> &progress, uint64_t &checksum,
                  std::string &error, std::vector<QuantizedWeight> *quantized = nullptr);

} // namespace quoin::cpu

#endif
