//===- KeyMeanings.h - keys of config.json that no template reads ----------===//
//
// config.json may ask for more than a family computes: windows, experts, multipliers, caps. A key that would change the
// model is refused by its value unless the family's template reads it; one with a value that changes nothing is passed
// over. Keys that mean nothing for inference are a list, too: whatever is in neither is named to the user.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_KEYMEANINGS_H
#define QUOIN_COMPILER_IMPORT_KEYMEANINGS_H

#include "compiler/import/ConfigReader.h"
#include <set>

namespace quoin {

/// What keys are judged by.
struct ModelFacts {
  std::optional<int64_t> layers;
  int64_t capacity = 0;
  std::optional<int64_t> headSize;
};

/// Fails in `config` where it asks for another model; keys in `read` are the template's own business.
void refuseOtherModels(ConfigReader &config, const ModelFacts &facts, const std::set<std::string> &read);

/// Null, false, zero, or an empty text, list or object?
bool isOff(const nlohmann::json &value);

/// Does a key mean nothing for what a model computes?
bool isWithoutMeaning(std::string_view key);

/// Keys that are neither read, nor judged, nor known to mean nothing.
std::vector<std::string> unknownKeys(const ConfigReader &config, const std::set<std::string> &read);

} // namespace quoin

#endif
