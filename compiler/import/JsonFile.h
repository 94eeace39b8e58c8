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

/// The document, or nothing and one line in `error` that names the file, and the line where it is no JSON.
std::optional<nlohmann::json> readJsonFile(const std::string &path, std::string &error);

} // namespace quoin

#endif
