//===- ModuleParts.h - a module cut into parts, each with its own thread ---===//
//
// Most of a compilation is spent on code for functions, which know nothing of each other. So they are dealt to a few
// modules, and these become object files at once. The cut depends on the module alone, never on the machine.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_CPU_MODULEPARTS_H
#define QUOIN_COMPILER_CPU_MODULEPARTS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/IR/Module.h"
#include <optional>
#include <string>
#include <vector>

namespace quoin::cpu {

/// The object file's bytes of a module, which it may change; false after an error. Called from several threads, each
/// with a module in a context of its own.
using MakeObject = llvm::function_ref<bool(llvm::Module &part, std::string &object, std::string &error)>;

/// Objects that link to what the module is, at most `parts` of them. With one part symbols stay as they are; with more,
/// what was internal is hidden, so that it is seen by the other parts and by nothing that is linked to them later.
std::optional<std::vector<std::string>> objectsOf(llvm::Module &module, size_t parts, MakeObject make,
                                                  std::string &error);

} // namespace quoin::cpu

#endif
