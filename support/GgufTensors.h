//===- GgufTensors.h - the tensors of GGUF files by a checkpoint's names ---===//
//
// llama.cpp names tensors in its own way, keeps the experts of a layer in one tensor, and stores rows of queries and
// keys in another order where its rotary embeddings turn neighbours. Here all of that is undone, by a table, so that a
// template (compiler/import/models) finds the tensors of the checkpoint from which the file was made.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_SUPPORT_GGUFTENSORS_H
#define QUOIN_SUPPORT_GGUFTENSORS_H

#include "support/Gguf.h"

namespace quoin {

/// What llama.cpp does with the models of an architecture.
struct GgufLayout {
  std::string_view architecture; ///< of `general.architecture`
  bool ofOlmo;                   ///< tensors are named as OLMo's: "model.transformer.blocks.0.q_proj.weight"
  bool paired;                   ///< rows of queries and keys lie in pairs
};

/// The layout of a file, or null with a message, without the file's name, if it is not of an architecture we know.
const GgufLayout *ggufLayout(const GgufContents &contents, std::string &error);

/// A number of `<architecture>.KEY`, which may also be a list that gives all layers the same one.
std::optional<int64_t> ggufInteger(const GgufContents &contents, const GgufLayout &layout, std::string_view key);

/// How a checkpoint calls a tensor; of experts, one text for all with `*` for the number. Empty if it has none such.
std::string checkpointName(const GgufLayout &layout, std::string_view name);

} // namespace quoin

#endif
