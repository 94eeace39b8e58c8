//===- Safetensors.h - the file format of checkpoints ----------------------===//
//
// A safetensors file is eight bytes of length, little-endian, a JSON object of that length, and the bytes of the
// tensors. The object gives each tensor's type, shape and range of bytes; what else it holds is passed over. Files come
// from elsewhere, so nothing in one is believed before it is checked: a file that opens has ranges that lie in it, in
// order, without overlap or hole, each as long as its type and shape say.
//
// Errors are one line: `<file>: tensor 'x' expects ..., but found ...`.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_SUPPORT_SAFETENSORS_H
#define QUOIN_SUPPORT_SAFETENSORS_H

#include "support/BlockFormat.h"
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quoin {

/// The types of the format. `Other` is one that we have never heard of: its tensors can be passed over, not read.
enum class DType : uint8_t {
  Bool,
  F4,
  F6E2M3,
  F6E3M2,
  U8,
  I8,
  F8E4M3,
  F8E5M2,
  F8E8M0,
  F8E4M3FNUZ,
  F8E5M2FNUZ,
  U16,
  I16,
  F16,
  BF16,
  U32,
  I32,
  F32,
  U64,
  I64,
  F64,
  C64,
  Other
};

/// How the format spells a type: "F32".
std::string_view dtypeName(DType dtype);
/// Bits of an element; 0 if that is not known.
size_t dtypeBits(DType dtype);
/// Bytes of an element, of a type that has whole bytes.
inline size_t dtypeSize(DType dtype) { return dtypeBits(dtype) / 8; }
/// The type of this name.
DType parseDtype(std::string_view name);

/// A tensor in a mapped file. `data` is valid as long as the file and need not be aligned.
struct TensorView {
  DType dtype = DType::F32;
  std::string spelled; // the type as the file has it
  std::vector<int64_t> shape;
  const uint8_t *data = nullptr;
  size_t size = 0; // bytes
  /// Where elements lie in blocks; `dtype` is then F32, what they stand for.
  const BlockFormat *blocks = nullptr;
  /// Where it is not 0: rows of a head, so many, lie in pairs, one of its first half and one of its second. A matrix of
  /// queries or keys is stored so whose rotary embeddings turn neighbours; here rows go by the order of all others.
  int64_t pairedRows = 0;

  int64_t elements() const;
};

/// Where row `row` is stored if rows of a head of `size` lie in pairs.
inline int64_t pairedRow(int64_t row, int64_t size) {
  int64_t in = row % size, half = size / 2;
  return row - in + (in < half ? 2 * in : 2 * (in - half) + 1);
}

/// Widens F64, F32, F16 or BF16 elements, and those of blocks, exactly, rows in order; false for other types.
bool widenToDouble(const TensorView &tensor, std::vector<double> &out);
float widenHalf(uint16_t bits);
inline float widenBfloat(uint16_t bits) { return __builtin_bit_cast(float, static_cast<uint32_t>(bits) << 16); }

class GgufFile;

/// A file mapped into memory, read-only. Immutable: any number of threads may use one.
class SafetensorsFile {
public:
  /// Null on failure, with one line in `error`.
  static std::unique_ptr<SafetensorsFile> open(const std::string &path, std::string &error);
  /// The tensors of a GGUF file by the names that the checkpoint had from which it was made (GgufTensors.cpp).
  static std::unique_ptr<SafetensorsFile> openGguf(const std::string &path, std::string &error);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile &) = delete;
  SafetensorsFile &operator=(const SafetensorsFile &) = delete;

  /// Null if there is no tensor of this name.
  const TensorView *find(std::string_view name) const;
  /// In alphabetical order.
  std::vector<std::string> names() const;
  const std::string &path() const { return file; }
  /// The strings of `__metadata__`.
  const std::map<std::string, std::string, std::less<>> &metadata() const { return strings; }

private:
  SafetensorsFile() = default;

  std::string file;
  void *mapping = nullptr;
  size_t length = 0;
  std::shared_ptr<const GgufFile> gguf; // which has the mapping then
  std::map<std::string, TensorView, std::less<>> tensors;
  std::map<std::string, std::string, std::less<>> strings;
};

/// What a header says. `parseSafetensorsHeader` is the part that reads strangers' text; it is apart so that it can be
/// tested and fuzzed alone.
struct SafetensorsHeader {
  struct Entry {
    DType dtype = DType::F32;
    std::string spelled;
    std::vector<int64_t> shape;
    uint64_t begin = 0, end = 0; // in the bytes after the header
  };
  std::map<std::string, Entry, std::less<>> entries;
  std::map<std::string, std::string, std::less<>> metadata;
};
/// `dataSize` is the number of bytes after the header. False with a message (without the file's name) in `error`.
bool parseSafetensorsHeader(std::string_view json, uint64_t dataSize, SafetensorsHeader &header, std::string &error);

/// A tensor to write; `data` must hold as many bytes as type and shape say.
struct NamedTensor {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  const void *data = nullptr;
};
/// Writes a file that is complete or absent (WholeFile.h). Tensors of wider types come first, so that all are aligned.
/// None may be of a type that is not known.
bool writeSafetensors(const std::string &path, const std::vector<NamedTensor> &tensors, std::string &error);

} // namespace quoin

#endif
