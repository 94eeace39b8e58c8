//===- WholeFile.h - a file that is complete or as it was before ------------===//
//
// Written under a name beside the wanted one, which it takes when all is there: an error, a full disk or a signal
// leaves the earlier file. A link stays and what it leads to is replaced; the earlier file's rights are kept. What is
// no regular file (a pipe, a device) is written as it is, and so is a file whose folder cannot be written or that
// cannot be renamed to, such as one that is mounted by itself.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_SUPPORT_WHOLEFILE_H
#define QUOIN_SUPPORT_WHOLEFILE_H

#include "support/Unfinished.h"
#include <string>
#include <string_view>

namespace quoin {

/// Writes all of it, however often the system takes a part. False with `errno` set.
bool writeAll(int descriptor, const void *data, size_t size);

class WholeFile {
public:
  explicit WholeFile(std::string path) : path(std::move(path)) {}
  /// Removes what was written unless `commit` succeeded.
  ~WholeFile();
  WholeFile(const WholeFile &) = delete;
  WholeFile &operator=(const WholeFile &) = delete;

  /// False with `error` set, as are the others: "cannot write 'out.mlir': No space left on device".
  bool open(std::string &error);
  bool write(const void *data, size_t size, std::string &error);
  bool commit(std::string &error);

private:
  bool fail(int code, std::string &error);
  /// Puts what was written into the wanted file itself.
  bool pour();

  std::string path, real, beside; // as given; without links; in the making, or empty if written directly
  int descriptor = -1;
  Unfinished unfinished;
};

/// All three at once.
bool writeWholeFile(const std::string &path, std::string_view contents, std::string &error);

} // namespace quoin

#endif
