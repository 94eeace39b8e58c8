//===- OutputFolder.cpp - an artefact that is complete or absent -----------===//

#include "compiler/driver/OutputFolder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdio>
#ifdef __linux__
#include <fcntl.h>
#endif

using namespace quoin;
using namespace llvm;

OutputFolder::OutputFolder(StringRef wanted) {
  SmallString<128> absolute(wanted);
  (void)sys::fs::make_absolute(absolute);
  sys::path::remove_dots(absolute, /*remove_dot_dot=*/true);
  target = std::string(absolute);
  partial = target + ".partial-" + std::to_string(sys::Process::getProcessId());
}

OutputFolder::~OutputFolder() {
  if (created)
    sys::fs::remove_directories(partial);
}

/// True if the folder is one that we may replace.
static bool replaceable(const std::string &folder) {
  if (!sys::fs::exists(folder) || sys::fs::exists(folder + "/model.json"))
    return true;
  std::error_code code;
  sys::fs::directory_iterator first(folder, code);
  return sys::fs::is_directory(folder) && !code && first == sys::fs::directory_iterator();
}

/// True if `path` is `folder` or lies below it, links followed.
static bool liesIn(const std::string &path, const std::string &folder) {
  SmallString<128> realPath, realFolder;
  if (sys::fs::real_path(path, realPath) || sys::fs::real_path(folder, realFolder))
    return false;
  return realPath == realFolder || StringRef(realPath).starts_with((realFolder + "/").str());
}

bool OutputFolder::create(ArrayRef<std::string> inputs, std::string &error) {
  for (const std::string &input : inputs)
    if (liesIn(input, target)) {
      error = "expects an output apart from what is read, but '" + input + "' lies in '" + target + "'";
      return false;
    }
  if (!replaceable(target)) {
    error = "expects '" + target + "' to be absent, empty or an earlier artefact, but found something else there";
    return false;
  }
  if (std::error_code code = sys::fs::create_directories(partial)) {
    error = "cannot make folder '" + partial + "': " + code.message();
    return false;
  }
  return created = true;
}

std::string OutputFolder::path(StringRef file) const { return partial + "/" + file.str(); }

bool OutputFolder::write(StringRef file, StringRef contents, std::string &error) {
  std::error_code code;
  raw_fd_ostream os(path(file), code);
  if (!code) {
    os << contents;
    os.close();
    code = os.error();
    os.clear_error();
  }
  if (code)
    error = "cannot write '" + path(file) + "': " + code.message();
  return !code;
}

bool OutputFolder::copy(StringRef from, StringRef file, std::string &error) {
  std::error_code code = sys::fs::copy_file(from, path(file));
  if (code)
    error = "cannot copy '" + from.str() + "' to '" + path(file) + "': " + code.message();
  return !code;
}

/// Lets two folders trade names at once, so that no moment is without either. False where the system or the file system
/// cannot.
static bool tradeNames(const std::string &one, const std::string &other) {
#if defined(__linux__) && defined(RENAME_EXCHANGE)
  return renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0;
#else
  return false;
#endif
}

bool OutputFolder::commit(std::string &error) {
  bool had = sys::fs::exists(target);
  std::string old = partial; // where the earlier artefact goes: the name that becomes free
  std::error_code code;
  if (!had) {
    code = sys::fs::rename(partial, target);
  } else if (!tradeNames(partial, target)) {
    old = target + ".old-" + std::to_string(sys::Process::getProcessId());
    code = sys::fs::rename(target, old);
    if (!code && (code = sys::fs::rename(partial, target)))
      (void)sys::fs::rename(old, target);
  }
  if (code) {
    error = "cannot rename '" + partial + "' to '" + target + "': " + code.message();
    return false;
  }
  created = false;
  if (had)
    sys::fs::remove_directories(old);
  return true;
}
