//===- ProgramText.h - decoders' texts in one module ----------------------===//
//
// A text has two parts, apart by its first empty line: attribute aliases with their comments, which MLIR wants before
// the module, and operations. `ProgramText` joins several texts: equal aliases become one, different ones of the same
// name are renamed.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_PROGRAMTEXT_H
#define QUOIN_COMPILER_IMPORT_PROGRAMTEXT_H

#include <map>
#include <string>
#include <string_view>

namespace quoin {

class ProgramText {
public:
  /// Adds an expanded text.
  void add(std::string_view text);
  const std::string &aliases() const { return head; }
  const std::string &operations() const { return body; }

private:
  std::string head, body;
  std::map<std::string, std::string> known; // alias to its definition
};

/// Moves every line that is not empty to the right.
std::string indent(std::string_view text, int columns);

} // namespace quoin

#endif
