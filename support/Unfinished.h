//===- Unfinished.h - what goes when the process is told to end -------------===//
//
// Files and folders in the making are noted here. A program that calls `prepareTool` first removes them when it gets
// SIGINT, SIGTERM, SIGHUP or SIGQUIT, and then dies by that signal. A thread of its own waits for the signals, so that
// it may lock and allocate; it waits while somebody holds `Unfinished::hold`, as a rename of what is finished does.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_SUPPORT_UNFINISHED_H
#define QUOIN_SUPPORT_UNFINISHED_H

#include <mutex>
#include <string>
#include <vector>

namespace quoin {

/// A file, or a folder of files, and the empty folders that were made for it. Safe to use from several threads.
class Unfinished {
public:
  Unfinished() = default;
  /// As `discard`.
  ~Unfinished() { discard(); }
  Unfinished(const Unfinished &) = delete;
  Unfinished &operator=(const Unfinished &) = delete;

  /// Notes what was just made; `folders` in the order they were made. Hold the lock since before it was.
  void note(std::string path, std::vector<std::string> folders = {});
  bool noted() const { return !path.empty(); }
  /// Removes it and the folders that are empty then.
  void discard();
  /// It has another name now, or is gone.
  void keep();

  /// While this is held no signal is acted upon.
  static std::unique_lock<std::recursive_mutex> hold();
  /// Removes all that is noted.
  static void discardAll();

private:
  std::string path;
  std::vector<std::string> folders;
};

/// Removes a file, or a folder with the files in it, never what lies below a folder in it. False if something is left.
bool removeFlat(const std::string &path);

/// To be called first in `main`, before there are threads: signals as above; a limit on the size of files is an error
/// of the write instead of a signal; standard streams that are closed are opened, so that no file takes their numbers;
/// writing to such an output is an error. Signals that are ignored (as under nohup) stay ignored.
void prepareTool();

} // namespace quoin

#endif
