//===- JsonFile.h - the JSON files of a checkpoint -------------------------===//
//
// Most are written by Python, whose JSON knows more than JSON: NaN, Infinity, numbers beyond all bounds, halves of
// surrogate pairs. Nobody may read the key that has one, so it does not refuse the file: each becomes a string (or a
// replacement character in one), which no reader takes for a number.
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

/// JSON for what Python may have written; as many lines.
std::string strictJson(std::string_view text);

} // namespace quoin

#endif
