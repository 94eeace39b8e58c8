//===- RotaryConfig.h - what config.json says of the rotary embedding ------===//
//
// The base and its scaling have been written in many places: `rope_theta` at the top, `rope_scaling`,
// `rope_parameters`, in these by layer type (`full_attention`, `sliding_attention`), all that below `text_config`.
// Every place is read. What a plain block may hold is a white list, and all bases have to agree; everything else would
// be another model. A scaling stands in one of the blocks at the top; what it computes is a text
// (models/rotary-frequencies.mlir.in).
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_ROTARYCONFIG_H
#define QUOIN_COMPILER_IMPORT_ROTARYCONFIG_H

#include "compiler/import/ConfigReader.h"
#include <span>

namespace quoin {

/// A rotary embedding: the base, and of a scaled one its kind ("" for plain ones) and the block that has its numbers,
/// which are a template's matter.
struct Rotary {
  double base = 10000;
  std::string kind;
  std::optional<ConfigReader> block;
};

/// Who may be scaled.
struct RotaryScaling {
  /// Layers that slide have a base of their own, which somebody else reads: here it only has to be plain.
  bool slidingElsewhere = false;
};

/// The rotary embedding; fails in `config` where places contradict each other, and where it is scaled although no
/// scaling is read.
Rotary readRotary(ConfigReader &config, std::optional<RotaryScaling> scaling);

/// Keys of a block that its kind of scaling is not asked for.
bool isCommonToScalings(std::string_view key);

/// The keys at the top of config.json that it reads.
std::span<const char *const> rotaryKeys();

} // namespace quoin

#endif
