//===- OutputFolder.cpp - an artefact that is complete or absent -----------===//

#include "compiler/driver/OutputFolder.h"
#include "support/RealPath.h"
#include "support/WholeFile.h"
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace quoin;
using namespace llvm;

//===----------------------------------------------------------------------===//
// Folders
//===----------------------------------------------------------------------===//

/// What a kill may leave in a folder whose files were about to move.
static constexpr const char *partialName = ".partial-", *earlierName = ".earlier-";

static std::string processNumber() { return std::to_string(::getpid()); }

static bool isFolder(const std::string &path) {
  struct stat info;
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

static bool isThere(const std::string &path) {
  struct stat info;
  return ::lstat(path.c_str(), &info) == 0;
}

/// The names in a folder, sorted; false with `errno` set if they cannot be read.
static bool namesIn(const std::string &folder, std::vector<std::string> &names) {
  DIR *dir = ::opendir(folder.c_str());
  if (!dir)
    return false;
  errno = 0;
  while (const dirent *entry = ::readdir(dir))
    if (StringRef name = entry->d_name; name != "." && name != "..")
      names.push_back(name.str());
  int code = errno;
  ::closedir(dir);
  std::sort(names.begin(), names.end());
  errno = code;
  return code == 0;
}

/// May we make and remove names in it? By the rights that count now.
static bool mayChange(const std::string &folder) {
  return ::faccessat(AT_FDCWD, folder.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) == 0;
}

static bool isMountPoint(const std::string &path) {
  struct statx info;
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &info) != 0)
    return false;
#ifdef STATX_ATTR_MOUNT_ROOT
  if (info.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)
    return info.stx_attributes & STATX_ATTR_MOUNT_ROOT;
#endif
  struct stat self, parent;
  return ::lstat(path.c_str(), &self) == 0 && ::lstat(parentOf(path).c_str(), &parent) == 0 &&
         (self.st_dev != parent.st_dev || self.st_ino == parent.st_ino);
}

static bool isWorkingFolder(const std::string &path) {
  struct stat self, here;
  return ::lstat(path.c_str(), &self) == 0 && ::stat(".", &here) == 0 && self.st_dev == here.st_dev &&
         self.st_ino == here.st_ino;
}

/// May its parent give it another name? In a folder as /tmp only an owner may.
static bool mayBeRenamed(const std::string &path) {
  std::string above = parentOf(path);
  struct stat self, parent;
  if (::lstat(path.c_str(), &self) != 0 || ::lstat(above.c_str(), &parent) != 0 || !mayChange(above))
    return false;
  uid_t user = ::geteuid();
  return !(parent.st_mode & S_ISVTX) || user == 0 || user == parent.st_uid || user == self.st_uid;
}

/// Names that our files have. A folder that a kill left half-way is known by them.
static bool isOurs(StringRef name) {
  for (const char *begin : {"model.", "tokenizer", "chat_template", "added_tokens", "special_tokens",
                            "generation_config", "vocab.json", "merges.txt"})
    if (name.starts_with(begin))
      return true;
  return false;
}

//===----------------------------------------------------------------------===//
// Before the work
//===----------------------------------------------------------------------===//

