//===- CheckpointFiles.h - the tensors of a checkpoint's folder ------------===//
//
// One `model.safetensors`, or shards that `model.safetensors.index.json` names.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_CHECKPOINTFILES_H
#define QUOIN_COMPILER_IMPORT_CHECKPOINTFILES_H

#include "support/Safetensors.h"
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace quoin {

class CheckpointFiles {
public:
  struct Tensor {
    std::string file; // relative to the folder
    DType dtype = DType::F32;
    std::vector<int64_t> shape;
  };

  /// Opens all files of the folder, or fails with a message.
  static std::optional<CheckpointFiles> open(const std::string &directory, std::string &error);

  const Tensor *find(const std::string &name) const;
  /// The tensor, which must have this shape and elements f32, bf16 or f16; or null and a message.
  const Tensor *require(const std::string &name, const std::vector<int64_t> &shape, std::string &error) const;

private:
  bool addFile(const std::string &file, std::string &error);
  bool addShards(const std::string &index, std::string &error);

  std::string folder;
  std::map<std::string, Tensor> tensors;
};

} // namespace quoin

#endif
