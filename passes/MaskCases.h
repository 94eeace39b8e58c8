//===- MaskCases.h - is there a counterexample? ----------------------------===//
//
// A question about masks is a conjunction: linear constraints on integers, and formulas that hold or fail for them. It
// is answered case by case: negation goes down to the comparisons, `ne` is two cases, and disjunctions are split one
// after the other, as long as what holds already has a rational point. Each case is a polyhedron of integers with one
// more variable per `floordiv` or `mod`, and Presburger arithmetic decides whether it has a point. "None in any case"
// is a proof.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_PASSES_MASKCASES_H
#define QUOIN_PASSES_MASKCASES_H

#include "dialects/quoin/BlockMask.h"

namespace quoin {

/// A sum of variables with coefficients, and a constant.
struct LinearForm {
  llvm::SmallVector<std::pair<unsigned, int64_t>, 4> terms;
  int64_t constant = 0;

  LinearForm() = default;
  explicit LinearForm(int64_t c) : constant(c) {}
  static LinearForm variable(unsigned v, int64_t offset = 0) {
    LinearForm f(offset);
    f.terms.push_back({v, 1});
    return f;
  }
};

/// A formula whose terms are given variables or numbers.
struct MaskInstance {
  const BlockMask *mask = nullptr;
  LinearForm queryPosition, keyPosition, querySlot, keySlot, queryOpen, keyOpen, queryLabel, keyLabel;
  llvm::SmallVector<LinearForm, 4> symbols;
};

class MaskQuestion {
public:
  /// At most `maxCases` cases. Each, and each split on the way to it, costs one unit of `budget` and one per division;
  /// without budget there is no answer.
  MaskQuestion(unsigned maxCases, int64_t &budget) : maxCases(maxCases), budget(budget) {}

  unsigned addVariable() { return variables++; }
  /// a + gap <= b.
  void requireLe(const LinearForm &a, const LinearForm &b, int64_t gap = 0) { ordered.push_back({a, b, gap}); }
  /// A new variable: a rounded down to a multiple of `block`, divided by it.
  unsigned addQuotient(const LinearForm &a, int64_t block);
  /// The formula holds, or fails.
  void require(MaskInstance instance, bool holds) { formulas.push_back({std::move(instance), holds}); }

  enum class Answer : uint8_t { None, Some, TooManyCases };
  /// Are there integers that satisfy everything?
  Answer solve() const;

private:
  struct Ordered {
    LinearForm a, b;
    int64_t gap;
  };
  struct Formula {
    MaskInstance instance;
    bool holds;
  };

  unsigned maxCases;
  int64_t &budget;
  unsigned variables = 0;
  std::vector<Ordered> ordered;
  std::vector<Formula> formulas;
};

} // namespace quoin

#endif
