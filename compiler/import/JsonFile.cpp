//===- JsonFile.cpp - the JSON files of a checkpoint -----------------------===//

#include "compiler/import/JsonFile.h"
#include "compiler/import/GgufCheckpoint.h"
#include "runtime/tokenizer/StrictJson.h"
#include "support/FileKinds.h"
#include "support/JsonText.h"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>

using namespace quoin;
using nlohmann::json;

namespace {

/// Largest config.json or index that is read.
constexpr size_t mostFileBytes = size_t(16) << 20;

/// Follows a text up to its error, to say after which key it stands.
struct LastKey : json::json_sax_t {
  std::string name, token, reason;
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
  bool parse_error(size_t position, const std::string &last, const nlohmann::detail::exception &exception) override {
    where = position;
    token = last;
    reason = exception.what();
    return false;
  }
};

} // namespace

static bool readText(const std::string &path, std::string &out, std::string &error) {
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
  if (static_cast<size_t>(info.st_size) > mostFileBytes) {
    std::string kind = fileKindOf(path);
    error = path + ": expects at most " + std::to_string(mostFileBytes) + " bytes, but found " +
            (kind.empty() ? std::to_string(info.st_size) : kind);
    return false;
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  // An empty file reads as a failure of the insertion alone.
  if (!in || (info.st_size > 0 && text.str().empty())) {
    error = path + ": expects a file that can be read";
    return false;
  }
  out = text.str();
  return true;
}

/// What the parser met, in words a person can act on.
static std::string mistake(const LastKey &last, std::string_view text) {
  auto says = [&](const char *part) { return last.reason.find(part) != std::string::npos; };
  std::string token = "'" + shortened(last.token) + "'";
  if (says("forbidden character after backslash") || says("must be followed by"))
    return "a bad escape at " + token;
  if (says("missing closing quote"))
    return "a string without an end";
  if (says("control character"))
    return "a line break or another control character in a string, at " + token;
  if (says("ill-formed UTF-8") || says("invalid BOM"))
    return "bytes that are not UTF-8";
  if (says("unexpected end of input"))
    return "its end (a download that did not end?)";
  // Not even a beginning: what a server says instead of the file.
  if (!looksLikeJson(text))
    return "'" + shortened(std::string(text.substr(0, std::min(text.find('\n'), text.size())))) + "'";
  return token;
}

bool quoin::isJsonFileThere(const std::string &path) {
  std::error_code ignored;
  if (std::optional<GgufDocument> document = GgufDocument::at(path))
    return document->isThere();
  return std::filesystem::exists(std::filesystem::symlink_status(path, ignored));
}

std::optional<json> quoin::readJsonFile(const std::string &path, std::string &error) {
  if (std::optional<GgufDocument> document = GgufDocument::at(path))
    return document->read(error);
  std::string text;
  if (!readText(path, text, error))
    return std::nullopt;
  auto fail = [&](const std::string &what) {
    error = path + ": " + what;
    return std::nullopt;
  };
  if (text.empty())
    return fail("expects JSON, but the file is empty");
  if (std::string kind = fileKind(text); !kind.empty())
    return fail("expects JSON, but found " + kind);
  if (looksLikeSafetensors(text))
    return fail("expects JSON, but found a safetensors file");
  if (std::string deep = tooDeep(text); !deep.empty())
    return fail(deep);
  text = strictJson(text);
  json parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_discarded())
    return parsed;
  LastKey last;
  json::sax_parse(text, &last);
  auto before = text.begin() + static_cast<ptrdiff_t>(std::min(last.where, text.size()));
  std::string message = "line " + std::to_string(1 + std::count(text.begin(), before, '\n')) + ": ";
  if (!last.name.empty())
    message += "'" + shortened(last.name) + "' ";
  return fail(message + "expects JSON, but found " + mistake(last, text));
}
