//===- Decoders.h - a decoder with its settings, as text -------------------===//

#ifndef QUOIN_COMPILER_IMPORT_DECODERS_H
#define QUOIN_COMPILER_IMPORT_DECODERS_H

#include "compiler/import/ProgramText.h"
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quoin {

/// What decoders need to know of the model.
struct DecoderContext {
  int64_t capacity = 0;
  std::optional<int64_t> block;  // what config.json names
  std::optional<int64_t> window; // positions that every layer sees, if not all
  int64_t vocabulary = 0;
  std::optional<int64_t> fill;
};

/// Adds the named decoders with these settings (key and JSON value) to a text, or fails with a message. A setting that
/// one of the decoders has is taken by all that have it.
bool addDecoders(const std::vector<std::string> &names,
                 const std::vector<std::pair<std::string, std::string>> &settings, const DecoderContext &context,
                 ProgramText &text, std::string &error);

/// The names of all decoders, with commas between.
std::string knownDecoders();

} // namespace quoin

#endif
