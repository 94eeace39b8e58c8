//===- Adapters.h - weights that an adapter changes ------------------------===//
//
// A `quoin.weight` with the attribute `quoin.adapter = [@a, @b, s]` is W + s B A, where W is the tensor that it names
// and A and B are other weights, `[rank, in]` and `[out, rank]` (Hu et al., 2021): computed in f32, sums over the rank
// in order, and rounded once to W's type. It is done when weights are read or packed, so that no step knows of it.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_QUOIN_ADAPTERS_H
#define QUOIN_DIALECTS_QUOIN_ADAPTERS_H

#include "dialects/quoin/QuoinDialect.h"

namespace quoin {

inline constexpr llvm::StringLiteral adapterAttr = "quoin.adapter";

struct AdapterUse {
  mlir::FlatSymbolRefAttr down, up; ///< A and B
  double times = 0;
};

/// What a weight that was verified is changed by, if anything.
std::optional<AdapterUse> adapterOf(WeightOp weight);

/// Says what is wrong with the attribute.
mlir::LogicalResult verifyAdapter(mlir::Operation *op, mlir::Attribute attribute);

} // namespace quoin

#endif
