//===- OutputFolder.h - an artefact that is complete or absent -------------===//
//
//   1. The target is where the wanted path leads, links followed; all that speaks against it is said before any work.
//   2. Files are written into a folder beside it. An error or a signal removes that folder again (Unfinished.h).
//   3. When all are there the folder takes the target's name, at once; what had it before goes.
//
// Some folders cannot be renamed: where something is mounted, where we stand (a shell would be left in a folder that is
// gone), below a parent that we may not write. There the new files are made inside, and moved into place at the end:
// the earlier ones step aside first, model.json before all others, and the new model.json comes last. What goes wrong
// on the way is undone; only a kill or a power cut in between is seen, as a folder without a model.json.
//
// An artefact holds files only, and nothing below a folder in it is ever removed.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_DRIVER_OUTPUTFOLDER_H
#define QUOIN_COMPILER_DRIVER_OUTPUTFOLDER_H

#include "support/Unfinished.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <utility>
#include <vector>

namespace quoin {

class OutputFolder {
public:
  /// What the path leads to must be absent, empty, or an earlier artefact (it holds a model.json and no folders).
  explicit OutputFolder(llvm::StringRef wanted) : wanted(wanted) {}
  /// Removes what was written unless `commit` succeeded.
  ~OutputFolder() = default;
  OutputFolder(const OutputFolder &) = delete;
  OutputFolder &operator=(const OutputFolder &) = delete;

  /// Finds the target and says what speaks against it. Nothing that is read may lie in the folder that will be
  /// replaced. False with `error` set if something does; makes nothing.
  bool check(llvm::ArrayRef<std::string> inputs, std::string &error);
  /// Checks, and makes the folder for the files.
  bool create(llvm::ArrayRef<std::string> inputs, std::string &error);
  /// The path of a file in the making.
  std::string path(llvm::StringRef file) const;
  /// Writes a small file.
  bool write(llvm::StringRef file, llvm::StringRef contents, std::string &error);
  /// Copies a file.
  bool copy(llvm::StringRef from, llvm::StringRef file, std::string &error);
  /// Puts the files in the target's place.
  bool commit(std::string &error);

private:
  bool checkContents(std::string &error) const;
  bool makeParents(std::vector<std::string> &made, std::string &error) const;
  bool commitByName();
  bool commitInside();
  bool moveAll(const std::string &from, const std::string &to, bool metadataFirst,
               std::vector<std::pair<std::string, std::string>> &moved) const;
  /// How messages name it.
  std::string shown() const;

  std::string wanted, target, partial; // as given; where it leads; in the making
  bool inside = false;                 // the files move, not the folder
  Unfinished unfinished;
};

} // namespace quoin

#endif
