// JsonSettings.h - reads members of the objects of tokenizer.json; the first mistake stays in `error`.

#ifndef QUOIN_RUNTIME_TOKENIZER_JSONSETTINGS_H
#define QUOIN_RUNTIME_TOKENIZER_JSONSETTINGS_H

#include <nlohmann/json.hpp>

#include <string>

namespace quoin {

class JsonSettings {
public:
  explicit JsonSettings(std::string &error) : error(error) {}

  /// The member `key` of `object`, or null where there is none.
  static const nlohmann::json &member(const nlohmann::json &object, const char *key);

protected:
  std::string &error;

  bool fail(const std::string &rule, const std::string &fact);
  /// How a message prints a value: short, and never invalid.
  static std::string show(const nlohmann::json &value);
  bool readBool(const nlohmann::json &object, const char *key, bool fallback, bool &out);
  bool readType(const nlohmann::json &object, const std::string &what, std::string &out);
  /// A string; `what` says of what.
  bool readString(const nlohmann::json &object, const char *key, const std::string &what, std::string &out);
  /// The same of one character.
  bool readCharacter(const nlohmann::json &object, const char *key, const std::string &what, std::string &out);
};

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_JSONSETTINGS_H
