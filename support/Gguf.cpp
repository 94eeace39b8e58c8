//===- Gguf.cpp - maps a GGUF file -----------------------------------------===//

#include "support/Gguf.h"
#include "support/MappedFile.h"
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sys/mman.h>
#include <system_error>

using namespace quoin;
namespace fs = std::filesystem;

std::unique_ptr<GgufFile> GgufFile::open(const std::string &path, std::string &error) {
  auto fail = [&](const std::string &what) {
    error = path + ": " + what;
    return nullptr;
  };
  std::string message;
  std::optional<std::string_view> bytes = mapFile(path, message);
  if (!bytes)
    return fail(message);
  if (bytes->empty())
    return fail("expects a GGUF file, but it is empty (a download that did not begin, or a disk that was full?)");
  // Not make_unique: the constructor is private.
  std::unique_ptr<GgufFile> result(new GgufFile());
  result->file = path;
  result->mapping = const_cast<char *>(bytes->data());
  result->length = bytes->size();
  if (!parseGguf(*bytes, result->parsed, message))
    return fail(message);
  return result;
}

GgufFile::~GgufFile() {
  if (mapping)
    ::munmap(mapping, length);
}

bool quoin::isGgufFile(const std::string &path) {
  std::error_code ignored;
  // Opening another may wait for whoever is at its other end.
  if (!fs::is_regular_file(path, ignored))
    return false;
  std::ifstream stream(path, std::ios::binary);
  char magic[4];
  return stream && (path.ends_with(".gguf") || (stream.read(magic, 4) && std::memcmp(magic, "GGUF", 4) == 0));
}

std::optional<std::string> quoin::ggufFileAt(const std::string &path) {
  // Of any other name it is a mistake: model.safetensors, say.
  if (path.ends_with(".gguf") && isGgufFile(path))
    return path;
  fs::path parent = fs::path(path).parent_path();
  if (parent.filename() == fs::path(path).filename() && isGgufFile(parent.string()))
    return parent.string();
  return std::nullopt;
}
