// LoadTokenizer.cpp - reads the files of a tokenizer.

#include "runtime/tokenizer/Tokenizer.h"
#include "runtime/tokenizer/TokenizerConfig.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>

using namespace quoin;

namespace {

/// Far above the 11 MB of a vocabulary of 150 thousand tokens.
constexpr uintmax_t maxFileSize = 512u << 20;

/// What people have in place of a text, by its beginning; nullptr for anything else. Any of it would do as a template.
const char *wrongKind(std::string_view text) {
  if (text.starts_with("version https://git-lfs") || text.starts_with("version https://hawser"))
    return "a Git LFS pointer (run 'git lfs pull' where it was cloned)";
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    return "text in UTF-16 (save it as UTF-8)";
  const size_t begin = text.find_first_not_of(" \t\r\n");
  std::string first(begin == text.npos ? "" : text.substr(begin, 14));
  std::transform(first.begin(), first.end(), first.begin(), [](unsigned char c) { return std::tolower(c); });
  if (first.starts_with("<!doctype html") || first.starts_with("<html"))
    return "a web page (was it saved from a browser?)";
  return nullptr;
}

constexpr const char *slowFile = "vocab.json";

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
  if (const char *kind = wrongKind(out)) {
    error = std::string("expects a file of a tokenizer, but it is ") + kind;
    return false;
  }
  return true;
}

std::string Tokenizer::fileIn(const std::string &folder) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  for (const char *name : {"tokenizer.json", slowFile})
    // A link that leads nowhere is somebody's mistake, not an absent tokenizer.
    if (const fs::path path = fs::path(folder) / name;
        fs::symlink_status(path, ignored).type() != fs::file_type::none &&
        fs::exists(fs::symlink_status(path, ignored)))
      return path.string();
  return "";
}

std::unique_ptr<Tokenizer> Tokenizer::load(const std::string &path, std::string &error) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  std::string file = path;
  if (fs::is_directory(path, ignored))
    file = fileIn(path);
  if (file.empty())
    file = (fs::path(path) / "tokenizer.json").string();
  const fs::path parent = fs::path(file).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  const bool slow = fs::path(file).filename() == slowFile;
  std::string text, merges;
  TokenizerConfig config;
  auto named = [&](const std::string &name) {
    error = "'" + name + "': " + error;
    return nullptr;
  };
  if (!readTokenizerFile(file, text, error))
    return named(file);
  const std::string mergesPath = (parent / mergesFile).string();
  if (slow && !readTokenizerFile(mergesPath, merges, error))
    return named(mergesPath);
  if (!TokenizerConfig::read(folder, config, error))
    return nullptr;
  std::unique_ptr<Tokenizer> out = slow ? fromVocabulary(text, merges, config, error) : fromJson(text, config, error);
  return out ? std::move(out) : named(file);
}
