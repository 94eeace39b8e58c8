//===- JsonFile.h - the JSON files of a checkpoint -------------------------===//
//
// Most are written by Python, so they are read by `strictJson`.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_JSONFILE_H
#define QUOIN_COMPILER_IMPORT_JSONFILE_H

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace quoin {

/// Is there such a file, or a document of a GGUF file (GgufCheckpoint.h)? A link that leads nowhere is there.
bool isJsonFileThere(const std::string &path);

/// The document, or nothing and one line in `error` that names the file, and the line where it is no JSON.
std::optional<nlohmann::json> readJsonFile(const std::string &path, std::string &error);

} // namespace quoin

#endif
