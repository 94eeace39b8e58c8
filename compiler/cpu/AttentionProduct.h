//===- AttentionProduct.h - the products of a tile of attention ------------===//

#ifndef QUOIN_COMPILER_CPU_ATTENTIONPRODUCT_H
#define QUOIN_COMPILER_CPU_ATTENTIONPRODUCT_H

#include "compiler/cpu/KernelBuilder.h"

namespace quoin::cpu {

/// Some rows times the lines of a page, in registers.
struct AttentionProduct {
  KernelBuilder &kb;
  int64_t rows;   ///< that pass together
  int64_t atOnce; ///< vectors beside each other whose sums registers hold
  bool narrowed;  ///< both sides are pairs of BF16
  bool pairs;     ///< a line holds two elements

  /// One side of a product in memory.
  struct Side {
    Val at;
    int64_t bytes; ///< between rows
  };

  /// Of the left side, for a line.
  int64_t stepBytes() const { return pairs && !narrowed ? 8 : 4; }

  /// acc[r][v] += a[r][i] * b[i][v] for all lines i, in order, from zero if `fresh`. With `word`, what belongs to keys
  /// whose bit is not set loses all but its sign. A function of its own: full and partial tiles share it.
  void multiply(Side acc, bool fresh, Side a, Side b, Val lines, int64_t vectors, Val word = {}) const;

private:
  Vals accumulate(Vals acc, Side a, Side b, Val lines, Val word) const;
  void step(Vals &acc, Val a, int64_t stride, llvm::ArrayRef<Val> line) const;
  Val seenBits(Val word, Val line) const;
};

} // namespace quoin::cpu

#endif
