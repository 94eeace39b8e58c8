//===- Metadata.h - model.json and model.h ---------------------------------===//
//
// What an artefact says of itself, for people and for tools that do not load it.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_DRIVER_METADATA_H
#define QUOIN_COMPILER_DRIVER_METADATA_H

#include "compiler/cpu/WeightPacking.h"
#include "compiler/driver/Inventory.h"
#include <map>
#include <string>
#include <vector>

namespace quoin {

struct SettingDescription {
  std::string name;
  double value = 0;
  bool integer = false, runTime = false;
  std::string word = {};               // of a word: the default one
  std::vector<std::string> words = {}; // and all there are
};

/// A number or tensor by name.
struct TensorDescription {
  std::string name, type;     // type: "f32", "i32" or "i64"
  std::vector<int64_t> sizes; // the first may be -1, any; none for a number
  bool optional = false;
};

struct DecoderDescription {
  std::string name;
  std::vector<SettingDescription> settings;
  std::string inexact; // the approximation that made it, if any
  std::vector<TensorDescription> inputs, outputs;
};

struct ArtifactDescription {
  std::string architecture, weights, arithmetic, triple, features, inexact;
  std::string symbol;  ///< of the query
  bool object = false; ///< model.o rather than model.so
  int level = 2;
  std::vector<DecoderDescription> decoders;
  std::vector<std::pair<std::string, int64_t>> counters; // "pass.counter", number
  std::vector<ModelInventory> models;                    ///< at least one
  std::vector<cpu::QuantizedWeight> quantized;           ///< weights that became whole numbers
  int64_t capacity = 0, weightBytes = 0, pageBytes = 0, scratchRowBytes = 0, headScratchRowBytes = 0;
  int64_t barriers = 0, fusedEpilogues = 0;
  int64_t fill = -1;
  std::vector<int32_t> stops;
};

/// The text of model.json.
std::string metadataJson(const ArtifactDescription &description);
/// The text of model.h, for hosts that link model.o.
std::string metadataHeader(const ArtifactDescription &description);

} // namespace quoin

#endif