std::string OutputFolder::shown() const {
  std::string plain = wanted;
  while (plain.size() > 1 && plain.back() == '/')
    plain.pop_back();
  struct stat info;
  bool link = ::lstat(plain.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
  return "'" + wanted + "'" + (link ? " (a link to '" + target + "')" : "");
}

bool OutputFolder::checkContents(std::string &error) const {
  std::string expected = "expects " + shown() + " to be absent, empty or an earlier artefact, but found ";
  std::vector<std::string> names;
  if (!namesIn(target, names)) {
    int code = errno;
    error = "cannot read folder " + shown() + ": " + std::strerror(code);
    return false;
  }
  bool halfWay = false, metadata = false;
  std::string foreign, folder;
  for (const std::string &name : names) {
    bool directory = isFolder(target + "/" + name);
    if (directory && (StringRef(name).starts_with(partialName) || StringRef(name).starts_with(earlierName)))
      halfWay = true;
    else if (name == "model.json" && !directory)
      metadata = true;
    else if (directory && name == "lost+found" && isMountPoint(target))
      continue; // of the file system itself
    else if (directory || isMountPoint(target + "/" + name))
      folder = name;
    else if (!isOurs(name))
      foreign = name;
  }
  if (!folder.empty())
    error = expected + "'" + folder + "' in it, a folder or a mount";
  else if (!metadata && !foreign.empty())
    error = expected + "'" + foreign + "' and no 'model.json' in it";
  else if (!metadata && !halfWay && std::any_of(names.begin(), names.end(), [](StringRef n) { return isOurs(n); }))
    error = expected + "'" + *std::find_if(names.begin(), names.end(), [](StringRef n) { return isOurs(n); }) +
            "' and no 'model.json' in it";
  else
    return true;
  return false;
}

bool OutputFolder::check(ArrayRef<std::string> inputs, std::string &error) {
  if (wanted.empty()) {
    error = "expects a folder to write to, but found ''";
    return false;
  }
  std::string reason;
  std::optional<std::string> real = followLinks(wanted, reason);
  if (!real) {
    error = "cannot make folder '" + wanted + "': " + reason;
    return false;
  }
  target = *real;
  for (const std::string &input : inputs)
    if (liesIn(input, target)) {
      error = "expects an output apart from what is read, but '" + input + "' lies in " + shown();
      return false;
    }
  if (isThere(target)) {
    if (!isFolder(target)) {
      error = "expects " + shown() + " to be absent, empty or an earlier artefact, but found no folder there";
      return false;
    }
    inside = isMountPoint(target) || isWorkingFolder(target) || !mayBeRenamed(target);
    if (!mayChange(target)) {
      int code = errno;
      error = "cannot write folder " + shown() + ": " + std::strerror(code);
      return false;
    }
    return checkContents(error);
  }
  std::string above = parentOf(target);
  while (!isThere(above) && above != "/")
    above = parentOf(above);
  int code = !isFolder(above) ? ENOTDIR : mayChange(above) ? 0 : errno;
  if (code)
    error = "cannot make folder " + shown() + " in '" + above + "': " + std::strerror(code);
  return code == 0;
}

//===----------------------------------------------------------------------===//
// The files
//===----------------------------------------------------------------------===//

bool OutputFolder::makeParents(std::vector<std::string> &made, std::string &error) const {
  std::vector<std::string> missing;
  for (std::string above = parentOf(target); !isThere(above) && above != "/"; above = parentOf(above))
    missing.push_back(above);
  for (auto folder = missing.rbegin(); folder != missing.rend(); ++folder) {
    if (::mkdir(folder->c_str(), 0777) == 0) {
      made.push_back(*folder);
    } else if (errno != EEXIST) {
      error = "cannot make folder '" + *folder + "': " + std::strerror(errno);
      return false;
    }
  }
  return true;
}

bool OutputFolder::create(ArrayRef<std::string> inputs, std::string &error) {
  if (!check(inputs, error))
    return false;
  // Signals wait until all that was made is noted.
  auto held = Unfinished::hold();
  std::vector<std::string> parents;
  bool good = makeParents(parents, error);
  // A long name has no room for more.
  std::string first = inside ? target + "/" + partialName : target + partialName;
  if (!inside && target.size() - parentOf(target).size() > 200)
    first = parentOf(target) + "/" + partialName;
  first += processNumber();
  partial = first;
  // Processes of other machines or containers may have our number, or one that was killed had it.
  for (int n = 2; good && ::mkdir(partial.c_str(), 0777) != 0; ++n) {
    if (errno != EEXIST || n > 1000) {
      error = "cannot make folder '" + partial + "': " + std::strerror(errno);
      good = false;
    } else {
      partial = first + "-" + std::to_string(n);
    }
  }
  if (good)
    unfinished.note(partial, parents);
  else
    for (auto folder = parents.rbegin(); folder != parents.rend(); ++folder)
      ::rmdir(folder->c_str());
  return good;
}

std::string OutputFolder::path(StringRef file) const { return partial + "/" + file.str(); }

bool OutputFolder::write(StringRef file, StringRef contents, std::string &error) {
  return writeWholeFile(path(file), contents, error);
}

bool OutputFolder::copy(StringRef from, StringRef file, std::string &error) {
  auto fail = [&](int code) {
    error = "cannot copy '" + from.str() + "' to '" + path(file) + "': " + std::strerror(code);
    return false;
  };
  // A pipe would wait for somebody to write.
  int source = ::open(from.str().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (source < 0)
    return fail(errno);
  WholeFile made(path(file));
  std::vector<char> buffer(size_t(1) << 20);
  struct stat info;
  int code = ::fstat(source, &info) != 0 ? errno : S_ISDIR(info.st_mode) ? EISDIR : S_ISREG(info.st_mode) ? 0 : EINVAL;
  bool good = code == 0 && made.open(error);
  for (ssize_t got = 1; good && got > 0;) {
    got = ::read(source, buffer.data(), buffer.size());
    if (got < 0)
      code = errno;
    good = got >= 0 && made.write(buffer.data(), static_cast<size_t>(got), error);
  }
  ::close(source);
  if (code)
    return fail(code);
  return good && made.commit(error);
}

//===----------------------------------------------------------------------===//
// After the work
//===----------------------------------------------------------------------===//

/// Lets two folders trade names at once, so that no moment is without either. False where the system or the file system
/// cannot.
static bool tradeNames(const std::string &one, const std::string &other) {
#if defined(__linux__) && defined(RENAME_EXCHANGE)
  return renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0;
#else
  return false;
#endif
}

/// Removes an artefact, and what a kill left in it.
static void removeArtefact(const std::string &folder) {
  std::vector<std::string> names;
  (void)namesIn(folder, names);
  for (StringRef name : names)
    if (name.starts_with(partialName) || name.starts_with(earlierName))
      (void)removeFlat(folder + "/" + name.str());
  (void)removeFlat(folder);
}

bool OutputFolder::commitByName() {
  for (int attempt = 0; attempt < 3; ++attempt) {
    // An absent or an empty target is replaced at once.
    if (::rename(partial.c_str(), target.c_str()) == 0)
      return true;
    if (errno != ENOTEMPTY && errno != EEXIST)
      return false;
    std::string old = partial; // where the earlier artefact goes: the name that becomes free
    if (!tradeNames(partial, target)) {
      old = target + ".old-" + processNumber();
      if (::rename(target.c_str(), old.c_str()) != 0) {
        if (errno == ENOENT)
          continue; // somebody took it away meanwhile
        return false;
      }
      if (::rename(partial.c_str(), target.c_str()) != 0) {
        int code = errno;
        (void)::rename(old.c_str(), target.c_str());
        errno = code;
        return false;
      }
    }
    removeArtefact(old);
    return true;
  }
  return false;
}

/// Moves a file; where the system cannot, as across the layers of a container, copies it.
static bool moveFile(const std::string &from, const std::string &to) {
  if (::rename(from.c_str(), to.c_str()) == 0)
    return true;
  if (errno != EXDEV)
    return false;
  std::vector<char> buffer(size_t(1) << 20);
  int in = ::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  int out = in < 0 ? -1 : ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  bool good = out >= 0;
  for (ssize_t got = 1; good && got > 0;) {
    got = ::read(in, buffer.data(), buffer.size());
    good = got >= 0 && writeAll(out, buffer.data(), static_cast<size_t>(got));
  }
  int code = errno;
  if (in >= 0)
    ::close(in);
  if (out >= 0 && ::close(out) != 0 && good) {
    code = errno;
    good = false;
  }
  if (!good && out >= 0)
    ::unlink(to.c_str());
  if (good)
    ::unlink(from.c_str());
  errno = code;
  return good;
}

bool OutputFolder::moveAll(const std::string &from, const std::string &to, bool metadataFirst,
                           std::vector<std::pair<std::string, std::string>> &moved) const {
  std::vector<std::string> names;
  if (!namesIn(from, names))
    return false;
  auto rank = [](const std::string &name) { return name == "model.json" ? 2 : name == "model.so" ? 1 : 0; };
  std::sort(names.begin(), names.end(), [&](const std::string &a, const std::string &b) {
    return metadataFirst ? rank(a) > rank(b) : rank(a) < rank(b);
  });
  for (const std::string &name : names) {
    if (isFolder(from + "/" + name))
      continue;
    if (!moveFile(from + "/" + name, to + "/" + name))
      return false;
    moved.emplace_back(from + "/" + name, to + "/" + name);
  }
  return true;
}

bool OutputFolder::commitInside() {
  std::string earlier = target + "/" + earlierName + processNumber();
  if (::mkdir(earlier.c_str(), 0777) != 0)
    return false;
  std::vector<std::pair<std::string, std::string>> moved;
  bool good = moveAll(target, earlier, /*metadataFirst=*/true, moved) &&
              moveAll(partial, target, /*metadataFirst=*/false, moved);
  int code = errno;
  if (!good)
    for (auto move = moved.rbegin(); move != moved.rend(); ++move)
      (void)moveFile(move->second, move->first);
  // After an undoing it is empty; if even that failed, what is in it must stay.
  (void)(good ? removeFlat(earlier) : ::rmdir(earlier.c_str()) == 0);
  if (good)
    (void)removeFlat(partial);
  errno = code;
  return good;
}

bool OutputFolder::commit(std::string &error) {
  auto held = Unfinished::hold();
  bool good = !inside && commitByName();
  int code = errno;
  // Not every refusal could be foreseen.
  if (!good && isFolder(target)) {
    good = commitInside();
    code = errno;
  }
  if (!good) {
    error = "cannot put '" + partial + "' in the place of " + shown() + ": " + std::strerror(code);
    return false;
  }
  unfinished.keep();
  return true;
}
