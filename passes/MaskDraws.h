//===- MaskDraws.h - random tokens and symbols of calls --------------------===//
//
// Most wrong claims about masks are refuted by a few hundred random rows and keys, which is quicker than arithmetic and
// gives an example to show. Draws are the same in each run.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_PASSES_MASKDRAWS_H
#define QUOIN_PASSES_MASKDRAWS_H

#include "passes/MaskFacts.h"
#include <algorithm>
#include <random>
#include <set>

namespace quoin {

class MaskDraws {
protected:
  MaskDraws(llvm::ArrayRef<MaskUse> uses, const MaskFactsOptions &options) : uses(uses), options(options) {
    using Op = BlockMask::Op;
    for (const MaskUse &use : uses)
      for (const BlockMask::Node &n : use.mask.nodes()) {
        if (n.op == Op::Constant && n.value != 0 && std::abs(n.value) < (1 << 20))
          constants.insert(n.value);
        if ((n.op == Op::FloorDiv || n.op == Op::Mod) && n.value < (1 << 20))
          divisors.insert(n.value);
      }
  }

  /// A number from `low` to `high`, both included.
  int64_t draw(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random() % static_cast<uint64_t>(high - low + 1));
  }
  /// A small one where the range has such.
  int64_t drawLabel(int64_t low, int64_t high) {
    if (low == INT32_MIN)
      low = std::min<int64_t>(high, 0) - (high < 0 ? 2 : 0);
    return draw(low, std::min(high, low + 2));
  }
  /// Where a slot of the sequence stands.
  int64_t drawPosition(int64_t slot, int64_t range) {
    return options.sequencePositions && draw(0, 2) ? draw(0, range) : slot;
  }
  /// Sizes at which the formulas' constants and divisors matter.
  int64_t drawRange() const {
    int64_t most = 12;
    for (int64_t c : constants)
      most = std::max(most, 2 * std::abs(c));
    for (int64_t d : divisors)
      most = std::max(most, 3 * d);
    return std::min<int64_t>(most, 4096);
  }
  llvm::SmallVector<int64_t> drawSymbols(const MaskUse &use, llvm::ArrayRef<int64_t> sharedValues, int64_t range) {
    llvm::SmallVector<int64_t> r;
    for (int id : use.shared)
      r.push_back(id < 0 ? draw(-2, range) : sharedValues[id]);
    return r;
  }
  llvm::SmallVector<int64_t> drawShared(int64_t range) {
    llvm::SmallVector<int64_t> r;
    int count = options.sharedInCut;
    for (const MaskUse &use : uses)
      for (int id : use.shared)
        count = std::max(count, id + 1);
    for (int i = 0; i < count; ++i)
      r.push_back(draw(-2, range));
    return r;
  }
  llvm::ArrayRef<MaskUse> uses;
  const MaskFactsOptions &options;
  std::minstd_rand random;
  std::set<int64_t> constants, divisors;
};

} // namespace quoin

#endif
