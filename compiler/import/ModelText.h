//===- ModelText.h - the model and its weights as text ---------------------===//

#ifndef QUOIN_COMPILER_IMPORT_MODELTEXT_H
#define QUOIN_COMPILER_IMPORT_MODELTEXT_H

#include "compiler/import/Architecture.h"
#include "compiler/import/CheckpointFiles.h"

namespace quoin {

/// A `quoin.model @model` and the `quoin.weight`s it names. Fails with a message if a tensor is missing or has another
/// shape than config.json says.
std::optional<std::string> modelText(const Architecture &architecture, const CheckpointFiles &files,
                                     std::string &error);

/// Text between double quotes, escaped as MLIR reads it.
std::string mlirString(const std::string &text);

} // namespace quoin

#endif
