//===- RotaryConfig.h - what config.json says of the rotary embedding ------===//
//
// The base and its scaling have been written in many places: `rope_theta` at the top, `rope_scaling`,
// `rope_parameters`, in these by layer type (`full_attention`, `sliding_attention`), all that below `text_config`.
// Every place is read. What a block may hold is a white list, and all bases have to agree; everything else would be
// another model.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_ROTARYCONFIG_H
#define QUOIN_COMPILER_IMPORT_ROTARYCONFIG_H

#include "compiler/import/ConfigReader.h"

namespace quoin {

/// The base of plain rotary embeddings; fails in `config` where it asks for others.
double readRotaryBase(ConfigReader &config);

} // namespace quoin

#endif
