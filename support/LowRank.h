//===- LowRank.h - products of low rank that are added to a weight ----------===//

#ifndef QUOIN_SUPPORT_LOWRANK_H
#define QUOIN_SUPPORT_LOWRANK_H

#include <cstdint>

namespace quoin {

/// rows[i][j] += scale * (sum over r of up[i][r] * down[r][j]), for `count` rows of `columns` numbers. In f32, sums in
/// the order of r: who reads a weight and who packs it get the same bits.
void addLowRank(float *rows, int64_t count, int64_t columns, const float *up, const float *down, int64_t rank,
                float scale);

} // namespace quoin

#endif
