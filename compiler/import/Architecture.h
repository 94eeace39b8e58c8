//===- Architecture.h - what config.json says of a model -------------------===//
//
// The families share one model: RMS norm, rotary attention with grouped keys, SwiGLU. They differ in the names of their
// config keys and tensors, in biases and norms of queries and keys, and in which decoder they were trained for.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_ARCHITECTURE_H
#define QUOIN_COMPILER_IMPORT_ARCHITECTURE_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quoin {

/// Whether tensors must be there, must not, or decide by being there.
enum class Presence { No, Yes, IfThere };

struct Architecture {
  std::string name;           // the model_type that config.json has, or should have
  std::string defaultDecoder; // the published decoder's name
  bool lladaNames = false;    // tensors and keys are named as LLaDA's
  int64_t hidden = 0, layers = 0, heads = 0, kvHeads = 0, headDim = 0, mlp = 0;
  int64_t vocabulary = 0; // rows of the embedding
  int64_t capacity = 0;   // most positions
  double theta = 0, epsilon = 0;
  bool tied = false; // the head is the embedding
  Presence queryKeyNorm = Presence::No, queryBias = Presence::No, outBias = Presence::No, mlpBias = Presence::No;
  std::optional<int64_t> fill; // the mask token, if the family has one
  std::vector<int32_t> stop;
  std::optional<int64_t> block; // the block or window that config.json names
};

/// Reads config.json and generation_config.json of a folder. A non-empty `name` overrides the family.
std::optional<Architecture> readArchitecture(const std::string &directory, const std::string &name, std::string &error);

} // namespace quoin

#endif
