// JsonSettings.cpp - the checks that all readers of tokenizer.json share.

#include "runtime/tokenizer/JsonSettings.h"
#include "runtime/tokenizer/Unicode.h"

using namespace quoin;
using nlohmann::json;

const json &JsonSettings::member(const json &object, const char *key) {
  static const json none;
  if (!object.is_object())
    return none;
  auto found = object.find(key);
  return found == object.end() ? none : *found;
}

bool JsonSettings::fail(const std::string &rule, const std::string &fact) {
  error = "expects " + rule + ", but " + fact;
  return false;
}

std::string JsonSettings::show(const json &value) {
  if (value.is_string())
    return "it is '" + forMessage(value.get_ref<const std::string &>()) + "'";
  if (value.is_primitive())
    return "it is " + value.dump();
  return "it is an " + std::string(value.type_name());
}

bool JsonSettings::readBool(const json &object, const char *key, bool fallback, bool &out) {
  const json &value = member(object, key);
  out = fallback;
  if (value.is_null())
    return true;
  if (!value.is_boolean())
    return fail("true or false as '" + std::string(key) + "'", show(value));
  out = value.get<bool>();
  return true;
}

bool JsonSettings::readType(const json &object, const std::string &what, std::string &out) {
  if (!object.is_object())
    return fail("an object as '" + what + "'", show(object));
  const json &type = member(object, "type");
  if (!type.is_string())
    return fail("a string as 'type' of '" + what + "'", show(type));
  out = type.get<std::string>();
  return true;
}

bool JsonSettings::readString(const json &object, const char *key, const std::string &what, std::string &out) {
  const json &value = member(object, key);
  if (!value.is_string())
    return fail("a string as '" + std::string(key) + "' of " + what, show(value));
  out = value.get<std::string>();
  return true;
}

bool JsonSettings::readCharacter(const json &object, const char *key, const std::string &what, std::string &out) {
  if (!readString(object, key, what, out))
    return false;
  if (out.empty() || readUtf8(out).size != out.size())
    return fail("one character as '" + std::string(key) + "' of " + what, show(member(object, key)));
  return true;
}
