// Describe.cpp: an artefact explains itself: model.json for a person; and texts as ids.

#include "QuoinRun.h"

#include "support/JsonText.h"

#include <nlohmann/json.hpp>

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

std::vector<int32_t> quoin::encode(quoin_tokenizer_t *tokenizer, const std::string &text, quoin_context_t *context) {
  // A token stands for at least a byte in every tokenizer but one that normalises; then the call is repeated.
  std::vector<int32_t> ids(text.size());
  size_t count = 0;
  for (;;) {
    if (quoin_tokenizer_encode(tokenizer, text.data(), text.size(), ids.data(), ids.size(), &count) != QUOIN_STATUS_OK)
      throw Failure{quoin_context_last_error(context)};
    bool all = count <= ids.size();
    ids.resize(count);
    if (all)
      return ids;
  }
}

std::string quoin::decode(quoin_tokenizer_t *tokenizer, const int32_t *ids, size_t count, bool skipSpecial) {
  std::string text(8 * count + 64, '\0');
  size_t size = 0;
  for (;;) {
    if (!tokenizer ||
        quoin_tokenizer_decode(tokenizer, ids, count, skipSpecial, text.data(), text.size(), &size) != QUOIN_STATUS_OK)
      return "";
    bool all = size <= text.size();
    text.resize(size);
    if (all)
      return text;
  }
}

bool quoin::tokenize(quoin_context_t *context, const std::string &folder, const std::vector<Request> &requests) {
  quoin_tokenizer_t *tokenizer = nullptr;
  if (quoin_tokenizer_load(context, folder.c_str(), &tokenizer) != QUOIN_STATUS_OK)
    throw Failure{quoin_context_last_error(context)};
  bool good = true;
  for (const Request &request : requests) {
    if (!request.error.empty()) {
      std::fputs(reportError(request, request.error).c_str(), stdout);
      good = false;
      continue;
    }
    std::vector<int32_t> ids = request.text ? encode(tokenizer, *request.text, context) : request.ids;
    json line = {{"ids", ids}, {"decoded", decode(tokenizer, ids.data(), ids.size(), false)}};
    std::printf("%s\n", line.dump(-1, ' ', true, json::error_handler_t::replace).c_str());
  }
  quoin_tokenizer_destroy(tokenizer);
  return good;
}
