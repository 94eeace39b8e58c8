//===- RotaryConfig.h - what config.json says of the rotary embedding ------===//
//
// The base and its scaling have been written in many places: `rope_theta` at the top, `rope_scaling`,
// `rope_parameters`, in these by layer type (`full_attention`, `sliding_attention`), all that below `text_config`.
// Every place is read. What a block may hold is a white list, and all bases have to agree; everything else would be
// another model. A scaling stands in one of the blocks at the top.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_ROTARYCONFIG_H
#define QUOIN_COMPILER_IMPORT_ROTARYCONFIG_H

#include "compiler/import/ConfigReader.h"
#include <span>

namespace quoin {

/// A rotary embedding: the base, and for a scaled one what each pair of features turns by at position 1, computed in
/// float64, and what sines and cosines are multiplied by.
struct Rotary {
  double base = 10000;
  std::vector<double> frequencies; // empty: plain, base^(-2i / head size)
  double magnitude = 1;
  double queryScale = 0, queryScaleFrom = 1; // queries grow by 1 + scale log(1 + floor(position / from))
};

/// What scaled embeddings depend on.
struct RotaryShape {
  int64_t headSize = 0, positions = 0;
  /// Layers that slide have a base of their own, which somebody else reads: here it only has to be plain.
  bool slidingElsewhere = false;
};

/// The rotary embedding; fails in `config` where it asks for one that is not supported, and without a shape for any
/// that is not plain. Scalings are `linear`, `llama3` and `yarn`.
Rotary readRotary(ConfigReader &config, std::optional<RotaryShape> shape);

/// The keys at the top of config.json that it reads.
std::span<const char *const> rotaryKeys();

} // namespace quoin

#endif
