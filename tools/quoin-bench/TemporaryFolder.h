//===- TemporaryFolder.h - a folder that goes with its owner ---------------===//

#ifndef QUOIN_TOOLS_BENCH_TEMPORARYFOLDER_H
#define QUOIN_TOOLS_BENCH_TEMPORARYFOLDER_H

#include "support/Unfinished.h"
#include <map>
#include <memory>
#include <string>

namespace quoin::bench {

class TemporaryFolder {
public:
  /// Null with `error` set if the system has no room for one.
  static std::unique_ptr<TemporaryFolder> create(std::string &error);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;
  /// The path of something in it, a file or a folder of files, which goes when the process is told to end, too.
  std::string path(const std::string &name) const;

private:
  TemporaryFolder() = default;
  std::string top;
  mutable std::map<std::string, Unfinished> parts;
};

} // namespace quoin::bench

#endif
