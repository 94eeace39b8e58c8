//===- ConfigReader.cpp - checked reading of a JSON object -----------------===//

#include "compiler/import/ConfigReader.h"
#include "compiler/import/JsonFile.h"
#include "support/JsonText.h"
#include <charconv>
#include <cmath>
#include <limits>

using namespace quoin;
using nlohmann::json;

std::string quoin::describe(const json &value) {
  return shortened(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string quoin::realText(double value) {
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof(buffer), value);
  std::string text(buffer, end.ptr);
  if (text.find('.') != std::string::npos)
    return text;
  size_t exponent = text.find('e');
  return exponent == std::string::npos ? text + ".0" : text.substr(0, exponent) + ".0" + text.substr(exponent);
}

ConfigReader::ConfigReader(std::string path) : file(std::move(path)) {
  std::optional<json> parsed = readJsonFile(file, message);
  if (parsed && parsed->is_object())
    object = std::move(*parsed);
  else if (parsed)
    message = file + ": expects a JSON object, but found " + describe(*parsed);
}

const json *ConfigReader::find(std::string_view key) const {
  auto it = object.find(std::string(key));
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

bool ConfigReader::has(std::string_view key) const { return find(key) != nullptr; }

std::string ConfigReader::nameOf(std::string_view key) const {
  auto below = from.find(key);
  return shortened(prefix + (below == from.end() ? "" : below->second + ".") + std::string(key), 200);
}

void ConfigReader::fail(std::string_view key, const std::string &expected) {
  if (failed())
    return;
  const json *value = find(key);
  message = file + ": '" + nameOf(key) + "' expects " + expected + ", but " +
            (value ? "found " + describe(*value) : "there is none");
}

int64_t ConfigReader::integer(std::string_view key, int64_t low, int64_t high, std::optional<int64_t> otherwise) {
  const json *value = find(key);
  if (!value && otherwise)
    return *otherwise;
  bool good = value && value->is_number_integer();
  if (good && value->is_number_unsigned())
    good = value->get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (good) {
    auto number = value->get<int64_t>();
    if (number >= low && number <= high)
      return number;
  }
  fail(key, "an integer from " + std::to_string(low) + " to " + std::to_string(high));
  return low;
}

double ConfigReader::real(std::string_view key, double low, double high, std::optional<double> otherwise) {
  const json *value = find(key);
  if (!value && otherwise)
    return *otherwise;
  if (value && value->is_number()) {
    auto number = value->get<double>();
    if (std::isfinite(number) && number >= low && number <= high)
      return number;
  }
  fail(key, "a number from " + realText(low) + " to " + realText(high));
  return low;
}

bool ConfigReader::flag(std::string_view key, std::optional<bool> otherwise) {
  const json *value = find(key);
  if (!value && otherwise)
    return *otherwise;
  if (value && value->is_boolean())
    return value->get<bool>();
  fail(key, "true or false");
  return false;
}

std::string ConfigReader::text(std::string_view key, std::optional<std::string> otherwise) {
  const json *value = find(key);
  if (!value && otherwise)
    return *otherwise;
  if (value && value->is_string())
    return value->get<std::string>();
  fail(key, "a string");
  return {};
}

std::vector<int32_t> ConfigReader::ids(std::string_view key, int64_t limit) {
  std::vector<int32_t> result;
  const json *value = find(key);
  if (!value)
    return result;
  json list = value->is_array() ? *value : json::array({*value});
  for (const json &id : list) {
    bool good = id.is_number_unsigned() && id.get<uint64_t>() < static_cast<uint64_t>(limit);
    if (!good) {
      fail(key, "an id below the vocabulary's size " + std::to_string(limit) + ", or a list of them");
      return {};
    }
    result.push_back(static_cast<int32_t>(id.get<uint64_t>()));
  }
  return result;
}

void ConfigReader::expectFlag(std::string_view key, bool value, std::string_view why) {
  if (has(key) && flag(key) != value)
    fail(key, std::string(value ? "true" : "false") + " (" + std::string(why) + ")");
}

ConfigReader ConfigReader::below(std::string_view key) const {
  ConfigReader result;
  result.file = file;
  result.prefix = prefix + std::string(key) + ".";
  if (const json *value = find(key); value && value->is_object())
    result.object = *value;
  return result;
}

void ConfigReader::spread(std::string_view key, bool (*mayDiffer)(std::string_view)) {
  const json *value = find(key);
  if (!value || !value->is_object())
    return fail(key, "an object");
  const json inner = *value;
  object.erase(std::string(key));
  for (const auto &[name, each] : inner.items()) {
    const json *own = find(name);
    if (!own) {
      object[name] = each;
      from[name] = std::string(key);
    } else if (!each.is_null() && each != *own && !mayDiffer(name)) {
      fail(name, describe(each) + ", as '" + std::string(key) + "." + name + "' says");
    }
  }
}

void ConfigReader::take(const ConfigReader &below) {
  if (!failed())
    message = below.message;
}
