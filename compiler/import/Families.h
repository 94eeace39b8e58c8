//===- Families.h - the templates of families ------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_FAMILIES_H
#define QUOIN_COMPILER_IMPORT_FAMILIES_H

#include "compiler/import/CheckpointFiles.h"
#include "compiler/import/ConfigReader.h"
#include "compiler/import/Template.h"

namespace quoin {

/// A text of `models/`, without its ending, or null and a message.
std::shared_ptr<const Template> familyText(const std::string &name, std::string &error);

/// All texts of `models/` that name a family or recognise one.
const std::vector<std::shared_ptr<const Template>> &families();

/// The template of a checkpoint: `architecture` if it is not empty, a family's name or the path of a text that ends in
/// `.mlir.in`; else the first that recognises the config; else the one that has its `model_type`, in any case.
std::shared_ptr<const Template> findFamily(const std::string &architecture, ConfigReader &config,
                                           const CheckpointFiles *files, std::string &error);

} // namespace quoin

#endif
