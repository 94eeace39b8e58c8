// LoadTokenizer.cpp - reads the files of a tokenizer.

#include "runtime/tokenizer/Tokenizer.h"
#include "runtime/tokenizer/TokenizerConfig.h"

#include <cstdio>
#include <filesystem>

using namespace quoin;

namespace {

/// Far above the 11 MB of a vocabulary of 150 thousand tokens.
constexpr uintmax_t maxFileSize = 512u << 20;

struct FileCloser {
  void operator()(std::FILE *file) const { std::fclose(file); }
};

} // namespace

bool quoin::readTokenizerFile(const std::string &path, std::string &out, std::string &error) {
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

std::unique_ptr<Tokenizer> Tokenizer::load(const std::string &path, std::string &error) {
  std::error_code ignored;
  std::string file = path;
  if (std::filesystem::is_directory(path, ignored))
    file = (std::filesystem::path(path) / "tokenizer.json").string();
  std::string text;
  TokenizerConfig config;
  if (!readTokenizerFile(file, text, error)) {
    error = "'" + file + "': " + error;
    return nullptr;
  }
  const std::string folder = std::filesystem::path(file).parent_path().string();
  if (!TokenizerConfig::read(folder.empty() ? "." : folder, config, error))
    return nullptr;
  std::unique_ptr<Tokenizer> out = fromJson(text, config, error);
  if (!out)
    error = "'" + file + "': " + error;
  return out;
}
