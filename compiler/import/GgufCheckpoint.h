//===- GgufCheckpoint.h - a GGUF file as a checkpoint's folder -------------===//
//
// A GGUF file has in its metadata what a checkpoint has in JSON files. So it stands for a folder: `m.gguf/config.json`,
// `m.gguf/tokenizer.json` and `m.gguf/tokenizer_config.json` are documents made of it, which whoever reads those of a
// folder reads, and messages about what they say name them so. Keys that would change the model and have no place in
// them are refused here.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_GGUFCHECKPOINT_H
#define QUOIN_COMPILER_IMPORT_GGUFCHECKPOINT_H

#include "support/GgufTensors.h"
#include <nlohmann/json.hpp>

namespace quoin {

/// A document of the folder that a GGUF file stands for.
struct GgufDocument {
  std::string file; ///< the GGUF file
  std::string name; ///< "config.json"

  /// What a path means, if it leads into a GGUF file and the name is one of a folder's.
  static std::optional<GgufDocument> at(const std::string &path);
  /// A file without a tokenizer has only one of them. False for a file that cannot be read, too.
  bool isThere() const;
  /// Nothing and a message, which begins with the file's path, if the metadata cannot be had so.
  std::optional<nlohmann::json> read(std::string &error) const;
};

/// The names of the documents that make the tokenizer.
inline constexpr const char *ggufTokenizerFiles[] = {"tokenizer.json", "tokenizer_config.json"};
/// The two as texts, in that order, or none where the file has no tokenizer. Nothing and a message, which begins with
/// the file's path, if they cannot be had.
std::optional<std::vector<std::string>> ggufTokenizerTexts(const std::string &file, std::string &error);

/// config.json of a file. False with a message without the file's name.
bool ggufConfig(const GgufFile &file, nlohmann::json &config, std::string &error);

/// Does a file have a tokenizer?
bool hasGgufTokenizer(const GgufContents &contents);
/// tokenizer.json and tokenizer_config.json of a file that has one.
bool ggufTokenizer(const GgufContents &contents, nlohmann::json &tokenizer, std::string &error);
bool ggufTokenizerConfig(const GgufContents &contents, nlohmann::json &config, std::string &error);

} // namespace quoin

#endif
