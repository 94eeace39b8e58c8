// LoadTokenizer.cpp - reads the file of a tokenizer: the one place that
// touches the file system.

#include "runtime/tokenizer/Tokenizer.h"

#include <cstdio>
#include <filesystem>

using namespace quoin;

namespace {

/// Far above the 11 MB of a vocabulary of 150 thousand tokens.
constexpr uintmax_t maxFileSize = 512u << 20;

struct FileCloser {
  void operator()(std::FILE *file) const { std::fclose(file); }
};

bool readFile(const std::string &path, std::string &out, std::string &error) {
  std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "rb"));
  if (!file) {
    error = "expects a file that can be read, but it cannot be opened";
    return false;
  }
  char buffer[1 << 16];
  while (size_t count = std::fread(buffer, 1, sizeof(buffer), file.get())) {
    out.append(buffer, count);
    if (out.size() > maxFileSize) {
      error = "expects at most " + std::to_string(maxFileSize) + " bytes, but the file is larger";
      return false;
    }
  }
  if (std::ferror(file.get())) {
    error = "expects a file that can be read, but reading failed at byte " + std::to_string(out.size());
    return false;
  }
  return true;
}

} // namespace

std::unique_ptr<Tokenizer> Tokenizer::load(const std::string &path, std::string &error) {
  std::error_code ignored;
  std::string file = path;
  if (std::filesystem::is_directory(path, ignored))
    file = (std::filesystem::path(path) / "tokenizer.json").string();
  std::string text;
  std::unique_ptr<Tokenizer> out;
  if (readFile(file, text, error))
    out = fromJson(text, error);
  if (!out)
    error = "'" + file + "': " + error;
  return out;
}
