//===- OtherModels.h - keys that make a model another one ------------------===//
//
// config.json may ask for more than a family computes: windows, experts, multipliers, caps. A key that would change the
// model is refused by its value; one with a value that changes nothing, and any that no model reads, is passed over.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_OTHERMODELS_H
#define QUOIN_COMPILER_IMPORT_OTHERMODELS_H

#include "compiler/import/Architecture.h"
#include "compiler/import/ConfigReader.h"

namespace quoin {

/// Fails in `config` where it asks for another model than the one whose shape is in `a`.
void refuseOtherModels(ConfigReader &config, const Architecture &a);

} // namespace quoin

#endif
