//===- CheckpointTensors.h - tensors by file and name ----------------------===//
//
// A weight names its tensor and the file that holds it, or the checkpoint's index (`*.index.json`), which says for each
// tensor in which file it lies: the tensors of one weight may lie in several. Files are opened when they are asked for.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_SUPPORT_CHECKPOINTTENSORS_H
#define QUOIN_SUPPORT_CHECKPOINTTENSORS_H

#include "support/Safetensors.h"

namespace quoin {

/// A file of tensors, which is a safetensors file or a GGUF file (Gguf.h): null on failure, with one line in `error`.
std::unique_ptr<SafetensorsFile> openTensors(const std::string &path, std::string &error);

class CheckpointTensors {
public:
  /// Names of files are relative to this folder, unless they are absolute.
  explicit CheckpointTensors(std::string folder);

  /// The file in which a tensor lies that is looked up in `file`; whether it is there `find` says. Null with one line
  /// in `error` if a file cannot be read, or the index does not know the tensor.
  const SafetensorsFile *fileOf(const std::string &file, const std::string &tensor, std::string &error);

private:
  using Index = std::map<std::string, std::string, std::less<>>;
  std::string pathOf(const std::string &file) const;
  const Index *indexAt(const std::string &path, std::string &error);

  std::string folder;
  std::map<std::string, std::unique_ptr<SafetensorsFile>> files; ///< by path
  std::map<std::string, Index> indices;
};

} // namespace quoin

#endif
