//===- ModelWeights.h - the tensors that a template names ------------------===//

#ifndef QUOIN_COMPILER_IMPORT_MODELWEIGHTS_H
#define QUOIN_COMPILER_IMPORT_MODELWEIGHTS_H

#include "compiler/import/Adapter.h"
#include "compiler/import/ModelTemplate.h"
#include <functional>

namespace quoin {

/// The `quoin.weight`s of a model. Fails with a message if a tensor is missing, has another shape, must not be there,
/// or belongs to a layer that is not counted. `warn` is told, a line each, of what the checkpoint holds beside the
/// model. `adapter` may be null; all of its tensors have to have a place. Names of files are relative to the
/// checkpoint's folder, unless `folder` says where that is.
std::optional<std::string> weightsText(const ModelDescription &model, const CheckpointFiles &files, Adapter *adapter,
                                       const std::string &folder, const std::function<void(const std::string &)> &warn,
                                       std::string &error);

/// Text between double quotes, escaped as MLIR reads it.
std::string mlirString(const std::string &text);

} // namespace quoin

#endif
