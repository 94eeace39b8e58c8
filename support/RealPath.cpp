//===- RealPath.cpp - where a path leads ------------------------------------===//
//
//   1. Take the next name; ".." goes back one of the names that are done, which holds no link any more.
//   2. If a link stands there, its text goes before the names that are left, up to as many links as Linux follows.
//   3. If nothing stands there, nothing can stand below: the rest is kept as written.
//
//===----------------------------------------------------------------------===//

#include "support/RealPath.h"
#include <cerrno>
#include <climits>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

using namespace quoin;

static constexpr int maxLinks = 40;

std::string quoin::parentOf(const std::string &path) {
  size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::optional<std::string> quoin::followLinks(const std::string &path, std::string &error) {
  auto fail = [&](int code) {
    error = std::strerror(code);
    return std::nullopt;
  };
  std::string done, rest = path;
  if (path.empty())
    return fail(ENOENT);
  if (path[0] != '/') {
    char here[PATH_MAX];
    if (!::getcwd(here, sizeof(here)))
      return fail(errno);
    rest = std::string(here) + "/" + path;
  }
  int links = 0;
  while (!rest.empty()) {
    size_t slash = rest.find('/');
    std::string name = rest.substr(0, slash);
    rest = slash == std::string::npos ? "" : rest.substr(slash + 1);
    if (name.empty() || name == ".")
      continue;
    if (name == "..") {
      done.resize(done.empty() ? 0 : done.rfind('/'));
      continue;
    }
    std::string next = done + "/" + name;
    struct stat info;
    bool there = ::lstat(next.c_str(), &info) == 0;
    if (!there && errno != ENOENT)
      return fail(errno);
    if (!there || !S_ISLNK(info.st_mode)) {
      done = next;
      continue;
    }
    if (++links > maxLinks)
      return fail(ELOOP);
    char text[PATH_MAX];
    ssize_t length = ::readlink(next.c_str(), text, sizeof(text));
    if (length < 0)
      return fail(errno);
    rest = std::string(text, static_cast<size_t>(length)) + "/" + rest;
    if (text[0] == '/')
      done.clear();
  }
  return done.empty() ? "/" : done;
}

bool quoin::liesIn(const std::string &path, const std::string &folder) {
  std::string ignored;
  std::optional<std::string> inner = followLinks(path, ignored), outer = followLinks(folder, ignored);
  if (!inner || !outer)
    return false;
  return *inner == *outer || *outer == "/" || inner->compare(0, outer->size() + 1, *outer + "/") == 0;
}
