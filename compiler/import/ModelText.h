//===- ModelText.h - the model and its weights as text ---------------------===//

#ifndef QUOIN_COMPILER_IMPORT_MODELTEXT_H
#define QUOIN_COMPILER_IMPORT_MODELTEXT_H

#include "compiler/import/Architecture.h"
#include "compiler/import/CheckpointFiles.h"
#include <functional>

namespace quoin {

/// A `quoin.model @model` and the `quoin.weight`s it names. Fails with a message if a tensor is missing or has another
/// shape than config.json says. `warn` is told, a line each, of what the checkpoint holds beside the model.
std::optional<std::string> modelText(const Architecture &architecture, const CheckpointFiles &files,
                                     const std::function<void(const std::string &)> &warn, std::string &error);

/// Text between double quotes, escaped as MLIR reads it.
std::string mlirString(const std::string &text);

} // namespace quoin

#endif
