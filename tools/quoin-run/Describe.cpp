// Describe.cpp: an artefact explains itself: model.json for a person.

#include "QuoinRun.h"

#include "support/JsonText.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

using namespace quoin;
using json = nlohmann::ordered_json;

static bool isFlat(const json &value) {
  for (const json &element : value)
    if (element.is_structured() && !element.empty())
      return false;
  return true;
}

static std::string grouped(uint64_t number) {
  std::string digits = std::to_string(number), result;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i && (digits.size() - i) % 3 == 0)
      result += ' ';
    result += digits[i];
  }
  return result;
}

static std::string scalar(const json &value) {
  if (value.is_string())
    return value.get<std::string>();
  if (value.is_boolean())
    return value.get<bool>() ? "yes" : "no";
  if (value.is_number_unsigned())
    return grouped(value.get<uint64_t>());
  if (value.is_structured() && value.empty())
    return "none";
  return value.dump();
}

/// A setting reads "0.85 (may be given with a request)", other small objects "shape 4x64, bytes 1 024".
static std::string inlined(const json &value) {
  if (!value.is_structured() || value.empty())
    return scalar(value);
  std::string text;
  if (value.is_object() && value.contains("value")) {
    text = scalar(value["value"]);
    auto runTime = value.find("run_time");
    return text + (runTime != value.end() && *runTime == true ? "  (may be given with a request)" : "  (fixed)");
  }
  for (const auto &[key, element] : value.items())
    text += (text.empty() ? "" : ", ") + (value.is_object() ? key + " " : "") + scalar(element);
  return text;
}

static void print(const json &value, int indent) {
  size_t width = 0;
  if (value.is_object())
    for (const auto &[key, element] : value.items())
      width = std::max(width, key.size());
  for (const auto &[key, element] : value.items()) {
    std::string name = value.is_object() ? key : "-";
    if (!element.is_structured() || element.empty() || (isFlat(element) && indent > 0) ||
        (element.is_array() && isFlat(element))) {
      std::printf("%*s%-*s  %s\n", indent, "", value.is_object() ? int(width) : 1, name.c_str(),
                  inlined(element).c_str());
      continue;
    }
    std::printf("%*s%s\n", indent, "", name.c_str());
    print(element, indent + 2);
  }
}

void quoin::describe(const std::string &folder) {
  std::string path = folder + "/model.json";
  std::ifstream in(path);
  if (!in)
    throw Failure{"cannot open '" + path + "': " + std::strerror(errno)};
  std::stringstream text;
  text << in.rdbuf();
  if (std::string deep = tooDeep(text.view()); !deep.empty())
    throw Failure{"'" + path + "' " + deep};
  json metadata = json::parse(text, nullptr, false);
  if (!metadata.is_object())
    throw Failure{"'" + path + "' is no JSON object"};
  print(metadata, 0);
}
