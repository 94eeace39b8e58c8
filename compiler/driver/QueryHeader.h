//===- QueryHeader.h - model.h, and the name of what an object exports -----===//
//
// An object file exports one function, the query that returns its description. Any number of objects link into one host
// as long as these names differ, so the name can be chosen; the header declares it.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_DRIVER_QUERYHEADER_H
#define QUOIN_COMPILER_DRIVER_QUERYHEADER_H

#include "llvm/ADT/StringRef.h"
#include <string>

namespace quoin {

/// Whether hosts in C and in C++ can declare a function of that name.
bool isCallableName(llvm::StringRef name);

/// The text of a header that declares `const TYPE *SYMBOL(uint32_t max_version);` below `comment`, whose lines have no
/// marks of a comment. Guards are the symbol's own, so headers of different artefacts may be included together.
std::string queryHeader(llvm::StringRef comment, llvm::StringRef type, llvm::StringRef symbol);

} // namespace quoin

#endif
