//===- Gguf.cpp - maps a GGUF file -----------------------------------------===//

#include "support/Gguf.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace quoin;
namespace fs = std::filesystem;

namespace {
/// Closes on every way out.
struct OpenFile {
  int number;
  ~OpenFile() {
    if (number >= 0)
      ::close(number);
  }
};
} // namespace

std::unique_ptr<GgufFile> GgufFile::open(const std::string &path, std::string &error) {
  auto fail = [&](const std::string &what) {
    error = path + ": " + what;
    return nullptr;
  };
  OpenFile fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat info;
  if (fd.number < 0 || ::fstat(fd.number, &info) != 0)
    return fail(std::strerror(errno));
  if (!S_ISREG(info.st_mode))
    return fail("expects a file, but found something else");
  if (info.st_size == 0)
    return fail("expects a GGUF file, but it is empty (a download that did not begin, or a disk that was full?)");
  // Not make_unique: the constructor is private.
  std::unique_ptr<GgufFile> result(new GgufFile());
  result->file = path;
  auto length = static_cast<size_t>(info.st_size);
  void *mapping = ::mmap(nullptr, length, PROT_READ, MAP_PRIVATE, fd.number, 0);
  if (mapping == MAP_FAILED)
    return fail(std::strerror(errno));
  result->mapping = mapping;
  result->length = length;
  std::string message;
  if (!parseGguf({static_cast<const char *>(mapping), length}, result->parsed, message))
    return fail(message);
  return result;
}

GgufFile::~GgufFile() {
  if (mapping)
    ::munmap(mapping, length);
}

bool quoin::isGgufFile(const std::string &path) {
  // Whoever waits at a pipe's other end need not be there.
  OpenFile fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat info;
  if (fd.number < 0 || ::fstat(fd.number, &info) != 0 || !S_ISREG(info.st_mode))
    return false;
  char magic[4];
  return path.ends_with(".gguf") || (::read(fd.number, magic, 4) == 4 && std::memcmp(magic, "GGUF", 4) == 0);
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
