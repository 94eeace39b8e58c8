//===- GgufCheckpoint.cpp - a GGUF file as a checkpoint's folder -----------===//

#include "compiler/import/GgufCheckpoint.h"
#include <filesystem>

using namespace quoin;
using nlohmann::json;
namespace fs = std::filesystem;

std::optional<GgufDocument> GgufDocument::at(const std::string &path) {
  fs::path parent = fs::path(path).parent_path();
  std::string name = fs::path(path).filename().string();
  bool known = name == "config.json" || name == ggufTokenizerFiles[0] || name == ggufTokenizerFiles[1];
  if (!known || !isGgufFile(parent.string()))
    return std::nullopt;
  return GgufDocument{parent.string(), name};
}

std::optional<std::vector<std::string>> quoin::ggufTokenizerTexts(const std::string &file, std::string &error) {
  std::unique_ptr<GgufFile> opened = GgufFile::open(file, error);
  if (!opened)
    return std::nullopt;
  std::vector<std::string> documents;
  if (!hasGgufTokenizer(opened->contents()))
    return documents;
  std::string message;
  for (auto *make : {ggufTokenizer, ggufTokenizerConfig}) {
    json made;
    if (!make(opened->contents(), made, message)) {
      error = file + ": " + message;
      return std::nullopt;
    }
    documents.push_back(made.dump(-1, ' ', false, json::error_handler_t::replace));
  }
  return documents;
}

bool GgufDocument::isThere() const {
  std::string ignored;
  std::unique_ptr<GgufFile> opened = GgufFile::open(file, ignored);
  return opened && (name == "config.json" || hasGgufTokenizer(opened->contents()));
}

std::optional<json> GgufDocument::read(std::string &error) const {
  std::unique_ptr<GgufFile> opened = GgufFile::open(file, error);
  if (!opened)
    return std::nullopt;
  json made;
  std::string message;
  bool good = name == "config.json"           ? ggufConfig(*opened, made, message)
              : name == ggufTokenizerFiles[0] ? ggufTokenizer(opened->contents(), made, message)
                                              : ggufTokenizerConfig(opened->contents(), made, message);
  if (good)
    return made;
  error = file + ": " + message;
  return std::nullopt;
}
