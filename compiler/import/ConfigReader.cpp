//===- ConfigReader.cpp - checked reading of a JSON object -----------------===//

#include "compiler/import/ConfigReader.h"
#include "support/JsonText.h"
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>
#include <sys/stat.h>

using namespace quoin;
using nlohmann::json;

namespace {

/// Largest config.json that is read.
constexpr size_t maxConfigBytes = size_t(16) << 20;

/// Follows a text up to its error, to say after which key it stands.
struct LastKey : json::json_sax_t {
  std::string name, token;
  size_t where = 0;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t &) override { return true; }
  bool string(string_t &) override { return true; }
  bool binary(binary_t &) override { return true; }
  bool start_object(size_t) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }
  bool key(string_t &value) override {
    name = value;
    return true;
  }
  bool parse_error(size_t position, const std::string &last, const nlohmann::detail::exception &) override {
    where = position;
    token = last;
    return false;
  }
};

} // namespace

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

bool quoin::readWholeFile(const std::string &path, size_t limit, std::string &out, std::string &error) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) {
    error = path + ": expects a file that can be read, but " +
            (errno == ENOENT ? "there is none" : "found: " + std::string(std::strerror(errno)));
    return false;
  }
  if (!S_ISREG(info.st_mode)) {
    error = path + ": expects a file, but found something else";
    return false;
  }
  if (static_cast<size_t>(info.st_size) > limit) {
    error = path + ": expects at most " + std::to_string(limit) + " bytes, but found " + std::to_string(info.st_size);
    return false;
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) {
    error = path + ": expects a file that can be read";
    return false;
  }
  out = text.str();
  return true;
}

ConfigReader::ConfigReader(std::string path) : file(std::move(path)) {
  std::string text;
  if (!readWholeFile(file, maxConfigBytes, text, message))
    return;
  if (std::string deep = tooDeep(text); !deep.empty()) {
    message = file + ": " + deep;
    return;
  }
  json parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_object()) {
    object = std::move(parsed);
    return;
  }
  if (!parsed.is_discarded()) {
    message = file + ": expects a JSON object, but found " + describe(parsed);
    return;
  }
  LastKey last;
  json::sax_parse(text, &last);
  message = file + ": ";
  if (!last.name.empty())
    message += "'" + shortened(last.name) + "' ";
  message += "expects JSON, but found '" + shortened(last.token) + "' at byte " + std::to_string(last.where);
}

const json *ConfigReader::find(std::string_view key) const {
  auto it = object.find(std::string(key));
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

bool ConfigReader::has(std::string_view key) const { return find(key) != nullptr; }

void ConfigReader::fail(std::string_view key, const std::string &expected) {
  if (failed())
    return;
  const json *value = find(key);
  message = file + ": '" + prefix + std::string(key) + "' expects " + expected + ", but " +
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

void ConfigReader::expectPlainRotary(std::string_view key) {
  const json *value = find(key);
  if (!value)
    return;
  bool plain = value->is_object();
  if (plain) {
    std::string kind = "default";
    for (const char *name : {"type", "rope_type"})
      if (auto it = value->find(name); it != value->end() && !it->is_null())
        kind = it->is_string() ? it->get<std::string>() : "?";
    auto factor = value->find("factor");
    bool one = factor == value->end() || factor->is_null() || (factor->is_number() && factor->get<double>() == 1.0);
    plain = one && (kind == "default" || (kind == "linear" && factor != value->end()));
  }
  if (!plain)
    fail(key, "null (scaled rotary embeddings are not supported)");
}

ConfigReader ConfigReader::below(std::string_view key) const {
  ConfigReader result;
  result.file = file;
  result.prefix = prefix + std::string(key) + ".";
  if (const json *value = find(key); value && value->is_object())
    result.object = *value;
  return result;
}
