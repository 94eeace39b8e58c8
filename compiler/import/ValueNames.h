//===- ValueNames.h - values whose names are given again -------------------===//
//
// MLIR wants each name once where it is known. A template may give one again (`%x = arith.addf %x, %o`), as whoever
// writes a loop does: the second `%x` becomes `%x_1`, and uses mean the latest. A brace opens a region whose names end
// with it; a name that is not known any more is free.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_VALUENAMES_H
#define QUOIN_COMPILER_IMPORT_VALUENAMES_H

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace quoin {

class ValueNames {
public:
  ValueNames() : scopes(1) {}
  /// The line with the names that its values have.
  std::string rename(std::string_view line);

private:
  struct Scope {
    std::map<std::string, std::string, std::less<>> latest; // as the template says: as MLIR has it
    std::set<std::string, std::less<>> taken;
  };
  const std::string *find(std::string_view name) const;
  bool isTaken(const std::string &name) const;
  std::string give(std::string_view name);

  std::vector<Scope> scopes;
  std::map<std::string, size_t, std::less<>> next; // the number to try first
};

} // namespace quoin

#endif
