//===- OutputFolder.h - an artefact that is complete or absent -------------===//
//
// Files are written into a folder beside the wanted one, which takes its name only when all of them are there. Whatever
// happens before (an error, a full disk, a kill) leaves the old artefact as it was.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_DRIVER_OUTPUTFOLDER_H
#define QUOIN_COMPILER_DRIVER_OUTPUTFOLDER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace quoin {

class OutputFolder {
public:
  /// `target` must be absent, empty, or an earlier artefact (it holds a model.json).
  explicit OutputFolder(llvm::StringRef target);
  /// Removes what was written unless `commit` succeeded.
  ~OutputFolder();
  OutputFolder(const OutputFolder &) = delete;
  OutputFolder &operator=(const OutputFolder &) = delete;

  /// Makes the folder for the files. Nothing that is read may lie in the folder that will be replaced. False with
  /// `error` set if that fails.
  bool create(llvm::ArrayRef<std::string> inputs, std::string &error);
  /// The path of a file in the making.
  std::string path(llvm::StringRef file) const;
  /// Writes a small file.
  bool write(llvm::StringRef file, llvm::StringRef contents, std::string &error);
  /// Copies a file.
  bool copy(llvm::StringRef from, llvm::StringRef file, std::string &error);
  /// Gives the folder its name, in place of an earlier artefact.
  bool commit(std::string &error);

private:
  std::string target, partial;
  bool created = false;
};

} // namespace quoin

#endif
