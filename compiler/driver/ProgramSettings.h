//===- ProgramSettings.h - other values for a program's settings -----------===//

#ifndef QUOIN_COMPILER_DRIVER_PROGRAMSETTINGS_H
#define QUOIN_COMPILER_DRIVER_PROGRAMSETTINGS_H

#include "mlir/IR/BuiltinOps.h"
#include <string>
#include <utility>
#include <vector>

namespace quoin {

/// Gives settings (key and JSON value, or a word as it is) of a program's decoders other values, each to all decoders
/// that have it: numbers, words, and lists of as many ids as the program has. False with a message if none has one, or
/// if its value is none that it may have. What a decoder's text contains (`fixed`) takes its own value alone.
bool giveSettings(mlir::ModuleOp module, const std::vector<std::pair<std::string, std::string>> &settings,
                  std::string &error);

} // namespace quoin

#endif
