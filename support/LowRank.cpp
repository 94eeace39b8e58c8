//===- LowRank.cpp - products of low rank that are added to a weight --------===//

#include "support/LowRank.h"
#include <cstddef>
#include <vector>

// A product and a sum are two operations on every machine.
#pragma clang fp contract(off)

void quoin::addLowRank(float *rows, int64_t count, int64_t columns, const float *up, const float *down, int64_t rank,
                       float scale) {
  std::vector<float> change(static_cast<std::size_t>(columns));
  for (int64_t i = 0; i < count; ++i) {
    change.assign(change.size(), 0.0f);
    for (int64_t r = 0; r < rank; ++r) {
      float factor = up[i * rank + r];
      const float *line = down + r * columns;
      for (int64_t j = 0; j < columns; ++j)
        change[static_cast<std::size_t>(j)] += factor * line[j];
    }
    for (int64_t j = 0; j < columns; ++j)
      rows[i * columns + j] += scale * change[static_cast<std::size_t>(j)];
  }
}
