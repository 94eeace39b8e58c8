//===- CheckpointFiles.h - the tensors of a checkpoint's folder ------------===//
//
// One `model.safetensors`, or shards that `model.safetensors.index.json` names; a GGUF file stands for such a folder. A
// tensor that nobody asks for may be of any type, in a shard that is missing, or nowhere at all: what is wrong with it
// is said when it is required.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_CHECKPOINTFILES_H
#define QUOIN_COMPILER_IMPORT_CHECKPOINTFILES_H

#include "support/CheckpointTensors.h"
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
    std::string spelled; // the type as the file has it
    std::vector<int64_t> shape;
    std::string problem; // why it cannot be read; empty if it can
  };

  /// What says of shards which tensors they hold.
  static constexpr const char *indexName = "model.safetensors.index.json";

  /// Opens all files of the folder, or fails with a message.
  static std::optional<CheckpointFiles> open(const std::string &directory, std::string &error);

  /// Adds the tensors of a file of the folder, which is there and has none of a name that is known.
  bool add(const std::string &file, std::string &error);

  /// The tensor, also one that cannot be read; null if none is named so.
  const Tensor *find(const std::string &name) const;
  /// The tensor, which must have this shape and elements f32, bf16 or f16; or null and a message.
  const Tensor *require(const std::string &name, const std::vector<int64_t> &shape, std::string &error) const;
  const std::map<std::string, Tensor> &all() const { return tensors; }
  const std::string &directory() const { return folder; }

  /// Compares the numbers of two tensors that can be required and have one shape. False with `error` set, too, if a
  /// file went away.
  bool sameNumbers(const std::string &one, const std::string &other, std::string &error) const;
  /// Is every number of a tensor that can be required zero?
  bool allZero(const std::string &name, std::string &error) const;

private:
  bool addFile(const std::string &file, std::string &error);
  bool addShards(const std::string &index, std::string &error);

  std::string folder;
  std::map<std::string, Tensor> tensors;
};

} // namespace quoin

#endif
