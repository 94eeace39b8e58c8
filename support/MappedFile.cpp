//===- MappedFile.cpp - the bytes of a file, mapped into memory ------------===//

#include "support/MappedFile.h"
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace quoin;

namespace {
/// Closes on every way out; what is mapped stays.
struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0)
      ::close(number);
  }
};
} // namespace

std::optional<std::string_view> quoin::mapFile(const std::string &path, std::string &error) {
  auto fail = [&](const char *what) {
    error = what;
    return std::nullopt;
  };
  // Whoever waits at a pipe's other end need not be there.
  Descriptor fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat info;
  if (fd.number < 0 || ::fstat(fd.number, &info) != 0)
    return fail(std::strerror(errno));
  if (!S_ISREG(info.st_mode))
    return fail("expects a file, but found something else");
  if (info.st_size == 0)
    return std::string_view();
  auto length = static_cast<size_t>(info.st_size);
  void *mapping = ::mmap(nullptr, length, PROT_READ, MAP_PRIVATE, fd.number, 0);
  if (mapping == MAP_FAILED)
    return fail(std::strerror(errno));
  return std::string_view(static_cast<const char *>(mapping), length);
}
