//===- ConfigReader.h - checked reading of a JSON object -------------------===//
//
// Every value has a type and a range, and a wrong one is an error that names the file, the key, what was expected and
// what was found. The reader keeps the first error and answers everything after it with harmless values, so that code
// that reads many keys needs to ask only once.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_CONFIGREADER_H
#define QUOIN_COMPILER_IMPORT_CONFIGREADER_H

#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quoin {

class ConfigReader {
public:
  /// Reads a file that must hold one JSON object; see `failed`.
  explicit ConfigReader(std::string path);

  bool failed() const { return !message.empty(); }
  const std::string &error() const { return message; }
  const std::string &path() const { return file; }

  /// True if the key is there and not null.
  bool has(std::string_view key) const;
  /// Without a default the key must be there.
  int64_t integer(std::string_view key, int64_t low, int64_t high, std::optional<int64_t> otherwise = std::nullopt);
  double real(std::string_view key, double low, double high, std::optional<double> otherwise = std::nullopt);
  bool flag(std::string_view key, std::optional<bool> otherwise = std::nullopt);
  std::string text(std::string_view key, std::optional<std::string> otherwise = std::nullopt);
  /// One id or a list of ids, each below `limit`; empty if the key is not there.
  std::vector<int32_t> ids(std::string_view key, int64_t limit);

  /// Fails unless the key is not there or a flag of this value.
  void expectFlag(std::string_view key, bool value, std::string_view why);
  /// Reads keys of an object below this one; without it, none is there.
  ConfigReader below(std::string_view key) const;
  /// Gives a key that is there another value.
  void replace(std::string_view key, int64_t value) { object[std::string(key)] = value; }
  /// From here on keys of an object below are read as if they stood here; the object's own name is gone. Where both
  /// have a key the one here counts, and `mayDiffer` says whether the other may be another.
  void spread(std::string_view key, bool (*mayDiffer)(std::string_view));
  /// Takes over the error of a reader below, if this has none yet.
  void take(const ConfigReader &below);

  /// Records an error about a key.
  void fail(std::string_view key, const std::string &expected);
  /// The value of a key as JSON, shortened, or null.
  const nlohmann::json *find(std::string_view key) const;
  /// The whole object.
  const nlohmann::json &all() const { return object; }
  /// A key as messages name it: "rope_parameters.rope_theta".
  std::string nameOf(std::string_view key) const;

private:
  ConfigReader() = default;

  std::string file, prefix, message;
  std::map<std::string, std::string, std::less<>> from; // of keys that were spread: the object's name
  nlohmann::json object = nlohmann::json::object();
};

/// A JSON value as text for a message, shortened.
std::string describe(const nlohmann::json &value);

/// The shortest text that reads back as the same number, with a point, as MLIR wants it.
std::string realText(double value);

/// Is a key one of a list?
template <size_t N> bool isIn(const char *const (&list)[N], std::string_view key) {
  return std::find(std::begin(list), std::end(list), key) != std::end(list);
}

} // namespace quoin

#endif
