//===- WholeFile.cpp - a file that is complete or as it was before ----------===//

#include "support/WholeFile.h"
#include "support/RealPath.h"
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace quoin;

bool quoin::writeAll(int descriptor, const void *data, size_t size) {
  const char *from = static_cast<const char *>(data);
  while (size > 0) {
    ssize_t written = ::write(descriptor, from, std::min<size_t>(size, size_t(1) << 30));
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0) {
      errno = written == 0 ? ENOSPC : errno;
      return false;
    }
    from += written;
    size -= static_cast<size_t>(written);
  }
  return true;
}

WholeFile::~WholeFile() {
  if (descriptor >= 0)
    ::close(descriptor);
}

bool WholeFile::fail(int code, std::string &error) {
  error = "cannot write '" + path + "': " + std::strerror(code);
  if (descriptor >= 0)
    ::close(descriptor);
  descriptor = -1;
  unfinished.discard();
  return false;
}

bool WholeFile::open(std::string &error) {
  struct stat info;
  bool there = ::stat(path.c_str(), &info) == 0;
  if (there && S_ISDIR(info.st_mode))
    return fail(EISDIR, error);
  if (there && ::access(path.c_str(), W_OK) != 0)
    return fail(errno, error);
  if (there && !S_ISREG(info.st_mode)) {
    descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    return descriptor >= 0 || fail(errno, error);
  }
  std::string reason;
  std::optional<std::string> followed = followLinks(path, reason);
  if (!followed) {
    error = "cannot write '" + path + "': " + reason;
    return false;
  }
  real = *followed;
  beside = real + ".partial-" + std::to_string(::getpid());
  auto held = Unfinished::hold();
  descriptor = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (descriptor >= 0) {
    unfinished.note(beside);
    if (there)
      (void)::fchmod(descriptor, info.st_mode & 0777);
    return true;
  }
  int code = errno;
  beside.clear();
  // No file can be made there, but the one that is there can be written.
  if (there)
    descriptor = ::open(real.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  return descriptor >= 0 || fail(code, error);
}

bool WholeFile::write(const void *data, size_t size, std::string &error) {
  return writeAll(descriptor, data, size) || fail(errno, error);
}

bool WholeFile::pour() {
  int from = ::open(beside.c_str(), O_RDONLY | O_CLOEXEC), to = ::open(real.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  bool good = from >= 0 && to >= 0;
  std::vector<char> buffer(size_t(1) << 20);
  for (ssize_t got = 1; good && got > 0;) {
    got = ::read(from, buffer.data(), buffer.size());
    good = got >= 0 && writeAll(to, buffer.data(), static_cast<size_t>(got));
  }
  int code = errno;
  if (from >= 0)
    ::close(from);
  if (to >= 0 && ::close(to) != 0 && good) {
    code = errno;
    good = false;
  }
  errno = code;
  return good;
}

bool WholeFile::commit(std::string &error) {
  int closing = descriptor;
  descriptor = -1;
  // Errors of a full disk may show only when the file is closed.
  if (::close(closing) != 0)
    return fail(errno, error);
  if (beside.empty())
    return true;
  auto held = Unfinished::hold();
  if (::rename(beside.c_str(), real.c_str()) == 0) {
    unfinished.keep();
    return true;
  }
  int code = errno;
  if (::access(real.c_str(), W_OK) != 0 || !pour())
    return fail(code, error);
  unfinished.discard();
  return true;
}

bool quoin::writeWholeFile(const std::string &path, std::string_view contents, std::string &error) {
  WholeFile file(path);
  return file.open(error) && file.write(contents.data(), contents.size(), error) && file.commit(error);
}
