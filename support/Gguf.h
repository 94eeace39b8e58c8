//===- Gguf.h - the file format of llama.cpp -------------------------------===//
//
// A GGUF file is a magic word, a version, keys with values, a table of tensors, and, aligned, their bytes; all of it
// little-endian. Files come from elsewhere, so nothing in one is believed before it is checked: in a file that opens
// every text and list lies in it, keys and tensors have different names, and tensors are of known types, in the file,
// aligned and apart from one another, each as long as its type and shape say.
//
// Errors are one line: `<file>: tensor 'x' expects ..., but found ...`.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_SUPPORT_GGUF_H
#define QUOIN_SUPPORT_GGUF_H

#include "support/Safetensors.h"
#include <optional>

namespace quoin {

/// A value of the metadata: a number, a flag, a text, or a list of one of these.
struct GgufValue {
  enum class Kind : uint8_t { Integer, Real, Flag, Text };
  Kind kind = Kind::Integer;
  bool list = false;
  /// One of these has the values, one if it is no list. Texts lie in the file.
  std::vector<int64_t> integers; // flags, too; what 64 bits with sign cannot hold is their largest number
  std::vector<double> reals;     // of f32 the shortest decimal number that means it
  std::vector<std::string_view> texts;

  size_t size() const { return integers.size() + reals.size() + texts.size(); }
  std::optional<int64_t> integer() const;
  std::optional<double> real() const;
  std::optional<bool> flag() const;
  std::optional<std::string_view> text() const;
};

struct GgufTensor {
  std::string_view type;       // "Q8_0"
  std::vector<int64_t> shape;  // rows first, as elsewhere; the file has it the other way round
  uint64_t begin = 0, end = 0; // in the file
};

/// What is in a file before the bytes of its tensors. Texts are those of the bytes that were parsed.
struct GgufContents {
  uint32_t version = 0;
  std::map<std::string, GgufValue, std::less<>> values;
  std::map<std::string, GgufTensor, std::less<>> tensors;

  const GgufValue *find(std::string_view key) const;
};

/// The part that reads strangers' bytes. `file` is all of the file. False with a message, without the file's name.
bool parseGguf(std::string_view file, GgufContents &contents, std::string &error);

/// A file mapped into memory, read-only. Immutable.
class GgufFile {
public:
  /// Null on failure, with one line in `error`.
  static std::unique_ptr<GgufFile> open(const std::string &path, std::string &error);
  ~GgufFile();
  GgufFile(const GgufFile &) = delete;
  GgufFile &operator=(const GgufFile &) = delete;

  const std::string &path() const { return file; }
  const GgufContents &contents() const { return parsed; }
  const uint8_t *data() const { return static_cast<const uint8_t *>(mapping); }

private:
  GgufFile() = default;

  std::string file;
  void *mapping = nullptr;
  size_t length = 0;
  GgufContents parsed;
};

/// Is it a file that begins as such files do, or one whose name ends in .gguf?
bool isGgufFile(const std::string &path);

/// The GGUF file that a path means: itself if it is called so, or FILE of `FILE/name` where FILE is one and `name` is
/// its own. A file stands for the folder that it was made from, so that both are how its tensors are found.
std::optional<std::string> ggufFileAt(const std::string &path);

} // namespace quoin

#endif
