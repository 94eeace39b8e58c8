//===- ProgramSettings.h - other values for a program's settings -----------===//

#ifndef QUOIN_COMPILER_DRIVER_PROGRAMSETTINGS_H
#define QUOIN_COMPILER_DRIVER_PROGRAMSETTINGS_H

#include "mlir/IR/BuiltinOps.h"
#include <string>
#include <utility>
#include <vector>

namespace quoin {

/// Gives settings (key and JSON value) of a program's decoders other values, each to all decoders that have it. False
/// with a message if none has one, or if its value is another kind of number. Numbers that a decoder's text contains
/// cannot be given.
bool giveSettings(mlir::ModuleOp module, const std::vector<std::pair<std::string, std::string>> &settings,
                  std::string &error);

} // namespace quoin

#endif
